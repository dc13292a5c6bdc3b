/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/audit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <cmocka.h>

static char dir[32], path[64];
static struct ms_store *store;
static struct ms_audit *audit;
static int fd;

static int setup(void **state)
{
	struct ms_error err;

	snprintf(dir, sizeof(dir), "/tmp/modseal-test-audit-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/audit.db", dir);
	return ms_store_open(path, &store, &err) < 0 ||
	       ms_audit_new(store, &audit, &fd) < 0;
}

static int teardown(void **state)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	ms_audit_free(audit);
	ms_store_close(store);
	if (!d)
		return -1;
	while ((e = readdir(d))) {
		if (e->d_name[0] != '.')
			unlinkat(dirfd(d), e->d_name, 0);
	}
	closedir(d);
	return rmdir(dir);
}

static void restart(void)
{
	struct ms_error err;

	ms_audit_free(audit);
	ms_store_close(store);
	assert_int_equal(ms_store_open(path, &store, &err), 0);
	assert_int_equal(ms_audit_new(store, &audit, &fd), 0);
}

struct seen {
	uint64_t n, last_seq;
	int rc;
	bool in_order;
	char msg[512];
};

static void on_done(void *arg, int rc, uint64_t seq, const struct ms_error *err)
{
	struct seen *s = arg;

	s->n++;
	s->rc = rc;
	if (rc == 0 && seq != s->last_seq + 1)
		s->in_order = false;
	if (rc == 0)
		s->last_seq = seq;
	snprintf(s->msg, sizeof(s->msg), "%s", err->msg);
}

/* Runs the loop until @n callbacks have come; fails after 30 seconds without one. */
static void wait_for(const struct seen *s, uint64_t n)
{
	while (s->n < n) {
		struct pollfd p = {.fd = fd, .events = POLLIN};

		assert_int_equal(poll(&p, 1, 30000), 1);
		ms_audit_dispatch(audit);
	}
}

static json_t *field(json_int_t n)
{
	json_t *o = json_object();

	assert_non_null(o);
	assert_int_equal(json_object_set_new(o, "zz", json_integer(n)), 0);
	assert_int_equal(json_object_set_new(o, "digest", json_string("ab")), 0);
	return o;
}

static void ten_thousand(void **state)
{
	struct seen s = {.in_order = true};
	uint64_t n, stored;
	struct ms_error err;
	int64_t last;

	for (int i = 0; i < 10000; i++)
		assert_int_equal(ms_audit_put(audit, i % 2 ? "sign" : "refuse", "k",
					      "uid:1", "r", field(i), on_done, &s),
				 0);
	wait_for(&s, 10000);
	assert_true(s.in_order);
	assert_int_equal(s.last_seq, 10000);
	assert_int_equal(ms_audit_entries(audit), 10000);
	ms_audit_key_use(audit, "k", &n, &last);
	assert_int_equal(n, 5000);
	assert_true(last > 1600000000000000);
	assert_int_equal(ms_audit_health(audit, NULL), 0);
	ms_audit_key_use(audit, "other", &n, &last);
	assert_int_equal(n, 0);
	assert_int_equal(last, 0);

	restart();
	assert_int_equal(ms_store_entries(store, &stored, &err), 0);
	assert_int_equal(stored, 10000);
	assert_int_equal(ms_audit_entries(audit), 10000);
	ms_audit_key_use(audit, "k", &n, &last);
	assert_int_equal(n, 5000);
}

static int grab(const struct ms_record *r, void *arg)
{
	char *dst = arg;

	snprintf(dst, 512, "%.*s|%s|%s|%s|%s", (int)r->len, r->bytes, r->event, r->key,
		 r->identity, r->request_id);
	return 0;
}

static void wipe_time(char *s)
{
	char *p = strstr(s, "\"time\":\"");

	assert_non_null(p);
	for (p += 8; *p != '"'; p++) {
		if (*p >= '0' && *p <= '9')
			*p = '0';
	}
}

