/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include "verifier/parallel.h"

struct run {
	const struct ms_parallel *p;
	atomic_size_t next, done;
	atomic_int rc;
	pthread_mutex_t tick_lock;
};

struct thread {
	struct run *run;
	unsigned int number;
	pthread_t id;
};

static void tick(struct run *r, size_t done)
{
	if (!r->p->tick || pthread_mutex_trylock(&r->tick_lock))
		return;
	r->p->tick(r->p->arg, done);
	pthread_mutex_unlock(&r->tick_lock);
}

static void *run_thread(void *arg)
{
	const struct thread *t = arg;
	struct run *r = t->run;
	size_t i;

	while (!atomic_load(&r->rc) && (i = atomic_fetch_add(&r->next, 1)) < r->p->n) {
		int rc = r->p->work(r->p->arg, t->number, i), none = 0;

		if (rc)
			atomic_compare_exchange_strong(&r->rc, &none, rc);
		tick(r, atomic_fetch_add(&r->done, 1) + 1);
	}
	return NULL;
}

int ms_parallel_run(const struct ms_parallel *p)
{
	struct run r = {.p = p};
	struct thread threads[MS_PARALLEL_THREADS_MAX];
	unsigned int n = MS_MIN(p->threads, MS_PARALLEL_THREADS_MAX), started = 0;

	pthread_mutex_init(&r.tick_lock, NULL);
	if (n > p->n)
		n = (unsigned int)p->n;
	for (unsigned int i = 1; i < n; i++) {
		threads[i] = (struct thread){.run = &r, .number = i};
		if (pthread_create(&threads[i].id, NULL, run_thread, &threads[i]))
			break;
		started = i;
	}
	threads[0] = (struct thread){.run = &r};
	run_thread(&threads[0]);
	for (unsigned int i = 1; i <= started; i++)
		pthread_join(threads[i].id, NULL);
	pthread_mutex_destroy(&r.tick_lock);
	return atomic_load(&r.rc);
}

unsigned int ms_parallel_default_threads(void)
{
	cpu_set_t set;
	int n = 1;

	if (!sched_getaffinity(0, sizeof(set), &set))
		n = CPU_COUNT(&set);
	return n < 1 ? 1 : MS_MIN((unsigned int)n, MS_PARALLEL_THREADS_MAX);
}
