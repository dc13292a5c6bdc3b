/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * POST /v1/revocations/list: all that is revoked as a document for verifiers, numbered,
 * with a signature beside it that has the form of a manifest's (docs/REVOCATIONS.md).
 */
#include <errno.h>
#include <openssl/evp.h>
#include <time.h>

#include "lib/agent_client.h"
#include "lib/pkcs7.h"
#include "signer/agent/api_keys.h"
#include "signer/agent/revocation.h"
#include "signer/agent/store_change.h"

#define DAY_S 86400
#define DAYS_DEFAULT 30
#define DAYS_MAX 3650

/**
 * struct listing - a list on its way
 * @key: that signs it; "": none
 * @text: what is signed; @signature: base64, or NULL
 */
struct listing {
	struct ms_web *w;
	char key[MS_KEY_NAME_MAX + 1];
	uint64_t number;
	size_t entries;
	int64_t expires;
	uint8_t digest[MS_DIGEST_MAX];
	char *text, *signature;
};

static void listing_free(struct listing *l)
{
	free(l->text);
	free(l->signature);
	free(l);
}

static void answer(struct listing *l, int rc, const struct ms_error *err)
{
	if (rc < 0)
		ms_web_problem(l->w, rc, err);
	else
		ms_web_json(l->w, 200,
			    json_pack("{s:I, s:I, s:s, s:s*}", "number",
				      (json_int_t)l->number, "entries",
				      (json_int_t)l->entries, "list", l->text,
				      "signature", l->signature));
	listing_free(l);
}

static void on_recorded(void *arg, int rc, uint64_t seq, const struct ms_error *err)
{
	answer(arg, rc, err);
}

/* The number is stored with the record, so that none is ever given twice. */
static int record(struct listing *l)
{
	struct ms_web *w = l->w;
	struct ms_change *changes = NULL;
	char hex[65], number[24], expires[32];
	json_t *fields;

	snprintf(number, sizeof(number), "%llu", (unsigned long long)l->number);
	if (ms_change_add(&changes, MS_CHANGE_DENIED, MS_DENIED_NUMBER_KEY, 0, number) <
	    0)
		return -ENOMEM;
	fields = json_pack("{s:s, s:I, s:I, s:s, s:s, s:b}", "user", w->who.user,
			   "number", (json_int_t)l->number, "entries",
			   (json_int_t)l->entries, "sha256", ms_hex(l->digest, 32, hex),
			   "expires", ms_revocation_time_text(l->expires, expires),
			   "signed", !!l->signature);
	ms_identity_put_proof(&w->who, fields);
	return ms_audit_put_with(w->front->audit, "revocation-list", l->key, w->who.id,
				 w->id, fields, changes, on_recorded, l);
}

static int add_entries(struct listing *l, json_t *list)
{
	const struct ms_front *f = l->w->front;
	const char *key, *data;

	for (size_t i = 0; (key = ms_denied_at(f->denied, i, &data)); i++)
		if (json_array_append_new(list, ms_revocation_entry(key, data)) < 0)
			return -ENOMEM;
	for (size_t i = 0; i < f->config->denied.n; i++)
		if (json_array_append_new(
			    list, ms_revocation_entry(f->config->denied.v[i], "{}")) < 0)
			return -ENOMEM;
	l->entries = json_array_size(list);
	return 0;
}

