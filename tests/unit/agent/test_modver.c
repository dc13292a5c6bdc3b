/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/modver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

/* Each is later than the one before it. */
static const char *const rising[] = {
	"alpha",
	"beta",
	"beta2",
	"",
	"0",
	"0.9",
	"1",
	"1.2-rc1",
	"1.2-rc2",
	"1.2",
	"1.2.1",
	"1.2.9",
	"1.2.10",
	"1.10",
	"3.8.4-k",
	"3.8.4",
	"3.8.5",
	"535.54.03",
	"535.129",
	"99999999999999999999",
	"100000000000000000000",
};

static const char *const same[][2] = {
	{"1.0", "1.00"}, {"1.0", "1_0"}, {"1.2", "1.2."},
	{"1.2", "01.2"}, {"v 2", "v2"},	 {"", "..."},
};

static int sign(int n)
{
	return (n > 0) - (n < 0);
}

static void test_order(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(rising); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(rising); j++) {
			if (sign(ms_modver_compare(rising[i], rising[j])) !=
			    sign((int)i - (int)j))
				fail_msg("%s and %s", rising[i], rising[j]);
		}
	}
}

static void test_same(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(same); i++) {
		assert_int_equal(ms_modver_compare(same[i][0], same[i][1]), 0);
		assert_int_equal(ms_modver_compare(same[i][1], same[i][0]), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
