/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether a key may sign yet, and may still: pending, retired, revoked, and when. In a
 * small file beside the key's, NAME.state, so that the key's file is not touched for it.
 * A file that cannot be understood counts as revoked.
 */
#ifndef MS_AGENT_KEY_LIFE_H
#define MS_AGENT_KEY_LIFE_H

#include <stdint.h>
#include "lib/buf.h"
#include "lib/error.h"
#include "lib/limits.h"

enum ms_life {
	MS_LIFE_ACTIVE = 0,
	MS_LIFE_RETIRED = 1,
	MS_LIFE_REVOKED = 2,
	MS_LIFE_PENDING = 3, /* waits for a certificate of an outside CA */
};

/**
 * struct ms_key_life - times are seconds since 1970
 * @since: when it was said
 * @from: from when on what it signed is not to be trusted (revoked only)
 * @until: it retires by itself then (active only); 0: never
 * @successor: name of the key that takes over, or ""
 */
struct ms_key_life {
	enum ms_life life;
	int64_t since, from, until;
	char successor[MS_KEY_NAME_MAX + 1];
	char reason[129];
};

/** ms_key_life_at() - as it is at a time: an active key retires when its time is over */
enum ms_life ms_key_life_at(const struct ms_key_life *l, int64_t now);

/** ms_key_life_parse() - text of a state file; no I/O. Return: 0 or -EBADMSG */
int ms_key_life_parse(const char *text, size_t len, struct ms_key_life *ret) _must_check_;
/** ms_key_life_write() - the text of one, appended to @out */
int ms_key_life_write(const struct ms_key_life *l, struct ms_buf *out) _must_check_;

/** ms_key_life_load() - from DIR/NAME.state; active when there is none */
void ms_key_life_load(const char *dir, const char *name, struct ms_key_life *ret);
/** ms_key_life_store() - the file, replaced whole */
int ms_key_life_store(const char *dir, const char *name, const struct ms_key_life *l,
		      struct ms_error *err) _must_check_;

/** ms_key_life_remove() - no file: active, without an end */
int ms_key_life_remove(const char *dir, const char *name,
		       struct ms_error *err) _must_check_;

/** ms_key_life_sentence() - why it does not sign at @now. Return: @dst; "" when it does
 */
const char *ms_key_life_sentence(const struct ms_key_life *l, int64_t now, char *dst,
				 size_t size);

#endif
