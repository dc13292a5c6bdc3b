/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/store.h"
#include "signer/agent/store_wal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sqlite3.h>
#include <cmocka.h>

static char dir[32], path[64];

/*
 * SQLite's calls come here instead of the C library, so that they can be counted: after a
 * kill everything would still be in the page cache, and only a power cut would show that
 * a record was never on the disk.
 */
static unsigned int syncs;

__attribute__((visibility("default"))) int fdatasync(int fd)
{
	syncs++;
	return (int)syscall(SYS_fdatasync, fd);
}

__attribute__((visibility("default"))) int fsync(int fd)
{
	syncs++;
	return (int)syscall(SYS_fsync, fd);
}

static int setup(void **state)
{
	snprintf(dir, sizeof(dir), "/tmp/modseal-test-store-XXXXXX");
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
	while ((e = readdir(d))) {
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, "..") &&
		    unlinkat(dirfd(d), e->d_name, 0) < 0)
			(void)unlinkat(dirfd(d), e->d_name, AT_REMOVEDIR);
	}
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

static struct ms_record record(const char *event, const char *key, int64_t when)
{
	return (struct ms_record){
		.time_us = when,
		.event = event,
		.key = key,
		.identity = "uid:1",
		.request_id = "r1",
		.bytes = "{\"a\":1}",
		.len = 7,
	};
}

static int append(struct ms_store *s, const char *event, const char *key, int64_t when,
		  uint64_t *ret_seq, struct ms_error *err)
{
	struct ms_record r = record(event, key, when);
	int rc = ms_store_append(s, &r, 1, err);

	*ret_seq = r.seq;
	return rc;
}

static int check_gapless(const struct ms_record *r, void *arg)
{
	uint64_t *n = arg;

	return r->seq == ++*n ? 0 : -ERANGE;
}

static uint64_t count_gapless(struct ms_store *s)
{
	uint64_t n = 0, entries = 0;
	struct ms_error err = {};

	assert_int_equal(ms_store_foreach(s, 0, UINT64_MAX, check_gapless, &n, &err), 0);
	assert_int_equal(ms_store_entries(s, &entries, &err), 0);
	assert_int_equal(n, entries);
	return n;
}

static int copy_record(const struct ms_record *r, void *arg)
{
	struct ms_record *dst = arg;

	assert_string_equal(r->event, "refuse");
	assert_string_equal(r->key, "k2");
	assert_string_equal(r->identity, "uid:1");
	assert_string_equal(r->request_id, "r1");
	assert_int_equal(r->len, 7);
	assert_memory_equal(r->bytes, "{\"a\":1}", 7);
	*dst = *r;
	return 77;
}

static int sum_keys(const char *key, uint64_t count, int64_t last_us, void *arg)
{
	uint64_t *sum = arg;

	*sum = *sum * 100 + count;
	return 0;
}

static void append_and_read(void **state)
{
	struct ms_store *s = must_open();
	struct ms_record r[3], got = {};
	struct ms_error err = {};
	uint64_t n = 9, sum = 0;
	int64_t last = 9;
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(ms_store_entries(s, &n, &err), 0);
	assert_int_equal(n, 0);
	r[0] = record("sign", "k1", 100);
	r[1] = record("refuse", "k2", 200);
	r[2] = record("sign", "k1", 50);
	assert_int_equal(ms_store_append(s, r, 3, &err), 0);
	assert_int_equal(r[0].seq, 1);
	assert_int_equal(r[2].seq, 3);
	r[0] = record("sign", "k0", 300);
	assert_int_equal(ms_store_append(s, r, 1, &err), 0);
	assert_int_equal(r[0].seq, 4);

	assert_int_equal(ms_store_foreach(s, 2, 1, copy_record, &got, &err), 77);
	assert_int_equal(got.seq, 2);
	assert_int_equal(got.time_us, 200);
	/* the statement is ready again after being stopped in the middle */
	assert_int_equal(ms_store_foreach(s, 2, 5, copy_record, &got, &err), 77);
	assert_int_equal(ms_store_foreach(s, 5, 5, copy_record, &got, &err), 0);

	/* and so again after a restart */
	for (int i = 0; i < 2; i++) {
		assert_int_equal(count_gapless(s), 4);
		assert_int_equal(ms_store_key_use(s, "k1", &n, &last, &err), 0);
		assert_int_equal(n, 2);
		assert_int_equal(last, 100);
		assert_int_equal(ms_store_key_use(s, "k2", &n, &last, &err), 0);
		assert_int_equal(n, 0);
		assert_int_equal(last, 0);
		sum = 0;
		assert_int_equal(ms_store_foreach_key(s, sum_keys, &sum, &err), 0);
		assert_int_equal(sum, 102);
		ms_store_close(s);
		s = must_open();
	}
	ms_store_close(s);
	ms_store_close(NULL);
}

