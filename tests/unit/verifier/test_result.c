/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/verifier/fixture.h"
#include "verifier/result.h"

static void test_settle(void **state)
{
	_cleanup_result_ struct ms_result r = {0};

	ms_result_settle(&r, false);
	assert_int_equal(r.policy.verdict, MS_POLICY_UNCHECKED);
	ms_result_settle(&r, true);
	assert_int_equal(r.policy.verdict, MS_POLICY_TRUSTED);
	assert_int_equal(ms_result_add(&r, MS_FINDING_EXPIRED, "on %d", 5), 0);
	assert_string_equal(r.policy.findings[0].detail, "on 5");
	r.policy.findings[0].severity = MS_SEVERITY_NOTE;
	ms_result_settle(&r, true);
	assert_int_equal(r.policy.verdict, MS_POLICY_TRUSTED);
	ms_result_settle(&r, false);
	assert_int_equal(r.policy.verdict, MS_POLICY_UNCHECKED);
	assert_int_equal(ms_result_add(&r, MS_FINDING_UNSIGNED, "x"), 0);
	ms_result_settle(&r, true);
	assert_int_equal(r.policy.verdict, MS_POLICY_FINDINGS);
	assert_int_equal(ms_result_add(&r, MS_FINDING_UNREADABLE, "x"), 0);
	ms_result_settle(&r, true);
	assert_int_equal(r.policy.verdict, MS_POLICY_UNCHECKED);
}

/* Every code has a name of its own, a title and a remedy. */
static void test_codes(void **state)
{
	for (int i = MS_FINDING_NONE + 1; i < MS_FINDING_COUNT; i++) {
		const char *name = ms_finding_name((enum ms_finding_code)i);

		assert_string_not_equal(name, "none");
		assert_true(*ms_finding_title((enum ms_finding_code)i));
		assert_true(*ms_finding_remedy((enum ms_finding_code)i));
		for (int k = MS_FINDING_NONE + 1; k < i; k++)
			assert_string_not_equal(name,
						ms_finding_name((enum ms_finding_code)k));
	}
	assert_string_equal(ms_finding_name((enum ms_finding_code)999), "none");
	assert_true(ms_finding_unchecked((enum ms_finding_code)999));
}

static void test_names(void **state)
{
	assert_string_equal(ms_errno_name(-EKEYREJECTED), "EKEYREJECTED");
	assert_string_equal(ms_errno_name(ENOEXEC), "ENOEXEC");
	assert_null(ms_errno_name(0));
	assert_string_equal(ms_policy_verdict_name(MS_POLICY_UNCHECKED), "unchecked");
	assert_null(ms_kernel_verdict_name(MS_KERNEL_UNCHECKED));
	assert_string_equal(ms_kernel_verdict_name(MS_KERNEL_TAINTS), "taints");
	assert_string_equal(ms_enforce_name(MS_LOCKDOWN), "lockdown");
	assert_string_equal(ms_severity_name(MS_SEVERITY_NOTE), "note");
}

/* A file of another kind: one advice for both, until one of them is dropped. */
static void test_remedy(void **state)
{
	_cleanup_result_ struct ms_result r = {0};

	assert_int_equal(ms_result_add(&r, MS_FINDING_UNSIGNED, "x"), 0);
	assert_non_null(strstr(ms_result_remedy(&r, 0), "modseal sign FILE"));
	assert_int_equal(ms_result_add(&r, MS_FINDING_NOT_A_MODULE, "x"), 0);
	assert_non_null(strstr(ms_result_remedy(&r, 0), "modseal-verify file FILE"));
	assert_false(ms_result_remedy_seen(&r, 0));
	assert_true(ms_result_remedy_seen(&r, 1));
	ms_result_drop(&r, MS_FINDING_NOT_A_MODULE);
	assert_string_equal(ms_result_remedy(&r, 0),
			    ms_finding_remedy(MS_FINDING_UNSIGNED));
	ms_result_drop(&r, MS_FINDING_UNSIGNED);
	assert_int_equal(ms_result_add(&r, MS_FINDING_NOT_A_MODULE, "x"), 0);
	assert_string_equal(ms_result_remedy(&r, 0),
			    ms_finding_remedy(MS_FINDING_NOT_A_MODULE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_settle),
		cmocka_unit_test(test_codes),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_remedy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
