/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/verifier/fixture.h"
#include "verifier/intern.h"

static int made, freed;

static int make(const struct ms_intern_maker *m, void **ret)
{
	int *v = malloc(sizeof(*v));

	assert_non_null(v);
	*v = made++;
	*ret = v;
	return 0;
}

static int make_fails(const struct ms_intern_maker *m, void **ret)
{
	return -EBADMSG;
}

static void drop(void *value)
{
	freed++;
	free(value);
}

static void test_once(void **state)
{
	const struct ms_intern_maker m = {.make = make};
	struct ms_intern t;
	void *first[1000], *v;

	ms_intern_init(&t, drop);
	for (uint32_t i = 0; i < 1000; i++)
		assert_int_equal(
			ms_intern_get(&t, (uint8_t *)&i, sizeof(i), &m, &first[i]), 0);
	for (uint32_t i = 0; i < 1000; i++) {
		assert_int_equal(ms_intern_get(&t, (uint8_t *)&i, sizeof(i), &m, &v), 0);
		assert_ptr_equal(v, first[i]);
		assert_int_equal(*(int *)v, i);
	}
	/* A key that another one starts with, and the empty one. */
	assert_int_equal(ms_intern_get(&t, (const uint8_t *)"\0\0", 2, &m, &v), 0);
	assert_int_equal(ms_intern_get(&t, (const uint8_t *)"", 0, &m, &v), 0);
	assert_int_equal(made, 1002);
	ms_intern_clear(&t);
	assert_int_equal(freed, 1002);
}

static void test_failure(void **state)
{
	const struct ms_intern_maker bad = {.make = make_fails}, good = {.make = make};
	struct ms_intern t;
	void *v = &t;

	ms_intern_init(&t, drop);
	assert_int_equal(ms_intern_get(&t, (const uint8_t *)"k", 1, &bad, &v), -EBADMSG);
	assert_ptr_equal(v, &t);
	assert_int_equal(ms_intern_get(&t, (const uint8_t *)"k", 1, &good, &v), 0);
	ms_intern_clear(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_once),
		cmocka_unit_test(test_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
