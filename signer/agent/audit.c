/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Grouped commits. While one transaction is on its way to the disk, the records that come
 * in meanwhile pile up and become the next one.
 */
#include "signer/agent/audit.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/eventfd.h>
#include <time.h>

#include "lib/escape.h"
#include "signer/agent/stats.h"
#include "signer/agent/store_change.h"

#define BATCH_MAX 1024u
/*
 * After a batch of that many, the next is given a moment to grow: what signs thousands
 * a second has hundreds under way and waits for none, and fewer commits leave it more of
 * the processors. One caller at a time never gets there.
 */
#define BUSY_BATCH 8u
#define GATHER_NS 1000000

/**
 * struct entry - a record on its way, first in the queue, then among the done
 * @err: set on the first record of a failed batch only; those after it share it
 */
struct entry {
	struct entry *next;
	struct ms_record rec;
	char *json;
	struct ms_change *changes;
	ms_audit_done_fn *fn;
	void *arg;
	int rc;
	struct ms_error *err;
	char texts[]; /* event, key, identity, request id */
};

struct list {
	struct entry *head, **tail;
};

struct counter {
	char *key;
	uint64_t count;
	int64_t last_us;
};

struct ms_audit {
	struct ms_store *store;
	pthread_t thread;
	int fd;

	pthread_mutex_t lock; /* all below */
	pthread_cond_t wake;
	bool stop;
	struct list queue, done;
	struct counter *counters; /* sorted by key */
	size_t n_counters;
	uint64_t entries;
	int health_rc;
	struct ms_error health;
	struct ms_error last_err; /* of dispatch; the loop's thread alone */

	struct ms_record batch[BATCH_MAX]; /* the writer thread's */
};

static void list_init(struct list *l)
{
	l->head = NULL;
	l->tail = &l->head;
}

static void list_put(struct list *l, struct entry *e)
{
	e->next = NULL;
	*l->tail = e;
	l->tail = &e->next;
}

static struct entry *list_take(struct list *l)
{
	struct entry *e = l->head;

	if (e) {
		l->head = e->next;
		if (!l->head)
			l->tail = &l->head;
	}
	return e;
}

static void list_append(struct list *l, struct list *more)
{
	if (!more->head)
		return;
	*l->tail = more->head;
	l->tail = more->tail;
	list_init(more);
}

static void entry_free(struct entry *e)
{
	free(e->json);
	ms_change_free(e->changes);
	free(e->err);
	free(e);
}

static void list_free(struct list *l)
{
	struct entry *e;

	while ((e = list_take(l)))
		entry_free(e);
}

/* --------------------------------------------------------------- counters */

