/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/self_check.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <sqlite3.h>
#include <cmocka.h>

#include "tests/unit/lib/folder.h"

#define RECORDS 2500u

static char path[128];
static struct ms_store *store, *view;

static void fill(void)
{
	static struct ms_record r[RECORDS];
	static char text[RECORDS][32];
	struct ms_error err = {0};

	for (size_t i = 0; i < RECORDS; i++) {
		snprintf(text[i], sizeof(text[i]), "{\"n\":%zu}", i);
		r[i] = (struct ms_record){.event = "test",
					  .key = "",
					  .identity = "",
					  .request_id = "",
					  .bytes = text[i],
					  .len = strlen(text[i])};
	}
	assert_int_equal(ms_store_append(store, r, RECORDS, &err), 0);
}

static int setup(void **state)
{
	struct ms_error err = {0};

	if (folder_make(state) < 0)
		return -1;
	snprintf(path, sizeof(path), "%s", in_folder("audit.db"));
	if (ms_store_open(path, &store, &err) < 0 || ms_store_view(path, &view, &err) < 0)
		return -1;
	fill();
	return 0;
}

static int teardown(void **state)
{
	ms_store_close(view);
	ms_store_close(store);
	return folder_remove(state);
}

static void exec_sql(const char *sql)
{
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

/* All of the log in pieces. Return: as the last piece. */
static int turn(struct ms_merkle *tree, uint64_t *ret_bad)
{
	struct ms_log_piece p = {.tree = tree};

	memset(tree, 0, sizeof(*tree));
	while (p.rc == 0 && tree->size < RECORDS) {
		p.n = MS_MIN(RECORDS - tree->size, MS_LOG_PIECE_MAX);
		ms_log_piece_read(view, &p);
	}
	*ret_bad = p.bad;
	return p.rc;
}

static void test_whole(void **state)
{
	uint8_t root[MS_MERKLE_HASH], want[MS_MERKLE_HASH];
	struct ms_merkle tree;
	uint64_t bad, size;

	assert_int_equal(turn(&tree, &bad), 0);
	assert_int_equal(ms_merkle_root(&tree, root), 0);
	assert_int_equal(ms_store_head(store, &size, want), 0);
	assert_int_equal(size, RECORDS);
	assert_memory_equal(root, want, sizeof(root));
}

/* @sql: the harm; @bad: the record that shows it */
static void harmed(const char *sql, uint64_t bad)
{
	struct ms_merkle tree;
	uint64_t got;

	exec_sql(sql);
	assert_int_equal(turn(&tree, &got), -EUCLEAN);
	assert_int_equal(got, bad);
}

static void test_changed(void **state)
{
	harmed("UPDATE audit SET record = x'7b7d' WHERE seq = 1", 1);
}

static void test_changed_in_second_piece(void **state)
{
	harmed("UPDATE audit SET record = x'7b7d' WHERE seq = 1500", 1500);
}

static void test_two_exchanged(void **state)
{
	harmed("UPDATE audit SET seq = -1 WHERE seq = 2000;"
	       "UPDATE audit SET seq = 2000 WHERE seq = 2001;"
	       "UPDATE audit SET seq = 2001 WHERE seq = -1;"
	       "UPDATE audit SET leaf = (SELECT leaf FROM audit WHERE seq = 9) "
	       "WHERE seq = 2001",
	       2001);
}

/* A leaf less is found before the records are read: the piece's first is named. */
static void test_missing(void **state)
{
	harmed("DELETE FROM audit WHERE seq = 1030", MS_LOG_PIECE_MAX + 1);
}

static void test_cut_off(void **state)
{
	harmed("DELETE FROM audit WHERE seq > 2400", 2 * MS_LOG_PIECE_MAX + 1);
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_whole),
		test(test_changed),
		test(test_changed_in_second_piece),
		test(test_two_exchanged),
		test(test_missing),
		test(test_cut_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
