/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the store share with each other and with nobody else.
 */
#ifndef MS_AGENT_STORE_INTERNAL_H
#define MS_AGENT_STORE_INTERNAL_H

#include <pthread.h>
#include <sqlite3.h>
#include "signer/agent/store.h"
#include "signer/agent/store_change.h"

/**
 * struct ms_store - two connections to one database
 * @db, @lock: the writer's connection, its statements, and @tree
 * @rdb, @read_lock: the readers' connection: a reader never waits for a commit
 * @change: one statement for each kind, on the writer's connection
 * @tree: right edge of what is committed
 * @head, @head_lock: a copy of @tree for readers
 */
struct ms_store {
	sqlite3 *db, *rdb;
	sqlite3_stmt *begin, *commit, *rollback, *insert, *count_key, *last, *key_use,
		*keys, *insert_node, *insert_checkpoint, *set_checkpoint;
	sqlite3_stmt *read, *leaves, *nodes, *last_checkpoint, *attempts;
	sqlite3_stmt *change[MS_N_CHANGES];
	pthread_mutex_t lock, read_lock, head_lock;
	struct ms_merkle tree, head;
	char *path;
};

/** ms_store_fail() - what SQLite said, as errno and sentence; @what: "read", "write to"
 */
int ms_store_fail(struct ms_store *s, sqlite3 *db, const char *what, int sqlite_rc,
		  struct ms_error *err);
/** ms_store_damaged() - -EUCLEAN, with @why */
int ms_store_damaged(struct ms_store *s, const char *why, struct ms_error *err);
/** ms_store_run() - a statement that gives no rows; ready for the next time afterwards */
int ms_store_run(sqlite3_stmt *stmt);

/** ms_store_tree_open() - the right edge of @size records from the stored hashes */
int ms_store_tree_open(struct ms_store *s, uint64_t size,
		       struct ms_error *err) _must_check_;
/**
 * ms_store_tree_append() - add a leaf to @m, and store the subtrees that it completes
 * Inside the writer's transaction. Return: 0 or an SQLite code.
 */
int ms_store_tree_append(struct ms_store *s, struct ms_merkle *m,
			 const uint8_t leaf[MS_MERKLE_HASH]) _must_check_;
/** ms_store_tree_commit() - @m is on the disk */
void ms_store_tree_commit(struct ms_store *s, const struct ms_merkle *m);

/* store_change.c; these return SQLite codes. */
int ms_store_changes_open(struct ms_store *s) _must_check_;
void ms_store_changes_close(struct ms_store *s);
/** ms_store_changes_apply() - inside the writer's transaction */
int ms_store_changes_apply(struct ms_store *s, const struct ms_change *list) _must_check_;

#endif