/* Return: index of @key, or where it belongs. */
static size_t counter_find(const struct ms_audit *a, const char *key, bool *ret_found)
{
	size_t lo = 0, hi = a->n_counters;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int cmp = strcmp(a->counters[mid].key, key);

		if (cmp == 0) {
			*ret_found = true;
			return mid;
		}
		if (cmp < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	*ret_found = false;
	return lo;
}

static struct counter *counter_get(struct ms_audit *a, const char *key)
{
	bool found;
	size_t i = counter_find(a, key, &found);
	struct counter *c;
	char *copy;

	if (found)
		return &a->counters[i];
	c = reallocarray(a->counters, a->n_counters + 1, sizeof(*c));
	if (!c)
		return NULL;
	a->counters = c;
	copy = strdup(key);
	if (!copy)
		return NULL;
	memmove(c + i + 1, c + i, (a->n_counters - i) * sizeof(*c));
	c[i] = (struct counter){.key = copy};
	a->n_counters++;
	return &c[i];
}

static int load_counter(const char *key, uint64_t count, int64_t last_us, void *arg)
{
	struct counter *c = counter_get(arg, key);

	if (!c)
		return -ENOMEM;
	c->count = count;
	c->last_us = last_us;
	return 0;
}

void ms_audit_key_use(struct ms_audit *a, const char *key, uint64_t *ret_count,
		      int64_t *ret_last_us)
{
	bool found;
	size_t i;

	pthread_mutex_lock(&a->lock);
	i = counter_find(a, key, &found);
	*ret_count = found ? a->counters[i].count : 0;
	*ret_last_us = found ? a->counters[i].last_us : 0;
	pthread_mutex_unlock(&a->lock);
}

uint64_t ms_audit_entries(struct ms_audit *a)
{
	uint64_t n;

	pthread_mutex_lock(&a->lock);
	n = a->entries;
	pthread_mutex_unlock(&a->lock);
	return n;
}

int ms_audit_health(struct ms_audit *a, struct ms_error *err)
{
	int rc;

	pthread_mutex_lock(&a->lock);
	rc = a->health_rc;
	if (rc < 0 && err)
		*err = a->health;
	pthread_mutex_unlock(&a->lock);
	return rc;
}

/* ----------------------------------------------------------------- writer */

/* With the lock: what a stored batch changes. */
static void account(struct ms_audit *a, const struct list *batch, size_t n)
{
	for (const struct entry *e = batch->head; e; e = e->next) {
		struct counter *c;

		if (strcmp(e->rec.event, "sign") != 0)
			continue;
		c = counter_get(a, e->rec.key);
		if (!c)
			continue;
		c->count++;
		c->last_us = MS_MAX(c->last_us, e->rec.time_us);
	}
	a->entries += n;
}

static void notify(int fd)
{
	uint64_t one = 1;

	/* fails only when the counter is full, and then the reader wakes up anyway */
	if (write(fd, &one, sizeof(one)) < 0)
		return;
}

static void store_batch(struct ms_audit *a, struct list *batch, size_t n)
{
	uint64_t began = ms_stats_now_us();
	struct ms_error err = {};
	struct entry *e;
	size_t i = 0;
	int rc;

	for (e = batch->head; e; e = e->next)
		a->batch[i++] = e->rec;
	rc = ms_store_append(a->store, a->batch, n, &err);
	ms_stats_commit(rc, n, ms_stats_now_us() - began);
	for (e = batch->head, i = 0; e; e = e->next, i++) {
		e->rc = rc;
		e->rec.seq = rc < 0 ? 0 : a->batch[i].seq;
	}
	if (rc < 0) {
		batch->head->err = malloc(sizeof(err));
		if (batch->head->err)
			*batch->head->err = err;
	}

	pthread_mutex_lock(&a->lock);
	a->health_rc = rc;
	if (rc < 0)
		a->health = err;
	else
		account(a, batch, n);
	list_append(&a->done, batch);
	pthread_mutex_unlock(&a->lock);
	notify(a->fd);
}

static void *writer(void *arg)
{
	static const struct timespec gather = {.tv_nsec = GATHER_NS};
	struct ms_audit *a = arg;
	size_t before = 0;

	for (;;) {
		struct list batch;
		size_t n = 0;

		list_init(&batch);
		if (before >= BUSY_BATCH)
			nanosleep(&gather, NULL);
		pthread_mutex_lock(&a->lock);
		while (!a->queue.head && !a->stop)
			pthread_cond_wait(&a->wake, &a->lock);
		while (n < BATCH_MAX && a->queue.head) {
			list_put(&batch, list_take(&a->queue));
			n++;
		}
		pthread_mutex_unlock(&a->lock);
		if (n == 0)
			return NULL;
		store_batch(a, &batch, n);
		before = n;
	}
}

/* Signals are for the thread of the event loop. */
static int start_thread(struct ms_audit *a)
{
	sigset_t all, old;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&a->thread, NULL, writer, a);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return -rc;
}

static void audit_clear(struct ms_audit *a)
{
	list_free(&a->queue);
	list_free(&a->done);
	for (size_t i = 0; i < a->n_counters; i++)
		free(a->counters[i].key);
	free(a->counters);
	if (a->fd >= 0)
		close(a->fd);
	pthread_cond_destroy(&a->wake);
	pthread_mutex_destroy(&a->lock);
	free(a);
}

int ms_audit_new(struct ms_store *store, struct ms_audit **ret, int *ret_fd)
{
	struct ms_audit *a = calloc(1, sizeof(*a));
	int rc;

	if (!a)
		return -ENOMEM;
	a->store = store;
	list_init(&a->queue);
	list_init(&a->done);
	pthread_mutex_init(&a->lock, NULL);
	pthread_cond_init(&a->wake, NULL);
	a->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	rc = a->fd < 0 ? -errno : 0;
	if (rc == 0)
		rc = ms_store_entries(store, &a->entries, NULL);
	if (rc == 0)
		rc = ms_store_foreach_key(store, load_counter, a, NULL);
	if (rc == 0)
		rc = start_thread(a);
	if (rc < 0) {
		audit_clear(a);
		return rc;
	}
	*ret = a;
	*ret_fd = a->fd;
	return 0;
}

