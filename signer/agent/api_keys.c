/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /v1/keys: inventory, certificates, creating and unlocking. */
#include <errno.h>
#include <time.h>

#include "lib/agent_client.h"
#include "lib/escape.h"
#include "lib/secmem.h"
#include "signer/agent/api_keys.h"

#define DAYS_DEFAULT 3650u
#define DAYS_MAX 36500u
#define BODY_MAX 4096u

void ms_api_keys(struct ms_web *w)
{
	ms_web_json(w, 200, ms_api_json_keys(w));
}

/* The key of the path; answers itself when there is none that the asker may see. */
const struct ms_front_key *ms_api_key_or_answer(struct ms_web *w)
{
	const struct ms_front_key *k = ms_key_link_find(w->front->keys, w->key);
	struct ms_error err = {0};
	int r = -ENOENT;

	if (k && ms_policy_may_see(w->front->config, &w->who, w->key))
		return k;
	if (!ms_key_link_loaded(w->front->keys))
		r = ms_error_set(&err, -EAGAIN, "not-ready", "the keys are being loaded");
	else
		ms_error_set(&err, r, "no-such-key",
			     "no key %s that %s may use: 'modseal key list' shows them",
			     w->key, w->who.id);
	ms_web_problem(w, r, &err);
	return NULL;
}

void ms_api_key(struct ms_web *w)
{
	const struct ms_front_key *k = ms_api_key_or_answer(w);

	if (k)
		ms_web_json(w, 200, ms_api_json_key(w, k));
}

void ms_api_certificate(struct ms_web *w)
{
	const struct ms_front_key *k = ms_api_key_or_answer(w);
	_cleanup_buf_ struct ms_buf pem = MS_BUF_INIT(2 * MS_CERT_MAX);
	struct ms_error err = {0};
	const char *format;

	if (!k)
		return;
	format = ms_web_param(w, "format");
	if (!k->cert) {
		ms_error_set(&err, -EAGAIN, "key-broken", "key %s is broken: %s", w->key,
			     k->info.reason);
		ms_web_problem(w, -EAGAIN, &err);
	} else if (!format || strcmp(format, "der") == 0) {
		ms_web_bytes(w, 200, "application/pkix-cert", k->cert->der,
			     k->cert->der_len);
	} else if (strcmp(format, "pem") == 0 &&
		   ms_cert_pem(k->cert->der, k->cert->der_len, &pem) == 0) {
		ms_web_bytes(w, 200, "application/x-pem-file", pem.data, pem.len);
	} else {
		ms_error_set(&err, -EINVAL, "bad-request", "format is der or pem");
		ms_web_problem(w, -EINVAL, &err);
	}
}

/* ------------------------------------------------------ creating, unlocking */

/**
 * struct change - a change of a key on its way: asked, then recorded, then answered
 */
struct change {
	struct ms_web *w;
	const char *event;
	int rc;
	struct ms_error err;
};

static void change_answer(struct change *c)
{
	const struct ms_front_key *k = ms_key_link_find(c->w->front->keys, c->w->key);

	if (c->rc < 0)
		ms_web_problem(c->w, c->rc, &c->err);
	else
		ms_web_json(c->w,
			    strcmp(c->event, "key-create") == 0 ||
					    strcmp(c->event, "key-import") == 0
				    ? 201
				    : 200,
			    k ? ms_api_json_key(c->w, k) : json_object());
	free(c);
}

static void on_change_recorded(void *arg, int rc, uint64_t seq,
			       const struct ms_error *err)
{
	struct change *c = arg;

	if (rc < 0) {
		c->rc = rc;
		c->err = *err;
	}
	change_answer(c);
}

static void on_changed(void *arg, const struct ms_ipc_msg *m, const struct ms_error *err)
{
	struct change *c = arg;
	struct ms_web *w = c->w;
	const struct ms_front_key *k = ms_key_link_find(w->front->keys, w->key);
	json_t *fields;

	c->rc = m ? m->done.rc : -EAGAIN;
	c->err = m ? m->done.err : *err;
	fields = json_pack("{s:s, s:s, s:s}", "user", w->who.user, "result",
			   c->rc < 0 ? "failed" : "done", "reason",
			   c->rc < 0 ? c->err.msg : "");
	ms_identity_put_proof(&w->who, fields);
	if (k && fields)
		json_object_set_new(fields, "algorithm",
				    json_string(ms_alg_name(k->info.alg)));
	if (k && fields)
		json_object_set_new(fields, "protection",
				    json_string(k->info.protection));
	if (ms_audit_put(w->front->audit, c->event, w->key, w->who.id, w->id, fields,
			 on_change_recorded, c) < 0)
		on_change_recorded(c, -ENOMEM, 0, &c->err);
}

