/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/lookup.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/eventfd.h>

#define WAITING_MAX 1000u

struct piece {
	struct piece *next;
	void (*work)(void *arg);
	void (*done)(void *arg);
	void *arg;
};

struct list {
	struct piece *head, **tail;
};

struct ms_lookups {
	pthread_t thread;
	int fd;
	pthread_mutex_t lock; /* all below */
	pthread_cond_t wake;
	struct list todo, done;
	size_t waiting;
	bool stop;
};

static void put(struct list *l, struct piece *p)
{
	p->next = NULL;
	*l->tail = p;
	l->tail = &p->next;
}

static struct piece *take(struct list *l)
{
	struct piece *p = l->head;

	if (p) {
		l->head = p->next;
		if (!l->head)
			l->tail = &l->head;
	}
	return p;
}

static void *reader(void *arg)
{
	struct ms_lookups *l = arg;
	uint64_t one = 1;

	pthread_mutex_lock(&l->lock);
	for (;;) {
		struct piece *p;

		while (!l->stop && !l->todo.head)
			pthread_cond_wait(&l->wake, &l->lock);
		if (l->stop)
			break;
		p = take(&l->todo);
		pthread_mutex_unlock(&l->lock);
		p->work(p->arg);
		pthread_mutex_lock(&l->lock);
		put(&l->done, p);
		/* fails only when the counter is full, and then it is readable anyway */
		if (write(l->fd, &one, sizeof(one)) < 0)
			continue;
	}
	pthread_mutex_unlock(&l->lock);
	return NULL;
}

static int start_thread(struct ms_lookups *l)
{
	sigset_t all, before;
	int r;

	/* Signals are for the loop's thread. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&l->thread, NULL, reader, l);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -r;
}

int ms_lookups_new(struct ms_lookups **ret, int *ret_fd)
{
	struct ms_lookups *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return -ENOMEM;
	l->todo.tail = &l->todo.head;
	l->done.tail = &l->done.head;
	pthread_mutex_init(&l->lock, NULL);
	pthread_cond_init(&l->wake, NULL);
	l->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = l->fd < 0 ? -errno : start_thread(l);
	if (r < 0) {
		if (l->fd >= 0)
			close(l->fd);
		free(l);
		return r;
	}
	*ret = l;
	*ret_fd = l->fd;
	return 0;
}

void ms_lookups_free(struct ms_lookups *l)
{
	struct piece *p;

	if (!l)
		return;
	pthread_mutex_lock(&l->lock);
	l->stop = true;
	pthread_cond_signal(&l->wake);
	pthread_mutex_unlock(&l->lock);
	pthread_join(l->thread, NULL);
	while ((p = take(&l->todo)) || (p = take(&l->done)))
		free(p);
	close(l->fd);
	pthread_cond_destroy(&l->wake);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

int ms_lookup(struct ms_lookups *l, void (*work)(void *arg), void (*done)(void *arg),
	      void *arg)
{
	struct piece *p = malloc(sizeof(*p));
	int r = 0;

	if (!p)
		return -ENOMEM;
	*p = (struct piece){.work = work, .done = done, .arg = arg};
	pthread_mutex_lock(&l->lock);
	if (l->waiting < WAITING_MAX) {
		l->waiting++;
		put(&l->todo, p);
		pthread_cond_signal(&l->wake);
	} else {
		r = -EAGAIN;
	}
	pthread_mutex_unlock(&l->lock);
	if (r < 0)
		free(p);
	return r;
}

void ms_lookups_dispatch(struct ms_lookups *l)
{
	struct piece *p, *list;
	uint64_t n;

	if (read(l->fd, &n, sizeof(n)) < 0 && errno != EAGAIN)
		return;
	pthread_mutex_lock(&l->lock);
	list = l->done.head;
	l->done.head = NULL;
	l->done.tail = &l->done.head;
	for (p = list; p; p = p->next)
		l->waiting--;
	pthread_mutex_unlock(&l->lock);
	while ((p = list)) {
		list = p->next;
		p->done(p->arg);
		free(p);
	}
}
