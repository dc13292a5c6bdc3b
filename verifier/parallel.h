/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MS_PARALLEL_H
#define MS_PARALLEL_H

#include <stddef.h>

#define MS_PARALLEL_THREADS_MAX 256u

/**
 * struct ms_parallel - work that is done by several threads
 * @threads: 1 to MS_PARALLEL_THREADS_MAX; the caller's own is one of them
 * @n: number of items
 * @arg: handed through
 * @work: do item @i in thread @thread (0 to @threads - 1); a negative errno stops all
 * @tick: called now and then, by one thread at a time, with how many are done; may be
 * NULL
 */
struct ms_parallel {
	unsigned int threads;
	size_t n;
	void *arg;
	int (*work)(void *arg, unsigned int thread, size_t i);
	void (*tick)(void *arg, size_t done);
};

/**
 * ms_parallel_run() - do all items, in no particular order
 *
 * Where threads cannot be started, fewer do the work.
 *
 * Return: 0 or what @work failed with first.
 */
int ms_parallel_run(const struct ms_parallel *p) _must_check_;

/** ms_parallel_default_threads() - CPUs that this process may run on, 1 to
 * MS_PARALLEL_THREADS_MAX */
unsigned int ms_parallel_default_threads(void);

#endif
