/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The store: audit records in SQLite. One writer; what ms_store_append() has returned for
 * is on the disk.
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

/**
 * ms_store_open() - open or create
 * @path: of the database; made with mode 0600
 *
 * SQLite, WAL, synchronous=FULL, a schema with a version (user_version). Refuses a newer
 * version, and a database that quick_check finds corrupt, in a sentence; never makes a new
 * one over a damaged one.
 */
int ms_store_open(const char *path, struct ms_store **ret, struct ms_error *err) _must_check_;
void ms_store_close(struct ms_store *s);

/**
 * ms_store_append() - add records in one durable transaction
 * @r, @n: their @seq is set
 *
 * All or nothing. Counts per key of "sign" records are kept in the same transaction.
 * Return: 0, -ENOSPC, -EROFS, -EIO, with a sentence.
 */
int ms_store_append(struct ms_store *s, struct ms_record *r, size_t n, struct ms_error *err)
	_must_check_;

/** ms_store_key_use() - signatures made with a key, and the time of the last (0: never) */
int ms_store_key_use(struct ms_store *s, const char *key, uint64_t *ret_count,
		     int64_t *ret_last_us, struct ms_error *err) _must_check_;
/** ms_store_entries() - number of records */
int ms_store_entries(struct ms_store *s, uint64_t *ret, struct ms_error *err) _must_check_;

/**
 * ms_store_foreach() - read records @from .. @from + @max - 1 in order
 * @fn: return non-zero to stop, which becomes the return value
 */
int ms_store_foreach(struct ms_store *s, uint64_t from, uint64_t max,
		     int (*fn)(const struct ms_record *r, void *arg), void *arg,
		     struct ms_error *err) _must_check_;

#endif