void ms_audit_free(struct ms_audit *a)
{
	if (!a)
		return;
	pthread_mutex_lock(&a->lock);
	a->stop = true;
	pthread_cond_signal(&a->wake);
	pthread_mutex_unlock(&a->lock);
	pthread_join(a->thread, NULL);
	audit_clear(a);
}

/* --------------------------------------------------------- the loop's side */

static int64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* RFC 3339 with microseconds. */
static void time_text(int64_t us, char *dst, size_t size)
{
	time_t s = (time_t)(us / 1000000);
	char day[32];
	struct tm tm;

	gmtime_r(&s, &tm);
	strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(dst, size, "%s.%06uZ", day, (unsigned int)(us % 1000000));
}

/* Text that is not UTF-8 is escaped rather than lost; an empty one is left out. */
static int set_text(json_t *o, const char *name, const char *text)
{
	json_t *v;

	if (!*text)
		return 0;
	v = json_string(text);

	if (!v) {
		_cleanup_free_ char *esc = malloc(strlen(text) * 4 + 1);

		if (!esc)
			return -ENOMEM;
		v = json_string(ms_escape_str(text, esc, strlen(text) * 4 + 1));
	}
	return json_object_set_new(o, name, v) < 0 ? -ENOMEM : 0;
}

static char *canonical(json_t *fields, const struct ms_record *r)
{
	char when[64];

	time_text(r->time_us, when, sizeof(when));
	if (set_text(fields, "time", when) < 0 ||
	    set_text(fields, "event", r->event) < 0 ||
	    set_text(fields, "key", r->key) < 0 ||
	    set_text(fields, "identity", r->identity) < 0 ||
	    set_text(fields, "request", r->request_id) < 0)
		return NULL;
	return json_dumps(fields, JSON_SORT_KEYS | JSON_COMPACT);
}

static const char *copy_text(char **p, const char *text)
{
	char *dst = *p;
	size_t len = strlen(text) + 1;

	memcpy(dst, text, len);
	*p += len;
	return dst;
}

static struct entry *entry_new(const char *event, const char *key, const char *identity,
			       const char *request_id)
{
	struct entry *e = calloc(1, sizeof(*e) + strlen(event) + strlen(key) +
					    strlen(identity) + strlen(request_id) + 4);
	char *p;

	if (!e)
		return NULL;
	p = e->texts;
	e->rec.time_us = now_us();
	e->rec.event = copy_text(&p, event);
	e->rec.key = copy_text(&p, key);
	e->rec.identity = copy_text(&p, identity);
	e->rec.request_id = copy_text(&p, request_id);
	return e;
}

int ms_audit_put_with(struct ms_audit *a, const char *event, const char *key,
		      const char *identity, const char *request_id, json_t *fields,
		      struct ms_change *changes, ms_audit_done_fn *fn, void *arg)
{
	struct entry *e = entry_new(event, key, identity, request_id);

	if (!fields)
		fields = json_object();
	if (e && fields)
		e->json = canonical(fields, &e->rec);
	json_decref(fields);
	if (!e || !e->json) {
		if (e)
			entry_free(e);
		ms_change_free(changes);
		return -ENOMEM;
	}
	e->changes = changes;
	e->rec.changes = changes;
	e->rec.bytes = e->json;
	e->rec.len = strlen(e->json);
	e->fn = fn;
	e->arg = arg;

	pthread_mutex_lock(&a->lock);
	list_put(&a->queue, e);
	pthread_cond_signal(&a->wake);
	pthread_mutex_unlock(&a->lock);
	return 0;
}

int ms_audit_put(struct ms_audit *a, const char *event, const char *key,
		 const char *identity, const char *request_id, json_t *fields,
		 ms_audit_done_fn *fn, void *arg)
{
	return ms_audit_put_with(a, event, key, identity, request_id, fields, NULL, fn,
				 arg);
}

void ms_audit_dispatch(struct ms_audit *a)
{
	struct list done;
	struct entry *e;
	uint64_t n;

	list_init(&done);
	if (read(a->fd, &n, sizeof(n)) < 0 && errno != EAGAIN)
		return;
	pthread_mutex_lock(&a->lock);
	list_append(&done, &a->done);
	pthread_mutex_unlock(&a->lock);
	while ((e = list_take(&done))) {
		if (e->rc == 0)
			a->last_err = (struct ms_error){};
		else if (e->err)
			a->last_err = *e->err;
		if (e->fn)
			e->fn(e->arg, e->rc, e->rec.seq, &a->last_err);
		entry_free(e);
	}
}
