// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <cmocka.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include "lib/cert.h"
#include "lib/key_public.h"

static void test_rsa(void **state)
{
	uint8_t n[256] = {0}, large[513] = {1};
	EVP_PKEY *key, *back;
	BIGNUM *bn = NULL;

	assert_int_equal(ms_key_generate(MS_ALG_RSA2048, &key), 0);
	assert_int_equal(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &bn), 1);
	assert_int_equal(BN_bn2binpad(bn, n, sizeof(n)), sizeof(n));
	back = ms_key_from_rsa(n, sizeof(n), 65537);
	assert_non_null(back);
	assert_int_equal(EVP_PKEY_eq(key, back), 1);
	assert_null(ms_key_from_rsa(n, 0, 65537));
	assert_null(ms_key_from_rsa(large, sizeof(large), 65537));
	BN_free(bn);
	EVP_PKEY_free(key);
	EVP_PKEY_free(back);
}

static void test_ec(void **state)
{
	uint8_t point[65];
	EVP_PKEY *key, *back;
	size_t len = 0;

	assert_int_equal(ms_key_generate(MS_ALG_P256, &key), 0);
	assert_int_equal(EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY,
							 point, sizeof(point), &len),
			 1);
	back = ms_key_from_ec("P-256", point, len);
	assert_non_null(back);
	assert_int_equal(EVP_PKEY_eq(key, back), 1);
	/* not on the curve, cut, on no curve at all */
	point[64] ^= 1;
	assert_null(ms_key_from_ec("P-256", point, len));
	point[64] ^= 1;
	assert_null(ms_key_from_ec("P-256", point, len - 1));
	assert_null(ms_key_from_ec("P-384", point, len));
	assert_null(ms_key_from_ec("P-256", point, 0));
	EVP_PKEY_free(key);
	EVP_PKEY_free(back);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rsa),
		cmocka_unit_test(test_ec),
	};

	return cmocka_run_group_tests_name("key_public", tests, NULL, NULL);
}
