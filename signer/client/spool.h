/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The list of modules that a kernel build leaves for `modseal batch`: absolute paths, a
 * NUL behind each. Every job of make appends one path at a time.
 */
#ifndef MS_CLI_SPOOL_H
#define MS_CLI_SPOOL_H

#include <stdint.h>
#include "lib/error.h"

#define MS_SPOOL_MAX (32u << 20) /* bytes of a list */

/**
 * ms_spool_next() - take the next path off a list
 * @at: where it begins; moved behind it
 * @ret: points into @data
 *
 * Strict: a path is absolute, shorter than MS_PATH_MAX, and ends with a NUL. No I/O.
 *
 * Return: 0; -ENODATA at the end; -EBADMSG with a sentence.
 */
int ms_spool_next(const uint8_t *data, size_t len, size_t *at, const char **ret,
		  struct ms_error *err) _must_check_;

/**
 * struct ms_spool - a list that is being worked through
 * @fd: open and locked, so that no other batch works through it as well
 * @data, @len: what is in it; owned
 */
struct ms_spool {
	const char *path;
	int fd;
	uint8_t *data;
	size_t len;
};
#define MS_SPOOL_INIT    \
	{                \
		.fd = -1 \
	}
void ms_spool_close(struct ms_spool *s);
#define _cleanup_spool_ _cleanup_(ms_spool_close)

/**
 * ms_spool_open() - lock and read a list
 * @ret: borrows @path
 * Return: 0; -ENOENT, -EBUSY (another process has it), -EFBIG, ... with a sentence.
 */
int ms_spool_open(const char *path, struct ms_spool *ret,
		  struct ms_error *err) _must_check_;

/**
 * ms_spool_done() - remove a list that is worked through
 * Return: 0; -EAGAIN with a sentence when something was added to it meanwhile: it stays;
 * a negative errno with a sentence when it cannot be removed.
 */
int ms_spool_done(struct ms_spool *s, struct ms_error *err) _must_check_;

#endif
