/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/verifier/fixture.h"
#include "verifier/kernel_profile.h"

static void test_find(void **state)
{
	static const struct {
		const char *release, *want;
	} cases[] = {
		{"5.10", "5.10"},
		{"5.10.0-35-amd64", "5.10"},
		{"5.15.0-100-generic", "5.10"},
		{"6.0.9", "5.10"},
		{"6.1", "6.1"},
		{"6.1.0-56-amd64", "6.1"},
		{"6.7", "6.1"},
		{"6.8.0-151-generic", "6.8"},
		{"6.11", "6.8"},
		{"6.12+deb13", "6.12"},
		{"6.19.1", "6.12"},
		{"7.0", "7.2"},
		{"7.2.1", "7.2"},
		{"12.0", "7.2"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct ms_kernel_profile *p =
			ms_kernel_profile_find(cases[i].release);

		assert_non_null(p);
		assert_string_equal(p->name, cases[i].want);
	}
}

static void test_find_refuses(void **state)
{
	static const char *const bad[] = {"",	 "6",	     "5.9",	"4.19.0",
					  "6.",	 ".1",	     "x.y",	"-6.1",
					  "6,1", "6.123456", "123456.1"};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_null(ms_kernel_profile_find(bad[i]));
}

/* Rows from old to new, each with a source; nothing is usable that is not parsed. */
static void test_rows(void **state)
{
	const struct ms_kernel_profile *p, *before = NULL;

	for (size_t i = 0; (p = ms_kernel_profile_at(i)); before = p, i++) {
		assert_true(*p->source);
		assert_int_equal(p->hashes_usable & ~p->hashes_parsed, 0);
		assert_int_equal(p->sigs_usable & ~p->sigs_parsed, 0);
		assert_true(p->unusable_sig_error < 0);
		if (before)
			assert_true(
				before->major < p->major ||
				(before->major == p->major && before->minor < p->minor));
	}
	assert_true(before);
}

/* Facts that were observed on running kernels. */
static void test_facts(void **state)
{
	const struct ms_kernel_profile *k510 = ms_kernel_profile_find("5.10");
	const struct ms_kernel_profile *k61 = ms_kernel_profile_find("6.1");
	const struct ms_kernel_profile *k612 = ms_kernel_profile_find("6.12");
	const struct ms_kernel_profile *k72 = ms_kernel_profile_find("7.2");

	assert_true(ms_profile_has_hash(k61, MS_HASH_SHA256));
	assert_false(ms_profile_has_hash(k61, MS_HASH_SHA512));
	assert_true(ms_profile_parses_hash(k61, MS_HASH_SHA512));
	assert_false(ms_profile_parses_hash(k61, MS_HASH_SHA3_256));
	assert_true(ms_profile_has_hash(k612, MS_HASH_SHA3_256));
	assert_false(ms_profile_parses_hash(k612, MS_HASH_MD5));
	assert_true(ms_profile_has_hash(k72, MS_HASH_SHA1));
	assert_false(ms_profile_has_hash(k72, MS_HASH_NONE));
	assert_false(ms_profile_parses_sig(k510, MS_SIG_ECDSA));
	assert_true(ms_profile_parses_sig(k61, MS_SIG_ECDSA));
	assert_false(ms_profile_has_sig(k61, MS_SIG_ECDSA));
	assert_true(ms_profile_has_sig(k612, MS_SIG_P521));
	assert_false(ms_profile_parses_sig(k612, MS_SIG_MLDSA));
	assert_true(ms_profile_parses_sig(k72, MS_SIG_MLDSA));
	assert_false(ms_profile_parses_sig(k72, MS_SIG_OTHER));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_find_refuses),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_facts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
