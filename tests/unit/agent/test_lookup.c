/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/lookup.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <cmocka.h>

static struct ms_lookups *lookups;
static int fd;
static pthread_t self;
static atomic_int worked;
static int done;

static int setup(void **state)
{
	self = pthread_self();
	atomic_store(&worked, 0);
	done = 0;
	return ms_lookups_new(&lookups, &fd);
}

static int teardown(void **state)
{
	ms_lookups_free(lookups);
	return 0;
}

static void work(void *arg)
{
	if (!pthread_equal(pthread_self(), self))
		atomic_fetch_add(&worked, *(int *)arg);
}

static void on_done(void *arg)
{
	assert_true(pthread_equal(pthread_self(), self));
	/* in their order */
	assert_int_equal(*(int *)arg, ++done);
}

static void wait_for_done(int n)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	while (done < n) {
		assert_int_equal(poll(&p, 1, 20000), 1);
		ms_lookups_dispatch(lookups);
	}
}

static void test_order(void **state)
{
	int n[] = {1, 2, 3, 4};

	for (size_t i = 0; i < ARRAY_SIZE(n); i++)
		assert_int_equal(ms_lookup(lookups, work, on_done, &n[i]), 0);
	wait_for_done(4);
	assert_int_equal(atomic_load(&worked), 10);
}

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static void wait_at_gate(void *arg)
{
	pthread_mutex_lock(&gate);
	pthread_mutex_unlock(&gate);
}

static void count(void *arg)
{
	done++;
}

/* As many as anybody needs wait, and no more; when they are done there is room again. */
static void test_too_many(void **state)
{
	int r = 0, n = 0;

	pthread_mutex_lock(&gate);
	while (n < 100000 && (r = ms_lookup(lookups, wait_at_gate, count, NULL)) == 0)
		n++;
	assert_int_equal(r, -EAGAIN);
	assert_true(n >= 100 && n < 100000);
	pthread_mutex_unlock(&gate);
	wait_for_done(n);
	assert_int_equal(ms_lookup(lookups, wait_at_gate, count, NULL), 0);
	wait_for_done(n + 1);
}

/* What waits when it ends is dropped. */
static void test_ends(void **state)
{
	struct ms_lookups *l = NULL;
	int f, n = 1;

	assert_int_equal(ms_lookups_new(&l, &f), 0);
	for (int i = 0; i < 50; i++)
		assert_int_equal(ms_lookup(l, work, on_done, &n), 0);
	ms_lookups_free(l);
	ms_lookups_free(NULL);
	assert_int_equal(done, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_too_many, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ends, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
