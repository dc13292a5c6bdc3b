/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Certificates as kernels read them. That the answers are theirs is what
 * tests/shell/91-oracle.t shows.
 */
#include "tests/unit/verifier/fixture.h"
#include "verifier/kernel_cert.h"

static int parsed(const char *name, const char *kernel, struct ms_kernel_cert *ret)
{
	static struct ms_buf b;
	const struct ms_kernel_profile *p = ms_kernel_profile_find(kernel);
	char path[64];

	ms_buf_clear(&b);
	b = (struct ms_buf)MS_BUF_INIT(DATA_MAX);
	snprintf(path, sizeof(path), "%s.der", name);
	data_read(path, &b);
	memset(ret, 0x55, sizeof(*ret));
	return ms_kernel_cert_parse(p, b.data, b.len, ret);
}

static void test_good(void **state)
{
	struct ms_kernel_cert c;

	assert_int_equal(parsed("pkcs7/rsa2048", "5.10", &c), 0);
	assert_int_equal(c.key_kind, MS_SIG_RSA);
	assert_int_equal(c.hash, MS_HASH_SHA256);
	assert_true(c.self_signed);
	assert_true(ms_kernel_id_same(&c.skid, &c.auth[1]) || !c.auth[1].there);
	assert_int_equal(c.key.len, 270);

	assert_int_equal(parsed("pkcs7/p384", "6.12", &c), 0);
	assert_int_equal(c.key_kind, MS_SIG_ECDSA);
	assert_int_equal(c.curve, 384);
	assert_true(c.self_signed);
	assert_int_equal(parsed("certs/p521", "6.12", &c), 0);
	assert_int_equal(c.key_kind, MS_SIG_P521);
}

static void test_versions(void **state)
{
	struct ms_kernel_cert c;

	assert_int_equal(parsed("pkcs7/p256", "5.10", &c), -ENOPKG);
	assert_int_equal(parsed("pkcs7/p256", "6.1", &c), -ENOENT);
	assert_int_equal(parsed("certs/p521", "6.1", &c), -ENOPKG);
	assert_int_equal(parsed("certs/rsa2560", "6.12", &c), -EINVAL);
	assert_int_equal(parsed("certs/ed25519", "7.2", &c), -ENOPKG);
	assert_int_equal(parsed("certs/pss", "7.2", &c), -ENOPKG);
}

static void test_cut(void **state)
{
	_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(DATA_MAX);
	const struct ms_kernel_profile *p = ms_kernel_profile_find("6.12");
	struct ms_kernel_cert c;

	data_read("pkcs7/p256.der", &b);
	for (size_t len = 0; len < b.len; len++) {
		uint8_t *copy = malloc(len ? len : 1);

		assert_non_null(copy);
		memcpy(copy, b.data, len);
		memset(&c, 0x55, sizeof(c));
		assert_int_equal(ms_kernel_cert_parse(p, copy, len, &c), -EBADMSG);
		assert_int_equal(c.curve, 0x55555555);
		free(copy);
	}
	/* One bit of the signature. */
	b.data[b.len - 1] ^= 1;
	assert_int_equal(ms_kernel_cert_parse(p, b.data, b.len, &c), -EKEYREJECTED);
}

static int time_check(uint8_t tag, const char *text)
{
	return ms_kernel_time_check(tag, (const uint8_t *)text, strlen(text));
}

static void test_times(void **state)
{
	static const char *const good[] = {"240101000000Z", "240229235960Z",
					   "700101000000Z", "491231240000Z"};
	static const char *const bad[] = {"",
					  "2401010000Z",
					  "240101000000+0000",
					  "230229000000Z",
					  "240100000000Z",
					  "241301000000Z",
					  "240101250000Z",
					  "240101006000Z",
					  "240101000061Z",
					  "240101000000z",
					  "2401010000x0Z",
					  "690101000000Z",
					  "20240101000000Z"};

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_int_equal(time_check(0x17, good[i]), 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(time_check(0x17, bad[i]), -EBADMSG);
	assert_int_equal(time_check(0x18, "20500101000000Z"), 0);
	assert_int_equal(time_check(0x18, "21000229000000Z"), -EBADMSG);
	assert_int_equal(time_check(0x18, "24000229000000Z"), 0);
	assert_int_equal(time_check(0x18, "20490101000000Z"), -EBADMSG);
	assert_int_equal(time_check(0x18, "240101000000Z"), -EBADMSG);
	assert_int_equal(time_check(0x16, "240101000000Z"), -EBADMSG);
}

static void test_ids(void **state)
{
	static const uint8_t abc[] = "abc";
	const struct ms_kernel_id whole = {.there = true, .a = {abc, 3}};
	const struct ms_kernel_id parts = {
		.there = true, .a = {abc, 1}, .b = {abc + 1, 2}};
	const struct ms_kernel_id part = {.there = true, .a = {abc, 2}};
	const struct ms_kernel_id other = {.there = true, .a = {abc, 2}, .b = {abc, 1}};
	const struct ms_kernel_id none = {.there = false}, empty = {.there = true};

	assert_true(ms_kernel_id_same(&whole, &parts));
	assert_false(ms_kernel_id_same(&whole, &part));
	assert_false(ms_kernel_id_same(&whole, &other));
	assert_false(ms_kernel_id_same(&none, &none));
	assert_false(ms_kernel_id_same(&none, &empty));
	assert_true(ms_kernel_id_same(&empty, &empty));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good), cmocka_unit_test(test_versions),
		cmocka_unit_test(test_cut),  cmocka_unit_test(test_times),
		cmocka_unit_test(test_ids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
