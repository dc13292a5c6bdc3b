/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * OpenSSL runs out of memory: at each of its allocations in turn. Nothing may crash, leak
 * or come out half done, and what works again afterwards must work as before.
 */
#include "data.h"
#include <openssl/crypto.h>
#include "lib/cert.h"
#include "lib/limits.h"

static long countdown = -1; /* allocations that still succeed; -1: all */
static long failed;

static bool out_of_memory(void)
{
	if (countdown < 0)
		return false;
	if (countdown > 0) {
		countdown--;
		return false;
	}
	failed++;
	return true;
}

static void *test_alloc(size_t n, const char *file, int line)
{
	return out_of_memory() ? NULL : malloc(n);
}

static void *test_realloc_memory(void *p, size_t n, const char *file, int line)
{
	return out_of_memory() ? NULL : realloc(p, n);
}

static void test_release(void *p, const char *file, int line)
{
	free(p);
}

static EVP_PKEY *key;
static struct ms_buf der = MS_BUF_INIT(DATA_MAX);
static const uint8_t digest[MS_DIGEST_MAX] = { 1, 2, 3 };

/* Each returns 0 or an error, and frees what it got. */
static int parse(void)
{
	struct ms_cert *c = NULL;
	int rc = ms_cert_parse(der.data, der.len, &c);

	assert_int_equal(rc == 0, c != NULL);
	ms_cert_free(c);
	return rc;
}

static int self_sign(void)
{
	const struct ms_cert_request req = { .common_name = "test",
					     .days = 1,
					     .module_only = true };
	uint8_t *out = NULL;
	size_t len = 0;
	int rc = ms_cert_self_sign(key, &req, &out, &len);

	assert_int_equal(rc == 0, out != NULL);
	free(out);
	return rc;
}

static int sign(void)
{
	uint8_t sig[MS_SIG_MAX];
	size_t len = 0;
	int rc = ms_key_sign_digest(key, MS_HASH_SHA256, digest, sig, &len);

	assert_int_equal(rc == 0, len != 0);
	return rc;
}

static int hash(void)
{
	uint8_t out[MS_DIGEST_MAX];

	return ms_digest(MS_HASH_SHA3_256, "abc", 3, out);
}

/* How often it may fail before it succeeds: more allocations than any of these makes. */
#define MANY 20000

static void starve(int (*what)(void))
{
	long n;

	assert_int_equal(what(), 0); /* what OpenSSL loads once has been loaded */
	for (n = 0; n < MANY; n++) {
		int rc;

		failed = 0;
		countdown = n;
		rc = what();
		countdown = -1;
		if (!failed) {
			assert_int_equal(rc, 0);
			break;
		}
		assert_true(rc <= 0);
		assert_int_equal(what(), 0);
	}
	assert_in_range(n, 1, MANY - 1);
}

static void test_parse(void **state)
{
	starve(parse);
}

static void test_self_sign(void **state)
{
	starve(self_sign);
}

static void test_sign(void **state)
{
	starve(sign);
}

static void test_hash(void **state)
{
	starve(hash);
}

static int setup(void **state)
{
	data_read("certs/leaf.der", &der);
	assert_int_equal(ms_key_generate(MS_ALG_P256, &key), 0);
	return 0;
}

static int teardown(void **state)
{
	EVP_PKEY_free(key);
	ms_buf_clear(&der);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_self_sign),
		cmocka_unit_test(test_sign),
		cmocka_unit_test(test_hash),
	};

	if (!CRYPTO_set_mem_functions(test_alloc, test_realloc_memory, test_release))
		return 1;
	return cmocka_run_group_tests(tests, setup, teardown);
}
