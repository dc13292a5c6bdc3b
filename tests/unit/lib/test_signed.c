/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <openssl/x509v3.h>
#include "lib/signed.h"

static EVP_PKEY *key, *other;
static struct ms_cert *cert;

static int sign(void *arg, const uint8_t *digest, uint8_t *ret, size_t *ret_len)
{
	return ms_key_sign_digest(arg, MS_HASH_SHA256, digest, ret, ret_len);
}

static int refuse(void *arg, const uint8_t *digest, uint8_t *ret, size_t *ret_len)
{
	return -ENODEV;
}

static bool asks_for_module_only(X509_REQ *req)
{
	STACK_OF(X509_EXTENSION) *list = X509_REQ_get_extensions(req);
	EXTENDED_KEY_USAGE *eku = X509V3_get_d2i(list, NID_ext_key_usage, NULL, NULL);
	ASN1_OBJECT *want = OBJ_txt2obj(MS_OID_MODULE_ONLY, 1);
	bool found = false;

	assert_int_equal(OBJ_obj2nid(sk_ASN1_OBJECT_value(eku, 0)), NID_code_sign);
	for (int i = 1; i < sk_ASN1_OBJECT_num(eku); i++)
		found |= OBJ_cmp(sk_ASN1_OBJECT_value(eku, i), want) == 0;
	ASN1_OBJECT_free(want);
	EXTENDED_KEY_USAGE_free(eku);
	sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
	return found;
}

static void test_csr(void **state)
{
	_cleanup_buf_ struct ms_buf out = MS_BUF_INIT(16384);
	const uint8_t *p;
	X509_REQ *req;

	assert_int_equal(ms_csr_make(cert, sign, key, &out), 0);
	p = out.data;
	req = d2i_X509_REQ(NULL, &p, (long)out.len);
	assert_non_null(req);
	assert_ptr_equal(p, out.data + out.len);
	assert_int_equal(X509_REQ_verify(req, key), 1);
	assert_int_equal(EVP_PKEY_eq(X509_REQ_get0_pubkey(req), key), 1);
	assert_int_equal(asks_for_module_only(req), cert->module_only);
	X509_REQ_free(req);
}

static void crl(time_t when, int reason)
{
	_cleanup_buf_ struct ms_buf out = MS_BUF_INIT(16384);
	const uint8_t *p;
	struct tm tm;
	X509_REVOKED *r;
	X509_CRL *list;
	X509 *x;

	assert_int_equal(ms_crl_make(cert, cert->serial, cert->serial_len, when, reason,
				     1700000000, sign, key, &out),
			 0);
	p = out.data;
	list = d2i_X509_CRL(NULL, &p, (long)out.len);
	assert_non_null(list);
	assert_ptr_equal(p, out.data + out.len);
	assert_int_equal(X509_CRL_verify(list, key), 1);
	p = cert->der;
	x = d2i_X509(NULL, &p, (long)cert->der_len);
	assert_int_equal(X509_CRL_get0_by_cert(list, &r, x), 1);
	assert_int_equal(ASN1_TIME_to_tm(X509_REVOKED_get0_revocationDate(r), &tm), 1);
	assert_int_equal(timegm(&tm), when);
	X509_free(x);
	X509_CRL_free(list);
}

static void test_crl(void **state)
{
	crl(1600000000, 1);
	crl(0, 0);
	/* The last second of UTCTime and the first of GeneralizedTime. */
	crl(2524607999, 4);
	crl(2524608000, 4);
	assert_int_equal(ms_crl_reason("keyCompromise"), 1);
	assert_int_equal(ms_crl_reason("unspecified"), 0);
	assert_int_equal(ms_crl_reason("KeyCompromise"), -EINVAL);
}

/* A signature that another key made never leaves, and no half of an answer either. */
static void test_refuses(void **state)
{
	_cleanup_buf_ struct ms_buf out = MS_BUF_INIT(16384);

	assert_int_equal(ms_csr_make(cert, sign, other, &out), -EIO);
	assert_int_equal(ms_csr_make(cert, refuse, NULL, &out), -ENODEV);
	assert_int_equal(ms_crl_make(cert, cert->serial, cert->serial_len, 1, 0, 2, sign,
				     other, &out),
			 -EIO);
	assert_int_equal(out.len, 0);
}

static void use(enum ms_alg alg)
{
	const struct ms_cert_request req = {.common_name = "x",
					    .days = 1,
					    .profile = MS_CERT_ISSUER,
					    .module_only = alg == MS_ALG_P256};
	uint8_t *der;
	size_t len;

	ms_cert_free(cert);
	EVP_PKEY_free(key);
	EVP_PKEY_free(other);
	assert_int_equal(ms_key_generate(alg, &key), 0);
	assert_int_equal(ms_key_generate(alg, &other), 0);
	assert_int_equal(ms_cert_self_sign(key, &req, &der, &len), 0);
	assert_int_equal(ms_cert_parse(der, len, &cert), 0);
	free(der);
}

static void test_all(void **state)
{
	static const enum ms_alg algs[] = {MS_ALG_P256, MS_ALG_RSA2048};

	for (size_t i = 0; i < ARRAY_SIZE(algs); i++) {
		use(algs[i]);
		test_csr(state);
		test_crl(state);
		test_refuses(state);
	}
	ms_cert_free(cert);
	EVP_PKEY_free(key);
	EVP_PKEY_free(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_all)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