static int make_text(struct listing *l, int64_t days)
{
	json_t *list = json_array(), *j;
	int64_t now = time(NULL);
	char issued[32], expires[32];
	int r = list ? add_entries(l, list) : -ENOMEM;

	l->number = ms_denied_next_number(l->w->front->denied);
	l->expires = now + days * DAY_S;
	j = json_pack("{s:i, s:I, s:s, s:s, s:o}", "version", 1, "number",
		      (json_int_t)l->number, "issued",
		      ms_revocation_time_text(now, issued), "expires",
		      ms_revocation_time_text(l->expires, expires), "entries", list);
	if (r == 0)
		l->text = j ? json_dumps(j, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
	json_decref(j);
	if (!l->text)
		return -ENOMEM;
	return ms_digest(MS_HASH_SHA256, (const uint8_t *)l->text, strlen(l->text),
			 l->digest);
}

static int put_signature(struct listing *l, const struct ms_ipc_msg *m)
{
	const struct ms_front_key *key = ms_key_link_find(l->w->front->keys, l->key);
	_cleanup_buf_ struct ms_buf der = MS_BUF_INIT(MS_MESSAGE_MAX);
	struct ms_pkcs7_request req = {.hash = MS_HASH_SHA256,
				       .sig = m->signed_.sig,
				       .sig_len = m->signed_.sig_len};
	int r;

	if (!key || !key->cert)
		return -ENOENT;
	req.cert = key->cert;
	r = ms_pkcs7_build(&req, &der);
	l->signature = r == 0 ? malloc(4 * ((der.len + 2) / 3) + 1) : NULL;
	if (r == 0 && !l->signature)
		r = -ENOMEM;
	if (r == 0)
		EVP_EncodeBlock((unsigned char *)l->signature, der.data, (int)der.len);
	return r;
}

static void on_signed(void *arg, const struct ms_ipc_msg *m, const struct ms_error *err)
{
	struct listing *l = arg;
	struct ms_error why = {0};
	int r;

	if (!m) {
		answer(l, -EAGAIN, err);
		return;
	}
	if (m->op != MS_IPC_SIGNED)
		r = ms_error_set(&why, -EIO, NULL, "the key process gave a wrong answer");
	else if (m->signed_.rc < 0) {
		r = m->signed_.rc;
		why = m->signed_.err;
	} else {
		r = put_signature(l, m);
	}
	if (r == 0)
		r = record(l);
	if (r < 0)
		answer(l, r, &why);
}

/* An issuing key shall sign nothing that the front alone has thought of. */
static int check_key(struct listing *l, struct ms_error *err)
{
	const struct ms_front *f = l->w->front;
	const struct ms_front_key *key = ms_key_link_find(f->keys, l->key);

	if (!key || !key->cert)
		return ms_error_set(err, -ENOENT, "no-such-key",
				    "there is no key %s: 'modseal key list' shows the "
				    "keys",
				    l->key);
	if (key->info.custody == MS_CUSTODY_LEAF)
		return ms_error_set(err, -EINVAL, "issuing-key",
				    "key %s signs certificates only: name a key of "
				    "custody sealed or resident",
				    l->key);
	return ms_denied_cert(f->denied, key->cert, time(NULL), err);
}

static int ask(struct listing *l, struct ms_error *err)
{
	struct ms_ipc_msg m = {.op = MS_IPC_SIGN};

	memcpy(m.sign.key, l->key, sizeof(m.sign.key));
	m.sign.hash = MS_HASH_SHA256;
	memcpy(m.sign.digest, l->digest, sizeof(m.sign.digest));
	return ms_key_link_ask(l->w->front->keys, &m, on_signed, l, err);
}

static int read_days(const char *text, int64_t *ret)
{
	int64_t n = 0;

	for (; *text; text++) {
		if (*text < '0' || *text > '9' || n > DAYS_MAX)
			return -EINVAL;
		n = n * 10 + (*text - '0');
	}
	if (n < 1 || n > DAYS_MAX)
		return -EINVAL;
	*ret = n;
	return 0;
}

static int start(struct listing *l, struct ms_error *err)
{
	const char *key = ms_web_param(l->w, "key"), *text = ms_web_param(l->w, "days");
	int64_t days = DAYS_DEFAULT;
	int r;

	if (text && read_days(text, &days) < 0)
		return ms_error_set(err, -EINVAL, "bad-request",
				    "days is a number from 1 to %d", DAYS_MAX);
	if (key && !ms_key_name_valid(key))
		return ms_error_set(err, -EINVAL, "bad-request",
				    "key is not the name of a key");
	snprintf(l->key, sizeof(l->key), "%s", key ? key : "");
	r = key ? check_key(l, err) : 0;
	if (r == 0)
		r = make_text(l, days);
	if (r < 0)
		return r;
	return key ? ask(l, err) : record(l);
}

void ms_api_revocation_list(struct ms_web *w)
{
	struct ms_error err = {0};
	struct listing *l;
	int r = -ENOMEM;

	if (!ms_api_admin_or_answer(w, "sign lists of what is revoked with"))
		return;
	l = calloc(1, sizeof(*l));
	if (l) {
		l->w = w;
		r = start(l, &err);
	}
	if (r < 0) {
		if (l)
			listing_free(l);
		ms_web_problem(w, r, &err);
	}
}
