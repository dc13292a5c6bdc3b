/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/verifier/archive_fixture.h"
#include "verifier/check_archive.h"

static void test_members(void **state)
{
	_cleanup_(fixture_checker_clear) struct fixture_checker f;
	_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(FIXTURE_MAX);
	_cleanup_buf_ struct ms_buf ko = MS_BUF_INIT(FIXTURE_MAX);
	_cleanup_results_ struct ms_results r = {0};
	const char *path;

	fixture_checker_init(&f, "rsa2048");
	fixture_module(&ko);
	cpio_put(&b, "z.ko", 0100644, 1, 1, ko.data, ko.len);
	fixture_sign(&ko, "rsa2048", MS_HASH_SHA256);
	cpio_put(&b, "hard.ko", 0100644, 2, 2, "", 0);
	cpio_put(&b, "good.ko", 0100644, 2, 2, ko.data, ko.len);
	cpio_put(&b, "link.ko", 0120777, 3, 1, "good.ko", 7);
	cpio_put(&b, "wild.ko", 0120777, 4, 1, "gone.ko", 7);
	cpio_put(&b, "lost.ko", 0100644, 5, 2, "", 0);
	cpio_end(&b);
	path = archive_file(&b);
	assert_int_equal(ms_check_archive(&f.c, path, &r), 0);
	unlink(path);
	assert_int_equal(r.n, 5);
	for (size_t i = 0; i < r.n; i++) {
		assert_true(!strncmp(r.v[i].path, path, strlen(path)));
		assert_true(!i || strcmp(r.v[i - 1].path, r.v[i].path) < 0);
	}
	assert_non_null(strstr(r.v[0].path, ":/good.ko"));
	assert_int_equal(r.v[0].policy.verdict, MS_POLICY_TRUSTED);
	assert_int_equal(r.v[1].policy.verdict, MS_POLICY_TRUSTED);
	assert_non_null(strstr(r.v[1].path, ":/hard.ko"));
	assert_true(fixture_has(&r.v[2], MS_FINDING_NOT_A_MODULE));
	assert_true(fixture_has(&r.v[3], MS_FINDING_UNREADABLE));
	assert_non_null(strstr(r.v[3].policy.findings[0].detail, "/gone.ko"));
	assert_true(fixture_has(&r.v[4], MS_FINDING_UNSIGNED));
}

static void test_not_whole(void **state)
{
	_cleanup_(fixture_checker_clear) struct fixture_checker f;
	_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(FIXTURE_MAX);
	_cleanup_results_ struct ms_results r = {0}, empty = {0}, none = {0};
	const char *path;

	fixture_checker_init(&f, "rsa2048");
	cpio_put(&b, "no-module", 0100644, 1, 1, "", 0);
	cpio_end(&b);
	path = archive_file(&b);
	assert_int_equal(ms_check_archive(&f.c, path, &empty), 0);
	unlink(path);
	assert_int_equal(empty.n, 1);
	assert_true(fixture_has(&empty.v[0], MS_FINDING_NO_MODULES));
	assert_int_equal(empty.v[0].policy.verdict, MS_POLICY_UNCHECKED);

	ms_buf_put(&b, "garbage", 7);
	path = archive_file(&b);
	assert_int_equal(ms_check_archive(&f.c, path, &r), 0);
	unlink(path);
	assert_int_equal(r.n, 1);
	assert_true(fixture_has(&r.v[0], MS_FINDING_DAMAGED_ARCHIVE));
	assert_int_equal(r.v[0].policy.verdict, MS_POLICY_UNCHECKED);

	assert_int_equal(ms_check_archive(&f.c, "Makefile", &none), -ENOMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_not_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
