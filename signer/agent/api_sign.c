/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * POST /v1/keys/{key}/sign: a module's way through the agent. Read from top to bottom:
 * look (facts, digest), decide (policy), sign (key process), record (audit), release.
 */
#include <errno.h>
#include <event2/http.h>

#include "lib/elf_facts.h"
#include "lib/escape.h"
#include "lib/pkcs7.h"
#include "lib/trailer.h"
#include "signer/agent/web.h"

/**
 * struct signing - one module on its way
 * @payload_len: bytes that the digest covers; @was_signed: an old signature is dropped
 * @rule: name of the rule that allowed it
 * @message: what will be released, once it is recorded
 * @rc, @err: or why nothing will be
 */
struct signing {
	struct ms_web *w;
	struct ms_elf_facts facts;
	enum ms_hash hash;
	bool use_keyid, was_signed;
	size_t payload_len;
	uint8_t digest[MS_DIGEST_MAX];
	char rule[64];
	struct ms_buf message;
	int rc;
	struct ms_error err;
};

static void signing_free(struct signing *s)
{
	ms_buf_clear(&s->message);
	free(s);
}

/* ------------------------------------------------------------------- 5 release */

static void release(struct signing *s)
{
	if (s->rc < 0)
		ms_web_problem(s->w, s->rc, &s->err);
	else
		ms_web_bytes(s->w, 200, "application/pkcs7-signature", s->message.data,
			     s->message.len);
	signing_free(s);
}

/* -------------------------------------------------------------------- 4 record */

static void set_text(json_t *j, const char *name, const char *value)
{
	char text[4 * MS_FACT_MAX];

	if (value[0])
		json_object_set_new(j, name,
				    json_string(ms_escape_str(value, text, sizeof(text))));
}

static json_t *module_fields(const struct signing *s)
{
	const struct ms_elf_facts *f = &s->facts;
	char hex[2 * sizeof(f->build_id) + 1];
	json_t *j = json_object();

	set_text(j, "name", f->name);
	set_text(j, "vermagic", f->vermagic);
	set_text(j, "srcversion", f->srcversion);
	set_text(j, "version", f->version);
	set_text(j, "license", f->license);
	set_text(j, "build_id", ms_hex(f->build_id, f->build_id_len, hex));
	json_object_set_new(j, "stripped", json_boolean(!f->has_debug));
	json_object_set_new(j, "was_signed", json_boolean(s->was_signed));
	json_object_set_new(j, "size", json_integer((json_int_t)s->payload_len));
	return j;
}

static json_t *record_fields(const struct signing *s)
{
	const struct ms_front_key *key = ms_key_link_find(s->w->front->keys, s->w->key);
	const char *file = ms_web_param(s->w, "name");
	char hex[2 * MS_DIGEST_MAX + 1];
	json_t *j = json_object();

	set_text(j, "user", s->w->who.user);
	json_object_set_new(j, "pid", json_integer(s->w->who.pid));
	json_object_set_new(j, "module", module_fields(s));
	set_text(j, "file", file ? file : "");
	set_text(j, "hash", ms_hash_name(s->hash));
	set_text(j, "digest", ms_hex(s->digest, s->payload_len ? ms_hash_size(s->hash) : 0, hex));
	set_text(j, "rule", s->rule);
	set_text(j, "custody", key ? ms_custody_name(key->info.custody) : "");
	set_text(j, "result", s->rc < 0 ? "refused" : "signed");
	if (s->rc < 0) {
		set_text(j, "code", s->err.code);
		set_text(j, "reason", s->err.msg);
	}
	return j;
}

static void on_recorded(void *arg, int rc, uint64_t seq, const struct ms_error *err)
{
	struct signing *s = arg;

	/* What could not be recorded is not released. */
	if (rc < 0) {
		s->rc = rc;
		s->err = *err;
	}
	release(s);
}

static void record(struct signing *s)
{
	struct ms_web *w = s->w;
	struct ms_error err = { 0 };
	int r;

	r = ms_audit_put(w->front->audit, s->rc < 0 ? "refuse" : "sign", w->key, w->who.id,
			 w->id, record_fields(s), on_recorded, s);
	if (r < 0) {
		ms_error_set(&err, r, NULL, "out of memory");
		on_recorded(s, r, 0, &err);
	}
}

static void refuse(struct signing *s, int rc)
{
	s->rc = rc;
	ms_web_drop_body(s->w);
	record(s);
}

/* ---------------------------------------------------------------------- 3 sign */

static int build_message(struct signing *s, const struct ms_ipc_msg *m)
{
	const struct ms_front_key *key = ms_key_link_find(s->w->front->keys, s->w->key);
	struct ms_pkcs7_request req = { .use_keyid = s->use_keyid, .hash = s->hash,
					.sig = m->signed_.sig, .sig_len = m->signed_.sig_len };
	int r;

	if (!key || !key->cert)
		return ms_error_set(&s->err, -EAGAIN, "not-ready",
				    "key %s went away: try again", s->w->key);
	req.cert = key->cert;
	r = ms_pkcs7_build(&req, &s->message);
	if (r < 0)
		return ms_error_set(&s->err, r, "message", "cannot build the message: %s",
				    ms_strerror(r));
	return 0;
}