/* Each transaction is on the disk when append returns, however many records are in it. */
static void every_append_is_synced(void **state)
{
	struct ms_store *s = must_open();
	struct ms_error err = {};
	struct ms_record r[50];
	uint64_t seq;

	for (int i = 0; i < 20; i++) {
		unsigned int before = syncs;

		assert_int_equal(append(s, "sign", "k", i, &seq, &err), 0);
		assert_true(syncs > before);
	}
	for (size_t i = 0; i < ARRAY_SIZE(r); i++)
		r[i] = record("sign", "k", 1);
	syncs = 0;
	assert_int_equal(ms_store_append(s, r, ARRAY_SIZE(r), &err), 0);
	assert_int_equal(syncs, 1);
	ms_store_close(s);
}

/* All or nothing, and no number is lost: the second record of three cannot be stored. */
static void rollback(void **state)
{
	struct ms_store *s = must_open();
	struct ms_error err = {};
	struct ms_record r[3];
	uint64_t seq, n;
	int64_t last;

	assert_int_equal(append(s, "sign", "k", 1, &seq, &err), 0);
	r[0] = record("sign", "k", 2);
	r[1] = record("sign", "k", 3);
	r[2] = record("sign", "k", 4);
	r[1].event = NULL; /* NOT NULL in the schema */
	r[0].seq = 12345;
	assert_true(ms_store_append(s, r, 3, &err) < 0);
	assert_int_equal(r[0].seq, 12345);
	assert_int_equal(append(s, "sign", "k", 5, &seq, &err), 0);
	assert_int_equal(seq, 2);
	assert_int_equal(count_gapless(s), 2);
	assert_int_equal(ms_store_key_use(s, "k", &n, &last, &err), 0);
	assert_int_equal(n, 2);
	ms_store_close(s);
}

static void set_fsize(rlim_t cur)
{
	struct rlimit lim;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &lim), 0);
	lim.rlim_cur = cur == RLIM_INFINITY ? lim.rlim_max : cur;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &lim), 0);
}

static void disk_full(void **state)
{
	struct ms_store *s = must_open();
	static char big[65536];
	struct ms_error err = {};
	struct ms_record r;
	uint64_t seq = 0, before;
	struct stat st;
	char wal[80];
	int rc = 0;

	snprintf(wal, sizeof(wal), "%s-wal", path);
	memset(big, 'x', sizeof(big));
	assert_int_equal(append(s, "sign", "k", 1, &seq, &err), 0);
	assert_int_equal(stat(wal, &st), 0);
	signal(SIGXFSZ, SIG_IGN);
	set_fsize((rlim_t)st.st_size + 150000);
	for (int i = 0; i < 400 && rc == 0; i++) {
		r = record("sign", "k", 2);
		r.bytes = big;
		r.len = sizeof(big);
		rc = ms_store_append(s, &r, 1, &err);
	}
	set_fsize(RLIM_INFINITY);
	assert_int_equal(rc, -ENOSPC);
	assert_non_null(strstr(err.msg, "cannot write to the audit log"));
	assert_non_null(strstr(err.msg, path));
	assert_non_null(strstr(err.msg, "free space"));

	before = count_gapless(s);
	assert_int_equal(append(s, "sign", "k", 3, &seq, &err), 0);
	assert_int_equal(seq, before + 1);
	ms_store_close(s);
	s = must_open();
	assert_int_equal(count_gapless(s), before + 1);
	ms_store_close(s);
}

static void write_at(off_t off, const char *bytes, size_t len)
{
	_cleanup_close_ int fd = open(path, O_WRONLY);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, len, off), len);
}

