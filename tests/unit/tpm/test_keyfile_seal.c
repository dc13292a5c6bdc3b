// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <cmocka.h>
#include <openssl/x509.h>
#include "lib/cert.h"
#include "tests/unit/tpm/vector.h"
#include "tpm/keyfile.h"

static struct ms_error err;
static struct ms_keyfile vector;
static uint8_t kek[MS_TPM_SECRET_LEN];

static void refuse(const struct ms_keyfile *k, const uint8_t *with, const char *code)
{
	EVP_PKEY *const nothing = (EVP_PKEY *)&err;
	EVP_PKEY *key = nothing;
	int r = ms_keyfile_unseal(k, with, &key, &err);

	if (r != -EBADMSG || strcmp(err.code, code) != 0)
		fail_msg("%d %s: %s", r, err.code, err.msg);
	assert_ptr_equal(key, nothing);
}

/* Known answer: the PKCS#8 key that an independent AES-256-GCM decrypted. */
static void test_vector(void **state)
{
	PKCS8_PRIV_KEY_INFO *info;
	EVP_PKEY *key = NULL;
	uint8_t *der = NULL;
	int len;

	assert_int_equal(ms_keyfile_unseal(&vector, kek, &key, &err), 0);
	info = EVP_PKEY2PKCS8(key);
	len = i2d_PKCS8_PRIV_KEY_INFO(info, &der);
	assert_int_equal(len, sizeof(vector_pkcs8));
	assert_memory_equal(der, vector_pkcs8, sizeof(vector_pkcs8));
	PKCS8_PRIV_KEY_INFO_free(info);
	OPENSSL_free(der);
	EVP_PKEY_free(key);
}

static void test_every_bit_counts(void **state)
{
	static struct ms_keyfile k;
	const struct {
		uint8_t *p;
		size_t len;
	} parts[] = {
		{k.nonce, sizeof(k.nonce)},
		{k.tag, sizeof(k.tag)},
		{k.spki_sha256, 32},
		{k.sealed, vector.sealed_len},
		{k.blob.name, sizeof(vector_name)},
	};
	uint8_t other[MS_TPM_SECRET_LEN];

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		for (size_t bit = 0; bit < parts[i].len * 8; bit++) {
			k = vector;
			parts[i].p[bit / 8] ^= (uint8_t)(1u << (bit % 8));
			refuse(&k, kek, "key-file-damaged");
		}
	for (size_t bit = 0; bit < sizeof(kek) * 8; bit++) {
		memcpy(other, kek, sizeof(kek));
		other[bit / 8] ^= (uint8_t)(1u << (bit % 8));
		refuse(&vector, other, "key-file-damaged");
	}
	for (size_t n = 0; n < vector.sealed_len; n++) {
		k = vector;
		k.sealed_len = n;
		refuse(&k, kek, "key-file-damaged");
	}
	k = vector;
	k.sealed_len = sizeof(k.sealed) + 1;
	refuse(&k, kek, "key-file-damaged");
}

static void certify(struct ms_keyfile *k, EVP_PKEY *key)
{
	const struct ms_cert_request req = {.common_name = "test", .days = 1};
	uint8_t *der = NULL;

	assert_int_equal(ms_cert_self_sign(key, &req, &der, &k->cert_len), 0);
	memcpy(k->cert, der, k->cert_len);
	free(der);
}

static void test_every_algorithm(void **state)
{
	static const enum ms_alg algs[] = {MS_ALG_RSA2048, MS_ALG_P256, MS_ALG_P384,
					   MS_ALG_P521};

	for (size_t i = 0; i < ARRAY_SIZE(algs); i++) {
		static struct ms_keyfile k, again;
		EVP_PKEY *key = NULL, *back = NULL;

		k = vector;
		assert_int_equal(ms_key_generate(algs[i], &key), 0);
		certify(&k, key);
		assert_int_equal(ms_keyfile_seal(&k, kek, key, &err), 0);
		assert_int_equal(ms_keyfile_unseal(&k, kek, &back, &err), 0);
		assert_int_equal(EVP_PKEY_eq(key, back), 1);
		EVP_PKEY_free(back);
		/* never the same nonce twice */
		again = k;
		assert_int_equal(ms_keyfile_seal(&again, kek, key, &err), 0);
		assert_int_not_equal(memcmp(again.nonce, k.nonce, sizeof(k.nonce)), 0);
		assert_int_not_equal(memcmp(again.sealed, k.sealed, k.sealed_len), 0);
		EVP_PKEY_free(key);
	}
}

static void test_damaged_certificate(void **state)
{
	static struct ms_keyfile k;

	/* Issuer, serial, dates, names, signature: whichever bit it is. */
	for (size_t i = 0; i < vector.cert_len; i++) {
		k = vector;
		k.cert[i] ^= 1u << (i % 8);
		refuse(&k, kek, "key-file-mismatch");
	}
}

static void test_another_certificate(void **state)
{
	static struct ms_keyfile k;
	EVP_PKEY *key = NULL;

	k = vector;
	assert_int_equal(ms_key_generate(MS_ALG_P256, &key), 0);
	certify(&k, key);
	refuse(&k, kek, "key-file-mismatch");
	k = vector;
	k.cert[k.cert_len++] = 0;
	refuse(&k, kek, "key-file-mismatch");
	k.cert_len = 10;
	refuse(&k, kek, "key-file-mismatch");
	/* the key of another file: its hash is in what is authenticated */
	k = vector;
	assert_int_equal(ms_keyfile_seal(&k, kek, key, &err), 0);
	refuse(&k, kek, "key-file-mismatch");
	memcpy(k.spki_sha256, vector.spki_sha256, sizeof(k.spki_sha256));
	refuse(&k, kek, "key-file-damaged");
	EVP_PKEY_free(key);
}

static int setup(void **state)
{
	for (size_t i = 0; i < sizeof(kek); i++)
		kek[i] = (uint8_t)i;
	return ms_keyfile_parse(vector_text, strlen(vector_text), &vector, &err);
}

/* The last one, as nothing is given back: the file is as good as it was. */
static void test_no_locked_memory(void **state)
{
	EVP_PKEY *key = NULL;
	size_t n = 0;

	if (!CRYPTO_secure_malloc_initialized() &&
	    CRYPTO_secure_malloc_init(16384, 32) == 0)
		fail();
	for (size_t size = 4096; size >= 32; size /= 2)
		while (OPENSSL_secure_malloc(size))
			n++;
	assert_true(n > 0);
	assert_int_equal(ms_keyfile_unseal(&vector, kek, &key, &err), -ENOMEM);
	assert_string_equal(err.code, "no-memory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vector),
		cmocka_unit_test(test_every_bit_counts),
		cmocka_unit_test(test_every_algorithm),
		cmocka_unit_test(test_damaged_certificate),
		cmocka_unit_test(test_another_certificate),
		cmocka_unit_test(test_no_locked_memory),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
