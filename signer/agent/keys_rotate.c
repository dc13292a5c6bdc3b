/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A key, its successor, and the time in which both sign. */
#include "signer/agent/keys_table.h"

#include <errno.h>
#include <time.h>

#include "lib/agent_client.h"

#define FOREVER_S (INT64_C(36500) * 86400)

static int check(struct ms_keys *k, const struct key *key, const char *name,
		 int64_t until, int64_t now, struct ms_error *err)
{
	const struct key *next = ms_keys_get(k, name);
	char why[400];

	if (ms_key_may_sign(key, now, err) < 0 && strcmp(err->code, "key-expired") != 0)
		return -EACCES;
	if (!next || !next->file)
		return ms_error_set(err, -ENOENT, "no-such-key",
				    "the successor %s is not there: 'modseal key create' "
				    "makes it",
				    name);
	if (next == key)
		return ms_error_set(err, -EINVAL, "bad-request",
				    "key %s cannot be its own successor", name);
	if (ms_key_is_over(next, now))
		return ms_error_set(
			err, -EINVAL, "key-state", "key %s cannot succeed: %s", name,
			ms_key_life_sentence(&next->life, now, why, sizeof(why)));
	if (strcmp(next->life.successor, key->name) == 0)
		return ms_error_set(err, -EINVAL, "key-state",
				    "key %s is succeeded by %s already", name, key->name);
	if (until < now || until - now > FOREVER_S)
		return ms_error_set(err, -EINVAL, "bad-request",
				    "the overlap ends now or within a hundred years");
	return 0;
}

int ms_key_rotate(struct ms_keys *k, struct key *key, const struct ms_ipc_change *req,
		  struct ms_error *err)
{
	struct ms_key_life life = {.since = time(NULL), .until = req->from};
	int r;

	if (req->data_len >= sizeof(life.successor))
		return ms_error_set(err, -EINVAL, "bad-request",
				    "the successor's name is too long");
	memcpy(life.successor, req->data, req->data_len);
	if (!ms_key_name_valid(life.successor))
		return ms_error_set(err, -EINVAL, "bad-request",
				    "the successor's name cannot be one");
	r = check(k, key, life.successor, life.until, life.since, err);
	*err = r < 0 ? *err : (struct ms_error){0};
	if (r == 0)
		r = ms_key_life_store(k->dir, key->name, &life, err);
	if (r < 0)
		return r;
	if (ms_key_life_at(&life, life.since) == MS_LIFE_RETIRED) {
		ms_key_let_go(k, key, &life);
		return 0;
	}
	pthread_rwlock_wrlock(&k->lock);
	key->life = life;
	pthread_rwlock_unlock(&k->lock);
	return 0;
}

bool ms_keys_retire_due(struct ms_keys *k, int64_t now, int64_t *ret_next)
{
	int64_t next = -1;
	bool any = false;

	for (size_t i = 0; i < k->n; i++) {
		struct key *key = k->v[i];
		int64_t left = key->life.until - now;

		if (key->life.life != MS_LIFE_ACTIVE || !key->life.until)
			continue;
		if (left <= 0 && ms_key_is_open(key)) {
			ms_key_let_go(k, key, &key->life);
			any = true;
		} else if (left > 0 && (next < 0 || left < next)) {
			next = left;
		}
	}
	*ret_next = next;
	return any;
}
