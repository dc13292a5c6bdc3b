/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/client/each.h"

#include <errno.h>
#include <stdatomic.h>
#include "lib/escape.h"

#define KEPT_BYTES ((size_t)4 << 20)
#define SHOWN_MAX 300

struct work {
	const struct ms_each *e;
	struct ms_packers packers;
	pthread_mutex_t lock; /* failures */
	atomic_size_t next;
};

static void *worker(void *arg)
{
	_cleanup_packed_ struct ms_packed m = MS_PACKED_INIT;
	struct work *w = arg;
	const struct ms_each *e = w->e;
	size_t i;

	while ((i = atomic_fetch_add(&w->next, 1)) < e->n) {
		struct ms_error err = {0};
		char shown[SHOWN_MAX];

		if (e->one(e->arg, e->path[i], &m, &w->packers, &err) < 0) {
			ms_error_prefix(&err, "%s",
					ms_escape_str(e->path[i], shown, sizeof(shown)));
			pthread_mutex_lock(&w->lock);
			e->failed(e->failed_arg, e->path[i], &err);
			pthread_mutex_unlock(&w->lock);
		}
		ms_packed_close(&m);
		ms_packed_trim(&m, KEPT_BYTES);
	}
	return NULL;
}

int ms_each_run(const struct ms_each *e)
{
	unsigned int wanted = MS_MIN(e->jobs, MS_PACKERS_MAX), started = 0;
	pthread_t threads[MS_PACKERS_MAX];
	struct work w = {.e = e};

	pthread_mutex_init(&w.lock, NULL);
	ms_packers_init(&w.packers, wanted);
	while (started < wanted && started < e->n &&
	       pthread_create(&threads[started], NULL, worker, &w) == 0)
		started++;
	for (unsigned int i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	ms_packers_clear(&w.packers);
	pthread_mutex_destroy(&w.lock);
	return started || !e->n ? 0 : -EAGAIN;
}
