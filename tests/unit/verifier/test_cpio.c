/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include "tests/unit/lib/data.h"
#include "verifier/cpio.h"

/* What "printf x > a; echo a | cpio -o -H newc" begins with, as far as it matters. */
static const char good[] =
	"07070100ABcdef000081A40000000000000000000000020000000000000001"
	"000000fe000000010000000000000000000000020000000000";

static void test_good(void **state)
{
	struct ms_cpio_header h;

	assert_int_equal(strlen(good), MS_CPIO_HEADER + 2);
	assert_int_equal(ms_cpio_header_parse((const uint8_t *)good, MS_CPIO_HEADER, &h),
			 0);
	assert_int_equal(h.ino, 0xabcdef);
	assert_int_equal(h.mode, 0100644);
	assert_int_equal(h.nlink, 2);
	assert_int_equal(h.size, 1);
	assert_int_equal(h.name_size, 2);
}

static void refused(const char *what, size_t at)
{
	struct ms_cpio_header h = {.ino = 77};
	uint8_t p[MS_CPIO_HEADER];

	memcpy(p, good, sizeof(p));
	memcpy(p + at, what, strlen(what));
	assert_int_equal(ms_cpio_header_parse(p, sizeof(p), &h), -EBADMSG);
	assert_int_equal(h.ino, 77);
}

static void test_bad(void **state)
{
	struct ms_cpio_header h;

	refused("070707", 0);
	refused("g", 10);
	refused(" ", 54);
	refused("00000000", 94);
	refused("00001001", 94);
	refused("ffffffff", 94);
	assert_int_equal(
		ms_cpio_header_parse((const uint8_t *)good, MS_CPIO_HEADER - 1, &h),
		-EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
