/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The Merkle tree over the records, and the checkpoints. Of the tree, every eighth level
 * is stored: an append and a proof cost the same however long the log is.
 */
#include <errno.h>

#include "signer/agent/store_internal.h"

/* ------------------------------------------------------------------- tree */

/* Reads up to @n rows of one hash each. Return: 0, or -EUCLEAN when one is missing. */
static int read_rows(struct ms_store *s, sqlite3_stmt *stmt, size_t n,
		     uint8_t (*ret)[MS_MERKLE_HASH])
{
	size_t got = 0;
	int rc, ret2 = 0;

	while (ret2 == 0 && got < n && (rc = sqlite3_step(stmt)) != SQLITE_DONE) {
		if (rc != SQLITE_ROW)
			ret2 = ms_store_fail(s, s->rdb, "read", rc, NULL);
		else if (sqlite3_column_bytes(stmt, 0) != MS_MERKLE_HASH)
			ret2 = -EUCLEAN;
		else
			memcpy(ret[got++], sqlite3_column_blob(stmt, 0), MS_MERKLE_HASH);
	}
	sqlite3_reset(stmt);
	return ret2 == 0 && got < n ? -EUCLEAN : ret2;
}

int ms_store_read_hashes(void *store, unsigned int level, uint64_t index, size_t n,
			 uint8_t (*ret)[MS_MERKLE_HASH])
{
	struct ms_store *s = store;
	sqlite3_stmt *stmt = level ? s->nodes : s->leaves;
	uint64_t first = level ? index : index + 1; /* records count from 1 */
	int r;

	if (first > INT64_MAX - n || n == 0)
		return -EINVAL;
	pthread_mutex_lock(&s->read_lock);
	sqlite3_bind_int64(stmt, 1, (sqlite3_int64)first);
	sqlite3_bind_int64(stmt, 2, (sqlite3_int64)(first + n - 1));
	if (level)
		sqlite3_bind_int64(stmt, 3, level);
	r = read_rows(s, stmt, n, ret);
	pthread_mutex_unlock(&s->read_lock);
	return r;
}

int ms_store_tree_open(struct ms_store *s, uint64_t size, struct ms_error *err)
{
	int r = ms_merkle_restore(ms_store_read_hashes, s, size, &s->tree);

	if (r == -EUCLEAN)
		return ms_store_damaged(s, "records or hashes at its end are missing",
					err);
	if (r < 0)
		return ms_error_set(err, r, "store", "cannot read the audit log %s: %s",
				    s->path, ms_strerror(r));
	s->head = s->tree;
	return 0;
}

static int store_node(void *arg, unsigned int level, uint64_t index,
		      const uint8_t hash[MS_MERKLE_HASH])
{
	struct ms_store *s = arg;
	int rc;

	sqlite3_bind_int64(s->insert_node, 1, level);
	sqlite3_bind_int64(s->insert_node, 2, (sqlite3_int64)index);
	sqlite3_bind_blob(s->insert_node, 3, hash, MS_MERKLE_HASH, SQLITE_STATIC);
	rc = ms_store_run(s->insert_node);
	sqlite3_clear_bindings(s->insert_node);
	/* A code of SQLite's is positive: told apart from the tree's own errnos. */
	return -rc;
}

int ms_store_tree_append(struct ms_store *s, struct ms_merkle *m,
			 const uint8_t leaf[MS_MERKLE_HASH])
{
	int r = ms_merkle_append_store(m, leaf, store_node, s);

	return r == -EIO ? SQLITE_INTERNAL : -r;
}

void ms_store_tree_commit(struct ms_store *s, const struct ms_merkle *m)
{
	s->tree = *m;
	pthread_mutex_lock(&s->head_lock);
	s->head = *m;
	pthread_mutex_unlock(&s->head_lock);
}

