/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files that were replaced, held open until all are done. ext4 looks at each inode that
 * was freed within the last minute before it gives out a new one: whoever replaces 4,000
 * files one after the other spends half of the time there.
 */
#ifndef MS_CLI_HELD_H
#define MS_CLI_HELD_H

#include <pthread.h>
#include <stdint.h>

#define MS_HELD_FILES_MAX 8192u
#define MS_HELD_BYTES_MAX ((uint64_t)1 << 30) /* of disk that is freed only at the end \
					       */

/** struct ms_held - open files; all of it private */
struct ms_held {
	pthread_mutex_t lock;
	pthread_cond_t closed;
	int *fd;
	size_t n, max, closing;
	uint64_t bytes;
};

/** ms_held_init() - raises the limit of open files, as far as it may
 * @n: how many there will be. Without memory for them none is held. */
void ms_held_init(struct ms_held *h, size_t n);

/** ms_held_take() - hold @fd, or close it now, where enough are held
 * @bytes: its size. May be called by several threads at a time. */
void ms_held_take(struct ms_held *h, int fd, uint64_t bytes);

/** ms_held_close() - close what is held, until none is left; several threads may help */
void ms_held_close(struct ms_held *h);

/** ms_held_give_up() - close all, wait until others have closed theirs, and hold none any
 * more: there is no space for it */
void ms_held_give_up(struct ms_held *h);
void ms_held_clear(struct ms_held *h);

#endif
