/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/store_change.h"

#include <errno.h>
#include <time.h>

#include "signer/agent/limits.h"
#include "signer/agent/store_internal.h"

#define REQUEST_DAYS 7 /* that keys of requests are remembered */

/* Beside the tables of store.c, and made when they are not there. */
static const char tables[] =
	"CREATE TABLE IF NOT EXISTS build("
	" id TEXT PRIMARY KEY, data TEXT NOT NULL"
	") STRICT, WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS build_module("
	" build TEXT NOT NULL, n INTEGER NOT NULL, data TEXT NOT NULL,"
	" PRIMARY KEY(build, n)"
	") STRICT, WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS build_manifest("
	" build TEXT PRIMARY KEY, data TEXT NOT NULL"
	") STRICT, WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS build_list("
	" build TEXT PRIMARY KEY, data TEXT NOT NULL"
	") STRICT, WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS rule_use("
	" rule TEXT NOT NULL, minute INTEGER NOT NULL, count INTEGER NOT NULL,"
	" PRIMARY KEY(rule, minute)"
	") STRICT, WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS denied("
	" digest TEXT PRIMARY KEY, data TEXT NOT NULL"
	") STRICT, WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS request("
	" id TEXT PRIMARY KEY, minute INTEGER NOT NULL, body TEXT NOT NULL"
	") STRICT, WITHOUT ROWID;";

/* ?1 key, ?2 number, ?3 data. */
static const char *const writing[MS_N_CHANGES] = {
	[MS_CHANGE_BUILD] = "INSERT OR REPLACE INTO build VALUES(?1, ?3)",
	[MS_CHANGE_MODULE] =
		"INSERT INTO build_module VALUES(?1, (SELECT coalesce(max(n), 0) + 1 "
		"FROM build_module WHERE build = ?1), ?3)",
	[MS_CHANGE_MANIFEST] = "INSERT OR REPLACE INTO build_manifest VALUES(?1, ?3)",
	[MS_CHANGE_LIST] = "INSERT OR REPLACE INTO build_list VALUES(?1, ?3)",
	[MS_CHANGE_RULE_USE] =
		"INSERT INTO rule_use VALUES(?1, ?2, 1) ON CONFLICT(rule, minute) DO "
		"UPDATE SET count = count + 1",
	[MS_CHANGE_DENIED] = "INSERT OR REPLACE INTO denied VALUES(?1, ?3)",
	[MS_CHANGE_REQUEST] = "INSERT OR REPLACE INTO request VALUES(?1, ?2, ?3)",
};

/* ?1 key or NULL, ?2 least number. */
static const char *const reading[MS_N_CHANGES] = {
	[MS_CHANGE_BUILD] = "SELECT id, (SELECT coalesce(max(n), 0) FROM build_module "
			    "WHERE build = id),"
			    " data FROM build WHERE ?2 = ?2 AND (?1 IS NULL OR id = ?1)",
	[MS_CHANGE_MODULE] = "SELECT build, n, data FROM build_module "
			     "WHERE build = ?1 AND n >= ?2 ORDER BY n",
	[MS_CHANGE_MANIFEST] =
		"SELECT build, 0, data FROM build_manifest WHERE ?2 = ?2 AND build = ?1",
	[MS_CHANGE_LIST] = "SELECT build, 0, data FROM build_list "
			   "WHERE ?2 = ?2 AND (?1 IS NULL OR build = ?1)",
	[MS_CHANGE_RULE_USE] =
		"SELECT rule, minute, CAST(count AS TEXT) FROM rule_use "
		"WHERE minute >= ?2 AND (?1 IS NULL OR rule = ?1) ORDER BY minute",
	[MS_CHANGE_DENIED] =
		"SELECT digest, 0, data FROM denied "
		"WHERE ?2 = ?2 AND data <> '' AND (?1 IS NULL OR digest = ?1)",
	[MS_CHANGE_REQUEST] = "SELECT id, minute, body FROM request "
			      "WHERE minute >= ?2 AND (?1 IS NULL OR id = ?1)",
};

