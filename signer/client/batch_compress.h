/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The last step of a batch: modules become .ko.xz, .ko.gz or .ko.zst, many at once. */
#ifndef MS_CLI_BATCH_COMPRESS_H
#define MS_CLI_BATCH_COMPRESS_H

#include "compress/decompress.h"
#include "lib/error.h"

/** ms_compression_suffix() - ".xz", ...; "" for MS_PLAIN */
const char *ms_compression_suffix(enum ms_compression c);

/**
 * ms_batch_compress() - compress modules, each into a file beside it, and remove them
 * @path, @n: those that have a suffix already are left alone
 * @jobs: threads
 * @failed: called for each failure, one at a time, with a sentence that has the path
 *
 * The compressed file has the module's mode, owner and attributes; the module goes when
 * it is there.
 *
 * Return: 0, whatever became of the files; -EAGAIN when no thread could be started.
 */
int ms_batch_compress(char *const *path, size_t n, enum ms_compression kind,
		      unsigned int jobs,
		      void (*failed)(void *arg, const char *path,
				     const struct ms_error *err),
		      void *arg) _must_check_;

#endif
