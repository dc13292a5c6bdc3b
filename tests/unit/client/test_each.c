/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <cmocka.h>
#include "signer/client/each.h"

#define N 500

static atomic_int seen[N];
static size_t failures;
static char last[600];

static int one(void *arg, const char *path, struct ms_packed *m,
	       struct ms_packers *packers, struct ms_error *err)
{
	long i = strtol(path, NULL, 10);

	assert_ptr_equal(arg, seen);
	atomic_fetch_add(&seen[i], 1);
	return i % 100 == 7 ? ms_error_set(err, -EINVAL, "seven", "is a seven") : 0;
}

static void failed(void *arg, const char *path, const struct ms_error *err)
{
	++*(size_t *)arg;
	snprintf(last, sizeof(last), "%s", err->msg);
	assert_string_equal(err->code, "seven");
}

static void run(unsigned int jobs)
{
	char text[N][8], *path[N];
	struct ms_each e = {.path = path,
			    .n = N,
			    .jobs = jobs,
			    .one = one,
			    .arg = seen,
			    .failed = failed,
			    .failed_arg = &failures};

	for (int i = 0; i < N; i++) {
		snprintf(text[i], sizeof(text[i]), "%d", i);
		path[i] = text[i];
		atomic_store(&seen[i], 0);
	}
	failures = 0;
	assert_int_equal(ms_each_run(&e), 0);
	for (int i = 0; i < N; i++)
		assert_int_equal(atomic_load(&seen[i]), 1);
	assert_int_equal(failures, N / 100);
	assert_non_null(strstr(last, "7: is a seven"));
}

static void test_each_once(void **state)
{
	run(1);
	run(4);
	run(1000);
}

static void test_none(void **state)
{
	const struct ms_each e = {.jobs = 2, .one = one, .failed = failed};

	assert_int_equal(ms_each_run(&e), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_once),
		cmocka_unit_test(test_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
