/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/verifier/archive_fixture.h"
#include "verifier/archive.h"

static bool all(const char *path)
{
	return true;
}

static bool modules(const char *path)
{
	return strstr(path, ".ko");
}

static void test_initramfs(void **state)
{
	_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(1u << 20);
	_cleanup_archive_ struct ms_archive *a = NULL;
	struct ms_error err = {0};
	struct ms_member m;
	const char *path;

	cpio_put(&b, "./dir.ko", 0040755, 1, 2, "", 0);
	cpio_put(&b, "bin/sh", 0100755, 2, 1, "text", 4);
	cpio_put(&b, "a.ko", 0100644, 3, 1, "hello", 5);
	cpio_put(&b, "d/b.ko", 0120777, 4, 1, "../a.ko", 7);
	cpio_end(&b);
	ms_buf_put(&b, "\0\0\0\0\0\0\0\0", 8);
	cpio_put(&b, "/c.ko", 0100644, 5, 2, "x", 1);
	cpio_put(&b, "f.ko", 0010644, 6, 1, "", 0);
	cpio_end(&b);
	path = archive_file(&b);
	assert_int_equal(ms_archive_open(path, modules, 100, &a, &err), 0);

	assert_int_equal(ms_archive_next(a, &m, &err), 0);
	assert_string_equal(m.path, "/a.ko");
	assert_int_equal(m.len, 5);
	assert_memory_equal(m.data, "hello", 5);
	assert_null(m.link);
	assert_int_equal(m.ino, 0);
	assert_int_equal(ms_archive_next(a, &m, &err), 0);
	assert_string_equal(m.path, "/d/b.ko");
	assert_string_equal(m.link, "/a.ko");
	assert_null(m.data);
	assert_int_equal(ms_archive_next(a, &m, &err), 0);
	assert_string_equal(m.path, "/c.ko");
	assert_int_equal(m.ino, 5);
	assert_int_equal(ms_archive_next(a, &m, &err), 0);
	assert_string_equal(m.path, "/f.ko");
	assert_null(m.data);
	assert_null(m.link);
	assert_int_equal(ms_archive_next(a, &m, &err), -ENODATA);
	unlink(path);
}

/* What comes back, for an archive with one member. */
static int one(const struct ms_buf *b, size_t max, struct ms_error *err)
{
	_cleanup_archive_ struct ms_archive *a = NULL;
	const char *path = archive_file(b);
	struct ms_member m = {.len = 4711};
	int rc = ms_archive_open(path, all, max, &a, err);

	if (!rc) {
		rc = ms_archive_next(a, &m, err);
		if (rc)
			assert_int_equal(m.len, 4711);
		else
			rc = ms_archive_next(a, &m, err);
	}
	unlink(path);
	return rc;
}

static void test_caps(void **state)
{
	_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(1u << 20);
	struct ms_error err = {0};

	cpio_put(&b, "a", 0100644, 3, 1, "hello", 5);
	assert_int_equal(one(&b, 6, &err), -ENODATA);
	assert_int_equal(one(&b, 5, &err), -EFBIG);
	assert_non_null(strstr(err.msg, "larger"));
	b.len -= 4;
	assert_int_equal(one(&b, 100, &err), -EBADMSG);
	assert_non_null(strstr(err.msg, "cut off"));
	memcpy(b.data + 54, "7fffffff", 8);
	assert_int_equal(one(&b, SIZE_MAX, &err), -EFBIG);
	b.len = 50;
	assert_int_equal(one(&b, 100, &err), -EBADMSG);
}

static void test_none(void **state)
{
	_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(1u << 20);
	struct ms_archive *a = NULL;
	struct ms_error err = {0};

	assert_int_equal(ms_archive_open("/no/such", all, 100, &a, &err), -ENOMSG);
	assert_int_equal(ms_archive_open("/dev/null", all, 100, &a, &err), -ENOMSG);
	assert_int_equal(ms_archive_open("/", all, 100, &a, &err), -ENOMSG);
	assert_int_equal(one(&b, 100, &err), -ENOMSG);
	ms_buf_put(&b, "!<arch>\nother", 13);
	assert_int_equal(one(&b, 100, &err), -ENOMSG);
	b.len = 0;
	ms_buf_put(&b, "\x1f\x8b\x08", 3);
	assert_int_equal(one(&b, 100, &err), -ENOMSG);
	b.len = 0;
	ms_buf_put(&b, "!<arch>\ndebian-binary", 21);
	assert_int_equal(one(&b, 100, &err), -EBADMSG);
	assert_null(a);
}

static void join(const char *path, const char *target, const char *want)
{
	_cleanup_free_ char *got = ms_archive_join(path, target);

	assert_string_equal(got, want);
}

static void test_join(void **state)
{
	join("/a/b/c", "d", "/a/b/d");
	join("/a/b/c", "../d", "/a/d");
	join("/a/b/c", "./../.././/d/", "/d");
	join("/a/b/c", "../../../../d", "/d");
	join("/a/b/c", "/x/../y", "/y");
	join("/", "x/y", "/x/y");
	join("", "", "");
	join("/a/b", "...", "/a/...");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_initramfs),
		cmocka_unit_test(test_caps),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_join),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
