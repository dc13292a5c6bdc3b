/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include "lib/limits.h"
#include "signer/client/spool.h"

static int next(const char *data, size_t len, size_t *at, const char **ret,
		struct ms_error *err)
{
	return ms_spool_next((const uint8_t *)data, len, at, ret, err);
}

static void paths(void **state)
{
	static const char list[] = "/a/b.ko\0/with space\n'\"\377.ko\0/\0";
	struct ms_error err = {0};
	const char *path = NULL;
	size_t at = 0;

	assert_int_equal(next(list, sizeof(list) - 1, &at, &path, &err), 0);
	assert_string_equal(path, "/a/b.ko");
	assert_int_equal(next(list, sizeof(list) - 1, &at, &path, &err), 0);
	assert_string_equal(path, "/with space\n'\"\377.ko");
	assert_int_equal(next(list, sizeof(list) - 1, &at, &path, &err), 0);
	assert_string_equal(path, "/");
	assert_int_equal(next(list, sizeof(list) - 1, &at, &path, &err), -ENODATA);
	assert_int_equal(at, sizeof(list) - 1);
	assert_string_equal(path, "/");
}

static void refused(const char *data, size_t len, const char *says)
{
	struct ms_error err = {0};
	const char *path = "untouched";
	size_t at = 0;

	assert_int_equal(next(data, len, &at, &path, &err), -EBADMSG);
	assert_int_equal(at, 0);
	assert_string_equal(path, "untouched");
	assert_string_equal(err.code, "bad-list");
	assert_non_null(strstr(err.msg, says));
}

static void bad_lists(void **state)
{
	char longest[MS_PATH_MAX + 2];
	struct ms_error err = {0};
	const char *path;
	size_t at = 0;

	refused("/a/b.k", 6, "ends in the middle of the path \"/a/b.k\"");
	refused("a/b.ko", 7, "\"a/b.ko\", which is no absolute path");
	refused("", 1, "no absolute path");
	memset(longest, '/', sizeof(longest));
	refused(longest, sizeof(longest), "more than 4095 bytes");
	longest[MS_PATH_MAX] = '\0';
	refused(longest, sizeof(longest), "more than 4095 bytes");
	longest[MS_PATH_MAX - 1] = '\0';
	assert_int_equal(next(longest, MS_PATH_MAX, &at, &path, &err), 0);
}

/* ------------------------------------------------------------------------- files */

static char file[] = "/tmp/ms-spool.XXXXXX";

static int set_up(void **state)
{
	int fd;

	memcpy(strrchr(file, '.') + 1, "XXXXXX", 6);
	fd = mkstemp(file);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "/a.ko", 6), 6);
	close(fd);
	return 0;
}

static int tear_down(void **state)
{
	unlink(file);
	return 0;
}

static void one_at_a_time(void **state)
{
	struct ms_spool s = MS_SPOOL_INIT, other = MS_SPOOL_INIT;
	struct ms_error err = {0};

	assert_int_equal(ms_spool_open(file, &s, &err), 0);
	assert_int_equal(s.len, 6);
	assert_memory_equal(s.data, "/a.ko", 6);
	assert_int_equal(ms_spool_open(file, &other, &err), -EBUSY);
	assert_string_equal(err.code, "list-in-use");
	assert_int_equal(other.fd, -1);
	ms_spool_close(&s);
	assert_int_equal(ms_spool_open(file, &other, &err), 0);
	assert_int_equal(ms_spool_done(&other, &err), 0);
	ms_spool_close(&other);
	assert_int_equal(ms_spool_open(file, &other, &err), -ENOENT);
	assert_string_equal(err.code, "no-such-file");
}

static void what_is_added_is_not_lost(void **state)
{
	struct ms_spool s = MS_SPOOL_INIT;
	struct ms_error err = {0};
	int fd;

	assert_int_equal(ms_spool_open(file, &s, &err), 0);
	fd = open(file, O_WRONLY | O_APPEND);
	assert_int_equal(write(fd, "/b.ko", 6), 6);
	close(fd);
	assert_int_equal(ms_spool_done(&s, &err), -EAGAIN);
	assert_non_null(strstr(err.msg, "added to it"));
	ms_spool_close(&s);
	assert_int_equal(access(file, F_OK), 0);
}

static void too_large(void **state)
{
	struct ms_spool s = MS_SPOOL_INIT;
	struct ms_error err = {0};

	assert_int_equal(truncate(file, (off_t)MS_SPOOL_MAX + 1), 0);
	assert_int_equal(ms_spool_open(file, &s, &err), -EFBIG);
	assert_int_equal(s.fd, -1);
	assert_null(s.data);
}

static void of_another(void **state)
{
	struct ms_spool s = MS_SPOOL_INIT;
	struct ms_error err = {0};

	if (geteuid() != 0)
		skip();
	assert_int_equal(chown(file, 65534, (gid_t)-1), 0);
	assert_int_equal(ms_spool_open(file, &s, &err), -EPERM);
	assert_string_equal(err.code, "list-of-another");
	assert_int_equal(s.fd, -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(of_another, set_up, tear_down),
		cmocka_unit_test(paths),
		cmocka_unit_test(bad_lists),
		cmocka_unit_test_setup_teardown(one_at_a_time, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_added_is_not_lost, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(too_large, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