/* As root, file modes do not hold: a child without privileges tries it. */
static void read_only(void **state)
{
	struct ms_store *s = must_open();
	struct ms_error err = {};
	uint64_t seq;
	pid_t pid;
	int status;

	assert_int_equal(append(s, "sign", "k", 1, &seq, &err), 0);
	ms_store_close(s);
	assert_int_equal(chmod(path, 0444), 0);
	assert_int_equal(chmod(dir, 0755), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (geteuid() == 0 && setuid(65534) < 0)
			_exit(1);
		if (ms_store_open(path, &s, &err) != -EACCES)
			_exit(2);
		_exit(strstr(err.msg, "make it writable") ? 0 : 3);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void expect_refused(int want, const char *says)
{
	struct ms_store *s = NULL;
	struct ms_error err = {};
	struct stat before, after;
	int rc;

	assert_int_equal(stat(path, &before), 0);
	rc = ms_store_open(path, &s, &err);
	if (rc != want || !strstr(err.msg, says))
		fail_msg("%d: %s\nexpected: %s", rc, err.msg, says);
	assert_null(s);
	assert_int_equal(stat(path, &after), 0);
	assert_int_equal(before.st_size, after.st_size);
	assert_int_equal(before.st_ino, after.st_ino);
}

/* Pages go bad while the store is open: reads and appends say so, and do not crash. There
 * are more of them than the cache holds. */
static void damaged_while_open(void **state)
{
	static char junk[1 << 20];
	struct ms_store *s = must_open();
	struct ms_record r = record("sign", "k", 1);
	struct ms_error err = {};
	uint64_t n = 0;

	r.bytes = junk;
	r.len = 8000;
	for (int i = 0; i < 200; i++)
		assert_int_equal(ms_store_append(s, &r, 1, &err), 0);
	ms_store_close(s);
	s = must_open();
	memset(junk, 0xa5, sizeof(junk));
	write_at(4096, junk, sizeof(junk));
	assert_int_equal(ms_store_foreach(s, 0, 1000, check_gapless, &n, &err), -EUCLEAN);
	assert_non_null(strstr(err.msg, "cannot read the audit log"));
	ms_store_close(s);
	expect_refused(-EUCLEAN, "damaged");
}

static void damaged_header(void **state)
{
	uint64_t seq;
	struct ms_error err;
	struct ms_store *s = must_open();

	assert_int_equal(append(s, "sign", "k", 1, &seq, &err), 0);
	ms_store_close(s);
	write_at(0, "SQLite forma", 12);
	write_at(12, "X", 1);
	expect_refused(-EUCLEAN, "it is damaged or not modseal's");
}

static void damaged_page(void **state)
{
	static char junk[4096];
	struct ms_error err = {};
	struct ms_store *s = must_open();
	struct stat st;
	uint64_t seq;

	memset(junk, 0xa5, sizeof(junk));
	for (int i = 0; i < 200; i++)
		assert_int_equal(append(s, "sign", "k", i, &seq, &err), 0);
	ms_store_close(s);
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_size >= 5 * 4096);
	/* the root of the table of records: page 2 */
	write_at(4096, junk, sizeof(junk));
	expect_refused(-EUCLEAN, "damaged");
}

static void cut_short(void **state)
{
	struct ms_error err = {};
	struct ms_store *s = must_open();
	uint64_t seq;

	for (int i = 0; i < 200; i++)
		assert_int_equal(append(s, "sign", "k", i, &seq, &err), 0);
	ms_store_close(s);
	assert_int_equal(truncate(path, 3 * 4096 + 100), 0);
	expect_refused(-EUCLEAN, "damaged");
}

static void exec_sql(const char *sql)
{
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void foreign_database(void **state)
{
	exec_sql("CREATE TABLE mine(x)");
	expect_refused(-EUCLEAN, "not modseal's");
}

static void newer_version(void **state)
{
	ms_store_close(must_open());
	exec_sql("PRAGMA user_version=99");
	expect_refused(-EUCLEAN, "install a newer modseald");
}

static void not_a_database(void **state)
{
	struct ms_store *s = NULL;
	struct ms_error err = {};

	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(ms_store_open(path, &s, &err), -EISDIR);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(ms_store_open(path, &s, &err), -EINVAL);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("/nonexistent", path), 0);
	assert_int_equal(ms_store_open(path, &s, &err), -ELOOP);
	assert_int_equal(ms_store_open("/nonexistent/dir/audit.db", &s, &err), -ENOENT);
	assert_non_null(strstr(err.msg, "create its directory"));
	assert_null(s);
}

/* A child acknowledges each record on a pipe; whatever it said is there after kill -9. */
static void killed_while_appending(void **state)
{
	for (int round = 0; round < 5; round++) {
		uint64_t acked = 0, seq = 0, stored;
		struct ms_store *s;
		int p[2], status;
		pid_t pid;

		assert_int_equal(pipe(p), 0);
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0) {
			struct ms_error err;

			if (ms_store_open(path, &s, &err) < 0)
				_exit(1);
			for (int64_t i = 0;; i++) {
				if (append(s, "sign", "k", i, &seq, &err) < 0 ||
				    write(p[1], &seq, sizeof(seq)) != sizeof(seq))
					_exit(2);
			}
		}
		close(p[1]);
		for (int i = 0; i < 40 + round * 7; i++)
			assert_int_equal(read(p[0], &acked, sizeof(acked)),
					 sizeof(acked));
		assert_int_equal(kill(pid, SIGKILL), 0);
		while (read(p[0], &seq, sizeof(seq)) == sizeof(seq))
			acked = seq;
		close(p[0]);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));

		s = must_open();
		stored = count_gapless(s);
		assert_true(stored >= acked);
		assert_true(stored <= acked + 1);
		ms_store_close(s);
	}
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

