/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the unit tests of the verifier share: a real module, keys of tests/data/pkcs7, and
 * signed modules made of them. Tests run from the top folder.
 */
#ifndef MS_TESTS_VERIFIER_FIXTURE_H
#define MS_TESTS_VERIFIER_FIXTURE_H

#include <errno.h>
#include <openssl/pem.h>
#include "lib/pkcs7.h"
#include "lib/trailer.h"
#include "tests/unit/lib/data.h"
#include "verifier/check.h"

#define FIXTURE_MAX (4u << 20)

static inline struct ms_cert *fixture_cert(const char *name)
{
	_cleanup_buf_ struct ms_buf der = MS_BUF_INIT(DATA_MAX);
	struct ms_cert *c = NULL;
	char path[128];

	snprintf(path, sizeof(path), "pkcs7/%s.der", name);
	data_read(path, &der);
	assert_int_equal(ms_cert_parse(der.data, der.len, &c), 0);
	return c;
}

static inline EVP_PKEY *fixture_key(const char *name)
{
	char path[128];
	EVP_PKEY *key;
	FILE *f;

	snprintf(path, sizeof(path), "tests/data/pkcs7/%s.key", name);
	f = fopen(path, "re");
	assert_non_null(f);
	key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
	fclose(f);
	assert_non_null(key);
	return key;
}

static inline void fixture_module(struct ms_buf *out)
{
	data_read("module/ms_test.ko", out);
}

/* A message over @len bytes at @data. */
static inline void fixture_message(const char *key_name, enum ms_hash hash,
				   const uint8_t *data, size_t len, struct ms_buf *out)
{
	_cleanup_cert_ struct ms_cert *cert = fixture_cert(key_name);
	EVP_PKEY *key = fixture_key(key_name);
	uint8_t digest[MS_DIGEST_MAX], sig[MS_SIG_MAX];
	struct ms_pkcs7_request req = {.cert = cert, .hash = hash, .sig = sig};

	assert_int_equal(ms_digest(hash, data, len, digest), 0);
	assert_int_equal(ms_key_sign_digest(key, hash, digest, sig, &req.sig_len), 0);
	assert_int_equal(ms_pkcs7_build(&req, out), 0);
	EVP_PKEY_free(key);
}

/* Appends a signature over all that is in @module. */
static inline void fixture_sign(struct ms_buf *module, const char *key, enum ms_hash hash)
{
	_cleanup_buf_ struct ms_buf msg = MS_BUF_INIT(MS_MESSAGE_MAX);
	uint8_t trailer[MS_TRAILER_LEN];

	fixture_message(key, hash, module->data, module->len, &msg);
	ms_trailer_build((uint32_t)msg.len, trailer);
	ms_buf_put(module, msg.data, msg.len);
	ms_buf_put(module, trailer, sizeof(trailer));
	assert_int_equal(ms_buf_error(module), 0);
}

static inline void fixture_anchor(struct ms_anchors *a, const char *name)
{
	assert_int_equal(ms_anchors_add(a, fixture_cert(name), name), 0);
}

/* A checker with its question; anchors are the caller's. */
struct fixture_checker {
	struct ms_anchors anchors;
	struct ms_question q;
	struct ms_caches caches;
	struct ms_checker c;
};

static inline void fixture_checker_init(struct fixture_checker *f, const char *anchor)
{
	memset(f, 0, sizeof(*f));
	if (anchor)
		fixture_anchor(&f->anchors, anchor);
	ms_caches_init(&f->caches);
	f->q.anchors = &f->anchors;
	f->q.now = time(NULL);
	f->c.q = &f->q;
	f->c.caches = &f->caches;
}

static inline void fixture_checker_clear(struct fixture_checker *f)
{
	ms_checker_clear(&f->c);
	ms_caches_clear(&f->caches);
	ms_anchors_clear(&f->anchors);
}

static inline bool fixture_has(const struct ms_result *r, enum ms_finding_code code)
{
	for (size_t i = 0; i < r->policy.n_findings; i++)
		if (r->policy.findings[i].code == code)
			return true;
	return false;
}

#endif
