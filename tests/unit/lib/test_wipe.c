/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include "lib/secmem.h"

static void test_wipe(void **state)
{
	uint8_t b[32], zero[32] = {0};

	memset(b, 0x55, sizeof(b));
	ms_wipe(b, 31);
	assert_memory_equal(b, zero, 31);
	assert_int_equal(b[31], 0x55);
	ms_wipe(b, 0);
	ms_wipe(NULL, 10);
}

static void test_equal(void **state)
{
	uint8_t a[16], b[16];

	memset(a, 7, sizeof(a));
	memset(b, 7, sizeof(b));
	assert_true(ms_equal(a, b, sizeof(a)));
	assert_true(ms_equal(a, b, 0));
	for (size_t i = 0; i < sizeof(a) * 8; i++) {
		b[i / 8] ^= (uint8_t)(1u << i % 8);
		assert_false(ms_equal(a, b, sizeof(a)));
		b[i / 8] ^= (uint8_t)(1u << i % 8);
	}
	b[15] = 8;
	assert_true(ms_equal(a, b, 15));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wipe),
		cmocka_unit_test(test_equal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