static void canonical_json(void **state)
{
	struct seen s = {.in_order = true};
	char got[512] = "";
	struct ms_error err;

	assert_int_equal(
		ms_audit_put(audit, "sign", "k", "uid:1", "r7", field(5), on_done, &s),
		0);
	wait_for(&s, 1);
	assert_int_equal(ms_store_foreach(store, 1, 1, grab, got, &err), 0);
	wipe_time(got);
	assert_string_equal(
		got, "{\"digest\":\"ab\",\"event\":\"sign\",\"identity\":\"uid:1\","
		     "\"key\":\"k\",\"request\":\"r7\","
		     "\"time\":\"0000-00-00T00:00:00.000000Z\",\"zz\":5}"
		     "|sign|k|uid:1|r7");

	/* no fields, no callback, empty texts, bytes that are not UTF-8 */
	assert_int_equal(
		ms_audit_put(audit, "start", "", "\xff\x01", "", NULL, NULL, NULL), 0);
	assert_int_equal(
		ms_audit_put(audit, "sign", "k", "uid:1", "r7", NULL, on_done, &s), 0);
	wait_for(&s, 2);
	assert_int_equal(s.last_seq, 3);
	assert_int_equal(ms_store_foreach(store, 2, 1, grab, got, &err), 0);
	wipe_time(got);
	assert_non_null(strstr(got,
			       "{\"event\":\"start\",\"identity\":\"\\\\xff\\\\x01\","
			       "\"time\":\"0000-00-00T00:00:00.000000Z\"}|start||"));
}

static void set_fsize(rlim_t cur)
{
	struct rlimit lim;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &lim), 0);
	lim.rlim_cur = cur == RLIM_INFINITY ? lim.rlim_max : cur;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &lim), 0);
}

static void failure(void **state)
{
	struct seen s = {.in_order = true};
	struct ms_error err = {};
	uint64_t n;
	int64_t last;

	signal(SIGXFSZ, SIG_IGN);
	set_fsize(1);
	for (int i = 0; i < 3; i++)
		assert_int_equal(
			ms_audit_put(audit, "sign", "k", "uid:1", "r", NULL, on_done, &s),
			0);
	wait_for(&s, 3);
	set_fsize(RLIM_INFINITY);
	assert_int_equal(s.rc, -ENOSPC);
	assert_int_equal(s.last_seq, 0);
	assert_non_null(strstr(s.msg, "cannot write to the audit log"));
	assert_int_equal(ms_audit_health(audit, &err), -ENOSPC);
	assert_string_equal(err.msg, s.msg);
	assert_int_equal(ms_audit_entries(audit), 0);
	ms_audit_key_use(audit, "k", &n, &last);
	assert_int_equal(n, 0);

	/* and it recovers without a restart */
	assert_int_equal(
		ms_audit_put(audit, "sign", "k", "uid:1", "r", NULL, on_done, &s), 0);
	wait_for(&s, 4);
	assert_int_equal(s.rc, 0);
	assert_string_equal(s.msg, "");
	assert_int_equal(s.last_seq, 1);
	assert_int_equal(ms_audit_health(audit, &err), 0);
	ms_audit_key_use(audit, "k", &n, &last);
	assert_int_equal(n, 1);
}

/* What was queued is stored by free, though nobody dispatches any more. */
static void free_stores_the_queue(void **state)
{
	struct seen s = {.in_order = true};

	for (int i = 0; i < 3000; i++)
		assert_int_equal(
			ms_audit_put(audit, "sign", "k", "uid:1", "r", NULL, on_done, &s),
			0);
	restart();
	assert_int_equal(s.n, 0);
	assert_int_equal(ms_audit_entries(audit), 3000);
}

static void *put_many(void *arg)
{
	static const char *const keys[] = {"c", "a", "b"};

	for (int i = 0; i < 900; i++) {
		if (ms_audit_put(audit, "sign", keys[i % 3], "uid:1", "r", field(i), NULL,
				 NULL) < 0)
			return arg;
	}
	return NULL;
}

static void many_threads(void **state)
{
	struct seen s = {.in_order = true};
	pthread_t t[4];
	uint64_t n;
	int64_t last;

	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		assert_int_equal(pthread_create(&t[i], NULL, put_many, audit), 0);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		void *failed;

		assert_int_equal(pthread_join(t[i], &failed), 0);
		assert_null(failed);
	}
	assert_int_equal(ms_audit_put(audit, "last", "", "", "", NULL, on_done, &s), 0);
	wait_for(&s, 1);
	assert_int_equal(s.last_seq, 3601);
	for (const char *k = "abc"; *k; k++) {
		char key[2] = {*k, '\0'};

		ms_audit_key_use(audit, key, &n, &last);
		assert_int_equal(n, 1200);
	}
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(ten_thousand),	  T(canonical_json), T(failure),
		T(free_stores_the_queue), T(many_threads),
	};

	ms_audit_free(NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
