/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/client/log_memory.h"

#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <cmocka.h>

static char dir[32];

static int setup(void **state)
{
	snprintf(dir, sizeof(dir), "/tmp/modseal-test-memory-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	return setenv("XDG_STATE_HOME", dir, 1);
}

static int teardown(void **state)
{
	char path[300];
	struct dirent *e;
	DIR *d;

	snprintf(path, sizeof(path), "%s/modseal", dir);
	d = opendir(path);
	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.')
			(void)unlinkat(dirfd(d), e->d_name, 0);
	if (d)
		closedir(d);
	(void)rmdir(path);
	return rmdir(dir);
}

static void saved_is_loaded(void **state)
{
	struct ms_log_memory m = {.vkey = "o+12345678+AAAA", .note = "o\n1\nx\n\n"}, got;
	struct ms_error err = {0};

	assert_int_equal(ms_log_memory_load("unix:/a", &got, &err), 0);
	assert_string_equal(got.vkey, "");
	assert_int_equal(ms_log_memory_save("unix:/a", &m, &err), 0);
	assert_int_equal(ms_log_memory_load("unix:/a", &got, &err), 0);
	assert_string_equal(got.vkey, m.vkey);
	assert_string_equal(got.note, m.note);
	/* each agent has its own */
	assert_int_equal(ms_log_memory_load("unix:/b", &got, &err), 0);
	assert_string_equal(got.vkey, "");
	assert_string_equal(got.note, "");
}

static void damaged_is_not_forgotten(void **state)
{
	struct ms_log_memory m = {.vkey = "v", .note = "n"}, got;
	struct ms_error err = {0};
	char name[96];
	DIR *d;
	struct dirent *e;

	assert_int_equal(ms_log_memory_save("unix:/a", &m, &err), 0);
	snprintf(name, sizeof(name), "%s/modseal", dir);
	assert_int_equal(chdir(name), 0);
	d = opendir(".");
	assert_non_null(d);
	while ((e = readdir(d)))
		if (strncmp(e->d_name, "log-", 4) == 0)
			assert_int_equal(truncate(e->d_name, 1), 0);
	closedir(d);
	assert_int_equal(ms_log_memory_load("unix:/a", &got, &err), -EBADMSG);
	assert_non_null(strstr(err.msg, "is damaged"));
	assert_int_equal(ms_log_memory_parse("", 0, &got), -EBADMSG);
	assert_int_equal(ms_log_memory_parse("v\n", 2, &got), -EBADMSG);
	assert_int_equal(ms_log_memory_parse("\nn", 2, &got), -EBADMSG);
	assert_int_equal(ms_log_memory_parse("vn", 2, &got), -EBADMSG);
	assert_int_equal(ms_log_memory_parse("v\nn\0", 4, &got), -EBADMSG);
	assert_int_equal(ms_log_memory_parse("v\nn", 3, &got), 0);
}

static void without_a_home(void **state)
{
	struct ms_log_memory m = {.vkey = "v", .note = "n"}, got;
	struct ms_error err = {0};

	unsetenv("XDG_STATE_HOME");
	unsetenv("HOME");
	assert_int_equal(ms_log_memory_load("unix:/a", &got, &err), 0);
	assert_string_equal(got.vkey, "");
	assert_int_equal(ms_log_memory_save("unix:/a", &m, &err), -ENOENT);
	assert_non_null(strstr(err.msg, "set HOME"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(saved_is_loaded, setup, teardown),
		cmocka_unit_test_setup_teardown(damaged_is_not_forgotten, setup,
						teardown),
		cmocka_unit_test_setup_teardown(without_a_home, setup, teardown),
	};

	return cmocka_run_group_tests_name("log_memory", tests, NULL, NULL);
}
