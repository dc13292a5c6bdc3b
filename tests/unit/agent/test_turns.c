/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/turns.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

static struct ms_turns *t;
static struct ms_turn turn[MS_TURNS_MAX + 2 * MS_TURNS_FEW + 2];

static int setup(void **state)
{
	return ms_turns_new(&t);
}

static int teardown(void **state)
{
	ms_turns_free(t);
	return 0;
}

static void put(size_t i, const char *key, const char *id)
{
	assert_int_equal(ms_turns_put(t, key, id, &turn[i]), 0);
}

static void test_order(void **state)
{
	assert_null(ms_turns_next(t, "k"));
	for (size_t i = 0; i < 3; i++)
		put(i, "k", "uid:1");
	put(3, "k", "uid:2");
	put(4, "j", "uid:1");
	put(5, "k", "uid:3");
	put(6, "k", "uid:2");
	assert_int_equal(ms_turns_waiting(t), 7);
	/* in turns, and each one's in order */
	assert_ptr_equal(ms_turns_next(t, "k"), &turn[0]);
	assert_ptr_equal(ms_turns_next(t, "k"), &turn[3]);
	assert_ptr_equal(ms_turns_next(t, "k"), &turn[5]);
	assert_ptr_equal(ms_turns_next(t, "k"), &turn[1]);
	assert_ptr_equal(ms_turns_next(t, "k"), &turn[6]);
	assert_ptr_equal(ms_turns_next(t, "k"), &turn[2]);
	assert_null(ms_turns_next(t, "k"));
	assert_ptr_equal(ms_turns_next(t, "j"), &turn[4]);
	assert_int_equal(ms_turns_waiting(t), 0);
}

/* Who comes behind ten thousand of somebody else waits for those that are out at most. */
static void test_out(void **state)
{
	for (size_t i = 0; i < 10000; i++)
		put(i, "k", "uid:1");
	for (size_t i = 0; i < MS_TURNS_OUT; i++)
		assert_ptr_equal(ms_turns_next(t, "k"), &turn[i]);
	assert_null(ms_turns_next(t, "k"));
	put(10000, "k", "uid:2");
	put(10001, "slow", "uid:2");
	assert_null(ms_turns_next(t, "k"));
	/* another key does not wait for this one */
	assert_ptr_equal(ms_turns_next(t, "slow"), &turn[10001]);
	ms_turns_done(t, "k");
	assert_ptr_equal(ms_turns_next(t, "k"), &turn[MS_TURNS_OUT]);
	assert_null(ms_turns_next(t, "k"));
	ms_turns_done(t, "k");
	assert_ptr_equal(ms_turns_next(t, "k"), &turn[10000]);
}

static void test_caps(void **state)
{
	const size_t half = MS_TURNS_MAX / 2;
	size_t i;

	for (i = 0; i < half; i++)
		put(i, "k", "uid:1");
	assert_int_equal(ms_turns_put(t, "k", "uid:1", &turn[i]), -EAGAIN);
	for (; i < MS_TURNS_MAX; i++)
		put(i, "k", "uid:2");
	assert_int_equal(ms_turns_put(t, "k", "uid:2", &turn[i]), -EAGAIN);
	/* some for everybody else */
	for (; i < MS_TURNS_MAX + MS_TURNS_FEW; i++)
		put(i, "k", "uid:3");
	assert_int_equal(ms_turns_put(t, "k", "uid:3", &turn[i]), -EAGAIN);
	put(i, "k", "uid:4");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_out, setup, teardown),
		cmocka_unit_test_setup_teardown(test_caps, setup, teardown),
	};

	return cmocka_run_group_tests_name("turns", tests, NULL, NULL);
}