/* Admins only; a refusal is recorded too. */
bool ms_api_admin_or_answer(struct ms_web *w, const char *what)
{
	struct ms_error err = {0};
	json_t *fields;

	if (ms_identity_is_admin(w->front->config, &w->who))
		return true;
	ms_error_set(
		&err, -EACCES, "not-admin",
		"%s may not %s keys: 'admins' in the agent's configuration says who may",
		w->who.id, what);
	fields = json_pack("{s:s, s:s, s:s}", "user", w->who.user, "code", err.code,
			   "reason", err.msg);
	ms_identity_put_proof(&w->who, fields);
	(void)!ms_audit_put(w->front->audit, "refuse", w->key, w->who.id, w->id, fields,
			    NULL, NULL);
	ms_web_problem(w, -EACCES, &err);
	return false;
}

void ms_api_ask_change(struct ms_web *w, const char *event, struct ms_ipc_msg *m)
{
	struct change *c = calloc(1, sizeof(*c));
	struct ms_error err = {0};
	int r;

	if (!c) {
		ms_web_problem(w, -ENOMEM, &err);
		return;
	}
	c->w = w;
	c->event = event;
	r = ms_key_link_ask(w->front->keys, m, on_changed, c, &err);
	if (r < 0) {
		free(c);
		ms_web_problem(w, r, &err);
	}
}

int ms_api_pcrs_mask(const json_t *j, uint32_t *ret, struct ms_error *err)
{
	uint32_t mask = 0;
	const json_t *v;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)j, i, v)
	{
		json_int_t n = json_integer_value(v);

		if (!json_is_integer(v) || n < 0 || n > 23)
			return ms_error_set(err, -EINVAL, "bad-request",
					    "pcrs is a list of numbers from 0 to 23");
		mask |= 1u << n;
	}
	*ret = mask;
	return 0;
}

static int copy_text(char *dst, size_t size, const char *src, const char *what,
		     struct ms_error *err)
{
	if (strlen(src) >= size)
		return ms_error_set(err, -EINVAL, "bad-request",
				    "%s is longer than %zu bytes", what, size - 1);
	memcpy(dst, src, strlen(src) + 1);
	return 0;
}

/*
 * A PIN that is none of the texts that can be typed would make a key without a PIN, or
 * one that nobody can unlock.
 */
static bool is_pin(const char *pin)
{
	for (const char *p = pin; *p; p++)
		if (*p < ' ' || *p > '~')
			return false;
	return *pin;
}

int ms_api_take_pin(const json_t *pin, struct ms_ipc_create *c, struct ms_error *err)
{
	if (!pin || json_is_null(pin))
		return 0;
	if (!json_is_string(pin) || !is_pin(json_string_value(pin)))
		return ms_error_set(err, -EINVAL, "bad-request",
				    "pin is a text of 1 to %u printable ASCII characters",
				    MS_PIN_MAX);
	return copy_text(c->pin, sizeof(c->pin), json_string_value(pin), "PIN", err);
}

/* What may be left out, or null, but not be of another type. */
static int check_optional(const json_t *subject, const json_t *pcrs, struct ms_error *err)
{
	if (subject && !json_is_null(subject) && !json_is_string(subject))
		return ms_error_set(err, -EINVAL, "bad-request", "subject is a text");
	if (pcrs && !json_is_null(pcrs) && !json_is_array(pcrs))
		return ms_error_set(err, -EINVAL, "bad-request",
				    "pcrs is a list of numbers from 0 to 23");
	return 0;
}

static int take_scheme(const json_t *scheme, struct ms_ipc_create *c,
		       struct ms_error *err)
{
	const char *text = json_string_value(scheme);

	if (!scheme || json_is_null(scheme) || (text && strcmp(text, "tpm") == 0))
		return 0;
	c->raw = text && strcmp(text, "raw") == 0 && c->custody == MS_CUSTODY_RESIDENT &&
		 ms_alg_is_rsa(c->alg);
	if (c->raw)
		return 0;
	return ms_error_set(err, -EINVAL, "bad-request",
			    "scheme is tpm, or raw for RSA keys of custody resident");
}

static int parse_create(const uint8_t *body, size_t len, struct ms_ipc_create *c,
			struct ms_error *err)
{
	const char *name = "", *alg = "", *custody = "sealed", *subject;
	json_t *jsubject = NULL, *pin = NULL, *pcrs = NULL, *approval = NULL;
	json_t *scheme = NULL, *j;
	json_int_t days = DAYS_DEFAULT;
	int pending = 0, module_only = 0;
	char shown[32];
	json_error_t je;
	int r;

