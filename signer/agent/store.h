/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The store: audit records in SQLite, the Merkle tree over them, and its checkpoints. One
 * writer; what ms_store_append() has returned for is on the disk. Any thread may call:
 * locks inside let one writer and one reader in at a time.
 */
#ifndef MS_AGENT_STORE_H
#define MS_AGENT_STORE_H

#include <stdint.h>
#include "lib/checkpoint.h"
#include "lib/error.h"
#include "lib/merkle.h"

struct ms_change;

/**
 * struct ms_record - one audit record
 * @time_us: microseconds since 1970, UTC
 * @event: "sign", "refuse", "key-create", "key-unlock", "start", ...
 * @key, @identity, @request_id: for searching; may be ""
 * @bytes, @len: canonical JSON (sorted keys, no spaces), kept as it is: it is what the
 *     Merkle leaf is computed from
 * @changes: what changes together with it (store_change.h), or NULL; borrowed
 * @seq: number given by the store: 1, 2, 3, ... without gaps
 */
struct ms_record {
	uint64_t seq;
	int64_t time_us;
	const char *event, *key, *identity, *request_id;
	const char *bytes;
	size_t len;
	const struct ms_change *changes;
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
 * ms_store_view() - another way to read a store that is open
 * For ms_store_foreach() and ms_store_read_hashes() alone: who reads much does not keep
 * the readers of the store itself waiting. Closed before the store is.
 * Return: as ms_store_open().
 */
int ms_store_view(const char *path, struct ms_store **ret,
		  struct ms_error *err) _must_check_;

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

/*
 * The tree (lib/merkle.h). Its leaves are the records: leaf i is record i + 1.
 */

/** ms_store_head() - size and root of the tree as it is on the disk; never waits */
int ms_store_head(struct ms_store *s, uint64_t *ret_size,
		  uint8_t ret_root[MS_MERKLE_HASH]) _must_check_;
/** ms_store_root_at() - root of the first @size records, from the stored hashes */
int ms_store_root_at(struct ms_store *s, uint64_t size,
		     uint8_t ret[MS_MERKLE_HASH]) _must_check_;
/**
 * ms_store_read_hashes() - the ms_merkle_read_fn of @store, a struct ms_store
 * Return: 0; -EUCLEAN: one is missing or damaged; or as ms_store_entries().
 */
int ms_store_read_hashes(void *store, unsigned int level, uint64_t index, size_t n,
			 uint8_t (*ret)[MS_MERKLE_HASH]) _must_check_;

/*
 * Checkpoints. That one will be made is on the disk before the TPM's counter goes up, so
 * that a crash in between can be told from an older database that was put back: the
 * counter may be ahead of the last checkpoint by the attempts since, and by no more.
 */

/** ms_store_checkpoint_begin() - an attempt begins; durable on return */
int ms_store_checkpoint_begin(struct ms_store *s, uint64_t size, int64_t time_us,
			      struct ms_error *err) _must_check_;
/** ms_store_checkpoint_put() - the last attempt's signed checkpoint; durable on return */
int ms_store_checkpoint_put(struct ms_store *s, const struct ms_checkpoint *c,
			    const char *note, size_t len,
			    struct ms_error *err) _must_check_;
/**
 * ms_store_checkpoint_last() - the newest signed checkpoint
 * @ret_attempts: attempts begun since then that gave none; set with -ENOENT too
 * Return: 0; -ENOENT there is none; -EUCLEAN damaged; or as ms_store_entries().
 */
int ms_store_checkpoint_last(struct ms_store *s, char ret[MS_CHECKPOINT_MAX],
			     size_t *ret_len, uint64_t *ret_attempts) _must_check_;

#endif
