/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/limits.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define NOW INT64_C(1795392000)

static char name[] = "r", other_name[] = "other";
static struct ms_rule rule = {.name = name, .limit_hour = 3, .limit_day = 5};
static struct ms_rule other = {.name = other_name, .limit_hour = 1};
static struct ms_limits *limits;
static struct ms_error err;

static int setup(void **state)
{
	return ms_limits_new(&limits);
}

static int teardown(void **state)
{
	ms_limits_free(limits);
	return 0;
}

static int take(const struct ms_rule *r, int64_t now)
{
	int64_t minute;

	return ms_limits_take(limits, r, now, &minute, &err);
}

static void test_hour_and_day(void **state)
{
	for (int i = 0; i < 3; i++)
		assert_int_equal(take(&rule, NOW), 0);
	assert_int_equal(take(&rule, NOW), -EACCES);
	assert_string_equal(err.code, "limit-hour");
	assert_int_equal(take(&other, NOW), 0);
	/* the last minute in which the first ones still count, and the next */
	assert_int_equal(take(&rule, NOW + 59 * 60), -EACCES);
	assert_int_equal(take(&rule, NOW + 60 * 60), 0);
	assert_int_equal(take(&rule, NOW + 60 * 60), 0);
	assert_int_equal(take(&rule, NOW + 60 * 60), -EACCES);
	assert_string_equal(err.code, "limit-day");
	assert_int_equal(ms_limits_used(limits, name, NOW + 60 * 60, 60), 2);
	assert_int_equal(ms_limits_used(limits, name, NOW + 60 * 60, 1440), 5);
	assert_int_equal(take(&rule, NOW + 1439 * 60), -EACCES);
	assert_int_equal(take(&rule, NOW + 1440 * 60), 0);
}

static void test_give_back(void **state)
{
	int64_t minute;

	assert_int_equal(ms_limits_take(limits, &other, NOW, &minute, &err), 0);
	assert_int_equal(take(&other, NOW), -EACCES);
	ms_limits_give_back(limits, other_name, minute);
	assert_int_equal(take(&other, NOW), 0);
	ms_limits_give_back(limits, "nobody", minute);
	/* never below nothing */
	ms_limits_give_back(limits, other_name, minute);
	ms_limits_give_back(limits, other_name, minute);
	assert_int_equal(ms_limits_used(limits, other_name, NOW, 60), 0);
}

static void test_clock_back(void **state)
{
	assert_int_equal(take(&other, NOW), 0);
	assert_int_equal(take(&other, NOW - 7200), -EACCES);
	assert_int_equal(take(&other, NOW - 86400 * 3), -EACCES);
}

static void test_parse(void **state)
{
	static const char *const bad[] = {
		"",	  "5",	    "/day",  "0/day",	"-1/day",
		"5/days", "5 /day", "5/Day", "5.5/day", "99999999999999999999/day"};
	uint64_t n = 77;
	char per = 'x';

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(ms_limit_parse(bad[i], &n, &per), -EINVAL);
	assert_int_equal(n, 77);
	assert_int_equal(per, 'x');
	assert_int_equal(ms_limit_parse("6000/day", &n, &per), 0);
	assert_int_equal(n, 6000);
	assert_int_equal(per, 'd');
	assert_int_equal(ms_limit_parse("1/hour", &n, &per), 0);
	assert_int_equal(per, 'h');
	assert_int_equal(ms_limit_parse("1/build", &n, &per), 0);
	assert_int_equal(per, 'b');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_hour_and_day, setup, teardown),
		cmocka_unit_test_setup_teardown(test_give_back, setup, teardown),
		cmocka_unit_test_setup_teardown(test_clock_back, setup, teardown),
		cmocka_unit_test(test_parse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
