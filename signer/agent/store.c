/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Audit records in SQLite. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "signer/agent/store_internal.h"
#include "signer/agent/store_wal.h"

#define SCHEMA_VERSION 2
#define APPLICATION_ID 0x6d736c31 /* "msl1" */

static const char schema[] = "CREATE TABLE audit("
			     " seq INTEGER PRIMARY KEY,"
			     " time_us INTEGER NOT NULL,"
			     " event TEXT NOT NULL,"
			     " key TEXT NOT NULL,"
			     " identity TEXT NOT NULL,"
			     " request_id TEXT NOT NULL,"
			     " leaf BLOB NOT NULL,"
			     " record BLOB NOT NULL"
			     ") STRICT;"
			     "CREATE TABLE node("
			     " level INTEGER NOT NULL,"
			     " idx INTEGER NOT NULL,"
			     " hash BLOB NOT NULL,"
			     " PRIMARY KEY(level, idx)"
			     ") STRICT, WITHOUT ROWID;"
			     "CREATE TABLE checkpoint("
			     " id INTEGER PRIMARY KEY,"
			     " time_us INTEGER NOT NULL,"
			     " size INTEGER NOT NULL,"
			     " counter INTEGER,"
			     " note BLOB"
			     ") STRICT;"
			     "CREATE TABLE key_use("
			     " key TEXT PRIMARY KEY,"
			     " count INTEGER NOT NULL,"
			     " last_us INTEGER NOT NULL"
			     ") STRICT, WITHOUT ROWID;";

/*
 * What SQLite says as errno; the system's own word comes first where there is one. SQLite
 * does not keep it when a commit fails: then it is still in @sys, which is errno.
 */
static int sqlite_errno(sqlite3 *db, int rc, int sys)
{
	if (db && sqlite3_system_errno(db) != 0)
		sys = sqlite3_system_errno(db);

	switch (rc & 0xff) {
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return -EUCLEAN;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_PERM:
	case SQLITE_CANTOPEN:
	case SQLITE_IOERR:
		if (sys == ENOSPC || sys == EDQUOT || sys == EFBIG)
			return -ENOSPC;
		if (sys == EROFS || sys == EACCES || sys == ENOENT || sys == ENOTDIR ||
		    sys == EISDIR)
			return -sys;
		return -EIO;
	default:
		return -EIO;
	}
}

static const char *advice(int rc)
{
	switch (rc) {
	case -ENOSPC:
		return ": free space on its file system";
	case -EROFS:
	case -EACCES:
		return ": make it writable for the agent";
	case -EBUSY:
		return ": is another agent or program using it?";
	case -EUCLEAN:
		return ": it is damaged or not modseal's; restore it from a backup, or "
		       "move it away "
		       "to start a new log";
	case -ENOENT:
	case -ENOTDIR:
		return ": create its directory";
	default:
		return "";
	}
}

int ms_store_fail(struct ms_store *s, sqlite3 *db, const char *what, int sqlite_rc,
		  struct ms_error *err)
{
	int rc = sqlite_errno(db, sqlite_rc, errno);
	const char *why = rc == -EUCLEAN || rc == -EBUSY || rc == -EIO
				  ? (db ? sqlite3_errmsg(db) : sqlite3_errstr(sqlite_rc))
				  : ms_strerror(rc);

	return ms_error_set(err, rc, "store", "cannot %s the audit log %s: %s%s", what,
			    s->path, why, advice(rc));
}

static int fail(struct ms_store *s, const char *what, int sqlite_rc, struct ms_error *err)
{
	return ms_store_fail(s, s->db, what, sqlite_rc, err);
}

static int pragma_int(struct ms_store *s, const char *sql, int64_t *ret)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(s->db, sql, -1, &stmt, NULL);

	if (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		*ret = sqlite3_column_int64(stmt, 0);
		rc = SQLITE_OK;
	}
	sqlite3_finalize(stmt);
	return rc;
}

/* ------------------------------------------------------------------- open */

/* SQLite would make the file with the umask's mode, and follow a symlink. */
static int create_file(struct ms_store *s, struct ms_error *err)
{
	_cleanup_close_ int fd = open(
		s->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0) {
		int rc = -errno;

		return ms_error_set(err, rc, "store",
				    "cannot open the audit log %s: %s%s", s->path,
				    ms_strerror(rc), advice(rc));
	}
	if (!S_ISREG(st.st_mode))
		return ms_error_set(err, -EINVAL, "store",
				    "cannot open the audit log %s: not a regular file",
				    s->path);
	return 0;
}

