/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The Merkle tree of the audit log: hashes, roots and proofs of RFC 6962, section 2.1.
 * Pure functions; where stored hashes are needed, the caller hands over a function that
 * reads them.
 */
#ifndef MS_MERKLE_H
#define MS_MERKLE_H

#include <stdint.h>

#define MS_MERKLE_HASH 32u /* SHA-256 */
#define MS_MERKLE_PROOF_MAX \
	64u		  /* hashes of an inclusion proof; twice that for consistency */
#define MS_MERKLE_TILE 8u /* stored levels are this many tree levels apart */

/** ms_merkle_leaf() - hash of an entry: SHA-256(0x00 || entry). Return: 0 or -EIO */
int ms_merkle_leaf(const void *entry, size_t len,
		   uint8_t ret[MS_MERKLE_HASH]) _must_check_;
/** ms_merkle_node() - SHA-256(0x01 || left || right). Return: 0 or -EIO */
int ms_merkle_node(const uint8_t left[MS_MERKLE_HASH],
		   const uint8_t right[MS_MERKLE_HASH],
		   uint8_t ret[MS_MERKLE_HASH]) _must_check_;

/**
 * struct ms_merkle - the right edge of a growing tree: enough to append and to give the
 * root
 * @size: number of leaves
 * @edge: hash of the complete subtree of height i, where bit i of @size is set
 */
struct ms_merkle {
	uint64_t size;
	uint8_t edge[64][MS_MERKLE_HASH];
};

/** ms_merkle_append() - add one leaf hash. Return: 0 or -EIO (then nothing has changed)
 */
int ms_merkle_append(struct ms_merkle *m,
		     const uint8_t leaf[MS_MERKLE_HASH]) _must_check_;

/**
 * ms_merkle_store_fn - a subtree to be stored has become complete
 * @level, @index: as ms_merkle_read_fn has them, @level at least 1
 * Return: 0 or a negative errno, handed through.
 */
typedef int ms_merkle_store_fn(void *arg, unsigned int level, uint64_t index,
			       const uint8_t hash[MS_MERKLE_HASH]);

/**
 * ms_merkle_append_store() - add one leaf hash, and hand over what has to be stored
 * Return: 0, -EIO, or what @store returned (then nothing has changed in @m).
 */
int ms_merkle_append_store(struct ms_merkle *m, const uint8_t leaf[MS_MERKLE_HASH],
			   ms_merkle_store_fn *store, void *arg) _must_check_;
/** ms_merkle_root() - root of the tree as it is; of an empty one SHA-256("") */
int ms_merkle_root(const struct ms_merkle *m, uint8_t ret[MS_MERKLE_HASH]) _must_check_;

/**
 * ms_merkle_read_fn - read stored hashes
 * @level: 0: leaves; n: complete subtrees of height 8 * n
 * @index: of the first; @n: how many, at most 256, none past the end of the tree
 * Return: 0 or a negative errno, handed through.
 */
typedef int ms_merkle_read_fn(void *arg, unsigned int level, uint64_t index, size_t n,
			      uint8_t (*ret)[MS_MERKLE_HASH]);

/** ms_merkle_restore() - the right edge of a stored tree of @size leaves */
int ms_merkle_restore(ms_merkle_read_fn *read, void *arg, uint64_t size,
		      struct ms_merkle *ret) _must_check_;

/**
 * ms_merkle_inclusion() - proof that leaf @index is in the tree of @size leaves
 * @ret: MS_MERKLE_PROOF_MAX hashes, leaf side first
 * Return: 0, -EINVAL (@index not below @size), -EIO, or what @read returned.
 */
int ms_merkle_inclusion(ms_merkle_read_fn *read, void *arg, uint64_t index, uint64_t size,
			uint8_t (*ret)[MS_MERKLE_HASH], size_t *ret_n) _must_check_;
/**
 * ms_merkle_consistency() - proof that the tree of @old leaves is the start of that of
 * @size
 * @ret: 2 * MS_MERKLE_PROOF_MAX hashes
 * Return: as above; -EINVAL unless 0 < @old <= @size.
 */
int ms_merkle_consistency(ms_merkle_read_fn *read, void *arg, uint64_t old, uint64_t size,
			  uint8_t (*ret)[MS_MERKLE_HASH], size_t *ret_n) _must_check_;

/* Checks of proofs (RFC 9162, 2.1.3.2 and 2.1.4.2). Return: 0 good, -EKEYREJECTED, -EIO.
 */
int ms_merkle_check_inclusion(const uint8_t leaf[MS_MERKLE_HASH], uint64_t index,
			      uint64_t size, const uint8_t (*proof)[MS_MERKLE_HASH],
			      size_t n, const uint8_t root[MS_MERKLE_HASH]) _must_check_;
int ms_merkle_check_consistency(uint64_t old, uint64_t size,
				const uint8_t old_root[MS_MERKLE_HASH],
				const uint8_t root[MS_MERKLE_HASH],
				const uint8_t (*proof)[MS_MERKLE_HASH],
				size_t n) _must_check_;

#endif