	j = json_loadb((const char *)body, len, JSON_REJECT_DUPLICATES, &je);
	if (!j ||
	    json_unpack_ex(j, &je, JSON_STRICT,
			   "{s:s, s:s, s?s, s?o, s?I, s?o, s?o, s?o, s?o, s?b, s?b}",
			   "name", &name, "algorithm", &alg, "custody", &custody,
			   "subject", &jsubject, "days", &days, "pcrs", &pcrs, "pin",
			   &pin, "approval", &approval, "scheme", &scheme, "pending",
			   &pending, "module_only", &module_only) < 0) {
		json_decref(j);
		return ms_error_set(err, -EINVAL, "bad-request",
				    "the request is not as in "
				    "modseald(8): line %d: %s",
				    je.line, je.text);
	}
	/* NULL where it is absent or null. */
	subject = json_string_value(jsubject);
	c->custody = MS_CUSTODY_SEALED;
	c->pcrs = 1u << 7;
	r = check_optional(jsubject, pcrs, err);
	if (r == 0)
		r = copy_text(c->name, sizeof(c->name), name, "name", err);
	if (r == 0 && !ms_key_name_valid(c->name))
		r = ms_error_set(
			err, -EINVAL, "bad-name",
			"a key's name is 1 to 64 of A-Z a-z 0-9 . _ - and does not "
			"start with . or -");
	if (r == 0 && ms_custody_from_name(custody, &c->custody) < 0)
		r = ms_error_set(err, -EINVAL, "unsupported",
				 "custody %s is not one: sealed, resident or leaf",
				 ms_escape_str(custody, shown, sizeof(shown)));
	if (r == 0 && (ms_alg_from_name(alg, &c->alg) < 0 || c->alg > MS_ALG_P384))
		r = ms_error_set(err, -EINVAL, "unsupported",
				 "algorithm is rsa2048, rsa3072, rsa4096, p256 or p384");
	if (r == 0 && (days < 1 || days > (json_int_t)DAYS_MAX))
		r = ms_error_set(err, -EINVAL, "bad-request", "days is 1 to %u",
				 DAYS_MAX);
	if (r == 0)
		r = copy_text(c->common_name, sizeof(c->common_name),
			      subject ? subject : name, "subject", err);
	if (r == 0)
		r = ms_api_take_pin(pin, c, err);
	if (r == 0)
		r = take_scheme(scheme, c, err);
	if (r == 0 && approval && !json_is_null(approval))
		r = ms_api_take_approval(approval, c, err);
	if (r == 0 && json_is_array(pcrs))
		r = ms_api_pcrs_mask(pcrs, &c->pcrs, err);
	c->days = (uint32_t)days;
	c->pending = pending;
	c->module_only = module_only;
	json_decref(j);
	return r;
}

void ms_api_create(struct ms_web *w)
{
	struct ms_ipc_msg m = {.op = MS_IPC_CREATE};
	struct ms_error err = {0};
	const uint8_t *body;
	size_t len;
	int r;

	body = ms_web_body(w, &len);
	if (len > BODY_MAX)
		r = ms_error_set(&err, -EFBIG, "too-large",
				 "the request is over %u bytes", BODY_MAX);
	else
		r = parse_create(body, len, &m.create, &err);
	if (r < 0) {
		ms_web_problem(w, r, &err);
		return;
	}
	memcpy(w->key, m.create.name, sizeof(w->key));
	if (ms_api_admin_or_answer(w, "create"))
		ms_api_ask_change(w, "key-create", &m);
	ms_wipe(&m, sizeof(m));
}

void ms_api_unlock(struct ms_web *w)
{
	struct ms_ipc_msg m = {.op = MS_IPC_UNLOCK};
	struct ms_error err = {0};
	const uint8_t *body;
	size_t len;

	if (!ms_api_admin_or_answer(w, "unlock") || !ms_api_key_or_answer(w))
		return;
	body = ms_web_body(w, &len);
	while (len && (body[len - 1] == '\n' || body[len - 1] == '\r'))
		len--;
	if (len > MS_PIN_MAX || (body && memchr(body, 0, len))) {
		ms_error_set(&err, -EINVAL, "bad-request",
			     "a PIN has at most %u bytes, no NUL", MS_PIN_MAX);
		ms_web_problem(w, -EINVAL, &err);
		return;
	}
	memcpy(m.unlock.key, w->key, sizeof(m.unlock.key));
	if (len)
		memcpy(m.unlock.pin, body, len);
	ms_api_ask_change(w, "key-unlock", &m);
	ms_wipe(&m, sizeof(m));
}
