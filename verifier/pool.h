/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MS_POOL_H
#define MS_POOL_H

#include <stddef.h>

#define MS_POOL_THREADS_MAX 256u

/**
 * struct ms_pool - work that is done by several threads
 * @threads: 1 to MS_POOL_THREADS_MAX; the caller's own is one of them
 * @n: number of items
 * @arg: handed through
 * @work: do item @i in thread @thread (0 to @threads - 1); a negative errno stops all
 * @tick: called now and then, by one thread at a time, with how many are done; may be
 * NULL
 */
struct ms_pool {
	unsigned int threads;
	size_t n;
	void *arg;
	int (*work)(void *arg, unsigned int thread, size_t i);
	void (*tick)(void *arg, size_t done);
};

/**
 * ms_pool_run() - do all items, in no particular order
 *
 * Where threads cannot be started, fewer do the work.
 *
 * Return: 0 or what @work failed with first.
 */
int ms_pool_run(const struct ms_pool *p) _must_check_;

/** ms_pool_default_threads() - CPUs that this process may run on, 1 to
 * MS_POOL_THREADS_MAX */
unsigned int ms_pool_default_threads(void);

#endif
