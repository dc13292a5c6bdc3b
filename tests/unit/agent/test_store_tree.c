/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <sqlite3.h>
#include <cmocka.h>

/* One complete subtree of height 16, some of height 8, and a ragged end. */
#define MANY 66309u
#define BATCH 1021u

static char dir[32], path[64];

static int setup(void **state)
{
	snprintf(dir, sizeof(dir), "/tmp/modseal-test-tree-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/audit.db", dir);
	return 0;
}

static int teardown(void **state)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	if (!d)
		return -1;
	while ((e = readdir(d)))
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			(void)unlinkat(dirfd(d), e->d_name, 0);
	closedir(d);
	return rmdir(dir);
}

static struct ms_store *must_open(void)
{
	struct ms_store *s = NULL;
	struct ms_error err = {};

	if (ms_store_open(path, &s, &err) < 0)
		fail_msg("%s", err.msg);
	return s;
}

static void exec_sql(const char *sql)
{
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static int64_t query(const char *sql)
{
	sqlite3_stmt *stmt = NULL;
	sqlite3 *db = NULL;
	int64_t v;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	v = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return v;
}

/* Records are their own index, so that a second, simple tree can be made of them. */
static void grow(struct ms_store *s, uint64_t to, struct ms_merkle *check)
{
	static char text[BATCH][16];
	static struct ms_record r[BATCH];
	struct ms_error err = {};

	while (check->size < to) {
		size_t n = MS_MIN(to - check->size, BATCH);

		for (size_t i = 0; i < n; i++) {
			uint8_t leaf[MS_MERKLE_HASH];

			snprintf(text[i], sizeof(text[i]), "%llu",
				 (unsigned long long)check->size);
			r[i] = (struct ms_record){.event = "sign",
						  .key = "k",
						  .identity = "",
						  .request_id = "",
						  .bytes = text[i],
						  .len = strlen(text[i])};
			assert_int_equal(ms_merkle_leaf(r[i].bytes, r[i].len, leaf), 0);
			assert_int_equal(ms_merkle_append(check, leaf), 0);
		}
		assert_int_equal(ms_store_append(s, r, n, &err), 0);
		assert_int_equal(r[n - 1].seq, check->size);
	}
}

static void same_head(struct ms_store *s, const struct ms_merkle *check)
{
	uint8_t root[MS_MERKLE_HASH], want[MS_MERKLE_HASH];
	uint64_t size = 0;

	assert_int_equal(ms_store_head(s, &size, root), 0);
	assert_int_equal(ms_merkle_root(check, want), 0);
	assert_int_equal(size, check->size);
	assert_memory_equal(root, want, sizeof(root));
}

static void proofs_hold(struct ms_store *s, const struct ms_merkle *check)
{
	const uint64_t some[] = {0, 1, 255, 256, 65535, 65536, MANY - 2, MANY - 1};
	uint8_t proof[2 * MS_MERKLE_PROOF_MAX][MS_MERKLE_HASH];
	uint8_t root[MS_MERKLE_HASH], old_root[MS_MERKLE_HASH], leaf[MS_MERKLE_HASH];
	size_t n = 0;

	assert_int_equal(ms_merkle_root(check, root), 0);
	for (size_t i = 0; i < ARRAY_SIZE(some); i++) {
		char text[16];

		snprintf(text, sizeof(text), "%llu", (unsigned long long)some[i]);
		assert_int_equal(ms_merkle_leaf(text, strlen(text), leaf), 0);
		assert_int_equal(ms_merkle_inclusion(ms_store_read_hashes, s, some[i],
						     MANY, proof, &n),
				 0);
		assert_int_equal(
			ms_merkle_check_inclusion(leaf, some[i], MANY,
						  (const uint8_t(*)[MS_MERKLE_HASH])proof,
						  n, root),
			0);
		if (some[i] == 0)
			continue;
		assert_int_equal(ms_store_root_at(s, some[i], old_root), 0);
		assert_int_equal(ms_merkle_consistency(ms_store_read_hashes, s, some[i],
						       MANY, proof, &n),
				 0);
		assert_int_equal(ms_merkle_check_consistency(
					 some[i], MANY, old_root, root,
					 (const uint8_t(*)[MS_MERKLE_HASH])proof, n),
				 0);
	}
}

static void grows_as_the_rfc_says(void **state)
{
	struct ms_merkle check = {};
	struct ms_store *s = must_open();

	same_head(s, &check);
	grow(s, 1, &check);
	same_head(s, &check);
	grow(s, MANY, &check);
	same_head(s, &check);
	ms_store_close(s);

	s = must_open();
	same_head(s, &check);
	proofs_hold(s, &check);
	ms_store_close(s);
	assert_int_equal(query("SELECT count(*) FROM node WHERE level = 1"), MANY / 256);
	assert_int_equal(query("SELECT count(*) FROM node WHERE level = 2"), 1);
	assert_int_equal(query("SELECT count(*) FROM node WHERE level > 2"), 0);
}

static void failed_append_leaves_the_tree(void **state)
{
	struct ms_record bad = {.event = "sign",
				.key = "k",
				.identity = "",
				.request_id = "",
				.bytes = "x",
				.len = 1};
	struct ms_merkle check = {};
	struct ms_store *s = must_open();
	struct ms_error err = {};

	/* the 256th record completes a subtree, which is then refused */
	grow(s, 255, &check);
	exec_sql(
		"CREATE TRIGGER no BEFORE INSERT ON node BEGIN SELECT RAISE(ABORT, 'no');"
		"END");
	assert_true(ms_store_append(s, &bad, 1, &err) < 0);
	same_head(s, &check);
	exec_sql("DROP TRIGGER no");
	grow(s, 300, &check);
	same_head(s, &check);
	ms_store_close(s);
	assert_int_equal(query("SELECT count(*) FROM audit"), 300);
}

static void expect_damaged(void)
{
	struct ms_store *s = NULL;
	struct ms_error err = {};

	assert_int_equal(ms_store_open(path, &s, &err), -EUCLEAN);
	assert_non_null(strstr(err.msg, "missing"));
	assert_null(s);
}

static void missing_edge_is_damage(void **state)
{
	struct ms_merkle check = {};
	struct ms_store *s = must_open();

	grow(s, 300, &check);
	ms_store_close(s);
	exec_sql("CREATE TABLE kept AS SELECT * FROM audit WHERE seq = 299;"
		 "DELETE FROM audit WHERE seq = 299");
	expect_damaged();
	exec_sql("INSERT INTO audit SELECT * FROM kept; DROP TABLE kept");
	s = must_open();
	same_head(s, &check);
	ms_store_close(s);
	exec_sql("DELETE FROM node");
	expect_damaged();
}

static void older_schema_is_refused(void **state)
{
	struct ms_store *s = NULL;
	struct ms_error err = {};

	ms_store_close(must_open());
	exec_sql("PRAGMA user_version=1");
	assert_int_equal(ms_store_open(path, &s, &err), -EUCLEAN);
	assert_non_null(strstr(err.msg, "before the first release"));
}

static void checkpoints_and_attempts(void **state)
{
	struct ms_checkpoint c = {
		.origin = "o", .size = 3, .counter = 7, .has_counter = true};
	char note[MS_CHECKPOINT_MAX];
	struct ms_store *s = must_open();
	struct ms_error err = {};
	uint64_t attempts = 99;
	size_t len = 0;

	assert_int_equal(ms_store_checkpoint_last(s, note, &len, &attempts), -ENOENT);
	assert_int_equal(attempts, 0);
	assert_int_equal(ms_store_checkpoint_begin(s, 3, 1, &err), 0);
	assert_int_equal(ms_store_checkpoint_last(s, note, &len, &attempts), -ENOENT);
	assert_int_equal(attempts, 1);
	assert_int_equal(ms_store_checkpoint_put(s, &c, "text", 4, &err), 0);
	assert_int_equal(ms_store_checkpoint_last(s, note, &len, &attempts), 0);
	assert_int_equal(len, 4);
	assert_memory_equal(note, "text", 4);
	assert_int_equal(attempts, 0);
	assert_int_equal(ms_store_checkpoint_begin(s, 4, 2, &err), 0);
	assert_int_equal(ms_store_checkpoint_begin(s, 4, 3, &err), 0);
	ms_store_close(s);

	s = must_open();
	assert_int_equal(ms_store_checkpoint_last(s, note, &len, &attempts), 0);
	assert_memory_equal(note, "text", 4);
	assert_int_equal(attempts, 2);
	ms_store_close(s);
	assert_int_equal(query("SELECT counter FROM checkpoint WHERE id = 1"), 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(grows_as_the_rfc_says, setup, teardown),
		cmocka_unit_test_setup_teardown(failed_append_leaves_the_tree, setup,
						teardown),
		cmocka_unit_test_setup_teardown(missing_edge_is_damage, setup, teardown),
		cmocka_unit_test_setup_teardown(older_schema_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(checkpoints_and_attempts, setup,
						teardown),
	};

	return cmocka_run_group_tests_name("store_tree", tests, NULL, NULL);
}