static int setup_connection(sqlite3 *db)
{
	static const char pragmas[] = "PRAGMA journal_mode=WAL;"
				      "PRAGMA synchronous=FULL;"
				      "PRAGMA cache_size=-512;"
				      "PRAGMA mmap_size=0;"
				      "PRAGMA temp_store=MEMORY;"
				      "PRAGMA journal_size_limit=4194304;"
				      "PRAGMA trusted_schema=OFF;"
				      "PRAGMA cell_size_check=ON;";
	static_assert(MS_STORE_WAL_SIZE == 4194304, "journal_size_limit");
	int rc = sqlite3_busy_timeout(db, 5000);

	if (rc == SQLITE_OK)
		rc = sqlite3_extended_result_codes(db, 1);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db, pragmas, NULL, NULL, NULL);
	return rc;
}

static int make_schema(struct ms_store *s, struct ms_error *err)
{
	char sql[sizeof(schema) + 128];
	int rc;

	snprintf(sql, sizeof(sql), "%sPRAGMA application_id=%d;PRAGMA user_version=%d;",
		 schema, APPLICATION_ID, SCHEMA_VERSION);
	rc = sqlite3_exec(s->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(s->db, sql, NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(s->db, "COMMIT", NULL, NULL, NULL);
	return rc == SQLITE_OK ? 0 : fail(s, "create", rc, err);
}

int ms_store_damaged(struct ms_store *s, const char *why, struct ms_error *err)
{
	return ms_error_set(err, -EUCLEAN, "store", "cannot use the audit log %s: %s%s",
			    s->path, why, advice(-EUCLEAN));
}

static int check_schema(struct ms_store *s, struct ms_error *err)
{
	int64_t version = 0, app = 0, tables = 0;
	int rc;

	rc = pragma_int(s, "PRAGMA user_version", &version);
	if (rc == SQLITE_OK)
		rc = pragma_int(s, "PRAGMA application_id", &app);
	if (rc == SQLITE_OK)
		rc = pragma_int(s, "SELECT count(*) FROM sqlite_schema", &tables);
	if (rc != SQLITE_OK)
		return fail(s, "open", rc, err);
	if (version == 0 && app == 0 && tables == 0)
		return make_schema(s, err);
	if (app != APPLICATION_ID)
		return ms_store_damaged(s, "the database is not modseal's", err);
	if (version < SCHEMA_VERSION)
		return ms_store_damaged(
			s, "it was made by a modseald before the first release", err);
	if (version > SCHEMA_VERSION)
		return ms_error_set(
			err, -EUCLEAN, "store",
			"cannot use the audit log %s: it has version %lld of the schema, "
			"and this modseald knows %d: install a newer modseald",
			s->path, (long long)version, SCHEMA_VERSION);
	return 0;
}

/* Without the line "*** in database main ***" that may come first. */
static const char *finding(const char *text)
{
	const char *nl = strchr(text, '\n');

	return strncmp(text, "***", 3) == 0 && nl ? nl + 1 : text;
}

static int quick_check(struct ms_store *s, struct ms_error *err)
{
	sqlite3_stmt *stmt = NULL;
	struct stat st;
	int rc, ret = 0;

	if (stat(s->path, &st) == 0 && st.st_size > (off_t)MS_STORE_CHECK_MAX)
		return 0;
	rc = sqlite3_prepare_v2(s->db, "PRAGMA quick_check(1)", -1, &stmt, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	if (rc != SQLITE_ROW)
		ret = fail(s, "check", rc, err);
	else if (strcmp((const char *)sqlite3_column_text(stmt, 0), "ok") != 0)
		ret = ms_store_damaged(
			s, finding((const char *)sqlite3_column_text(stmt, 0)), err);
	sqlite3_finalize(stmt);
	return ret;
}

struct statement {
	sqlite3_stmt **stmt;
	const char *sql;
};

static int prepare(sqlite3 *db, const struct statement *all, size_t n)
{
	int rc = SQLITE_OK;

	for (size_t i = 0; i < n && rc == SQLITE_OK; i++)
		rc = sqlite3_prepare_v3(db, all[i].sql, -1, SQLITE_PREPARE_PERSISTENT,
					all[i].stmt, NULL);
	return rc;
}

static int prepare_writer(struct ms_store *s)
{
	const struct statement all[] = {
		{&s->begin, "BEGIN IMMEDIATE"},
		{&s->commit, "COMMIT"},
		{&s->rollback, "ROLLBACK"},
		{&s->insert, "INSERT INTO audit VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"},
		{&s->count_key,
		 "INSERT INTO key_use VALUES(?1, 1, ?2) ON CONFLICT(key) DO UPDATE "
		 "SET count = count + 1, last_us = max(last_us, ?2)"},
		{&s->last, "SELECT coalesce(max(seq), 0) FROM audit"},
		{&s->key_use, "SELECT count, last_us FROM key_use WHERE key = ?1"},
		{&s->keys, "SELECT key, count, last_us FROM key_use ORDER BY key"},
		/* After records were cut off, their subtrees may still be there. */
		{&s->insert_node, "INSERT OR REPLACE INTO node VALUES(?1, ?2, ?3)"},
		{&s->insert_checkpoint,
		 "INSERT INTO checkpoint(time_us, size) VALUES(?1, ?2)"},
		{&s->set_checkpoint,
		 "UPDATE checkpoint SET size = ?1, counter = ?2, note = ?3 "
		 "WHERE id = (SELECT max(id) FROM checkpoint)"},
	};

	return prepare(s->db, all, ARRAY_SIZE(all));
}

static int prepare_reader(struct ms_store *s)
{
	const struct statement all[] = {
		{&s->read,
		 "SELECT seq, time_us, event, key, identity, request_id, record "
		 "FROM audit WHERE seq >= ?1 ORDER BY seq LIMIT ?2"},
		{&s->leaves,
		 "SELECT leaf FROM audit WHERE seq BETWEEN ?1 AND ?2 ORDER BY seq"},
		{&s->nodes, "SELECT hash FROM node WHERE level = ?3 "
			    "AND idx BETWEEN ?1 AND ?2 ORDER BY idx"},
		{&s->last_checkpoint,
		 "SELECT id, note FROM checkpoint WHERE note IS NOT NULL "
		 "ORDER BY id DESC LIMIT 1"},
		{&s->attempts, "SELECT count(*) FROM checkpoint WHERE id > ?1"},
	};

	return prepare(s->rdb, all, ARRAY_SIZE(all));
}

static int last_seq(struct ms_store *s, uint64_t *ret)
{
	int rc = sqlite3_step(s->last);

	if (rc == SQLITE_ROW) {
		*ret = (uint64_t)sqlite3_column_int64(s->last, 0);
		rc = SQLITE_OK;
	}
	sqlite3_reset(s->last);
	return rc;
}

static int connect_to(struct ms_store *s, sqlite3 **ret, struct ms_error *err)
{
	int rc = sqlite3_open_v2(
		s->path, ret,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW, NULL);

	if (rc == SQLITE_OK)
		rc = setup_connection(*ret);
	return rc == SQLITE_OK ? 0 : ms_store_fail(s, *ret, "open", rc, err);
}

static int open_reader(struct ms_store *s, struct ms_error *err)
{
	int rc = connect_to(s, &s->rdb, err);

	if (rc < 0)
		return rc;
	rc = sqlite3_exec(s->rdb, "PRAGMA query_only=1", NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = prepare_reader(s);
	return rc == SQLITE_OK ? 0 : ms_store_fail(s, s->rdb, "open", rc, err);
}

static int open_db(struct ms_store *s, struct ms_error *err)
{
	uint64_t size = 0;
	int rc;

	rc = create_file(s, err);
	if (rc == 0)
		rc = connect_to(s, &s->db, err);
	if (rc == 0)
		rc = check_schema(s, err);
	if (rc == 0)
		rc = quick_check(s, err);
	if (rc < 0)
		return rc;
	rc = ms_store_changes_open(s);
	if (rc == SQLITE_OK)
		rc = prepare_writer(s);
	if (rc == SQLITE_OK)
		rc = last_seq(s, &size);
	if (rc != SQLITE_OK)
		return fail(s, "open", rc, err);
	ms_store_grow_wal(s->path);
	rc = open_reader(s, err);
	return rc < 0 ? rc : ms_store_tree_open(s, size, err);
}

static int open_with(int (*open_it)(struct ms_store *s, struct ms_error *err),
		     const char *path, struct ms_store **ret, struct ms_error *err)
{
	struct ms_store *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return ms_error_set(err, -ENOMEM, NULL, "out of memory");
	pthread_mutex_init(&s->lock, NULL);
	pthread_mutex_init(&s->read_lock, NULL);
	pthread_mutex_init(&s->head_lock, NULL);
	s->path = strdup(path);
	rc = s->path ? open_it(s, err)
		     : ms_error_set(err, -ENOMEM, NULL, "out of memory");
	if (rc < 0) {
		ms_store_close(s);
		return rc;
	}
	*ret = s;
	return 0;
}

int ms_store_open(const char *path, struct ms_store **ret, struct ms_error *err)
{
	return open_with(open_db, path, ret, err);
}

int ms_store_view(const char *path, struct ms_store **ret, struct ms_error *err)
{
	return open_with(open_reader, path, ret, err);
}

void ms_store_close(struct ms_store *s)
{
	if (!s)
		return;
	sqlite3_stmt *all[] = {s->begin,	   s->commit,
			       s->rollback,	   s->insert,
			       s->count_key,	   s->last,
			       s->key_use,	   s->keys,
			       s->insert_node,	   s->insert_checkpoint,
			       s->set_checkpoint,  s->read,
			       s->leaves,	   s->nodes,
			       s->last_checkpoint, s->attempts};
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		sqlite3_finalize(all[i]);
	ms_store_changes_close(s);
	/* The writer last: closing it empties the WAL. */
	sqlite3_close(s->rdb);
	sqlite3_close(s->db);
	pthread_mutex_destroy(&s->head_lock);
	pthread_mutex_destroy(&s->read_lock);
	pthread_mutex_destroy(&s->lock);
	free(s->path);
	free(s);
}

/* ----------------------------------------------------------------- append */

int ms_store_run(sqlite3_stmt *stmt)
{
	int rc = sqlite3_step(stmt), rc2 = sqlite3_reset(stmt);

	return rc == SQLITE_DONE ? SQLITE_OK : (rc2 != SQLITE_OK ? rc2 : rc);
}

static int insert_record(struct ms_store *s, struct ms_merkle *m,
			 const struct ms_record *r)
{
	uint8_t leaf[MS_MERKLE_HASH];
	int rc;

	if (ms_merkle_leaf(r->bytes, r->len, leaf) < 0)
		return SQLITE_INTERNAL;
	sqlite3_bind_int64(s->insert, 1, (sqlite3_int64)m->size + 1);
	sqlite3_bind_int64(s->insert, 2, r->time_us);
	sqlite3_bind_text(s->insert, 3, r->event, -1, SQLITE_STATIC);
	sqlite3_bind_text(s->insert, 4, r->key, -1, SQLITE_STATIC);
	sqlite3_bind_text(s->insert, 5, r->identity, -1, SQLITE_STATIC);
	sqlite3_bind_text(s->insert, 6, r->request_id, -1, SQLITE_STATIC);
	sqlite3_bind_blob(s->insert, 7, leaf, sizeof(leaf), SQLITE_STATIC);
	sqlite3_bind_blob64(s->insert, 8, r->bytes, r->len, SQLITE_STATIC);
	rc = ms_store_run(s->insert);
	sqlite3_clear_bindings(s->insert);
	if (rc == SQLITE_OK)
		rc = ms_store_tree_append(s, m, leaf);
	if (rc == SQLITE_OK)
		rc = ms_store_changes_apply(s, r->changes);
	if (rc != SQLITE_OK || strcmp(r->event, "sign") != 0)
		return rc;
	sqlite3_bind_text(s->count_key, 1, r->key, -1, SQLITE_STATIC);
	sqlite3_bind_int64(s->count_key, 2, r->time_us);
	rc = ms_store_run(s->count_key);
	sqlite3_clear_bindings(s->count_key);
	return rc;
}

static int append_locked(struct ms_store *s, struct ms_record *r, size_t n,
			 struct ms_error *err)
{
	struct ms_merkle m = s->tree;
	int rc, ret;

	errno = 0;
	rc = ms_store_run(s->begin);
	for (size_t i = 0; i < n && rc == SQLITE_OK; i++)
		rc = insert_record(s, &m, &r[i]);
	if (rc == SQLITE_OK)
		rc = ms_store_run(s->commit);
	if (rc != SQLITE_OK) {
		ret = fail(s, "write to", rc, err);
		/* SQLite has rolled back by itself after some failures */
		if (!sqlite3_get_autocommit(s->db))
			(void)ms_store_run(s->rollback);
		return ret;
	}
	for (size_t i = 0; i < n; i++)
		r[i].seq = s->tree.size + 1 + i;
	ms_store_tree_commit(s, &m);
	return 0;
}

int ms_store_append(struct ms_store *s, struct ms_record *r, size_t n,
		    struct ms_error *err)
{
	int rc;

	pthread_mutex_lock(&s->lock);
	rc = append_locked(s, r, n, err);
	pthread_mutex_unlock(&s->lock);
	return rc;
}

/* ------------------------------------------------------------------- read */

int ms_store_key_use(struct ms_store *s, const char *key, uint64_t *ret_count,
		     int64_t *ret_last_us, struct ms_error *err)
{
	uint64_t count = 0;
	int64_t last = 0;
	int rc, ret = 0;

	pthread_mutex_lock(&s->lock);
	sqlite3_bind_text(s->key_use, 1, key, -1, SQLITE_STATIC);
	rc = sqlite3_step(s->key_use);
	if (rc == SQLITE_ROW) {
		count = (uint64_t)sqlite3_column_int64(s->key_use, 0);
		last = sqlite3_column_int64(s->key_use, 1);
	} else if (rc != SQLITE_DONE) {
		ret = fail(s, "read", rc, err);
	}
	sqlite3_reset(s->key_use);
	sqlite3_clear_bindings(s->key_use);
	pthread_mutex_unlock(&s->lock);
	if (ret < 0)
		return ret;
	*ret_count = count;
	*ret_last_us = last;
	return 0;
}

int ms_store_foreach_key(struct ms_store *s,
			 int (*fn)(const char *key, uint64_t count, int64_t last_us,
				   void *arg),
			 void *arg, struct ms_error *err)
{
	int rc, ret = 0;

	pthread_mutex_lock(&s->lock);
	while (ret == 0 && (rc = sqlite3_step(s->keys)) != SQLITE_DONE) {
		if (rc != SQLITE_ROW)
			ret = fail(s, "read", rc, err);
		else
			ret = fn((const char *)sqlite3_column_text(s->keys, 0),
				 (uint64_t)sqlite3_column_int64(s->keys, 1),
				 sqlite3_column_int64(s->keys, 2), arg);
	}
	sqlite3_reset(s->keys);
	pthread_mutex_unlock(&s->lock);
	return ret;
}

int ms_store_entries(struct ms_store *s, uint64_t *ret, struct ms_error *err)
{
	pthread_mutex_lock(&s->head_lock);
	*ret = s->head.size;
	pthread_mutex_unlock(&s->head_lock);
	return 0;
}

static struct ms_record row(sqlite3_stmt *stmt)
{
	return (struct ms_record){
		.seq = (uint64_t)sqlite3_column_int64(stmt, 0),
		.time_us = sqlite3_column_int64(stmt, 1),
		.event = (const char *)sqlite3_column_text(stmt, 2),
		.key = (const char *)sqlite3_column_text(stmt, 3),
		.identity = (const char *)sqlite3_column_text(stmt, 4),
		.request_id = (const char *)sqlite3_column_text(stmt, 5),
		.bytes = sqlite3_column_blob(stmt, 6),
		.len = (size_t)sqlite3_column_bytes(stmt, 6),
	};
}

int ms_store_foreach(struct ms_store *s, uint64_t from, uint64_t max,
		     int (*fn)(const struct ms_record *r, void *arg), void *arg,
		     struct ms_error *err)
{
	int rc, ret = 0;

	pthread_mutex_lock(&s->read_lock);
	sqlite3_bind_int64(s->read, 1, (sqlite3_int64)MS_MIN(from, (uint64_t)INT64_MAX));
	sqlite3_bind_int64(s->read, 2, (sqlite3_int64)MS_MIN(max, (uint64_t)INT64_MAX));
	while (ret == 0 && (rc = sqlite3_step(s->read)) != SQLITE_DONE) {
		struct ms_record r;

		if (rc != SQLITE_ROW) {
			ret = ms_store_fail(s, s->rdb, "read", rc, err);
			break;
		}
		r = row(s->read);
		if (!r.event || !r.key || !r.identity || !r.request_id)
			ret = ms_error_set(err, -ENOMEM, NULL, "out of memory");
		else
			ret = fn(&r, arg);
	}
	sqlite3_reset(s->read);
	pthread_mutex_unlock(&s->read_lock);
	return ret;
}
