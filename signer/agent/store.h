/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The store: audit records in SQLite. One writer; what ms_store_append() has returned for
 * is on the disk. Any thread may call: a lock inside lets one in at a time.
 */
#ifndef MS_AGENT_STORE_H
#define MS_AGENT_STORE_H

#include <stdint.h>
#include "lib/error.h"

/**
 * struct ms_record - one audit record
 * @time_us: microseconds since 1970, UTC
 * @event: "sign", "refuse", "key-create", "key-unlock", "start", ...
 * @key, @identity, @request_id: for searching; may be ""
 * @bytes, @len: canonical JSON (sorted keys, no spaces), kept as it is: it is what the
 *     Merkle leaf is computed from
 * @seq: number given by the store: 1, 2, 3, ... without gaps
 */
struct ms_record {
	uint64_t seq;
	int64_t time_us;
	const char *event, *key, *identity, *request_id;
	const char *bytes;
	size_t len;
};

struct ms_store;

/* A database up to this size is checked whole when it is opened; a larger one is not, as
 * that would keep the agent from starting for minutes. */
#define MS_STORE_CHECK_MAX (128u << 20)

/**
 * ms_store_open() - open or create
 * @path: of the database; made with mode 0600
 *
 * SQLite, WAL, synchronous=FULL, a schema with a version (user_version). Refuses a newer
 * version, and a database that quick_check finds corrupt, in a sentence; never makes a
 * new one over a damaged one.
 *
 * Return: 0; -EUCLEAN (damaged, not a database, not modseal's, newer version), -EBUSY
 * (another program holds it), -ENOSPC, -EROFS, -EACCES, -ENOENT, -EIO, -ENOMEM.
 */
int ms_store_open(const char *path, struct ms_store **ret,
		  struct ms_error *err) _must_check_;
void ms_store_close(struct ms_store *s);

/**
 * ms_store_append() - add records in one durable transaction
 * @r, @n: their @seq is set
 *
 * All or nothing: after a failure no number is used up, and the next call starts afresh.
 * Counts per key of "sign" records are kept in the same transaction. Texts must not be
 * NULL.
 * Return: 0, -ENOSPC, -EROFS, -EBUSY, -EUCLEAN, -EIO, -ENOMEM, with a sentence.
 */
int ms_store_append(struct ms_store *s, struct ms_record *r, size_t n,
		    struct ms_error *err) _must_check_;

/** ms_store_key_use() - signatures made with a key, and the time of the last (0: never)
 */
int ms_store_key_use(struct ms_store *s, const char *key, uint64_t *ret_count,
		     int64_t *ret_last_us, struct ms_error *err) _must_check_;

/** ms_store_foreach_key() - the same for every key that was used, in order of their names
 */
int ms_store_foreach_key(struct ms_store *s,
			 int (*fn)(const char *key, uint64_t count, int64_t last_us,
				   void *arg),
			 void *arg, struct ms_error *err) _must_check_;

/** ms_store_entries() - number of records */
int ms_store_entries(struct ms_store *s, uint64_t *ret,
		     struct ms_error *err) _must_check_;

/**
 * ms_store_foreach() - read records @from .. @from + @max - 1 in order
 * @fn: return non-zero to stop, which becomes the return value
 */
int ms_store_foreach(struct ms_store *s, uint64_t from, uint64_t max,
		     int (*fn)(const struct ms_record *r, void *arg), void *arg,
		     struct ms_error *err) _must_check_;

#endif
