/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/client/held.h"

#include <stdbool.h>
#include <sys/resource.h>

/* Descriptors for everything else: sockets, and files that are being written. */
#define OTHERS 600u

void ms_held_init(struct ms_held *h, size_t n)
{
	struct rlimit limit;

	*h = (struct ms_held){0};
	pthread_mutex_init(&h->lock, NULL);
	pthread_cond_init(&h->closed, NULL);
	if (!n || getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur <= OTHERS)
		return;
	n = MS_MIN(n, (size_t)MS_HELD_FILES_MAX);
	n = MS_MIN(n, (size_t)(limit.rlim_cur - OTHERS));
	h->fd = calloc(n, sizeof(*h->fd));
	h->max = h->fd ? n : 0;
}

void ms_held_take(struct ms_held *h, int fd, uint64_t bytes)
{
	bool held;

	pthread_mutex_lock(&h->lock);
	held = h->n < h->max && bytes <= MS_HELD_BYTES_MAX - h->bytes;
	if (held) {
		h->fd[h->n++] = fd;
		h->bytes += bytes;
	}
	pthread_mutex_unlock(&h->lock);
	if (!held)
		close(fd);
}

void ms_held_close(struct ms_held *h)
{
	int fd;

	pthread_mutex_lock(&h->lock);
	while (h->n) {
		fd = h->fd[--h->n];
		h->closing++;
		pthread_mutex_unlock(&h->lock);
		close(fd);
		pthread_mutex_lock(&h->lock);
		if (--h->closing == 0)
			pthread_cond_broadcast(&h->closed);
	}
	pthread_mutex_unlock(&h->lock);
}

void ms_held_give_up(struct ms_held *h)
{
	pthread_mutex_lock(&h->lock);
	h->max = 0;
	pthread_mutex_unlock(&h->lock);
	ms_held_close(h);
	pthread_mutex_lock(&h->lock);
	while (h->closing)
		pthread_cond_wait(&h->closed, &h->lock);
	pthread_mutex_unlock(&h->lock);
}

void ms_held_clear(struct ms_held *h)
{
	ms_held_close(h);
	free(h->fd);
	pthread_mutex_destroy(&h->lock);
	pthread_cond_destroy(&h->closed);
	*h = (struct ms_held){0};
}
