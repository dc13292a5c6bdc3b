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

#endif
