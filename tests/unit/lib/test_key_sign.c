/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Known answers are in test_pkcs7_build.c: there the signatures are those of sign-file.
 */
#include "data.h"
#include <pthread.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include "lib/cert.h"
#include "lib/limits.h"

static const enum ms_hash hashes[] = { MS_HASH_SHA256,	 MS_HASH_SHA384,
				       MS_HASH_SHA512,	 MS_HASH_SHA3_256,
				       MS_HASH_SHA3_384, MS_HASH_SHA3_512 };

static EVP_PKEY *generate(enum ms_alg alg)
{
	EVP_PKEY *key = NULL;

	assert_int_equal(ms_key_generate(alg, &key), 0);
	return key;
}

static void test_names(void **state)
{
	static const char *const names[] = { "rsa2048", "rsa3072", "rsa4096",
					     "p256",	"p384",	   "p521" };
	enum ms_alg a = MS_ALG_OTHER;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		assert_int_equal(ms_alg_from_name(names[i], &a), 0);
		assert_int_equal(a, i + 1);
		assert_string_equal(ms_alg_name(a), names[i]);
		assert_int_equal(ms_alg_is_rsa(a), i < 3);
	}
	assert_int_equal(ms_alg_from_name("rsa1024", &a), -EINVAL);
	assert_int_equal(ms_alg_from_name("", &a), -EINVAL);
	assert_int_equal(a, MS_ALG_P521);
	assert_string_equal(ms_alg_name(MS_ALG_OTHER), "other");
	assert_false(ms_alg_is_rsa(MS_ALG_NONE));
}

static void check_key(EVP_PKEY *key)
{
	for (size_t i = 0; i < ARRAY_SIZE(hashes); i++) {
		uint8_t digest[MS_DIGEST_MAX], sig[MS_SIG_MAX];
		size_t len = 0;

		assert_int_equal(ms_digest(hashes[i], "abc", 3, digest), 0);
		assert_int_equal(ms_key_sign_digest(key, hashes[i], digest, sig, &len),
				 0);
		assert_in_range(len, 64, EVP_PKEY_get_size(key));
		assert_int_equal(ms_key_verify_digest(key, hashes[i], digest, sig, len),
				 0);
		digest[0] ^= 1;
		assert_int_equal(ms_key_verify_digest(key, hashes[i], digest, sig, len),
				 -EKEYREJECTED);
		digest[0] ^= 1;
		sig[len - 1] ^= 1;
		assert_int_equal(ms_key_verify_digest(key, hashes[i], digest, sig, len),
				 -EKEYREJECTED);
		sig[len - 1] ^= 1;
		assert_int_equal(
			ms_key_verify_digest(key, hashes[i], digest, sig, len - 1),
			-EKEYREJECTED);
		assert_int_equal(ms_key_verify_digest(key, hashes[i], digest, sig, 0),
				 -EKEYREJECTED);
	}
	/* Nothing of that is left behind in the thread's list of errors. */
	assert_int_equal(ERR_peek_error(), 0);
}

static void test_sign_and_verify(void **state)
{
	static const enum ms_alg algs[] = { MS_ALG_RSA2048, MS_ALG_P256, MS_ALG_P384,
					    MS_ALG_P521 };

	for (size_t i = 0; i < ARRAY_SIZE(algs); i++) {
		EVP_PKEY *key = generate(algs[i]);

		assert_int_equal(ms_key_alg(key), algs[i]);
		check_key(key);
		EVP_PKEY_free(key);
	}
}

/* PKCS#1 v1.5: the same digest under the name of another hash is another message. */
static void test_hash_is_signed_too(void **state)
{
	uint8_t digest[MS_DIGEST_MAX] = { 1, 2, 3 }, sig[MS_SIG_MAX];
	EVP_PKEY *key = generate(MS_ALG_RSA2048);
	size_t len;

	assert_int_equal(ms_key_sign_digest(key, MS_HASH_SHA256, digest, sig, &len), 0);
	assert_int_equal(len, 256);
	assert_int_equal(ms_key_verify_digest(key, MS_HASH_SHA3_256, digest, sig, len),
			 -EKEYREJECTED);
	EVP_PKEY_free(key);
}

