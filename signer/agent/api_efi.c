/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * POST /v1/keys/{key}/sign-efi: an update of the firmware's db, dbx, KEK or PK, signed by
 * a key that the firmware trusts. The body is a signature list; the front puts together
 * what is signed, so that nothing else than such an update can come out of it.
 */
#include <errno.h>

#include "lib/efi.h"
#include "signer/agent/api_keys.h"

/**
 * struct update - one on its way
 * @bundle: what was signed; the signature list is its end
 * @auth: what is handed out
 */
struct update {
	struct ms_web *w;
	struct ms_efi_update u;
	char variable[4];
	char digest[65];
	size_t entries;
	struct ms_buf bundle, auth;
	int rc;
	struct ms_error err;
};

static void update_free(struct update *p)
{
	ms_buf_clear(&p->bundle);
	ms_buf_clear(&p->auth);
	free(p);
}

static void on_recorded(void *arg, int rc, uint64_t seq, const struct ms_error *err)
{
	struct update *p = arg;

	if (rc < 0) {
		p->rc = rc;
		p->err = *err;
	}
	if (p->rc < 0)
		ms_web_problem(p->w, p->rc, &p->err);
	else
		ms_web_bytes(p->w, 200, "application/octet-stream", p->auth.data,
			     p->auth.len);
	update_free(p);
}

static int put_together(struct update *p, const struct ms_ipc_msg *m)
{
	const struct ms_front_key *k = ms_key_link_find(p->w->front->keys, p->w->key);
	_cleanup_buf_ struct ms_buf message = MS_BUF_INIT(MS_MESSAGE_MAX);
	uint8_t digest[MS_DIGEST_MAX];
	int r;

	if (!k || !k->cert || !k->cert->pkey)
		return -ENOENT;
	r = ms_digest(MS_HASH_SHA256, p->bundle.data, p->bundle.len, digest);
	/* The certificate may have been replaced since the question was asked. */
	if (r == 0)
		r = ms_key_verify_digest(k->cert->pkey, MS_HASH_SHA256, digest,
					 m->result.data, m->result.len);
	if (r == 0)
		r = ms_efi_signed_data(k->cert, m->result.data, m->result.len, &message);
	return r < 0 ? r : ms_efi_auth(&p->u, message.data, message.len, &p->auth);
}

static void on_signed(void *arg, const struct ms_ipc_msg *m, const struct ms_error *err)
{
	struct update *p = arg;
	struct ms_web *w = p->w;
	json_t *fields;

	if (!m) {
		p->rc = -EAGAIN;
		p->err = *err;
	} else if (m->op != MS_IPC_RESULT) {
		p->rc = m->op == MS_IPC_DONE && m->done.rc < 0 ? m->done.rc : -EIO;
		if (m->op == MS_IPC_DONE)
			p->err = m->done.err;
	} else {
		p->rc = m->result.rc;
		p->err = m->result.err;
		if (p->rc == 0)
			p->rc = put_together(p, m);
	}
	if (p->rc < 0 && !p->err.msg[0])
		ms_error_set(&p->err, p->rc, "sign-failed",
			     "the update cannot be put together: %s", ms_strerror(p->rc));
	fields = json_pack("{s:s, s:s, s:o, s:s, s:s, s:I}", "user", w->who.user,
			   "result", p->rc < 0 ? "failed" : "done", "reason",
			   ms_web_text(p->err.msg), "variable", p->variable, "digest",
			   p->digest, "entries", (json_int_t)p->entries);
	if (ms_audit_put(w->front->audit, "sign-efi", w->key, w->who.id, w->id, fields,
			 on_recorded, p) < 0)
		on_recorded(p, -ENOMEM, 0, &p->err);
}

static int read_time(const char *text, time_t *ret)
{
	time_t t = 0;
	size_t n = text ? strlen(text) : 0;

	if (n < 1 || n > 11)
		return -EINVAL;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -EINVAL;
		t = t * 10 + (*text - '0');
	}
	*ret = t;
	return 0;
}

static int read_request(struct update *p, struct ms_ipc_msg *m, struct ms_error *err)
{
	const char *variable = ms_web_param(p->w, "variable"),
		   *append = ms_web_param(p->w, "append");
	size_t len;
	const uint8_t *list = ms_web_body(p->w, &len);
	uint8_t digest[MS_DIGEST_MAX];
	int r;

	if (!variable || strlen(variable) >= sizeof(p->variable) ||
	    read_time(ms_web_param(p->w, "time"), &p->u.time) < 0 ||
	    (append && strcmp(append, "0") != 0 && strcmp(append, "1") != 0))
		return ms_error_set(err, -EINVAL, "bad-request",
				    "needed are variable (db, dbx, KEK or PK), time in "
				    "seconds since 1970, and append, 0 or 1");
	if (len > MS_ESL_MAX || ms_esl_check(list, len, &p->entries) < 0)
		return ms_error_set(err, -EINVAL, "bad-request",
				    "the body has to be EFI signature lists of at most "
				    "%u bytes",
				    MS_ESL_MAX);
	memcpy(p->variable, variable, strlen(variable) + 1);
	p->u.variable = p->variable;
	p->u.append = append && *append == '1';
	p->u.data = list;
	p->u.len = len;
	r = ms_efi_bundle(&p->u, &p->bundle);
	if (r == -EINVAL)
		return ms_error_set(err, r, "bad-request",
				    "variable is db, dbx, KEK or PK, and time is at most "
				    "in the year 9999");
	if (r == 0)
		r = ms_digest(MS_HASH_SHA256, p->bundle.data, p->bundle.len, digest);
	if (r < 0)
		return r;
	/* The request's body may move; the copy in the bundle does not. */
	p->u.data = p->bundle.data + p->bundle.len - len;
	ms_hex(digest, 32, p->digest);
	memcpy(m->change.key, p->w->key, sizeof(m->change.key));
	memcpy(m->change.data, digest, 32);
	m->change.data_len = 32;
	return 0;
}

void ms_api_sign_efi(struct ms_web *w)
{
	struct ms_ipc_msg m = {.op = MS_IPC_CHANGE, .change.what = MS_CHANGE_EFI};
	const struct ms_front_key *key;
	struct ms_error err = {0};
	struct update *p;
	int r = -ENOMEM;

	if (!ms_api_admin_or_answer(w, "sign firmware variables with"))
		return;
	key = ms_api_key_or_answer(w);
	if (!key)
		return;
	p = calloc(1, sizeof(*p));
	if (p) {
		p->w = w;
		p->bundle = MS_BUF_INIT(MS_ESL_MAX + 256);
		p->auth = MS_BUF_INIT(MS_ESL_MAX + MS_MESSAGE_MAX);
		r = read_request(p, &m, &err);
	}
	if (r == 0 && key->cert)
		r = ms_denied_cert(w->front->denied, key->cert, time(NULL), &err);
	if (r == 0)
		r = ms_key_link_ask(w->front->keys, &m, on_signed, p, &err);
	if (r < 0) {
		if (p)
			update_free(p);
		ms_web_problem(w, r, &err);
	}
}