int ms_change_add(struct ms_change **list, enum ms_change_what what, const char *key,
		  int64_t number, const char *data)
{
	size_t key_len = strlen(key) + 1, data_len = data ? strlen(data) + 1 : 1;
	struct ms_change *c = calloc(1, sizeof(*c) + key_len + data_len);

	if (!c)
		return -ENOMEM;
	c->what = what;
	c->number = number;
	memcpy(c->texts, key, key_len);
	if (data)
		memcpy(c->texts + key_len, data, data_len);
	c->key = c->texts;
	c->data = c->texts + key_len;
	c->next = *list;
	*list = c;
	return 0;
}

void ms_change_free(struct ms_change *list)
{
	struct ms_change *c;

	while ((c = list)) {
		list = c->next;
		free(c);
	}
}

int ms_store_changes_open(struct ms_store *s)
{
	int64_t oldest = (int64_t)time(NULL) / 60 - (int64_t)MS_LIMIT_MINUTES;
	char sql[160];
	int rc = sqlite3_exec(s->db, tables, NULL, NULL, NULL);

	snprintf(sql, sizeof(sql),
		 "DELETE FROM rule_use WHERE minute < %lld;"
		 "DELETE FROM request WHERE minute < %lld",
		 (long long)oldest, (long long)oldest - REQUEST_DAYS * 24 * 60);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(s->db, sql, NULL, NULL, NULL);
	for (size_t i = 0; i < MS_N_CHANGES && rc == SQLITE_OK; i++)
		rc = sqlite3_prepare_v3(s->db, writing[i], -1, SQLITE_PREPARE_PERSISTENT,
					&s->change[i], NULL);
	return rc;
}

void ms_store_changes_close(struct ms_store *s)
{
	for (size_t i = 0; i < MS_N_CHANGES; i++)
		sqlite3_finalize(s->change[i]);
}

int ms_store_changes_apply(struct ms_store *s, const struct ms_change *list)
{
	int rc = SQLITE_OK;

	for (const struct ms_change *c = list; c && rc == SQLITE_OK; c = c->next) {
		sqlite3_stmt *stmt = s->change[c->what];

		sqlite3_bind_text(stmt, 1, c->key, -1, SQLITE_STATIC);
		if (sqlite3_bind_parameter_count(stmt) >= 2)
			sqlite3_bind_int64(stmt, 2, c->number);
		if (sqlite3_bind_parameter_count(stmt) >= 3)
			sqlite3_bind_text(stmt, 3, c->data, -1, SQLITE_STATIC);
		rc = ms_store_run(stmt);
		sqlite3_clear_bindings(stmt);
	}
	return rc;
}

int ms_store_foreach_row(struct ms_store *s, enum ms_change_what what, const char *key,
			 int64_t from,
			 int (*fn)(const char *key, int64_t number, const char *data,
				   void *arg),
			 void *arg, struct ms_error *err)
{
	sqlite3_stmt *stmt = NULL;
	int rc, ret = 0;

	pthread_mutex_lock(&s->read_lock);
	rc = sqlite3_prepare_v2(s->rdb, reading[what], -1, &stmt, NULL);
	if (rc == SQLITE_OK && key)
		rc = sqlite3_bind_text(stmt, 1, key, -1, SQLITE_STATIC);
	if (rc == SQLITE_OK)
		rc = sqlite3_bind_int64(stmt, 2, from);
	while (rc == SQLITE_OK && ret == 0 && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		const char *k = (const char *)sqlite3_column_text(stmt, 0);
		const char *data = (const char *)sqlite3_column_text(stmt, 2);

		rc = SQLITE_OK;
		if (k && data)
			ret = fn(k, sqlite3_column_int64(stmt, 1), data, arg);
		else
			ret = ms_error_set(err, -ENOMEM, NULL, "out of memory");
	}
	if (rc != SQLITE_OK && rc != SQLITE_DONE)
		ret = ms_store_fail(s, s->rdb, "read", rc, err);
	sqlite3_finalize(stmt);
	pthread_mutex_unlock(&s->read_lock);
	return ret;
}
