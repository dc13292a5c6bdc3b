/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include "verifier/intern.h"

struct ms_intern_item {
	struct ms_intern_item *next;
	void *value;
	size_t len;
	uint8_t key[];
};

void ms_intern_init(struct ms_intern *t, void (*free_value)(void *value))
{
	memset(t, 0, sizeof(*t));
	pthread_mutex_init(&t->lock, NULL);
	t->free_value = free_value;
}

void ms_intern_clear(struct ms_intern *t)
{
	for (size_t i = 0; i < ARRAY_SIZE(t->buckets); i++) {
		struct ms_intern_item *item = t->buckets[i];

		while (item) {
			struct ms_intern_item *next = item->next;

			t->free_value(item->value);
			free(item);
			item = next;
		}
		t->buckets[i] = NULL;
	}
	pthread_mutex_destroy(&t->lock);
}

/* FNV-1a */
static size_t bucket_of(const uint8_t *key, size_t len)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < len; i++)
		h = (h ^ key[i]) * 16777619u;
	return (h ^ (h >> 16)) & 255;
}

static int get_locked(struct ms_intern *t, const uint8_t *key, size_t len,
		      const struct ms_intern_maker *m, void **ret)
{
	struct ms_intern_item **bucket = &t->buckets[bucket_of(key, len)];
	struct ms_intern_item *item;
	int rc;

	for (item = *bucket; item; item = item->next) {
		if (item->len == len && !memcmp(item->key, key, len)) {
			*ret = item->value;
			return 0;
		}
	}
	item = malloc(sizeof(*item) + len);
	if (!item)
		return -ENOMEM;
	rc = m->make(m, &item->value);
	if (rc) {
		free(item);
		return rc;
	}
	item->len = len;
	memcpy(item->key, key, len);
	item->next = *bucket;
	*bucket = item;
	*ret = item->value;
	return 0;
}

int ms_intern_get(struct ms_intern *t, const uint8_t *key, size_t len,
		  const struct ms_intern_maker *m, void **ret)
{
	int rc;

	pthread_mutex_lock(&t->lock);
	rc = get_locked(t, key, len, m, ret);
	pthread_mutex_unlock(&t->lock);
	return rc;
}
