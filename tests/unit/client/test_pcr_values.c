// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <cmocka.h>
#include "lib/hash.h"
#include "signer/client/pcr_values.h"

#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"
#define ONES "1111111111111111111111111111111111111111111111111111111111111111"

static int parse(const char *text, struct ms_pcr_values *ret)
{
	return ms_pcr_values_parse(text, strlen(text), ret, NULL);
}

static void test_good(void **state)
{
	static const char *const texts[] = {
		"7: " ONES "\n11: " ZEROS "\n", "7=" ONES "\n11=0x" ZEROS,
		"# by hand\n\n 7 : 0x" ONES " # this one\r\n 11: " ZEROS "\n",
		"  sha1:\n    7 : 0x11\n  sha256:\n    7 : 0x" ONES "\n    11: 0x" ZEROS
		"\n  sha384:\n    7 : 0x22\n"};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct ms_pcr_values v;
		uint8_t digest[32], want[32], all[64];

		assert_int_equal(parse(texts[i], &v), 0);
		assert_int_equal(v.known, 1u << 7 | 1u << 11);
		memset(all, 0x11, 32);
		memset(all + 32, 0, 32);
		assert_int_equal(ms_digest(MS_HASH_SHA256, all, 64, want), 0);
		assert_int_equal(ms_pcr_values_digest(&v, v.known, digest, NULL), 0);
		assert_memory_equal(digest, want, 32);
		assert_int_equal(ms_pcr_values_digest(&v, 1u << 8, digest, NULL),
				 -ENODATA);
	}
}

static void test_bad(void **state)
{
	static const char *const texts[] = {
		"7: 1234\n", "24: " ZEROS,    "7: " ZEROS "\n7: " ZEROS, "x: " ZEROS,
		"7 " ZEROS,  "7: " ZEROS "0", "7: " ZEROS " 0",		 "007: " ZEROS,
		"7: 0x",     ": " ZEROS};
	struct ms_pcr_values v, was;

	memset(&v, 0xa5, sizeof(v));
	was = v;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		assert_int_equal(parse(texts[i], &v), -EINVAL);
	assert_int_equal(parse("", &v), -ENODATA);
	assert_int_equal(parse("sha1:\n 7: 0x11\n", &v), -ENODATA);
	assert_memory_equal(&v, &was, sizeof(v));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
	};

	return cmocka_run_group_tests_name("pcr_values", tests, NULL, NULL);
}
