/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/signing.h"

#include <errno.h>
#include <openssl/evp.h>
#include <time.h>

#include "lib/escape.h"
#include "lib/fsverity.h"
#include "lib/pkcs7.h"
#include "signer/agent/identity.h"
#include "signer/agent/metrics.h"
#include "signer/agent/stats.h"
#include "signer/agent/watch.h"

struct ms_signing *ms_signing_new(struct ms_front *f, ms_signing_done_fn *done, void *arg)
{
	struct ms_signing *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->front = f;
	s->began_us = ms_stats_now_us();
	s->done = done;
	s->arg = arg;
	s->request_id = s->key = s->file = s->path = s->build = s->certificate = "";
	s->message = MS_BUF_INIT(MS_MESSAGE_MAX);
	return s;
}

void ms_signing_free(struct ms_signing *s)
{
	if (!s)
		return;
	ms_buf_clear(&s->message);
	ms_cert_free(s->leaf);
	free(s);
}

/* -------------------------------------------------------------------- 1 decide */

/* Builds are of modules, and an issuing key signs through builds alone. */
static int check_type(struct ms_signing *s, const struct ms_front_key *key)
{
	const char *type = ms_sign_type_name(s->type);

	if (s->type == MS_SIGN_MODULE)
		return 0;
	if (s->build[0])
		return ms_error_set(&s->err, -EINVAL, "build-type",
				    "builds are of modules, and this is of type %s: sign "
				    "it without a build",
				    type);
	if (key->info.custody == MS_CUSTODY_LEAF)
		return ms_error_set(
			&s->err, -EINVAL, "build-needed",
			"key %s certifies keys of builds, which sign modules "
			"alone, and this is of type %s: name a key of custody "
			"sealed or resident",
			s->key, type);
	if (s->type == MS_SIGN_FSVERITY && s->hash != MS_HASH_SHA256 &&
	    s->hash != MS_HASH_SHA512)
		return ms_error_set(&s->err, -EINVAL, "hash-not-allowed",
				    "fs-verity knows sha256 and sha512 alone, not %s",
				    ms_hash_name(s->hash));
	return 0;
}

/*
 * A kernel that is built with another certificate would refuse what we sign. There is one
 * base64 of it.
 */
static int check_certificate(struct ms_signing *s, const struct ms_front_key *key)
{
	const struct ms_cert *cert = key->cert;
	unsigned char text[MS_EXPECT_CERT_MAX / 3 * 4 + 8];

	if (!s->certificate[0])
		return 0;
	if (!cert)
		return ms_error_set(&s->err, -EAGAIN, "key-broken",
				    "key %s is broken: %s", s->key, key->info.reason);
	if (cert->der_len <= MS_EXPECT_CERT_MAX) {
		EVP_EncodeBlock(text, cert->der, (int)cert->der_len);
		if (strcmp((const char *)text, s->certificate) == 0)
			return 0;
	}
	return ms_error_set(&s->err, -EINVAL, "wrong-certificate",
			    "key %s has another certificate than the one that is "
			    "expected: 'modseal key cert %s' prints it",
			    s->key, s->key);
}

static int decide(struct ms_signing *s)
{
	struct ms_policy_request req = {.who = &s->who,
					.key = s->key,
					.hash = s->hash,
					.type = s->type,
					.file = s->file,
					.content = s->content,
					.in_build = s->build[0],
					.now = time(NULL),
					.facts = &s->facts};
	const struct ms_content what = {
		.hash = s->hash, .digest = s->digest, .sha256 = s->content_sha256};
	const struct ms_front_key *key;
	const struct ms_rule *rule;
	int r;

	r = ms_denied_check(s->front->denied, s->hash, s->digest, s->content_sha256,
			    &s->err);
	if (r == 0)
		r = ms_denied_module(s->front->denied, &s->facts, req.now, &s->err);
	if (r == 0)
		r = ms_grant_rule(s->front, &req, &rule, &s->err);
	if (r < 0)
		return r;
	snprintf(s->rule, sizeof(s->rule), "%s", rule->name);
	if (!ms_key_link_loaded(s->front->keys))
		return ms_error_set(&s->err, -EAGAIN, "not-ready",
				    "the keys are being loaded: try again");
	key = ms_key_link_find(s->front->keys, s->key);
	if (!key)
		return ms_error_set(&s->err, -ENOENT, "no-such-key",
				    "no key %s: 'modseal key list' shows the keys",
				    s->key);
	r = check_type(s, key);
	if (r == 0)
		r = check_certificate(s, key);
	if (r < 0)
		return r;
	if (key->cert) {
		r = ms_denied_cert(s->front->denied, key->cert, req.now, &s->err);
		if (r < 0)
			return r;
	}
	return ms_grant_take(s->front, rule, &req, &what, s->build, &s->grant, &s->err);
}

