/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>
#include <sys/stat.h>
#include "tests/unit/verifier/fixture.h"
#include "verifier/filelist.h"

static char top[64];

static int make_top(void **state)
{
	snprintf(top, sizeof(top), "/tmp/ms-filelist.XXXXXX");
	return mkdtemp(top) ? 0 : -1;
}

static int remove_below(const char *path)
{
	return unlink(path) && rmdir(path);
}

static void touch(const char *name)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", top, name);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	close(fd);
}

static void dir(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", top, name);
	assert_int_equal(mkdir(path, 0755), 0);
}

static void drop(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", top, name);
	assert_int_equal(remove_below(path), 0);
}

static int remove_top(void **state)
{
	return rmdir(top);
}

static void test_names(void **state)
{
	static const char *const yes[] = {"a.ko", "a.ko.gz", "a.ko.xz", "a.ko.zst",
					  ".x.ko"};
	static const char *const no[] = {"",	     ".ko",  "a.k",	   "a.ko.bz2",
					 "a.ko.old", "a.o",  ".ko.xz",	   "ako",
					 "a.ko~",    "a.KO", "a.ko.gz.p7s"};

	for (size_t i = 0; i < ARRAY_SIZE(yes); i++)
		assert_true(ms_filelist_is_module_name(yes[i]));
	for (size_t i = 0; i < ARRAY_SIZE(no); i++)
		assert_false(ms_filelist_is_module_name(no[i]));
}

static void test_walk(void **state)
{
	_cleanup_filelist_ struct ms_filelist t = {0};
	static const char *const want[] = {"/a.ko", "/link.ko", "/sub/b.ko.xz",
					   "/z.ko.zst"};
	char path[256];
	size_t n = 99;

	touch("z.ko.zst");
	touch("a.ko");
	touch("a.ko.txt");
	dir("sub");
	dir("sub/dir.ko");
	touch("sub/b.ko.xz");
	snprintf(path, sizeof(path), "%s/sub/up", top);
	assert_int_equal(symlink("..", path), 0);
	snprintf(path, sizeof(path), "%s/loop.ko", top);
	assert_int_equal(symlink(".", path), 0);
	snprintf(path, sizeof(path), "%s/link.ko", top);
	assert_int_equal(symlink("nowhere", path), 0);

	snprintf(path, sizeof(path), "%s//", top);
	assert_int_equal(ms_filelist_add(&t, path, &n), 0);
	assert_int_equal(n, 4);
	/* The same again: each path stays once. */
	assert_int_equal(ms_filelist_add(&t, top, &n), 0);
	ms_filelist_sort(&t);
	assert_int_equal(t.n, 4);
	for (size_t i = 0; i < t.n; i++) {
		snprintf(path, sizeof(path), "%s%s", top, want[i]);
		assert_string_equal(t.v[i].path, path);
		assert_int_equal(t.v[i].error, 0);
	}
	drop("link.ko");
	drop("loop.ko");
	drop("sub/up");
	drop("sub/b.ko.xz");
	drop("sub/dir.ko");
	drop("sub");
	drop("a.ko.txt");
	drop("a.ko");
	drop("z.ko.zst");
}

static void test_odd(void **state)
{
	_cleanup_filelist_ struct ms_filelist t = {0};
	size_t n = 99;

	ms_filelist_sort(&t);
	assert_int_equal(ms_filelist_add(&t, top, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(ms_filelist_add(&t, "/no/such/file", &n), 0);
	assert_int_equal(n, 1);
	assert_string_equal(t.v[0].path, "/no/such/file");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_walk),
		cmocka_unit_test(test_odd),
	};

	return cmocka_run_group_tests(tests, make_top, remove_top);
}
