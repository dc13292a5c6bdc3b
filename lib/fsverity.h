/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fs-verity (the kernel's Documentation/filesystems/fsverity.rst). */
#ifndef MS_FSVERITY_H
#define MS_FSVERITY_H

#include <stdint.h>
#include "lib/hash.h"

#define MS_FSVERITY_MAGIC "FSVerity"
#define MS_FSVERITY_MAGIC_LEN 8u
#define MS_FSVERITY_HEAD_LEN (MS_FSVERITY_MAGIC_LEN + 4u)
#define MS_FSVERITY_FORMATTED_MAX (MS_FSVERITY_HEAD_LEN + MS_DIGEST_MAX)

/**
 * ms_fsverity_format() - struct fsverity_formatted_digest, which is what is signed
 * @h: of the Merkle tree: SHA-256 or SHA-512, the kernel has no others
 * @digest: the file's fs-verity digest
 * Return: 0 or -ENOPKG.
 */
int ms_fsverity_format(enum ms_hash h, const uint8_t *digest,
		       uint8_t ret[MS_FSVERITY_FORMATTED_MAX],
		       size_t *ret_len) _must_check_;

#define MS_FSVERITY_BLOCK 4096u
#define MS_FSVERITY_LEVELS 12u /* enough for 2^64 bytes with either hash */

/**
 * struct ms_fsverity - the digest of a file on its way: ~50 KB
 * @level: the block that is being filled: of data, of hashes of those, and so on
 */
struct ms_fsverity {
	enum ms_hash hash;
	uint64_t size;
	size_t used[MS_FSVERITY_LEVELS];
	uint8_t level[MS_FSVERITY_LEVELS][MS_FSVERITY_BLOCK];
};

/**
 * ms_fsverity_init() - begin a file's digest: blocks of 4,096 bytes, no salt
 * Return: 0 or -ENOPKG.
 */
int ms_fsverity_init(struct ms_fsverity *v, enum ms_hash h) _must_check_;
/** ms_fsverity_update() - more of the file. Return: 0, -ENOPKG, -EFBIG */
int ms_fsverity_update(struct ms_fsverity *v, const uint8_t *p, size_t len) _must_check_;
/**
 * ms_fsverity_final() - the digest of struct fsverity_descriptor, as
 * FS_IOC_MEASURE_VERITY and `fsverity digest` have it. Return: 0 or -ENOPKG, -EFBIG
 */
int ms_fsverity_final(struct ms_fsverity *v, uint8_t ret[MS_DIGEST_MAX]) _must_check_;

#endif
