/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * POST /v1/keys/{key}/csr, /install-certificate, /backup, /retire, /revoke, /rotate: for
 * admins, done by the key process, recorded, and only then answered.
 */
#include <errno.h>
#include <time.h>

#include "lib/agent_client.h"
#include "lib/hash.h"
#include "signer/agent/api_keys.h"

/**
 * struct change - one on its way
 * @type: of the bytes that it hands out, if there are any
 * @data: what the key process answered
 */
struct change {
	struct ms_web *w;
	const char *event, *type;
	char reason[129], recipient[65];
	int rc;
	struct ms_error err;
	size_t len;
	uint8_t data[MS_CERT_MAX];
};

static void answer(struct change *c)
{
	struct ms_front *f = c->w->front;
	const struct ms_front_key *k = ms_key_link_find(f->keys, c->w->key);

	if (c->rc < 0)
		ms_web_problem(c->w, c->rc, &c->err);
	else if (c->type)
		ms_web_bytes(c->w, 200, c->type, c->data, c->len);
	else
		ms_web_json(c->w, 200, k ? ms_api_json_key(c->w, k) : json_object());
	free(c);
}

static void on_recorded(void *arg, int rc, uint64_t seq, const struct ms_error *err)
{
	struct change *c = arg;

	if (rc < 0) {
		c->rc = rc;
		c->err = *err;
	}
	answer(c);
}

static void on_done(void *arg, const struct ms_ipc_msg *m, const struct ms_error *err)
{
	struct change *c = arg;
	struct ms_web *w = c->w;
	json_t *fields;

	if (!m) {
		c->rc = -EAGAIN;
		c->err = *err;
	} else if (m->op != MS_IPC_RESULT) {
		c->rc = m->op == MS_IPC_DONE && m->done.rc < 0 ? m->done.rc : -EIO;
		if (m->op == MS_IPC_DONE)
			c->err = m->done.err;
	} else {
		c->rc = m->result.rc;
		c->err = m->result.err;
		c->len = m->result.len;
		memcpy(c->data, m->result.data, m->result.len);
	}
	fields = json_pack("{s:s, s:s, s:o, s:o}", "user", w->who.user, "result",
			   c->rc < 0 ? "failed" : "done", "reason",
			   ms_web_text(c->rc < 0 ? c->err.msg : c->reason), "recipient",
			   json_string(c->recipient));
	ms_identity_put_proof(&w->who, fields);
	if (ms_audit_put(w->front->audit, c->event, w->key, w->who.id, w->id, fields,
			 on_recorded, c) < 0)
		on_recorded(c, -ENOMEM, 0, &c->err);
}

static void start(struct ms_web *w, struct ms_ipc_msg *m, const char *event,
		  const char *type)
{
	struct change *c = calloc(1, sizeof(*c));
	struct ms_error err = {0};
	bool hash = m->change.data_len && m->change.what != MS_CHANGE_ROTATE;
	uint8_t digest[MS_DIGEST_MAX];
	int r = c ? 0 : -ENOMEM;

	if (c) {
		c->w = w;
		c->event = event;
		c->type = type;
		memcpy(c->reason, m->change.reason, sizeof(c->reason));
	}
	if (r == 0 && hash)
		r = ms_digest(MS_HASH_SHA256, m->change.data, m->change.data_len, digest);
	if (r == 0 && hash)
		ms_hex(digest, 32, c->recipient);
	memcpy(m->change.key, w->key, sizeof(m->change.key));
	if (r == 0)
		r = ms_key_link_ask(w->front->keys, m, on_done, c, &err);
	if (r < 0) {
		free(c);
		ms_web_problem(w, r, &err);
	}
}

void ms_api_start_change(struct ms_web *w, struct ms_ipc_msg *m, const char *event,
			 const char *type)
{
	start(w, m, event, type);
}

/* The body is one DER certificate. */
static bool take_body(struct ms_web *w, struct ms_ipc_msg *m)
{
	struct ms_error err = {0};
	size_t len;
	const uint8_t *body = ms_web_body(w, &len);

	if (!body || len > sizeof(m->change.data)) {
		ms_error_set(&err, -EINVAL, "bad-request",
			     "the body has to be one DER certificate of at most %u bytes",
			     MS_CERT_MAX);
		ms_web_problem(w, -EINVAL, &err);
		return false;
	}
	memcpy(m->change.data, body, len);
	m->change.data_len = len;
	return true;
}