int ms_store_head(struct ms_store *s, uint64_t *ret_size,
		  uint8_t ret_root[MS_MERKLE_HASH])
{
	struct ms_merkle m;
	int r;

	pthread_mutex_lock(&s->head_lock);
	m = s->head;
	pthread_mutex_unlock(&s->head_lock);
	r = ms_merkle_root(&m, ret_root);
	if (r == 0)
		*ret_size = m.size;
	return r;
}

int ms_store_root_at(struct ms_store *s, uint64_t size, uint8_t ret[MS_MERKLE_HASH])
{
	struct ms_merkle m;
	int r = ms_merkle_restore(ms_store_read_hashes, s, size, &m);

	return r < 0 ? r : ms_merkle_root(&m, ret);
}

/* ------------------------------------------------------------ checkpoints */

int ms_store_checkpoint_begin(struct ms_store *s, uint64_t size, int64_t time_us,
			      struct ms_error *err)
{
	int rc, ret = 0;

	pthread_mutex_lock(&s->lock);
	sqlite3_bind_int64(s->insert_checkpoint, 1, time_us);
	sqlite3_bind_int64(s->insert_checkpoint, 2, (sqlite3_int64)size);
	errno = 0;
	rc = ms_store_run(s->insert_checkpoint);
	if (rc != SQLITE_OK)
		ret = ms_store_fail(s, s->db, "write to", rc, err);
	pthread_mutex_unlock(&s->lock);
	return ret;
}

int ms_store_checkpoint_put(struct ms_store *s, const struct ms_checkpoint *c,
			    const char *note, size_t len, struct ms_error *err)
{
	int rc, ret = 0;

	pthread_mutex_lock(&s->lock);
	sqlite3_bind_int64(s->set_checkpoint, 1, (sqlite3_int64)c->size);
	sqlite3_bind_int64(s->set_checkpoint, 2, (sqlite3_int64)c->counter);
	sqlite3_bind_blob64(s->set_checkpoint, 3, note, len, SQLITE_STATIC);
	errno = 0;
	rc = ms_store_run(s->set_checkpoint);
	sqlite3_clear_bindings(s->set_checkpoint);
	if (rc != SQLITE_OK)
		ret = ms_store_fail(s, s->db, "write to", rc, err);
	pthread_mutex_unlock(&s->lock);
	return ret;
}

static int take_note(struct ms_store *s, char ret[MS_CHECKPOINT_MAX], size_t *ret_len,
		     int64_t *ret_id)
{
	int rc = sqlite3_step(s->last_checkpoint), r = -ENOENT;
	int n = rc == SQLITE_ROW ? sqlite3_column_bytes(s->last_checkpoint, 1) : 0;

	if (rc == SQLITE_ROW && n > 0 && n <= (int)MS_CHECKPOINT_MAX) {
		*ret_id = sqlite3_column_int64(s->last_checkpoint, 0);
		memcpy(ret, sqlite3_column_blob(s->last_checkpoint, 1), (size_t)n);
		*ret_len = (size_t)n;
		r = 0;
	} else if (rc == SQLITE_ROW) {
		r = -EUCLEAN;
	} else if (rc != SQLITE_DONE) {
		r = ms_store_fail(s, s->rdb, "read", rc, NULL);
	}
	sqlite3_reset(s->last_checkpoint);
	return r;
}

int ms_store_checkpoint_last(struct ms_store *s, char ret[MS_CHECKPOINT_MAX],
			     size_t *ret_len, uint64_t *ret_attempts)
{
	int64_t id = 0;
	int rc, r;

	pthread_mutex_lock(&s->read_lock);
	r = take_note(s, ret, ret_len, &id);
	sqlite3_bind_int64(s->attempts, 1, id);
	rc = sqlite3_step(s->attempts);
	if (rc == SQLITE_ROW)
		*ret_attempts = (uint64_t)sqlite3_column_int64(s->attempts, 0);
	else if (r == 0)
		r = ms_store_fail(s, s->rdb, "read", rc, NULL);
	sqlite3_reset(s->attempts);
	pthread_mutex_unlock(&s->read_lock);
	return r;
}
