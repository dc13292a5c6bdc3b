/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files that read archives share with each other and with nobody else. */
#ifndef MS_ARCHIVE_READ_H
#define MS_ARCHIVE_READ_H

#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>
#include "lib/limits.h"
#include "verifier/archive.h"

#define MS_ARCHIVE_BLOCK 65536u

enum ms_archive_kind {
	MS_ARCHIVE_TAR,
	MS_ARCHIVE_DEB,
	MS_ARCHIVE_RPM,
	MS_ARCHIVE_INITRAMFS,
};

/*
 * @offset: where the next block of the file is read
 * @left: bytes that may still come out of it
 * @outer, @inner: readers; a .deb's tar archive is read through the ar archive
 * @window, @at, @have: of an initramfs image, decompressed
 * @segment: where its compressed part begins; @pos: bytes since its cpio archives began
 */
struct ms_archive {
	int fd;
	struct stat st;
	enum ms_archive_kind kind;
	off_t offset, segment;
	uint64_t left;
	size_t max;
	unsigned int members;
	bool (*wanted)(const char *path);
	void (*large)(void *arg);
	void *large_arg;
	struct archive *outer, *inner;
	uint8_t *data;
	size_t len, cap, at, have;
	uint64_t pos;
	char path[MS_PATH_MAX + 2], link[MS_PATH_MAX + 2];
	char target[MS_PATH_MAX + 1];
	uint8_t block[MS_ARCHIVE_BLOCK], member[MS_ARCHIVE_BLOCK],
		window[MS_ARCHIVE_BLOCK];
};

/* These complain, and return what their caller may return. @l: who knows why, or NULL */
int ms_archive_damaged(struct archive *l, struct ms_error *err);
int ms_archive_too_much(struct ms_error *err);

/** ms_archive_read_file() - an archive_read_callback: the file from @offset on */
la_ssize_t ms_archive_read_file(struct archive *l, void *arg, const void **ret);

/**
 * ms_archive_start() - a libarchive reader
 * @raw: of what is compressed alone, whatever is in it; else of tar, RPM and cpio, too
 * @source: called with @a
 *
 * Return: 0; -ENOMEM; -ENOPKG (no such libarchive); -EBADMSG with a sentence.
 */
int ms_archive_start(struct ms_archive *a, bool raw, archive_read_callback *source,
		     struct archive **ret, struct ms_error *err) _must_check_;

/** ms_archive_grow() - room for @want bytes of a member. Return: 0, -ENOMEM, -EFBIG */
int ms_archive_grow(struct ms_archive *a, size_t want) _must_check_;
/** ms_archive_count() - one more member. Return: 0 or -EFBIG with a sentence */
int ms_archive_count(struct ms_archive *a, struct ms_error *err) _must_check_;
/** ms_archive_set_path() - a member's own name, from the top. Return: 0, or -EBADMSG
 * where it is no sound path */
int ms_archive_set_path(struct ms_archive *a, const char *name) _must_check_;
/** ms_archive_set_link() - where a link at @from leads. Return: 0, -ENOMEM, -EBADMSG */
int ms_archive_set_link(struct ms_archive *a, const char *from,
			const char *target) _must_check_;

/* archive_package.c; they return as ms_archive_open() and ms_archive_next(). */

/** ms_archive_open_deb() - goes to data.tar, whatever it is compressed with */
int ms_archive_open_deb(struct ms_archive *a, struct ms_error *err) _must_check_;
int ms_archive_next_of_package(struct ms_archive *a, struct ms_member *ret,
			       struct ms_error *err) _must_check_;

/* archive_initramfs.c; so do they. */

/** ms_archive_open_packed() - what is compressed and begins at @segment */
int ms_archive_open_packed(struct ms_archive *a, struct ms_error *err) _must_check_;
int ms_archive_next_of_initramfs(struct ms_archive *a, struct ms_member *ret,
				 struct ms_error *err) _must_check_;

#endif