/* -------------------------------------------------------------------- 3 record */

static void set_text(json_t *j, const char *name, const char *value)
{
	char text[4 * MS_MODULE_PATH_MAX + 1];

	if (value[0])
		json_object_set_new(
			j, name, json_string(ms_escape_str(value, text, sizeof(text))));
}

static json_t *module_fields(const struct ms_signing *s)
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
	if (!s->content)
		return j;
	json_object_set_new(j, "stripped", json_boolean(!f->has_debug));
	json_object_set_new(j, "was_signed", json_boolean(s->was_signed));
	json_object_set_new(j, "size", json_integer((json_int_t)s->payload_len));
	return j;
}

static json_t *record_fields(const struct ms_signing *s)
{
	const struct ms_front_key *key = ms_key_link_find(s->front->keys, s->key);
	char hex[2 * MS_DIGEST_MAX + 1];
	json_t *j = json_object();

	set_text(j, "user", s->who.user);
	ms_identity_put_proof(&s->who, j);
	set_text(j, "type", ms_sign_type_name(s->type));
	if (s->type == MS_SIGN_MODULE)
		json_object_set_new(j, "module", module_fields(s));
	else if (s->content)
		json_object_set_new(j, "size", json_integer((json_int_t)s->payload_len));
	set_text(j, "file", s->file);
	set_text(j, "path", s->path);
	set_text(j, "facts", s->content ? "read" : "claimed");
	set_text(j, "hash", ms_hash_name(s->hash));
	set_text(j, "digest", ms_hex(s->digest, ms_hash_size(s->hash), hex));
	set_text(j, "rule", s->rule);
	set_text(j, "build", s->build);
	set_text(j, "custody", key ? ms_custody_name(key->info.custody) : "");
	set_text(j, "result", s->rc < 0 ? "refused" : "signed");
	if (s->rc < 0) {
		set_text(j, "code", s->err.code);
		set_text(j, "reason", s->err.msg);
	}
	return j;
}

/* For those who watch. */
static void count(const struct ms_signing *s)
{
	const char *key = ms_key_link_find(s->front->keys, s->key) ? s->key : "";

	ms_metrics_signing(s->front->metrics, key, s->rc, s->err.code,
			   ms_stats_now_us() - s->began_us);
	if (ms_rc_is_refusal(s->rc))
		ms_watch_refused(s->front->watch, &s->who, s->key, s->err.code,
				 s->request_id);
}

static void on_recorded(void *arg, int rc, uint64_t seq, const struct ms_error *err)
{
	struct ms_signing *s = arg;

	/* What could not be recorded is not released. */
	if (rc < 0) {
		s->rc = rc;
		s->err = *err;
	}
	ms_grant_end(s->front, &s->grant, s->rc == 0);
	count(s);
	s->done(s);
}

static void record(struct ms_signing *s)
{
	json_t *fields = record_fields(s);
	struct ms_change *changes = NULL;
	struct ms_error err = {0};
	int r = 0;

	if (s->rc == 0)
		r = ms_grant_changes(&s->grant, fields, &changes);
	if (r < 0)
		json_decref(fields);
	else
		r = ms_audit_put_with(s->front->audit, s->rc < 0 ? "refuse" : "sign",
				      s->key, s->who.id, s->request_id, fields, changes,
				      on_recorded, s);
	if (r < 0) {
		ms_error_set(&err, r, NULL, "out of memory");
		on_recorded(s, r, 0, &err);
	}
}

void ms_signing_refuse(struct ms_signing *s, int rc)
{
	s->rc = rc;
	record(s);
}

/* ---------------------------------------------------------------------- 2 sign */

static int build_message(struct ms_signing *s, const struct ms_ipc_msg *m)
{
	const struct ms_front_key *key = ms_key_link_find(s->front->keys, s->key);
	struct ms_pkcs7_request req = {.use_keyid = s->use_keyid,
				       .hash = s->hash,
				       .sig = m->signed_.sig,
				       .sig_len = m->signed_.sig_len};
	int r;

	if (!key || !key->cert)
		return ms_error_set(&s->err, -EAGAIN, "not-ready",
				    "key %s went away: try again", s->key);
	/* It may have got another one since, and that is what the message names. */
	r = check_certificate(s, key);
	if (r < 0)
		return r;
	if (ms_sign_type_is_bare(s->type)) {
		ms_buf_put(&s->message, m->signed_.sig, m->signed_.sig_len);
		return ms_buf_error(&s->message);
	}
	req.cert = key->cert;
	if (key->info.custody == MS_CUSTODY_LEAF) {
		/* Kernels that trust the issuer alone need the leaf's certificate. */
		req.cert = s->leaf;
		req.embed = true;
		if (s->use_keyid)
			return ms_error_set(
				&s->err, -EINVAL, "keyid-and-leaf",
				"kernels find a leaf's certificate by issuer and "
				"serial only: sign without keyid");
	}
	r = ms_pkcs7_build(&req, &s->message);
	if (r < 0)
		return ms_error_set(&s->err, r, "message", "cannot build the message: %s",
				    ms_strerror(r));
	return 0;
}