static void test_refusals(void **state)
{
	EVP_PKEY *key = generate(MS_ALG_RSA2048),
		 *ed = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	uint8_t digest[MS_DIGEST_MAX] = { 0 }, sig[MS_SIG_MAX], poison[MS_SIG_MAX];
	size_t len = 4711;

	memset(sig, 0xa5, sizeof(sig));
	memcpy(poison, sig, sizeof(sig));
	assert_non_null(ed);
	assert_int_equal(ms_key_sign_digest(key, MS_HASH_SHA1, digest, sig, &len),
			 -ENOPKG);
	assert_int_equal(ms_key_sign_digest(key, MS_HASH_NONE, digest, sig, &len),
			 -ENOPKG);
	assert_int_equal(ms_key_sign_digest(key, MS_HASH_MD4, digest, sig, &len),
			 -ENOPKG);
	assert_int_equal(ms_key_sign_digest(ed, MS_HASH_SHA256, digest, sig, &len),
			 -ENOPKG);
	assert_int_equal(ms_key_alg(ed), MS_ALG_OTHER);
	assert_int_equal(len, 4711);
	assert_memory_equal(sig, poison, sizeof(sig));
	assert_int_equal(ms_key_verify_digest(ed, MS_HASH_SHA256, digest, sig, 64),
			 -ENOPKG);
	assert_int_equal(ms_key_verify_digest(key, MS_HASH_NONE, digest, sig, 256),
			 -ENOPKG);
	assert_int_equal(ms_key_verify_digest(key, MS_HASH_MD4, digest, sig, 256),
			 -ENOPKG);
	EVP_PKEY_free(ed);
	EVP_PKEY_free(key);
}

/* A public key alone cannot sign, and says so. */
static void test_public_key(void **state)
{
	_cleanup_buf_ struct ms_buf der = MS_BUF_INIT(DATA_MAX);
	_cleanup_cert_ struct ms_cert *c = NULL;
	uint8_t digest[MS_DIGEST_MAX] = { 0 }, sig[MS_SIG_MAX];
	size_t len = 4711;

	data_read("pkcs7/rsa2048.der", &der);
	assert_int_equal(ms_cert_parse(der.data, der.len, &c), 0);
	assert_int_equal(ms_key_sign_digest(c->pkey, MS_HASH_SHA256, digest, sig, &len),
			 -EIO);
	assert_int_equal(len, 4711);
	assert_int_equal(ERR_peek_error(), 0);
}

/* A weak hash can be looked at, only not used. */
static void test_verify_sha1(void **state)
{
	static const uint8_t digest[20] = { 9, 8, 7 };
	EVP_PKEY *key = generate(MS_ALG_RSA2048);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	uint8_t sig[MS_SIG_MAX];
	size_t len = sizeof(sig);

	assert_int_equal(EVP_PKEY_sign_init(ctx), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING), 1);
	assert_int_equal(EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha1()), 1);
	assert_int_equal(EVP_PKEY_sign(ctx, sig, &len, digest, sizeof(digest)), 1);
	assert_int_equal(ms_key_verify_digest(key, MS_HASH_SHA1, digest, sig, len), 0);
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(key);
}

static EVP_PKEY *shared;

static void *sign_many(void *arg)
{
	uintptr_t bad = 0;

	for (int i = 0; i < 25; i++) {
		uint8_t digest[MS_DIGEST_MAX], sig[MS_SIG_MAX];
		size_t len;

		memset(digest, i, sizeof(digest));
		bad += ms_key_sign_digest(shared, MS_HASH_SHA256, digest, sig, &len) !=
			       0 ||
		       ms_key_verify_digest(shared, MS_HASH_SHA256, digest, sig, len) !=
			       0;
	}
	return (void *)bad;
}

static void test_threads(void **state)
{
	pthread_t t[4];

	shared = generate(MS_ALG_RSA2048);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		assert_int_equal(pthread_create(&t[i], NULL, sign_many, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		void *bad;

		assert_int_equal(pthread_join(t[i], &bad), 0);
		assert_null(bad);
	}
	EVP_PKEY_free(shared);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_sign_and_verify),
		cmocka_unit_test(test_hash_is_signed_too),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_public_key),
		cmocka_unit_test(test_verify_sha1),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
