/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/denied.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define HEX64 "00112233445566778899aabbccddeeff00112233445566778899aabbccddee0f"

static struct ms_denied *d;
static struct ms_error err;
static uint8_t digest[MS_DIGEST_MAX], nothing[32];

static int setup(void **state)
{
	for (size_t i = 0; i < 31; i++)
		digest[i] = (uint8_t)(0x11 * (i % 16));
	digest[31] = 0x0f;
	return ms_denied_new(&d);
}

static int teardown(void **state)
{
	ms_denied_free(d);
	return 0;
}

static int check(const uint8_t *sha256)
{
	return ms_denied_check(d, MS_HASH_SHA256, digest, sha256, &err);
}

static void test_store(void **state)
{
	const char *data = NULL;

	assert_int_equal(check(nothing), 0);
	assert_int_equal(ms_denied_set(d, HEX64, "{}"), 0);
	assert_int_equal(ms_denied_set(d, HEX64, "{\"reason\":\"x\"}"), 0);
	assert_true(ms_denied_any(d));
	assert_string_equal(ms_denied_at(d, 0, &data), HEX64);
	assert_string_equal(data, "{\"reason\":\"x\"}");
	assert_null(ms_denied_at(d, 1, &data));
	assert_int_equal(check(nothing), -EACCES);
	assert_string_equal(err.code, "denied");
	/* it will be signed by another hash, and is known by its SHA-256 */
	assert_int_equal(ms_denied_check(d, MS_HASH_SHA512, digest, digest, &err),
			 -EACCES);
	assert_int_equal(ms_denied_check(d, MS_HASH_SHA512, digest, nothing, &err), 0);
	assert_int_equal(ms_denied_set(d, HEX64, NULL), 0);
	assert_int_equal(ms_denied_set(d, HEX64, NULL), 0);
	assert_int_equal(check(nothing), 0);
	assert_false(ms_denied_any(d));
}

static void test_file(void **state)
{
	static const char text[] = "# a comment\n\n" HEX64 "  foo.ko\r\n" HEX64;
	struct ms_strv list = {0};
	unsigned int line = 0;

	assert_int_equal(ms_denied_parse(text, strlen(text), &list, &line), 0);
	assert_int_equal(list.n, 2);
	assert_int_equal(ms_denied_config(d, &list), 0);
	assert_int_equal(check(nothing), -EACCES);
	ms_strv_clear(&list);
	assert_int_equal(ms_denied_config(d, &list), 0);
	assert_int_equal(check(nothing), 0);
}

static void test_refused(void **state)
{
	static const char *const bad[] = {"x\n", HEX64 "0\n", "# c\n " HEX64 "\n",
					  HEX64 HEX64 HEX64 "\n"};
	char hex[2 * MS_DIGEST_MAX + 1] = "poison";

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct ms_strv list = {0};
		unsigned int line = 0;

		assert_int_equal(ms_denied_parse(bad[i], strlen(bad[i]), &list, &line),
				 -EINVAL);
		assert_int_equal(line, i == 2 ? 2 : 1);
		ms_strv_clear(&list);
	}
	assert_int_equal(ms_denied_hex("", hex), -EINVAL);
	assert_int_equal(ms_denied_hex(HEX64 "00", hex), -EINVAL);
	assert_string_equal(hex, "poison");
	assert_int_equal(ms_denied_hex("00112233445566778899AABBCCDDEEFF"
				       "00112233445566778899aabbccddee0f",
				       hex),
			 0);
	assert_string_equal(hex, HEX64);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_store, setup, teardown),
		cmocka_unit_test_setup_teardown(test_file, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
