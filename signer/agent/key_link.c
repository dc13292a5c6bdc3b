/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/key_link.h"

#include <errno.h>
#include <event2/event.h>
#include <sys/queue.h>

#define BUCKETS 1024u
#define WAITING_MAX 24576u

struct question {
	struct question *next;
	uint64_t id;
	ms_key_answer_fn *fn;
	void *arg;
};

/** struct unsent - an encoded question that the socket had no room for */
struct unsent {
	STAILQ_ENTRY(unsent) list;
	struct ms_buf bytes;
};

struct ms_key_link {
	struct event_base *base;
	struct event *ev, *room;
	STAILQ_HEAD(, unsent) unsent;
	int fd;
	bool loaded;
	uint64_t last_id;
	size_t n_waiting;
	struct question *waiting[BUCKETS];
	struct ms_front_key **v;
	size_t n;
};

int ms_key_link_new(struct event_base *base, struct ms_key_link **ret)
{
	struct ms_key_link *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	l->base = base;
	l->fd = -1;
	STAILQ_INIT(&l->unsent);
	*ret = l;
	return 0;
}

/* ---------------------------------------------------------------- inventory */

const struct ms_front_key *ms_key_link_find(const struct ms_key_link *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->v[i]->info.name, name) == 0)
			return l->v[i];
	return NULL;
}

const struct ms_front_key *ms_key_link_at(const struct ms_key_link *l, size_t i)
{
	return i < l->n ? l->v[i] : NULL;
}

bool ms_key_link_loaded(const struct ms_key_link *l)
{
	return l->loaded;
}

size_t ms_key_link_waiting(const struct ms_key_link *l)
{
	return l->n_waiting;
}

static void key_free(struct ms_front_key *k)
{
	if (!k)
		return;
	ms_cert_free(k->cert);
	free(k);
}