static void on_signed(void *arg, const struct ms_ipc_msg *m, const struct ms_error *err)
{
	struct signing *s = arg;

	if (!m) {
		s->rc = -EAGAIN;
		s->err = *err;
	} else if (m->op != MS_IPC_SIGNED) {
		s->rc = ms_error_set(&s->err, -EIO, NULL, "the key process gave a wrong answer");
	} else if (m->signed_.rc < 0) {
		s->rc = m->signed_.rc;
		s->err = m->signed_.err;
	} else {
		s->rc = build_message(s, m);
	}
	record(s);
}

static int ask_key_process(struct signing *s)
{
	struct ms_ipc_msg m;

	m.op = MS_IPC_SIGN;
	memcpy(m.sign.key, s->w->key, sizeof(m.sign.key));
	m.sign.hash = s->hash;
	memcpy(m.sign.digest, s->digest, sizeof(m.sign.digest));
	return ms_key_link_ask(s->w->front->keys, &m, on_signed, s, &s->err);
}

/* -------------------------------------------------------------------- 2 decide */

static int decide(struct signing *s)
{
	struct ms_front *f = s->w->front;
	struct ms_policy_request req = { .who = &s->w->who, .key = s->w->key, .hash = s->hash,
					 .facts = &s->facts };
	const struct ms_rule *rule;
	int r;

	r = ms_policy_decide(f->config, &req, &rule, &s->err);
	if (r < 0)
		return r;
	snprintf(s->rule, sizeof(s->rule), "%s", rule->name);
	if (!ms_key_link_loaded(f->keys))
		return ms_error_set(&s->err, -EAGAIN, "not-ready",
				    "the keys are being loaded: try again");
	if (!ms_key_link_find(f->keys, s->w->key))
		return ms_error_set(&s->err, -ENOENT, "no-such-key",
				    "no key %s: 'modseal key list' shows the keys", s->w->key);
	return 0;
}

/* ---------------------------------------------------------------------- 1 look */

static int read_parameters(struct signing *s)
{
	const char *hash = ms_web_param(s->w, "hash");
	const char *keyid = ms_web_param(s->w, "keyid");

	s->hash = MS_HASH_SHA256;
	if (hash && (ms_hash_from_name(hash, &s->hash) < 0 || !ms_hash_may_sign(s->hash))) {
		s->hash = MS_HASH_NONE;
		return ms_error_set(&s->err, -EINVAL, "hash-not-allowed",
				    "hash %.16s is not allowed for signing: use sha256, sha384, "
				    "sha512, sha3-256, sha3-384 or sha3-512", hash);
	}
	s->use_keyid = keyid && strcmp(keyid, "1") == 0;
	return 0;
}

static int look(struct signing *s)
{
	size_t max = s->w->front->config->max_module, len;
	const uint8_t *mod = ms_web_body(s->w, &len);
	int r;

	if (!mod)
		return ms_error_set(&s->err, -ENODATA, "empty", "the file is empty");
	if (len > max)
		return ms_error_set(&s->err, -EFBIG, "too-large",
				    "the module has %zu bytes, more than the %zu that "
				    "max-module allows", len, max);
	r = ms_trailer_payload_len(mod, len, &s->payload_len);
	if (r < 0)
		return ms_error_set(&s->err, r, "bad-trailer",
				    "it ends in a damaged signature: get the module anew, or "
				    "strip it first");
	s->was_signed = s->payload_len != len;
	r = ms_elf_facts_read(mod, s->payload_len, &s->facts);
	if (r == -ENOEXEC)
		return ms_error_set(&s->err, r, "not-a-module",
				    "it is not a kernel module (no ELF relocatable file)");
	if (r < 0)
		return ms_error_set(&s->err, r, "not-a-module",
				    "it is not a kernel module, or damaged: %s",
				    ms_strerror(r));
	r = ms_digest(s->hash, mod, s->payload_len, s->digest);
	if (r < 0)
		return ms_error_set(&s->err, r, "hash-not-allowed", "hash %s: %s",
				    ms_hash_name(s->hash), ms_strerror(r));
	return 0;
}

void ms_api_sign(struct ms_web *w)
{
	struct signing *s = calloc(1, sizeof(*s));
	struct ms_error err = { 0 };
	int r;

	if (!s) {
		ms_error_set(&err, -ENOMEM, NULL, "out of memory");
		ms_web_problem(w, -ENOMEM, &err);
		return;
	}
	s->w = w;
	s->message = MS_BUF_INIT(MS_MESSAGE_MAX);
	r = read_parameters(s);
	if (r == 0)
		r = look(s);
	if (r < 0) {
		s->payload_len = 0;
		refuse(s, r);
		return;
	}
	ms_web_drop_body(w);
	r = decide(s);
	if (r == 0)
		r = ask_key_process(s);
	if (r < 0)
		refuse(s, r);
}
