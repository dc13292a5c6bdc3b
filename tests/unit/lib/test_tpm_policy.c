// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <cmocka.h>
#include "lib/cert.h"
#include "lib/tpm_policy.h"

static struct ms_pcr_approval some(uint32_t pcrs)
{
	struct ms_pcr_approval a = {.name = "firmware 1", .pcrs = pcrs};

	memset(a.pcr_digest, 0x5a, sizeof(a.pcr_digest));
	return a;
}

/* What one key signs is its own, and of these values alone. */
static void test_signatures(void **state)
{
	static const enum ms_alg algs[] = {MS_ALG_P256, MS_ALG_RSA2048};
	struct ms_policy_key keys[2];
	struct ms_pcr_approval a[2];

	for (int i = 0; i < 2; i++) {
		EVP_PKEY *key;

		assert_int_equal(ms_key_generate(algs[i], &key), 0);
		a[i] = some(1u << 7);
		assert_int_equal(ms_policy_key_encode(key, &keys[i]), 0);
		assert_int_equal(ms_pcr_approval_sign(&a[i], key), 0);
		EVP_PKEY_free(key);
		assert_int_equal(ms_pcr_approval_check(&a[i], &keys[i]), 0);
		assert_true(ms_policy_key_same(&keys[i], &keys[i]));
	}
	assert_false(ms_policy_key_same(&keys[0], &keys[1]));
	assert_int_equal(ms_pcr_approval_check(&a[0], &keys[1]), -EKEYREJECTED);
	assert_int_equal(ms_pcr_approval_check(&a[1], &keys[0]), -EKEYREJECTED);
	for (int i = 0; i < 2; i++) {
		struct ms_pcr_approval bad = a[i];

		bad.pcrs = 1u << 8;
		assert_int_equal(ms_pcr_approval_check(&bad, &keys[i]), -EKEYREJECTED);
		bad = a[i];
		bad.pcr_digest[31] ^= 1;
		assert_int_equal(ms_pcr_approval_check(&bad, &keys[i]), -EKEYREJECTED);
		for (size_t n = 0; n < a[i].sig_len; n++) {
			bad = a[i];
			bad.sig[n] ^= 1;
			assert_int_equal(ms_pcr_approval_check(&bad, &keys[i]),
					 -EKEYREJECTED);
		}
	}
}

static void test_other_keys(void **state)
{
	static const enum ms_alg algs[] = {MS_ALG_P384, MS_ALG_RSA3072};
	struct ms_policy_key none = {.len = 7}, was = none;
	struct ms_pcr_approval a = some(1);
	EVP_PKEY *key;

	for (int i = 0; i < 2; i++) {
		assert_int_equal(ms_key_generate(algs[i], &key), 0);
		assert_int_equal(ms_policy_key_encode(key, &none), -ENOPKG);
		assert_int_equal(ms_pcr_approval_sign(&a, key), -ENOPKG);
		EVP_PKEY_free(key);
	}
	assert_memory_equal(&none, &was, sizeof(none));
	assert_int_equal(ms_key_generate(MS_ALG_P256, &key), 0);
	a.pcrs = 0;
	assert_int_equal(ms_pcr_approval_sign(&a, key), -EINVAL);
	a.pcrs = 1u << 24;
	assert_int_equal(ms_pcr_approval_sign(&a, key), -EINVAL);
	EVP_PKEY_free(key);
}

/* There and back; nothing that is cut or longer is taken. */
static void test_der(void **state)
{
	_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(MS_PCR_APPROVAL_MAX);
	struct ms_pcr_approval a = some(0x800080), back, was;
	struct ms_policy_key key, key_back;
	EVP_PKEY *pkey;

	assert_int_equal(ms_key_generate(MS_ALG_P256, &pkey), 0);
	assert_int_equal(ms_policy_key_encode(pkey, &key), 0);
	assert_int_equal(ms_pcr_approval_sign(&a, pkey), 0);
	EVP_PKEY_free(pkey);
	assert_int_equal(ms_pcr_approval_write(&a, &key, &b), 0);
	assert_int_equal(ms_pcr_approval_parse(b.data, b.len, &back, &key_back, NULL), 0);
	assert_string_equal(back.name, a.name);
	assert_int_equal(back.pcrs, a.pcrs);
	assert_memory_equal(back.pcr_digest, a.pcr_digest, 32);
	assert_int_equal(back.sig_len, a.sig_len);
	assert_memory_equal(back.sig, a.sig, a.sig_len);
	assert_true(ms_policy_key_same(&key, &key_back));
	memset(&back, 0xa5, sizeof(back));
	was = back;
	for (size_t n = 0; n < b.len; n++)
		assert_int_equal(ms_pcr_approval_parse(b.data, n, &back, &key_back, NULL),
				 -EBADMSG);
	ms_buf_put_u8(&b, 0);
	assert_int_equal(ms_pcr_approval_parse(b.data, b.len, &back, &key_back, NULL),
			 -EBADMSG);
	assert_memory_equal(&back, &was, sizeof(back));
}

static void test_pcr_body(void **state)
{
	_cleanup_buf_ struct ms_buf body = MS_BUF_INIT(256);
	uint8_t digest[32], back[32] = {0};
	uint32_t pcrs = 0;

	memset(digest, 0x11, sizeof(digest));
	ms_policy_put_pcr(&body, 1u << 7, digest);
	assert_int_equal(ms_buf_error(&body), 0);
	assert_int_equal(body.len, 2 + 32 + 4 + 2 + 1 + 3);
	assert_int_equal(ms_policy_get_pcr(body.data, body.len, &pcrs, back), 0);
	assert_int_equal(pcrs, 1u << 7);
	assert_memory_equal(back, digest, 32);
	for (size_t n = 0; n < body.len; n++)
		assert_int_equal(ms_policy_get_pcr(body.data, n, &pcrs, back), -EBADMSG);
	body.data[39] = 0x0c; /* SHA-384 */
	assert_int_equal(ms_policy_get_pcr(body.data, body.len, &pcrs, back), -ENOPKG);
	body.data[39] = 0x0b;
	body.data[37] = 2; /* two banks */
	assert_int_equal(ms_policy_get_pcr(body.data, body.len, &pcrs, back), -ENOPKG);
	body.data[37] = 1;
	body.data[41] = 0; /* no PCR at all */
	assert_int_equal(ms_policy_get_pcr(body.data, body.len, &pcrs, back), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signatures),
		cmocka_unit_test(test_other_keys),
		cmocka_unit_test(test_der),
		cmocka_unit_test(test_pcr_body),
	};

	return cmocka_run_group_tests_name("tpm_policy", tests, NULL, NULL);
}
