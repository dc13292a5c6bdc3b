/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/shares.h"

#include <errno.h>
#include <stdint.h>

#define BUCKETS 256u

struct ms_shares {
	size_t conns, conns_max, bytes, bytes_max;
	struct ms_share *bucket[BUCKETS];
};

/* FNV-1a; who may connect at all chooses its name no more than the policy lets it. */
static size_t bucket_of(const char *id)
{
	uint32_t h = 2166136261u;

	for (; *id; id++)
		h = (h ^ (unsigned char)*id) * 16777619u;
	return h % BUCKETS;
}

int ms_shares_new(size_t conns, size_t bytes, struct ms_shares **ret)
{
	struct ms_shares *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->conns_max = conns;
	s->bytes_max = bytes;
	*ret = s;
	return 0;
}

void ms_shares_free(struct ms_shares *s)
{
	free(s);
}

void ms_shares_resize(struct ms_shares *s, size_t bytes)
{
	s->bytes_max = bytes;
}

struct ms_share *ms_share_join(struct ms_shares *s, const char *id)
{
	struct ms_share **b = &s->bucket[bucket_of(id)], *h = *b;
	size_t len = strlen(id) + 1;

	while (h && strcmp(h->id, id) != 0)
		h = h->next;
	if (!h) {
		h = calloc(1, sizeof(*h) + len);
		if (!h)
			return NULL;
		memcpy(h->id, id, len);
		TAILQ_INIT(&h->idle);
		h->all = s;
		h->next = *b;
		*b = h;
	}
	h->conns++;
	s->conns++;
	return h;
}

void ms_share_leave(struct ms_share *h)
{
	struct ms_share **p;

	h->all->conns--;
	if (--h->conns)
		return;
	for (p = &h->all->bucket[bucket_of(h->id)]; *p != h; p = &(*p)->next)
		;
	*p = h->next;
	free(h);
}

struct ms_share *ms_shares_largest(struct ms_shares *s)
{
	struct ms_share *most = NULL;

	for (size_t i = 0; i < BUCKETS; i++)
		for (struct ms_share *h = s->bucket[i]; h; h = h->next)
			if (!TAILQ_EMPTY(&h->idle) && (!most || h->conns > most->conns))
				most = h;
	return most;
}

struct ms_share *ms_share_crowded(struct ms_share *h)
{
	struct ms_shares *s = h->all;
	size_t own = h->id[0] ? s->conns_max / 2 : s->conns_max / 8;

	if (h->conns > MS_MAX(own, (size_t)1))
		return h;
	return s->conns > s->conns_max ? ms_shares_largest(s) : NULL;
}

bool ms_share_take(struct ms_share *h, size_t bytes)
{
	struct ms_shares *s = h->all;

	if (bytes > s->bytes_max || s->bytes > s->bytes_max - bytes)
		return false;
	if (h->bytes && h->bytes + bytes > s->bytes_max / 2)
		return false;
	h->bytes += bytes;
	s->bytes += bytes;
	return true;
}

void ms_share_give(struct ms_share *h, size_t bytes)
{
	h->bytes -= bytes;
	h->all->bytes -= bytes;
}

bool ms_share_owe(struct ms_share *h, size_t bytes)
{
	if (h->owed && (bytes > MS_SHARE_OWED_MAX || h->owed > MS_SHARE_OWED_MAX - bytes))
		return false;
	h->owed += bytes;
	return true;
}

void ms_share_settle(struct ms_share *h, size_t bytes)
{
	h->owed -= bytes;
}