static void sign_next(struct ms_front *f, const char *key);

static void on_signed(void *arg, const struct ms_ipc_msg *m, const struct ms_error *err)
{
	struct ms_signing *s = arg;
	struct ms_front *f = s->front;
	char key[MS_KEY_NAME_MAX + 1];

	snprintf(key, sizeof(key), "%s", s->key);
	ms_turns_done(f->turns, key);
	if (!m) {
		s->rc = -EAGAIN;
		s->err = *err;
	} else if (m->op != MS_IPC_SIGNED) {
		s->rc = ms_error_set(&s->err, -EIO, NULL,
				     "the key process gave a wrong answer");
	} else if (m->signed_.rc < 0) {
		s->rc = m->signed_.rc;
		s->err = m->signed_.err;
	} else {
		s->rc = build_message(s, m);
	}
	record(s);
	sign_next(f, key);
}

/* The certificate of the build's leaf key, kept until the message is built: the build may
 * end in between. */
static int take_leaf(struct ms_signing *s)
{
	const struct ms_cert *leaf = s->grant.build ? s->grant.build->leaf : NULL;
	int r;

	if (!s->build[0])
		return ms_error_set(
			&s->err, -EINVAL, "build-needed",
			"key %s signs through builds only: 'modseal build open "
			"--kernel RELEASE --key %s' opens one",
			s->key, s->key);
	if (!leaf)
		return ms_error_set(
			&s->err, -EAGAIN, "no-leaf",
			"build %s has lost its leaf key, as the agent has been "
			"restarted since: open a new build",
			s->build);
	r = ms_denied_cert(s->front->denied, leaf, time(NULL), &s->err);
	return r < 0 ? r : ms_cert_parse(leaf->der, leaf->der_len, &s->leaf);
}

/*
 * The kernel verifies fs-verity's digest within a structure that no module and no file
 * begins like: whoever may sign this type gets no signature of another.
 */
static int digest_to_sign(const struct ms_signing *s, uint8_t ret[MS_DIGEST_MAX])
{
	uint8_t formatted[MS_FSVERITY_FORMATTED_MAX];
	size_t len;
	int r;

	if (s->type != MS_SIGN_FSVERITY) {
		memcpy(ret, s->digest, MS_DIGEST_MAX);
		return 0;
	}
	r = ms_fsverity_format(s->hash, s->digest, formatted, &len);
	return r < 0 ? r : ms_digest(s->hash, formatted, len, ret);
}

static int ask_key_process(struct ms_signing *s)
{
	const struct ms_front_key *key = ms_key_link_find(s->front->keys, s->key);
	bool leaf = key && key->info.custody == MS_CUSTODY_LEAF;
	struct ms_ipc_msg m;
	int r = leaf ? take_leaf(s) : 0;

	if (r < 0)
		return r;
	m.op = MS_IPC_SIGN;
	snprintf(m.sign.key, sizeof(m.sign.key), "%s", s->key);
	snprintf(m.sign.build, sizeof(m.sign.build), "%s", leaf ? s->build : "");
	m.sign.hash = s->hash;
	r = digest_to_sign(s, m.sign.digest);
	if (r < 0)
		return ms_error_set(&s->err, r, "hash-not-allowed", "hash %s: %s",
				    ms_hash_name(s->hash), ms_strerror(r));
	return ms_key_link_ask(s->front->keys, &m, on_signed, s, &s->err);
}

/* As many as may be at a time. */
static void sign_next(struct ms_front *f, const char *key)
{
	struct ms_turn *turn;

	while ((turn = ms_turns_next(f->turns, key))) {
		struct ms_signing *s = turn->arg;
		int r = ask_key_process(s);

		if (r == 0)
			continue;
		ms_turns_done(f->turns, key);
		ms_signing_refuse(s, r);
	}
}

void ms_signing_start(struct ms_signing *s)
{
	struct ms_front *f = s->front;
	char key[MS_KEY_NAME_MAX + 1];
	int r = decide(s);

	snprintf(key, sizeof(key), "%s", s->key);
	if (r == 0) {
		s->turn.arg = s;
		r = ms_turns_put(f->turns, key, s->who.id, &s->turn);
		if (r < 0)
			ms_error_set(&s->err, r, r == -EAGAIN ? "busy" : NULL, "%s",
				     r == -EAGAIN
					     ? "too many requests wait already: try again"
					     : "out of memory");
	}
	if (r < 0)
		ms_signing_refuse(s, r);
	else
		sign_next(f, key);
}
