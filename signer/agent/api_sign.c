/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * POST /v1/keys/{key}/sign: a whole module, or another file, comes in, is looked at and
 * hashed here, goes its way (signing.c), and its message goes out.
 */
#include <errno.h>

#include "lib/escape.h"
#include "lib/trailer.h"
#include "signer/agent/conn.h"
#include "signer/agent/signable.h"
#include "signer/agent/signing.h"
#include "signer/agent/web.h"

static void release(struct ms_signing *s)
{
	struct ms_web *w = s->arg;

	if (s->rc < 0)
		ms_web_problem(w, s->rc, &s->err);
	else
		ms_web_bytes(w, 200,
			     ms_sign_type_is_bare(s->type)
				     ? "application/octet-stream"
				     : "application/pkcs7-signature",
			     s->message.data, s->message.len);
	ms_signing_free(s);
}

static int read_parameters(struct ms_web *w, struct ms_signing *s)
{
	const char *hash = ms_web_param(w, "hash");
	const char *keyid = ms_web_param(w, "keyid");
	const char *file = ms_web_param(w, "name");
	const char *build = ms_web_param(w, "build");
	const char *path = ms_web_param(w, "path");
	const char *type = ms_web_param(w, "type");
	char shown[32];

	s->who = w->who;
	s->request_id = w->id;
	s->key = w->key;
	s->file = file ? file : "";
	s->build = build ? build : "";
	s->certificate = ms_conn_request(w->conn)->certificate;
	s->content = true;
	/* First of all: whatever else is wrong, the record says of what type it was. */
	if (type && ms_sign_type_from_name(type, &s->type) < 0)
		s->type = MS_SIGN_TYPES;
	if (type && !ms_sign_type_has_content(s->type))
		return ms_error_set(&s->err, -EINVAL, "bad-request",
				    "type is module, file or ima: of others the agent "
				    "signs digests alone");
	if (path && strlen(path) > MS_MODULE_PATH_MAX)
		return ms_error_set(&s->err, -EINVAL, "bad-request",
				    "path is longer than %u bytes", MS_MODULE_PATH_MAX);
	s->path = path ? path : "";
	s->use_keyid = keyid && strcmp(keyid, "1") == 0;
	s->hash = MS_HASH_SHA256;
	if (hash &&
	    (ms_hash_from_name(hash, &s->hash) < 0 || !ms_hash_may_sign(s->hash))) {
		s->hash = MS_HASH_NONE;
		return ms_error_set(
			&s->err, -EINVAL, "hash-not-allowed",
			"hash %s is not allowed for signing: use sha256, sha384, "
			"sha512, sha3-256, sha3-384 or sha3-512",
			ms_escape_str(hash, shown, sizeof(shown)));
	}
	return 0;
}

/* Lists may know it by another hash than the one it will be signed with. */
static bool wants_sha256(const struct ms_signing *s)
{
	const struct ms_build *b = ms_builds_find(s->front->builds, s->build);

	return ms_denied_any(s->front->denied) || (b && b->list);
}

static int look_at_module(struct ms_signing *s, const uint8_t *mod, size_t len)
{
	int r = ms_trailer_payload_len(mod, len, &s->payload_len);

	if (r < 0)
		return ms_error_set(
			&s->err, r, "bad-trailer",
			"it ends in a damaged signature: get the module anew, or "
			"strip it first");
	s->was_signed = s->payload_len != len;
	r = ms_elf_facts_read(mod, s->payload_len, &s->facts);
	return r < 0 ? ms_elf_facts_complain(r, &s->err) : 0;
}

/* A file is signed whole: what looks like a signature at its end is part of it. */
static int look_at_file(struct ms_signing *s, const uint8_t *p, size_t len)
{
	s->payload_len = len;
	return ms_signable_file(p, len, &s->err);
}

static int look(struct ms_signing *s, const uint8_t *mod, size_t len)
{
	size_t max = s->front->config->max_module;
	int r;

	if (len > max)
		return ms_error_set(&s->err, -EFBIG, "too-large",
				    "it has %zu bytes, more than the %zu that "
				    "max-module allows",
				    len, max);
	if (!mod)
		return ms_error_set(&s->err, -ENODATA, "empty", "the file is empty");
	r = s->type == MS_SIGN_MODULE ? look_at_module(s, mod, len)
				      : look_at_file(s, mod, len);
	if (r < 0)
		return r;
	r = ms_digest(s->hash, mod, s->payload_len, s->digest);
	if (r == 0 && s->hash == MS_HASH_SHA256)
		memcpy(s->content_sha256, s->digest, sizeof(s->content_sha256));
	else if (r == 0 && wants_sha256(s))
		r = ms_digest(MS_HASH_SHA256, mod, s->payload_len, s->content_sha256);
	if (r < 0)
		return ms_error_set(&s->err, r, "hash-not-allowed", "hash %s: %s",
				    ms_hash_name(s->hash), ms_strerror(r));
	return 0;
}

void ms_api_sign(struct ms_web *w)
{
	struct ms_signing *s = ms_signing_new(w->front, release, w);
	struct ms_error err = {0};
	const uint8_t *mod;
	size_t len;
	int r;

	if (!s) {
		ms_error_set(&err, -ENOMEM, NULL, "out of memory");
		ms_web_problem(w, -ENOMEM, &err);
		return;
	}
	r = read_parameters(w, s);
	if (r == 0 && !ms_policy_may_see(w->front->config, &w->who, w->key)) {
		/* No rule is about them: not worth a look, the policy says so itself. */
		ms_web_drop_body(w);
		s->hash = MS_HASH_NONE;
		ms_signing_start(s);
		return;
	}
	if (r == 0) {
		mod = ms_web_body(w, &len);
		if (!mod)
			len = (size_t)ms_web_body_announced(w);
		r = look(s, mod, len);
		if (r < 0)
			s->hash = MS_HASH_NONE; /* there is no digest to put on record */
	}
	ms_web_drop_body(w);
	if (r < 0)
		ms_signing_refuse(s, r);
	else
		ms_signing_start(s);
}
