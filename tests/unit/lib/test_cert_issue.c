/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An issuer and its leaf: what cert_make.c makes with a key that it does not hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <openssl/x509v3.h>

#include "lib/cert.h"

static int sign(void *arg, const uint8_t *digest, uint8_t *ret, size_t *ret_len)
{
	return ms_key_sign_digest(arg, MS_HASH_SHA256, digest, ret, ret_len);
}

static int sign_wrong(void *arg, const uint8_t *digest, uint8_t *ret, size_t *ret_len)
{
	int r = sign(arg, digest, ret, ret_len);

	ret[10] ^= 1;
	return r;
}

static int sign_fails(void *arg, const uint8_t *digest, uint8_t *ret, size_t *ret_len)
{
	return -ENODEV;
}

static struct ms_cert *make(EVP_PKEY *subject, const struct ms_cert_request *req,
			    const struct ms_cert *issuer, EVP_PKEY *issuer_key)
{
	_cleanup_free_ uint8_t *der = NULL;
	struct ms_cert *c = NULL;
	size_t len;

	assert_int_equal(
		ms_cert_issue(subject, req, issuer, sign, issuer_key, &der, &len), 0);
	assert_int_equal(ms_cert_parse(der, len, &c), 0);
	return c;
}

static X509 *to_x509(const struct ms_cert *c)
{
	const unsigned char *p = c->der;

	return d2i_X509(NULL, &p, (long)c->der_len);
}

static void check_pair(enum ms_alg issuer_alg, enum ms_alg leaf_alg)
{
	const struct ms_cert_request ireq = {
		.common_name = "issuer", .days = 100, .profile = MS_CERT_ISSUER};
	const struct ms_cert_request lreq = {.common_name = "build 1",
					     .not_after = time(NULL) + 7200};
	_cleanup_cert_ struct ms_cert *issuer = NULL, *leaf = NULL;
	EVP_PKEY *ikey, *lkey;
	X509 *ix, *lx;

	assert_int_equal(ms_key_generate(issuer_alg, &ikey), 0);
	assert_int_equal(ms_key_generate(leaf_alg, &lkey), 0);
	issuer = make(ikey, &ireq, NULL, ikey);
	leaf = make(lkey, &lreq, issuer, ikey);
	assert_true(issuer->is_ca && issuer->eku_code_signing);
	/* BasicConstraints byte for byte: kernels read it so. */
	assert_non_null(memmem(issuer->der, issuer->der_len,
			       "\x55\x1d\x13\x01\x01\xff\x04\x08\x30\x06\x01\x01\xff\x02"
			       "\x01\x00",
			       16));
	assert_false(leaf->is_ca);
	assert_true(leaf->may_sign && leaf->eku_code_signing);
	assert_int_equal(leaf->akid_len, issuer->ski_len);
	assert_memory_equal(leaf->akid, issuer->ski, issuer->ski_len);
	assert_int_equal(leaf->issuer_len, issuer->subject_len);
	assert_memory_equal(leaf->issuer, issuer->subject, issuer->subject_len);
	assert_int_equal(leaf->hash, MS_HASH_SHA256);
	assert_int_equal(leaf->not_after, lreq.not_after);

	/* OpenSSL's own judgement, of signature and of extensions. */
	ix = to_x509(issuer);
	lx = to_x509(leaf);
	assert_int_equal(X509_verify(lx, ikey), 1);
	assert_int_equal(X509_verify(ix, ikey), 1);
	assert_int_equal(X509_check_issued(ix, lx), X509_V_OK);
	assert_int_equal(X509_check_ca(ix), 1);
	assert_int_equal(X509_check_ca(lx), 0);
	X509_free(ix);
	X509_free(lx);
	EVP_PKEY_free(ikey);
	EVP_PKEY_free(lkey);
}

static void test_pairs(void **state)
{
	check_pair(MS_ALG_RSA2048, MS_ALG_RSA2048);
	check_pair(MS_ALG_RSA2048, MS_ALG_P256);
	check_pair(MS_ALG_P256, MS_ALG_RSA2048);
	check_pair(MS_ALG_P384, MS_ALG_P384);
}

static void test_refusals(void **state)
{
	struct ms_cert_request req = {.common_name = "x", .days = 1};
	uint8_t *der = (uint8_t *)1;
	size_t len = 7;
	EVP_PKEY *key;

	assert_int_equal(ms_key_generate(MS_ALG_P256, &key), 0);
	/* A TPM that lies, and one that is away. */
	assert_int_equal(ms_cert_issue(key, &req, NULL, sign_wrong, key, &der, &len),
			 -EIO);
	assert_int_equal(ms_cert_issue(key, &req, NULL, sign_fails, key, &der, &len),
			 -ENODEV);
	req.days = 0;
	assert_int_equal(ms_cert_issue(key, &req, NULL, sign, key, &der, &len), -EINVAL);
	req.days = 1;
	req.common_name = "";
	assert_int_equal(ms_cert_issue(key, &req, NULL, sign, key, &der, &len), -EINVAL);
	assert_ptr_equal(der, (uint8_t *)1);
	assert_int_equal(len, 7);
	EVP_PKEY_free(key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pairs),
		cmocka_unit_test(test_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
