/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/verifier/fixture.h"
#include "verifier/policy_file.h"

static int parse(const char *text, struct ms_severities *s)
{
	struct ms_error err = {0};
	int rc = ms_severities_parse(text, strlen(text), s, &err);

	assert_true(!rc == !*err.msg);
	return rc;
}

static void test_parse(void **state)
{
	struct ms_severities s;

	memset(&s, 0xff, sizeof(s));
	assert_int_equal(parse("", &s), 0);
	for (int c = 0; c < MS_FINDING_COUNT; c++)
		assert_false(s.set[c]);
	assert_int_equal(
		parse("weak-key=note\n # x\nweak-key = error#y\nstripped = note", &s), 0);
	assert_true(s.set[MS_FINDING_WEAK_KEY]);
	assert_int_equal(s.severity[MS_FINDING_WEAK_KEY], MS_SEVERITY_ERROR);
	assert_int_equal(s.severity[MS_FINDING_STRIPPED], MS_SEVERITY_NOTE);
	assert_false(s.set[MS_FINDING_UNSIGNED]);
}

static void test_refuses(void **state)
{
	static const char *const bad[] = {"x",
					  "=",
					  "weak-key =",
					  "= note",
					  "weak-key note",
					  "weak-key = note x",
					  "weak = note",
					  "weak-key = NOTE",
					  "unsigned = note",
					  "loaded-unidentified = note",
					  "none = note"};
	struct ms_severities s = {.set = {true}};
	char line[700];

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(parse(bad[i], &s), -EINVAL);
	memset(line, 'a', sizeof(line));
	line[sizeof(line) - 1] = 0;
	assert_int_equal(parse(line, &s), -EINVAL);
	assert_int_equal(ms_severities_parse("weak\0key", 8, &s, NULL), -EINVAL);
	assert_true(s.set[0]);
}

static void test_apply(void **state)
{
	_cleanup_results_ struct ms_results r = {.v = calloc(2, sizeof(struct ms_result)),
						 .n = 2};
	struct ms_severities s;

	assert_non_null(r.v);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(ms_result_add(&r.v[i], MS_FINDING_EXPIRED, "x"), 0);
		/* The second one was not checked: no note makes it trusted. */
		ms_result_settle(&r.v[i], i == 0);
	}
	ms_results_count(&r);
	assert_int_equal(r.findings, 2);
	assert_int_equal(parse("certificate-expired = note", &s), 0);
	ms_severities_apply(&s, &r);
	assert_int_equal(r.trusted, 1);
	assert_int_equal(r.unchecked, 1);
	assert_int_equal(r.v[0].policy.verdict, MS_POLICY_TRUSTED);
	assert_int_equal(parse("certificate-expired = error", &s), 0);
	ms_severities_apply(&s, &r);
	assert_int_equal(r.findings, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_apply),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
