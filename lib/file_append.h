/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MS_FILE_APPEND_H
#define MS_FILE_APPEND_H

#include "lib/file.h"

/**
 * ms_file_append() - add to the end of a file in its place, all or nothing
 * @path, @fd, @f: the file as it was read, and as it must still be
 * @iov, @n: what is added
 *
 * For files that were written a moment ago: it costs one write of a few hundred bytes
 * where ms_file_replace() writes the whole once more, and nobody waits for the disk. What
 * is added lies within one page, which neither a signal nor SIGKILL cuts in two
 * (generic_perform_write() in the kernel's mm/filemap.c looks for them between pages),
 * and what did not fit is taken back. A lock keeps two of us apart: who does not get it
 * replaces the file.
 *
 * Not possible, and nothing done, for files with another name (hard links), with set-id
 * bits, with attributes that are about the content (IMA, EVM, capabilities), that cannot
 * be opened for writing, that somebody has locked, or where a page, or RLIMIT_FSIZE, ends
 * in between.
 *
 * Return: 1 (added), 0 (not possible: ms_file_replace() is), -EAGAIN (somebody changed
 * the file), -ENOSPC, -EFBIG, ... with a sentence.
 */
int ms_file_append(const char *path, int fd, const struct ms_file *f,
		   const struct iovec *iov, int n, struct ms_error *err) _must_check_;

#endif
