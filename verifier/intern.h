/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Things that thousands of modules have in common and that are worked out once: signers'
 * names, certificate chains.
 */
#ifndef MS_INTERN_H
#define MS_INTERN_H

#include <pthread.h>
#include <stdint.h>

struct ms_intern_item;

/**
 * struct ms_intern - bytes to value, for several threads
 * @free_value: called for each value by ms_intern_clear()
 */
struct ms_intern {
	pthread_mutex_t lock;
	struct ms_intern_item *buckets[256];
	void (*free_value)(void *value);
};

void ms_intern_init(struct ms_intern *t, void (*free_value)(void *value));
void ms_intern_clear(struct ms_intern *t);

/** struct ms_intern_maker - works out the value of a key that was not there yet */
struct ms_intern_maker {
	int (*make)(const struct ms_intern_maker *m, void **ret);
};

/**
 * ms_intern_get() - the value of a key, made on first sight
 * @key: copied
 * @ret: lives until ms_intern_clear()
 *
 * Values are made under the lock, one at a time.
 *
 * Return: 0, -ENOMEM, or what @m answered.
 */
int ms_intern_get(struct ms_intern *t, const uint8_t *key, size_t len,
		  const struct ms_intern_maker *m, void **ret) _must_check_;

#endif
