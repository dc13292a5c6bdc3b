/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/resource.h>
#include "signer/client/held.h"

static int open_file(void)
{
	int fd = open("/dev/null", O_RDONLY);

	assert_true(fd >= 0);
	return fd;
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static void held_until_the_end(void **state)
{
	struct ms_held h;
	int a = open_file(), b = open_file(), c = open_file();

	ms_held_init(&h, 2);
	ms_held_take(&h, a, 10);
	ms_held_take(&h, b, 10);
	assert_true(is_open(a) && is_open(b));
	/* No more than was asked for. */
	ms_held_take(&h, c, 10);
	assert_false(is_open(c));
	ms_held_close(&h);
	assert_false(is_open(a) || is_open(b));
	ms_held_close(&h);
	ms_held_clear(&h);
}

static void no_more_than_the_disk_can_bear(void **state)
{
	struct ms_held h;
	int a = open_file(), b = open_file(), c = open_file();

	ms_held_init(&h, 10);
	ms_held_take(&h, a, MS_HELD_BYTES_MAX - 1);
	assert_true(is_open(a));
	ms_held_take(&h, b, 2);
	assert_false(is_open(b));
	ms_held_take(&h, c, 1);
	assert_true(is_open(c));
	ms_held_clear(&h);
	assert_false(is_open(a) || is_open(c));
}

static void given_up(void **state)
{
	struct ms_held h;
	int a = open_file(), b = open_file();

	ms_held_init(&h, 10);
	ms_held_take(&h, a, 1);
	ms_held_give_up(&h);
	assert_false(is_open(a));
	ms_held_take(&h, b, 1);
	assert_false(is_open(b));
	ms_held_clear(&h);
}

static void few_descriptors(void **state)
{
	struct rlimit few = {.rlim_cur = 64, .rlim_max = 64};
	struct ms_held h;
	int a;

	/* The hard limit does not come back for everybody: the last test, on purpose. */
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	ms_held_init(&h, 10);
	a = open_file();
	ms_held_take(&h, a, 1);
	assert_false(is_open(a));
	ms_held_clear(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(held_until_the_end),
		cmocka_unit_test(no_more_than_the_disk_can_bear),
		cmocka_unit_test(given_up),
		cmocka_unit_test(few_descriptors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