void ms_api_csr(struct ms_web *w)
{
	struct ms_ipc_msg m = {.op = MS_IPC_CHANGE, .change.what = MS_CHANGE_CSR};

	if (ms_api_admin_or_answer(w, "request certificates for") &&
	    ms_api_key_or_answer(w))
		start(w, &m, "key-csr", "application/pkcs10");
}

void ms_api_install_cert(struct ms_web *w)
{
	struct ms_ipc_msg m = {.op = MS_IPC_CHANGE, .change.what = MS_CHANGE_CERT};

	if (ms_api_admin_or_answer(w, "install certificates of") &&
	    ms_api_key_or_answer(w) && take_body(w, &m))
		start(w, &m, "key-certificate", NULL);
}

void ms_api_backup(struct ms_web *w)
{
	struct ms_ipc_msg m = {.op = MS_IPC_CHANGE, .change.what = MS_CHANGE_BACKUP};

	if (ms_api_admin_or_answer(w, "back up") && ms_api_key_or_answer(w) &&
	    take_body(w, &m))
		start(w, &m, "key-backup", "application/cms");
}

/* A reason is one line; it is shown in refusals. */
static bool take_reason(struct ms_web *w, struct ms_ipc_msg *m)
{
	const char *reason = ms_web_param(w, "reason");
	struct ms_error err = {0};
	size_t n = reason ? strlen(reason) : 0;
	bool good = n < sizeof(m->change.reason);

	for (size_t i = 0; i < n; i++)
		good = good && reason[i] >= ' ' && reason[i] <= '~';
	if (!good) {
		ms_error_set(&err, -EINVAL, "bad-request",
			     "a reason has at most %zu printable ASCII characters",
			     sizeof(m->change.reason) - 1);
		ms_web_problem(w, -EINVAL, &err);
		return false;
	}
	if (n)
		memcpy(m->change.reason, reason, n);
	return true;
}

void ms_api_retire(struct ms_web *w)
{
	struct ms_ipc_msg m = {.op = MS_IPC_CHANGE, .change.what = MS_CHANGE_RETIRE};

	if (ms_api_admin_or_answer(w, "retire") && ms_api_key_or_answer(w) &&
	    take_reason(w, &m))
		start(w, &m, "key-retire", NULL);
}

/* Seconds since 1970. */
static bool read_seconds(const char *text, int64_t *ret)
{
	int64_t t = 0;

	if (!*text || strlen(text) > 11)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		t = t * 10 + (*text - '0');
	}
	*ret = t;
	return true;
}

void ms_api_revoke_key(struct ms_web *w)
{
	struct ms_ipc_msg m = {.op = MS_IPC_CHANGE, .change.what = MS_CHANGE_REVOKE};
	const char *from = ms_web_param(w, "from");
	struct ms_error err = {0};

	if (!ms_api_admin_or_answer(w, "revoke") || !ms_api_key_or_answer(w) ||
	    !take_reason(w, &m))
		return;
	m.change.from = time(NULL);
	if (from && !read_seconds(from, &m.change.from)) {
		ms_error_set(&err, -EINVAL, "bad-request",
			     "from is a time in seconds since 1970");
		ms_web_problem(w, -EINVAL, &err);
		return;
	}
	start(w, &m, "key-revoke", "application/pkix-crl");
}

void ms_api_rotate(struct ms_web *w)
{
	struct ms_ipc_msg m = {.op = MS_IPC_CHANGE, .change.what = MS_CHANGE_ROTATE};
	const char *successor = ms_web_param(w, "successor"),
		   *until = ms_web_param(w, "until");
	struct ms_error err = {0};

	if (!ms_api_admin_or_answer(w, "rotate") || !ms_api_key_or_answer(w))
		return;
	if (!successor || !ms_key_name_valid(successor) || !until ||
	    !read_seconds(until, &m.change.from)) {
		ms_error_set(&err, -EINVAL, "bad-request",
			     "needed are successor, a key's name, and until, a time in "
			     "seconds since 1970");
		ms_web_problem(w, -EINVAL, &err);
		return;
	}
	m.change.data_len = strlen(successor);
	memcpy(m.change.data, successor, m.change.data_len);
	snprintf(m.change.reason, sizeof(m.change.reason), "successor %s, until %s",
		 successor, until);
	start(w, &m, "key-rotate", NULL);
}
