/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/duration.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void test_good(void **state)
{
	static const struct {
		const char *text;
		uint32_t seconds;
	} good[] = {{"0", 0},	   {"5", 5},	  {"90s", 90},
		    {"30m", 1800}, {"4h", 14400}, {"3650d", 315360000}};
	uint32_t s;

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		assert_int_equal(ms_duration_parse(good[i].text, &s), 0);
		assert_int_equal(s, good[i].seconds);
	}
}

static void test_refused(void **state)
{
	static const char *const bad[] = {"",
					  "h",
					  "-1",
					  "1.5h",
					  "4 h",
					  "4H",
					  "4hh",
					  "1h30m",
					  "3651d",
					  " 4h",
					  "99999999999999999999",
					  "87601h"};
	uint32_t s = 77;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(ms_duration_parse(bad[i], &s), -EINVAL);
	assert_int_equal(s, 77);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