/* ------------------------------------------------------------------- the WAL */

static off_t wal_size(void)
{
	char wal[80];
	struct stat st;

	snprintf(wal, sizeof(wal), "%s-wal", path);
	return stat(wal, &st) < 0 ? -1 : st.st_size;
}

/* It does not grow while records come in, and what is behind their end does no harm. */
static void wal(void **state)
{
	struct ms_store *s = must_open();
	struct ms_error err = {};

	assert_int_equal(wal_size(), MS_STORE_WAL_SIZE);
	for (unsigned int i = 0; i < 1500; i++) {
		struct ms_record r = record("sign", "k", i);

		assert_int_equal(ms_store_append(s, &r, 1, &err), 0);
		assert_int_equal(wal_size(), MS_STORE_WAL_SIZE);
	}
	ms_store_close(s);
	s = must_open();
	assert_int_equal(count_gapless(s), 1500);
	assert_int_equal(wal_size(), MS_STORE_WAL_SIZE);
	ms_store_close(s);
}

/* Who is killed leaves records in the WAL, in front of the zeros. */
static void wal_killed(void **state)
{
	struct ms_store *s;
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		struct ms_error err = {};

		s = must_open();
		for (unsigned int i = 0; i < 7; i++) {
			struct ms_record r = record("sign", "k", i);

			if (ms_store_append(s, &r, 1, &err) < 0)
				_exit(1);
		}
		raise(SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(wal_size(), MS_STORE_WAL_SIZE);
	s = must_open();
	assert_int_equal(count_gapless(s), 7);
	ms_store_close(s);
}

/* Where there is no room for it, records are kept as well. */
static void wal_without_room(void **state)
{
	struct rlimit limit = {300000, 300000};
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		struct ms_record r = record("sign", "k", 1);
		struct ms_error err = {};
		struct ms_store *s;

		signal(SIGXFSZ, SIG_IGN);
		if (setrlimit(RLIMIT_FSIZE, &limit) < 0)
			_exit(2);
		s = must_open();
		_exit(wal_size() < 300000 && ms_store_append(s, &r, 1, &err) == 0 ? 0
										  : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(append_and_read),
		T(every_append_is_synced),
		T(rollback),
		T(disk_full),
		T(read_only),
		T(damaged_while_open),
		T(damaged_header),
		T(damaged_page),
		T(cut_short),
		T(foreign_database),
		T(newer_version),
		T(not_a_database),
		T(killed_while_appending),
		T(wal),
		T(wal_killed),
		T(wal_without_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
