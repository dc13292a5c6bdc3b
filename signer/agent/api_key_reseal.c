/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * POST /v1/keys/{key}/reseal: the PCR values that a key can be used under change. The
 * body is JSON: {"approval": PEM} adds what the key's policy key has approved; else
 * {"pcrs": [...], "pin": ..., "pcr_digest": HEX} seals it anew.
 * GET /v1/pcrs?list=7,11: what they are now.
 */
#include <errno.h>

#include "lib/pem.h"
#include "lib/secmem.h"
#include "signer/agent/api_keys.h"

#define BODY_MAX 4096u

int ms_api_take_approval(const json_t *pem, struct ms_ipc_create *c, struct ms_error *err)
{
	_cleanup_buf_ struct ms_buf der = MS_BUF_INIT(sizeof(c->approval));
	const char *text = json_string_value(pem);
	size_t used;

	if (!text ||
	    ms_pem_find(text, strlen(text), MS_PCR_APPROVAL_LABEL, &der, &used) < 0)
		return ms_error_set(err, -EINVAL, "bad-request",
				    "approval is the PEM text that 'modseal key "
				    "approve-pcrs' writes");
	memcpy(c->approval, der.data, der.len);
	c->approval_len = der.len;
	return 0;
}

static int take_digest(const json_t *j, struct ms_ipc_create *c, struct ms_error *err)
{
	const char *hex = json_string_value(j);

	if (!j || json_is_null(j))
		return 0;
	c->foretold = hex && strlen(hex) == 64 && ms_unhex(hex, c->pcr_digest, 32) == 0;
	if (c->foretold && c->pcrs)
		return 0;
	return ms_error_set(err, -EINVAL, "bad-request",
			    "pcr_digest is the SHA-256 of the values of pcrs, as 64 hex "
			    "digits");
}

static int parse_reseal(const uint8_t *body, size_t len, struct ms_ipc_create *c,
			struct ms_error *err)
{
	json_t *approval = NULL, *pcrs = NULL, *pin = NULL, *digest = NULL, *j;
	json_error_t je;
	int r = 0;

	j = json_loadb((const char *)body, len, JSON_REJECT_DUPLICATES, &je);
	if (!j || json_unpack_ex(j, &je, JSON_STRICT, "{s?o, s?o, s?o, s?o}", "approval",
				 &approval, "pcrs", &pcrs, "pin", &pin, "pcr_digest",
				 &digest) < 0) {
		json_decref(j);
		return ms_error_set(err, -EINVAL, "bad-request",
				    "the request is not as in modseald(8): line %d: %s",
				    je.line, je.text);
	}
	c->pcrs = 1u << 7;
	if (approval && (pcrs || pin || digest))
		r = ms_error_set(err, -EINVAL, "bad-request",
				 "an approval stands alone: neither pcrs nor pin go with "
				 "it");
	else if (approval)
		r = ms_api_take_approval(approval, c, err);
	if (r == 0 && pcrs)
		r = ms_api_pcrs_mask(pcrs, &c->pcrs, err);
	if (r == 0)
		r = ms_api_take_pin(pin, c, err);
	if (r == 0)
		r = take_digest(digest, c, err);
	json_decref(j);
	return r;
}

void ms_api_reseal(struct ms_web *w)
{
	struct ms_ipc_msg m = {.op = MS_IPC_RESEAL};
	struct ms_error err = {0};
	const uint8_t *body;
	size_t len;
	int r;

	if (!ms_api_admin_or_answer(w, "reseal") || !ms_api_key_or_answer(w))
		return;
	body = ms_web_body(w, &len);
	if (len > BODY_MAX)
		r = ms_error_set(&err, -EFBIG, "too-large",
				 "the request is over %u bytes", BODY_MAX);
	else
		r = parse_reseal(body, len, &m.create, &err);
	if (r < 0) {
		ms_web_problem(w, r, &err);
	} else {
		memcpy(m.create.name, w->key, sizeof(m.create.name));
		ms_api_ask_change(
			w, m.create.approval_len ? "key-approval" : "key-reseal", &m);
	}
	ms_wipe(&m, sizeof(m));
}

/* ------------------------------------------------------------------------ PCRs */

struct asked {
	struct ms_web *w;
	uint32_t mask;
};

static json_t *json_pcrs(uint32_t mask, const uint8_t *values)
{
	json_t *list = json_array();
	char hex[65];

	for (int i = 0; i < (int)MS_PCRS; i++) {
		if (!(mask & (1u << i)))
			continue;
		json_array_append_new(list, json_pack("{s:i, s:s}", "pcr", i, "sha256",
						      ms_hex(values, 32, hex)));
		values += 32;
	}
	return json_pack("{s:o}", "pcrs", list);
}

static void on_pcrs(void *arg, const struct ms_ipc_msg *m, const struct ms_error *err)
{
	_cleanup_free_ struct asked *a = arg;
	struct ms_error nonsense = {0};

	if (!m)
		ms_web_problem(a->w, -EAGAIN, err);
	else if (m->op == MS_IPC_RESULT && m->result.rc < 0)
		ms_web_problem(a->w, m->result.rc, &m->result.err);
	else if (m->op == MS_IPC_RESULT &&
		 m->result.len == 32u * (unsigned int)__builtin_popcount(a->mask))
		ms_web_json(a->w, 200, json_pcrs(a->mask, m->result.data));
	else
		ms_web_problem(a->w, -EIO, &nonsense);
}

/* "7,11" */
static uint32_t parse_list(const char *text)
{
	uint32_t mask = 0;

	while (*text) {
		unsigned int n = 0, digits = 0;

		for (; *text >= '0' && *text <= '9' && digits < 3; digits++)
			n = 10 * n + (unsigned int)(*text++ - '0');
		if (!digits || n >= MS_PCRS || (*text && *text != ','))
			return 0;
		mask |= 1u << n;
		if (*text && !*++text)
			return 0;
	}
	return mask;
}

void ms_api_pcrs(struct ms_web *w)
{
	struct ms_ipc_msg m = {.op = MS_IPC_PCRS};
	const char *list = ms_web_param(w, "list");
	struct asked *a = calloc(1, sizeof(*a));
	struct ms_error err = {0};
	int r = a ? 0 : -ENOMEM;

	m.pcrs.mask = parse_list(list ? list : "7");
	if (r == 0 && !m.pcrs.mask)
		r = ms_error_set(
			&err, -EINVAL, "bad-request",
			"list has numbers from 0 to 23 with commas between them");
	if (r == 0) {
		*a = (struct asked){.w = w, .mask = m.pcrs.mask};
		r = ms_key_link_ask(w->front->keys, &m, on_pcrs, a, &err);
	}
	if (r < 0) {
		free(a);
		ms_web_problem(w, r, &err);
	}
}
