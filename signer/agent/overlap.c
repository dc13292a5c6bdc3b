/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/overlap.h"

#include <time.h>

#include "signer/agent/front.h"
#include "signer/agent/store.h"

/* A rotation is known here no later than this many seconds after it was asked for. */
#define LAG_S 5

static int take_time(const struct ms_record *r, void *arg)
{
	*(int64_t *)arg = r->time_us / 1000000;
	return 0;
}

int64_t ms_overlap_seen(struct ms_store *s)
{
	struct ms_error err = {0};
	int64_t t = time(NULL);
	uint64_t n;

	if (ms_store_entries(s, &n, &err) == 0 && n > 0)
		(void)!ms_store_foreach(s, n, 1, take_time, &t, &err);
	return t - LAG_S;
}

void ms_overlap_watch(struct ms_front *f)
{
	int64_t now = (int64_t)time(NULL) - LAG_S;
	const struct ms_front_key *k;
	json_t *fields;
	char why[128];

	if (now <= f->overlap_seen || !ms_key_link_loaded(f->keys))
		return;
	for (size_t i = 0; (k = ms_key_link_at(f->keys, i)); i++) {
		if (k->info.until <= f->overlap_seen || k->info.until > now ||
		    k->info.state == MS_KEY_REVOKED)
			continue;
		snprintf(why, sizeof(why), "done: its overlap with %s is over",
			 k->info.successor);
		fields = json_pack("{s:s, s:s, s:I}", "result", why, "successor",
				   k->info.successor, "until",
				   (json_int_t)k->info.until);
		if (ms_audit_put(f->audit, "key-retire", k->info.name, "", "", fields,
				 NULL, NULL) < 0)
			return; /* out of memory: at the next tick */
	}
	f->overlap_seen = now;
}