static int key_put(struct ms_key_link *l, struct ms_front_key *key)
{
	struct ms_front_key **v;
	size_t i;

	for (i = 0; i < l->n; i++) {
		if (strcmp(l->v[i]->info.name, key->info.name) == 0) {
			key_free(l->v[i]);
			l->v[i] = key;
			return 0;
		}
	}
	v = reallocarray(l->v, l->n + 1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	l->v = v;
	for (i = l->n; i > 0 && strcmp(v[i - 1]->info.name, key->info.name) > 0; i--)
		v[i] = v[i - 1];
	v[i] = key;
	l->n++;
	return 0;
}

static void on_key(struct ms_key_link *l, const struct ms_ipc_key *info)
{
	struct ms_front_key *key = calloc(1, sizeof(*key));

	if (!key)
		return;
	key->info = *info;
	if (info->cert_len && ms_cert_parse(info->cert, info->cert_len, &key->cert) < 0) {
		key->info.state = MS_KEY_BROKEN;
		snprintf(key->info.reason, sizeof(key->info.reason),
			 "its certificate cannot be read: restore the key file from its "
			 "backup");
	}
	if (key_put(l, key) < 0)
		key_free(key);
}

static void forget_inventory(struct ms_key_link *l)
{
	for (size_t i = 0; i < l->n; i++)
		key_free(l->v[i]);
	free(l->v);
	l->v = NULL;
	l->n = 0;
	l->loaded = false;
}

/* ---------------------------------------------------------------- questions */

static struct question *take_question(struct ms_key_link *l, uint64_t id)
{
	for (struct question **q = &l->waiting[id % BUCKETS]; *q; q = &(*q)->next) {
		struct question *found = *q;

		if (found->id == id) {
			*q = found->next;
			l->n_waiting--;
			return found;
		}
	}
	return NULL;
}

static void fail_questions(struct ms_key_link *l)
{
	struct question *all[BUCKETS];
	struct ms_error err = {0};

	ms_error_set(&err, -EAGAIN, "key-process-restarted",
		     "the key process went away; it is started again: try again");
	/* Who hears it may ask the next thing at once, and that has not failed. */
	memcpy(all, l->waiting, sizeof(all));
	memset(l->waiting, 0, sizeof(l->waiting));
	l->n_waiting = 0;
	for (size_t i = 0; i < BUCKETS; i++) {
		struct question *q = all[i];

		while (q) {
			struct question *next = q->next;

			q->fn(q->arg, NULL, &err);
			free(q);
			q = next;
		}
	}
}

static void on_answer(struct ms_key_link *l, const struct ms_ipc_msg *m)
{
	struct question *q = take_question(l, m->id);

	if (!q)
		return;
	q->fn(q->arg, m, NULL);
	free(q);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct ms_key_link *l = arg;
	struct ms_ipc_msg m;
	int r;

	/* Several at a time, but the loop must come round to the clients too. */
	for (int i = 0; i < 64; i++) {
		r = ms_ipc_recv(fd, &m, NULL);
		if (r == -EAGAIN)
			return;
		if (r < 0) {
			ms_key_link_set_fd(l, -1);
			return;
		}
		if (m.op == MS_IPC_KEY)
			on_key(l, &m.key);
		else if (m.op == MS_IPC_LOADED)
			l->loaded = true;
		else
			on_answer(l, &m);
	}
}

static void drop_first(struct ms_key_link *l)
{
	struct unsent *u = STAILQ_FIRST(&l->unsent);

	STAILQ_REMOVE_HEAD(&l->unsent, list);
	ms_buf_clear(&u->bytes);
	free(u);
}

static void on_room(evutil_socket_t fd, short what, void *arg)
{
	struct ms_key_link *l = arg;
	struct unsent *u;
	int r = 0;

	while (r == 0 && (u = STAILQ_FIRST(&l->unsent))) {
		r = ms_ipc_send_bytes(fd, &u->bytes, -1);
		if (r == 0)
			drop_first(l);
	}
	/* What is wrong else shows when it is read from. */
	if (r < 0 && r != -EAGAIN)
		ms_key_link_set_fd(l, -1);
	else if (r == 0)
		event_del(l->room);
}

/* In the order that they were asked in. */
static int send_question(struct ms_key_link *l, const struct ms_ipc_msg *m)
{
	_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(MS_IPC_MAX);
	struct unsent *u;
	int r = ms_ipc_encode(m, &b);

	if (r == 0)
		r = STAILQ_EMPTY(&l->unsent) ? ms_ipc_send_bytes(l->fd, &b, -1) : -EAGAIN;
	if (r != -EAGAIN)
		return r;
	u = malloc(sizeof(*u));
	if (!u || event_add(l->room, NULL) < 0) {
		free(u);
		return -ENOMEM;
	}
	u->bytes = b;
	b = MS_BUF_INIT(0);
	STAILQ_INSERT_TAIL(&l->unsent, u, list);
	return 0;
}

void ms_key_link_set_fd(struct ms_key_link *l, int fd)
{
	if (l->ev)
		event_free(l->ev);
	if (l->room)
		event_free(l->room);
	l->ev = l->room = NULL;
	while (!STAILQ_EMPTY(&l->unsent))
		drop_first(l);
	if (l->fd >= 0)
		close(l->fd);
	l->fd = fd;
	/* The certificates stay known while the key process is being started again. */
	if (fd >= 0) {
		forget_inventory(l);
		evutil_make_socket_nonblocking(fd);
		l->ev = event_new(l->base, fd, EV_READ | EV_PERSIST, on_readable, l);
		l->room = event_new(l->base, fd, EV_WRITE | EV_PERSIST, on_room, l);
		if (!l->ev || !l->room || event_add(l->ev, NULL) < 0) {
			close(fd);
			l->fd = -1;
		}
	}
	fail_questions(l);
}

int ms_key_link_ask(struct ms_key_link *l, struct ms_ipc_msg *m, ms_key_answer_fn *fn,
		    void *arg, struct ms_error *err)
{
	struct question *q;
	int r;

	if (l->fd < 0)
		return ms_error_set(err, -EAGAIN, "not-ready",
				    "the key process is being started: try again");
	if (l->n_waiting >= WAITING_MAX)
		return ms_error_set(err, -EAGAIN, "busy",
				    "%u requests wait already: try again", WAITING_MAX);
	q = calloc(1, sizeof(*q));
	if (!q)
		return ms_error_set(err, -ENOMEM, NULL, "out of memory");
	m->id = q->id = ++l->last_id;
	q->fn = fn;
	q->arg = arg;
	r = send_question(l, m);
	if (r < 0) {
		free(q);
		return ms_error_set(err, -EAGAIN, "busy",
				    "the key process takes no request now: try again");
	}
	q->next = l->waiting[q->id % BUCKETS];
	l->waiting[q->id % BUCKETS] = q;
	l->n_waiting++;
	return 0;
}
