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

	do {
		pthread_mutex_lock(&h->lock);
		fd = h->n ? h->fd[--h->n] : -1;
		pthread_mutex_unlock(&h->lock);
		if (fd >= 0)
			close(fd);
	} while (fd >= 0);
}

void ms_held_clear(struct ms_held *h)
{
	ms_held_close(h);
	free(h->fd);
	pthread_mutex_destroy(&h->lock);
	*h = (struct ms_held){0};
}
