/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Results of an earlier run, for files that are as they were.
 *
 * Whoever may write the cache may make anything look trusted. So it has to belong to the
 * user who runs the program, or to root, and nobody else may write to it or replace it:
 * what does not is refused, not ignored. A MAC would need a key that is kept from those
 * who may write the file, and these are the same people.
 *
 * A file is taken for unchanged when device, inode, size, mtime and ctime are the same:
 * who writes to it can put back the mtime, not the ctime. What was changed less than two
 * seconds before it was read is not kept, as clocks of file systems are coarse.
 */
#ifndef MS_CACHE_H
#define MS_CACHE_H

#include "verifier/run.h"

#define MS_CACHE_MAX (256u << 20) /* bytes of a cache */

struct ms_cache_entry;

/**
 * struct ms_cache - what is known; entries are used by one thread each
 * @context: digest of all that results depend on beside the files: program, anchors,
 *	revocations, kernel asked about
 * @hits: results that came from it; set by ms_cache_save()
 */
struct ms_cache {
	uint8_t context[32];
	uint8_t *data;
	struct ms_cache_entry *v;
	struct ms_identity *ids;
	size_t n, hits;
};
void ms_cache_clear(struct ms_cache *c);

/**
 * ms_cache_load() - read a cache
 * @path: where there is none yet, none is read
 * @q: what is asked; a cache that was made with another question, or before the date of
 *	an anchor or a revocation came, is empty
 *
 * Return: 0, also for one that is damaged or of another version; -EPERM (others may write
 * to it, or it is somebody else's); another errno; with a sentence.
 */
int ms_cache_load(const char *path, const struct ms_question *q, struct ms_cache *ret,
		  struct ms_error *err) _must_check_;

/**
 * ms_cache_parse() - the same for bytes; no I/O
 * @data: from malloc(), taken over on success
 * Return: 0, -EBADMSG (damaged, or of another context), -ENOMEM.
 */
int ms_cache_parse(uint8_t *data, size_t len, const struct ms_question *q,
		   const uint8_t context[32], struct ms_cache *ret) _must_check_;

/** ms_cache_context() - @ret: 32 bytes. Return: 0 or -ENOMEM */
int ms_cache_context(const struct ms_question *q, uint8_t *ret) _must_check_;

/** ms_cache_take() - the result for a file, if it is as it was. Return: 0 or -ENOENT */
int ms_cache_take(struct ms_cache *c, const struct ms_entry *file,
		  struct ms_result *ret) _must_check_;

/** ms_cache_save() - write what @r has of files, if it is not all from @c.
 * Return: 0 or a negative errno with a sentence */
int ms_cache_save(struct ms_cache *c, const char *path, const struct ms_question *q,
		  const struct ms_results *r, struct ms_error *err) _must_check_;

#endif
