/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/fsverity.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

/* struct fsverity_formatted_digest (include/uapi/linux/fsverity.h) */
static void formatted(void **state)
{
	uint8_t digest[64], out[MS_FSVERITY_FORMATTED_MAX];
	size_t len = 0;

	memset(digest, 0x5a, sizeof(digest));
	assert_int_equal(ms_fsverity_format(MS_HASH_SHA256, digest, out, &len), 0);
	assert_int_equal(len, 44);
	assert_memory_equal(out, "FSVerity\1\0\x20\0\x5a\x5a", 14);
	assert_memory_equal(out + 12, digest, 32);
	assert_int_equal(ms_fsverity_format(MS_HASH_SHA512, digest, out, &len), 0);
	assert_int_equal(len, 76);
	assert_memory_equal(out, "FSVerity\2\0\x40\0\x5a\x5a", 14);
}

static void other_hashes(void **state)
{
	uint8_t digest[64] = {0}, out[MS_FSVERITY_FORMATTED_MAX] = {7};
	size_t len = 9;

	assert_int_equal(ms_fsverity_format(MS_HASH_SHA384, digest, out, &len), -ENOPKG);
	assert_int_equal(ms_fsverity_format(MS_HASH_SHA3_256, digest, out, &len),
			 -ENOPKG);
	assert_int_equal(ms_fsverity_format(MS_HASH_NONE, digest, out, &len), -ENOPKG);
	assert_int_equal(len, 9);
	assert_int_equal(out[0], 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(formatted),
		cmocka_unit_test(other_hashes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
