/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/store_change.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <cmocka.h>

#include "signer/agent/store.h"

static char dir[40], path[64];
static struct ms_store *store;

static int setup(void **state)
{
	struct ms_error err = {0};

	snprintf(dir, sizeof(dir), "/tmp/modseal-test-change-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/audit.db", dir);
	return ms_store_open(path, &store, &err);
}

static int teardown(void **state)
{
	static const char *const ends[] = {"", "-wal", "-shm"};
	char name[80];

	ms_store_close(store);
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		snprintf(name, sizeof(name), "%s%s", path, ends[i]);
		(void)unlink(name);
	}
	return rmdir(dir);
}

static int append(struct ms_change *list)
{
	struct ms_record r = {.time_us = 1,
			      .event = "test",
			      .key = "",
			      .identity = "",
			      .request_id = "",
			      .bytes = "{}",
			      .len = 2,
			      .changes = list};
	struct ms_error err = {0};
	int rc = ms_store_append(store, &r, 1, &err);

	ms_change_free(list);
	return rc;
}

static void change(enum ms_change_what what, const char *key, int64_t number,
		   const char *data)
{
	struct ms_change *list = NULL;

	assert_int_equal(ms_change_add(&list, what, key, number, data), 0);
	assert_int_equal(append(list), 0);
}

static char rows[500];

static int on_row(const char *key, int64_t number, const char *data, void *arg)
{
	size_t n = strlen(rows);

	snprintf(rows + n, sizeof(rows) - n, "%s %lld %s; ", key, (long long)number,
		 data);
	return arg ? *(int *)arg : 0;
}

static const char *read_rows(enum ms_change_what what, const char *key, int64_t from)
{
	struct ms_error err = {0};

	rows[0] = '\0';
	assert_int_equal(ms_store_foreach_row(store, what, key, from, on_row, NULL, &err),
			 0);
	return rows;
}

static void test_builds(void **state)
{
	change(MS_CHANGE_BUILD, "b1", 0, "one");
	change(MS_CHANGE_BUILD, "b2", 0, "two");
	change(MS_CHANGE_BUILD, "b1", 0, "one again");
	change(MS_CHANGE_MODULE, "b1", 0, "m1");
	change(MS_CHANGE_MODULE, "b2", 0, "m2");
	change(MS_CHANGE_MODULE, "b1", 0, "m3");
	assert_string_equal(read_rows(MS_CHANGE_BUILD, NULL, 0),
			    "b1 2 one again; b2 1 two; ");
	assert_string_equal(read_rows(MS_CHANGE_BUILD, "b2", 0), "b2 1 two; ");
	assert_string_equal(read_rows(MS_CHANGE_MODULE, "b1", 0), "b1 1 m1; b1 2 m3; ");
	assert_string_equal(read_rows(MS_CHANGE_MODULE, "b1", 2), "b1 2 m3; ");
	assert_string_equal(read_rows(MS_CHANGE_MODULE, "b3", 0), "");
}

static void test_one_of_a_build(void **state)
{
	change(MS_CHANGE_MANIFEST, "b1", 0, "m");
	change(MS_CHANGE_LIST, "b1", 0, "l");
	change(MS_CHANGE_LIST, "b2", 0, "k");
	assert_string_equal(read_rows(MS_CHANGE_MANIFEST, "b1", 0), "b1 0 m; ");
	assert_string_equal(read_rows(MS_CHANGE_MANIFEST, "b2", 0), "");
	assert_string_equal(read_rows(MS_CHANGE_LIST, NULL, 0), "b1 0 l; b2 0 k; ");
}

static void test_rule_use(void **state)
{
	change(MS_CHANGE_RULE_USE, "r", 100, NULL);
	change(MS_CHANGE_RULE_USE, "r", 100, NULL);
	change(MS_CHANGE_RULE_USE, "r", 101, NULL);
	change(MS_CHANGE_RULE_USE, "s", 101, NULL);
	assert_string_equal(read_rows(MS_CHANGE_RULE_USE, "r", 0), "r 100 2; r 101 1; ");
	assert_string_equal(read_rows(MS_CHANGE_RULE_USE, NULL, 102), "");
	assert_string_equal(read_rows(MS_CHANGE_RULE_USE, "s", 101), "s 101 1; ");
}

static void test_denied(void **state)
{
	change(MS_CHANGE_DENIED, "aa", 0, "{}");
	change(MS_CHANGE_DENIED, "bb", 0, "{}");
	change(MS_CHANGE_DENIED, "aa", 0, "");
	assert_string_equal(read_rows(MS_CHANGE_DENIED, NULL, 0), "bb 0 {}; ");
}

/* Both or neither: a record that cannot be written leaves no change behind. */
static void test_together(void **state)
{
	struct ms_change *list = NULL;
	uint64_t n = 0;

	assert_int_equal(ms_change_add(&list, MS_CHANGE_BUILD, "b1", 0, "x"), 0);
	list->what = MS_CHANGE_MODULE;
	list->key = NULL; /* what the table refuses */
	assert_true(append(list) < 0);
	assert_string_equal(read_rows(MS_CHANGE_BUILD, NULL, 0), "");
	assert_int_equal(ms_store_entries(store, &n, NULL), 0);
	assert_int_equal(n, 0);
	change(MS_CHANGE_BUILD, "b1", 0, "y");
	assert_string_equal(read_rows(MS_CHANGE_BUILD, NULL, 0), "b1 0 y; ");
}

/* The reader may stop, and says why. */
static void test_stop(void **state)
{
	struct ms_error err = {0};
	int stop = 7;

	change(MS_CHANGE_BUILD, "b1", 0, "x");
	change(MS_CHANGE_BUILD, "b2", 0, "y");
	rows[0] = '\0';
	assert_int_equal(ms_store_foreach_row(store, MS_CHANGE_BUILD, NULL, 0, on_row,
					      &stop, &err),
			 7);
	assert_string_equal(rows, "b1 0 x; ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_builds, setup, teardown),
		cmocka_unit_test_setup_teardown(test_one_of_a_build, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rule_use, setup, teardown),
		cmocka_unit_test_setup_teardown(test_denied, setup, teardown),
		cmocka_unit_test_setup_teardown(test_together, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stop, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
