/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "signer/agent/shares.h"

static void test_bytes(void **state)
{
	struct ms_share *a, *b;
	struct ms_shares *s;

	assert_int_equal(ms_shares_new(100, 1000, &s), 0);
	a = ms_share_join(s, "uid:1");
	b = ms_share_join(s, "uid:2");
	assert_true(ms_share_take(a, 300));
	assert_false(ms_share_take(a, 201)); /* half is 500 */
	assert_true(ms_share_take(a, 200));
	assert_false(ms_share_take(a, 1));
	assert_false(ms_share_take(b, 501)); /* there is no more */
	assert_true(ms_share_take(b, 500));
	ms_share_give(b, 500);
	ms_share_give(a, 500);
	assert_true(ms_share_take(a, 1000)); /* one body, however large */
	ms_share_give(a, 1000);
	assert_false(ms_share_take(a, 1001));
	assert_false(ms_share_take(a, SIZE_MAX));
	ms_shares_resize(s, 2000);
	assert_true(ms_share_take(a, 1001));
	ms_share_give(a, 1001);
	ms_share_leave(a);
	ms_share_leave(b);
	ms_shares_free(s);
}

static void test_connections(void **state)
{
	struct ms_share *a = NULL, *b, *nobody = NULL;
	struct ms_shares *s;

	assert_int_equal(ms_shares_new(16, 1000, &s), 0);
	for (int i = 0; i < 8; i++) {
		a = ms_share_join(s, "uid:1");
		assert_null(ms_share_crowded(a));
	}
	assert_ptr_equal(ms_share_join(s, "uid:1"), a);
	assert_ptr_equal(ms_share_crowded(a), a);
	ms_share_leave(a);
	assert_null(ms_share_crowded(a));
	for (int i = 0; i < 2; i++)
		nobody = ms_share_join(s, "");
	assert_null(ms_share_crowded(nobody));
	assert_ptr_equal(ms_share_join(s, ""), nobody);
	assert_ptr_equal(ms_share_crowded(nobody), nobody);
	b = ms_share_join(s, "uid:2");
	assert_null(ms_share_crowded(b));
	/* Nobody's connections wait for a request. */
	assert_null(ms_shares_largest(s));
	for (int i = 0; i < 8; i++)
		ms_share_leave(a);
	for (int i = 0; i < 3; i++)
		ms_share_leave(nobody);
	ms_share_leave(b);
	ms_shares_free(s);
}

/* One answer of any size, or several within a limit; others have their own. */
static void test_owed(void **state)
{
	const size_t most = MS_SHARE_OWED_MAX;
	struct ms_share *a, *b;
	struct ms_shares *s;

	assert_int_equal(ms_shares_new(16, 1000, &s), 0);
	a = ms_share_join(s, "uid:1");
	b = ms_share_join(s, "uid:2");
	assert_true(ms_share_owe(a, most + 1));
	assert_false(ms_share_owe(a, 1));
	assert_true(ms_share_owe(b, most - 1));
	assert_true(ms_share_owe(b, 1));
	assert_false(ms_share_owe(b, 1));
	assert_false(ms_share_owe(b, SIZE_MAX));
	ms_share_settle(b, 1);
	assert_true(ms_share_owe(b, 1));
	ms_share_settle(a, most + 1);
	assert_true(ms_share_owe(a, 1));
	ms_share_leave(a);
	ms_share_leave(b);
	ms_shares_free(s);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_connections),
		cmocka_unit_test(test_owed),
	};

	return cmocka_run_group_tests_name("shares", tests, NULL, NULL);
}
