/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Digests of files of any size, read piece by piece. */
#ifndef MS_FILE_DIGEST_H
#define MS_FILE_DIGEST_H

#include <sys/stat.h>
#include "lib/error.h"
#include "lib/hash.h"

/**
 * ms_file_digest() - digest of an open file's bytes
 * @fd: read from the start, whatever its position is
 * @ret_st: as the file was before and after; may be NULL
 *
 * Return: 0; -EAGAIN (it changed while it was read), -ENOPKG, -EIO, ...; @err has a
 * sentence.
 */
int ms_file_digest(int fd, enum ms_hash h, uint8_t ret[MS_DIGEST_MAX],
		   struct stat *ret_st, struct ms_error *err) _must_check_;

/** ms_file_digest_start() - the same for the first @len bytes; -EAGAIN if it has fewer */
int ms_file_digest_start(int fd, enum ms_hash h, uint64_t len, uint8_t ret[MS_DIGEST_MAX],
			 struct stat *ret_st, struct ms_error *err) _must_check_;

/** ms_file_fsverity() - the same for its fs-verity digest (lib/fsverity.h) */
int ms_file_fsverity(int fd, enum ms_hash h, uint8_t ret[MS_DIGEST_MAX],
		     struct stat *ret_st, struct ms_error *err) _must_check_;

#endif
