/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include "signer/client/key_source.h"

static struct ms_error err;
static EVP_PKEY *key;
static unsigned int asked;
static const char *answer;

static int ask(void *arg, const char **ret, struct ms_error *e)
{
	asked++;
	if (!answer)
		return ms_error_set(e, -ECANCELED, NULL, "nobody there");
	*ret = answer;
	return 0;
}

static int parse(BIO *bio, struct ms_key_source *ret)
{
	char *p;
	long n = BIO_get_mem_data(bio, &p);

	asked = 0;
	return ms_key_source_parse((uint8_t *)p, (size_t)n, ask, NULL, ret, &err);
}

static void expect_key(BIO *bio, unsigned int times)
{
	struct ms_key_source s = {0};

	assert_int_equal(parse(bio, &s), 0);
	assert_int_equal(EVP_PKEY_eq(s.key, key), 1);
	assert_int_equal(asked, times);
	ms_key_source_clear(&s);
}

static void refuse(BIO *bio, int rc)
{
	struct ms_key_source s = {0};

	memset(&err, 0, sizeof(err));
	assert_int_equal(parse(bio, &s), rc);
	assert_true(err.msg[0]);
	assert_null(s.key);
	assert_int_equal(s.certs.n, 0);
}

static void test_pem(void **state)
{
	BIO *bio = BIO_new(BIO_s_mem());

	PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
	expect_key(bio, 0);
	(void)BIO_reset(bio);
	PEM_write_bio_PKCS8PrivateKey(bio, key, EVP_aes_256_cbc(), "pass", 4, NULL, NULL);
	answer = "pass";
	expect_key(bio, 1);
	answer = "Pass";
	refuse(bio, -EKEYREJECTED);
	answer = NULL;
	refuse(bio, -ECANCELED);
	BIO_free(bio);
}

/* One in 256 wrong passphrases opens to bytes with good padding; it is as wrong. */
static void test_wrong_passphrases(void **state)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char text[16];

	PEM_write_bio_PKCS8PrivateKey(bio, key, EVP_aes_256_cbc(), "pass", 4, NULL, NULL);
	for (int i = 0; i < 1500; i++) {
		snprintf(text, sizeof(text), "wrong%d", i);
		answer = text;
		refuse(bio, -EKEYREJECTED);
	}
	answer = NULL;
	BIO_free(bio);
}

static void test_der(void **state)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *p;
	long n;

	i2d_PKCS8PrivateKeyInfo_bio(bio, key);
	expect_key(bio, 0);
	/* Every beginning of it is refused, and so is something after it. */
	n = BIO_get_mem_data(bio, &p);
	for (long i = 0; i < n; i++) {
		BIO *cut = BIO_new_mem_buf(p, (int)i);

		refuse(cut, -ENODATA);
		BIO_free(cut);
	}
	BIO_write(bio, "", 1);
	refuse(bio, -EBADMSG);
	BIO_free(bio);
}

static void test_pkcs12(void **state)
{
	BIO *bio = BIO_new(BIO_s_mem());
	struct ms_cert_request req = {.common_name = "x", .days = 1};
	struct ms_key_source s = {0};
	const uint8_t *q;
	uint8_t *der;
	PKCS12 *p12;
	size_t len;
	X509 *x;

	assert_int_equal(ms_cert_self_sign(key, &req, &der, &len), 0);
	q = der;
	x = d2i_X509(NULL, &q, (long)len);
	p12 = PKCS12_create("pass", "n", key, x, NULL, 0, 0, 0, 0, 0);
	assert_non_null(p12);
	i2d_PKCS12_bio(bio, p12);
	answer = "pass";
	assert_int_equal(parse(bio, &s), 0);
	assert_int_equal(asked, 1);
	assert_int_equal(s.certs.n, 1);
	assert_non_null(ms_key_source_cert(s.key, &s.certs));
	assert_memory_equal(s.certs.v[0]->der, der, len);
	ms_key_source_clear(&s);
	answer = "no";
	refuse(bio, -EKEYREJECTED);
	PKCS12_free(p12);
	X509_free(x);
	free(der);
	BIO_free(bio);
}

static void test_not_a_key(void **state)
{
	static const struct {
		const char *text;
		int rc;
	} cases[] = {
		{"", -ENODATA},
		{"hello", -ENODATA},
		{"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
		 -ENODATA},
		{"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
		 -EBADMSG},
		{"-----BEGIN PRIVATE KEY-----\n", -EBADMSG},
		{"-----BEGIN TSS2 PRIVATE KEY-----\n", -EBADMSG},
		{"-----BEGIN TSS2 PRIVATE KEY-----\nAAAA\n"
		 "-----END TSS2 PRIVATE KEY-----\n-----BEGIN MODSEAL RESIDENT KEY-----\n",
		 -ENOPKG},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		BIO *bio = BIO_new_mem_buf(cases[i].text, (int)strlen(cases[i].text));

		refuse(bio, cases[i].rc);
		BIO_free(bio);
	}
}

/* A TPM's key is handed on as it is. */
static void test_tss2(void **state)
{
	static const char text[] = "-----BEGIN TSS2 PRIVATE KEY-----\nAAAA\n"
				   "-----END TSS2 PRIVATE KEY-----\n";
	_cleanup_key_source_ struct ms_key_source s = {0};

	assert_int_equal(ms_key_source_parse((const uint8_t *)text, sizeof(text) - 1,
					     NULL, NULL, &s, &err),
			 0);
	assert_null(s.key);
	assert_int_equal(s.tss2.len, 3);
	assert_null(ms_key_source_cert(s.key, &s.certs));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pem),
		cmocka_unit_test(test_wrong_passphrases),
		cmocka_unit_test(test_der),
		cmocka_unit_test(test_pkcs12),
		cmocka_unit_test(test_not_a_key),
		cmocka_unit_test(test_tss2),
	};
	int r;

	if (ms_key_generate(MS_ALG_P256, &key) < 0)
		return 1;
	r = cmocka_run_group_tests(tests, NULL, NULL);
	EVP_PKEY_free(key);
	return r;
}
