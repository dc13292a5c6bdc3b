/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/verifier/fixture.h"
#include "verifier/run.h"

static void test_run(void **state)
{
	_cleanup_(fixture_checker_clear) struct fixture_checker f;
	_cleanup_results_ struct ms_results r = {0};
	char ko[] = "tests/data/module/ms_test.ko", gone[] = "/no/such",
	     dir[] = "/locked";
	struct ms_entry v[] = {
		{.path = dir, .error = -EACCES}, {.path = gone}, {.path = ko}};
	const struct ms_filelist list = {.v = v, .n = 3};

	fixture_checker_init(&f, "rsa2048");
	assert_int_equal(ms_run(&f.q, &f.caches, NULL, &list, 2, false, &r), 0);
	assert_int_equal(r.n, 3);
	assert_int_equal(r.unchecked, 2);
	assert_int_equal(r.findings, 1);
	assert_int_equal(r.trusted, 0);
	assert_string_equal(r.v[0].path, "/locked");
	assert_string_equal(r.v[2].path, ko);
	assert_non_null(strstr(r.v[0].policy.findings[0].detail, "ermission denied"));
	assert_int_equal(ms_results_exit(&r), 3);
}

static void test_exit(void **state)
{
	struct ms_results r = {0};

	assert_int_equal(ms_results_exit(&r), 3);
	r = (struct ms_results){.n = 1, .trusted = 1};
	assert_int_equal(ms_results_exit(&r), 0);
	r = (struct ms_results){.n = 2, .trusted = 1, .findings = 1};
	assert_int_equal(ms_results_exit(&r), 1);
	r = (struct ms_results){.n = 2, .unchecked = 1, .findings = 1};
	assert_int_equal(ms_results_exit(&r), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_run),
		cmocka_unit_test(test_exit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
