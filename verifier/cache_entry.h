/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One result in a cache, by itself. */
#ifndef MS_CACHE_ENTRY_H
#define MS_CACHE_ENTRY_H

#include "lib/buf.h"
#include "verifier/check.h"

#define MS_CACHE_ENTRY_MIN 60u /* bytes of an entry, at least */
#define MS_CACHE_SIGNER_MIN 8u /* bytes of a signer, at least */

/**
 * struct ms_cache_entry - a result that waits for being taken
 * @path: as it is in the file
 */
struct ms_cache_entry {
	const char *path;
	struct ms_result r;
};

/** ms_cache_entry_put() - append a result; errors stick in @b */
void ms_cache_entry_put(struct ms_buf *b, const struct ms_question *q,
			const struct ms_result *r);

/**
 * ms_cache_entry_get() - read one
 * @r: of bytes that live longer than what comes out
 * @ids, @n_ids, @used: room for the signers' identities
 * @ret: to be cleared, also after a failure
 *
 * Return: 0, -EBADMSG, -ENOMEM.
 */
int ms_cache_entry_get(struct ms_reader *r, const struct ms_question *q,
		       struct ms_identity *ids, size_t n_ids, size_t *used,
		       struct ms_cache_entry *ret) _must_check_;

#endif
