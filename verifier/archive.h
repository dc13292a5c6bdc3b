/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packages and initramfs images: what is in them, one member after the other, never on
 * disk. archive*.c are the only users of libarchive.
 */
#ifndef MS_ARCHIVE_H
#define MS_ARCHIVE_H

#include <stdbool.h>
#include <stdint.h>
#include "lib/error.h"

#define MS_ARCHIVE_MEMBERS_MAX 1000000u /* of one archive */

struct ms_archive;

/**
 * struct ms_member - one that was wanted
 * @path: in the archive, beginning with a slash; raw; valid until the next one
 * @data, @len: its content; valid until the next one; NULL for a link
 * @ino: members of a cpio archive with the same number, not 0, are one file
 * @link: where a symbolic or hard link leads, as @path, as far as that is inside; else
 *	NULL
 */
struct ms_member {
	const char *path;
	const uint8_t *data;
	size_t len;
	uint64_t ino;
	const char *link;
};

/**
 * ms_archive_open() - look whether a file is an archive
 * @wanted: which members are read; the others are passed by
 * @max: bytes that a member may have
 *
 * By content: .deb (ar with data.tar, compressed or not), .rpm, initramfs images
 * (cpio archives and compressed cpio archives, back to back) and tar archives, with gzip,
 * xz, zstd, lz4, bzip2 or lzma.
 *
 * Nothing grows beyond ms_inflate_limit() of the file's size, not a member and not all of
 * them together.
 *
 * Return: 0; -ENOMSG: it is none; -ENOMEM; else it cannot be read, with a sentence.
 */
int ms_archive_open(const char *path, bool (*wanted)(const char *path), size_t max,
		    struct ms_archive **ret, struct ms_error *err) _must_check_;

/**
 * ms_archive_next() - the next member that is wanted
 *
 * Return: 0; -ENODATA: that was all; -ENOMEM; -EBADMSG, -EFBIG, -EAGAIN or another errno
 * with a sentence: the rest cannot be read.
 */
int ms_archive_next(struct ms_archive *a, struct ms_member *ret,
		    struct ms_error *err) _must_check_;

/** ms_archive_on_large() - what is called before a member takes much memory */
void ms_archive_on_large(struct ms_archive *a, void (*large)(void *arg), void *arg);

/** ms_archive_rest() - give back the memory of a member that took much; it is gone then
 */
void ms_archive_rest(struct ms_archive *a);

void ms_archive_free(struct ms_archive *a);
static inline void ms_archive_freep(struct ms_archive **a)
{
	ms_archive_free(*a);
}
#define _cleanup_archive_ _cleanup_(ms_archive_freep)

/** ms_archive_join() - where a link in @path leads that says @target, cleaned of "." and
 * "..". Return: from malloc(); NULL: no memory */
char *ms_archive_join(const char *path, const char *target);

#endif
