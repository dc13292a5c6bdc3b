/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdatomic.h>
#include "tests/unit/verifier/fixture.h"
#include "verifier/parallel.h"

#define N 1000

struct work {
	atomic_int done[N], ticks;
	size_t fail_at;
};

static int work(void *arg, unsigned int thread, size_t i)
{
	struct work *w = arg;

	if (i == w->fail_at)
		return -EIO;
	atomic_fetch_add(&w->done[i], 1);
	return thread < 300 ? 0 : -EINVAL;
}

static void tick(void *arg, size_t done)
{
	struct work *w = arg;

	assert_true(done >= 1 && done <= N);
	atomic_fetch_add(&w->ticks, 1);
}

static void test_each_once(void **state)
{
	static const unsigned int threads[] = {1, 2, 7, 256, 10000};

	for (size_t t = 0; t < ARRAY_SIZE(threads); t++) {
		struct work w = {.fail_at = SIZE_MAX};
		const struct ms_parallel p = {.threads = threads[t],
					      .n = N,
					      .arg = &w,
					      .work = work,
					      .tick = tick};

		assert_int_equal(ms_parallel_run(&p), 0);
		for (size_t i = 0; i < N; i++)
			assert_int_equal(w.done[i], 1);
		assert_true(w.ticks >= 1);
	}
}

static void test_failure_stops(void **state)
{
	struct work w = {.fail_at = 10};
	const struct ms_parallel p = {.threads = 1, .n = N, .arg = &w, .work = work};

	assert_int_equal(ms_parallel_run(&p), -EIO);
	assert_int_equal(w.done[9], 1);
	assert_int_equal(w.done[11], 0);
}

static void test_nothing(void **state)
{
	const struct ms_parallel p = {.threads = 4, .work = work};

	assert_int_equal(ms_parallel_run(&p), 0);
	assert_true(ms_parallel_default_threads() >= 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_once),
		cmocka_unit_test(test_failure_stops),
		cmocka_unit_test(test_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
