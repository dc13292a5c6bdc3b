/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MS_FILE_H
#define MS_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include "lib/error.h"

/**
 * struct ms_file - a regular file read whole into private memory
 * @data: owned (malloc), never a mapping that others could change; reused by the next
 * read
 * @st: as it was when it was opened
 */
struct ms_file {
	uint8_t *data;
	size_t len, cap;
	struct stat st;
};
void ms_file_clear(struct ms_file *f);
#define _cleanup_file_ _cleanup_(ms_file_clear)

/**
 * ms_file_read() - read a regular file once
 * @dirfd: as openat(); AT_FDCWD
 * @max: larger files are -EFBIG
 * @f: reuses the memory of an earlier read; room for @extra more bytes is left after the
 * end
 *
 * Opens with O_NONBLOCK|O_NOCTTY|O_CLOEXEC, so that a FIFO or a device never hangs it,
 * and follows symlinks. A file that changes its size while it is read is -EAGAIN.
 *
 * Return: 0; -EISDIR, -EINVAL (FIFO, device, socket: "not a regular file"), -EFBIG,
 * -ENOENT, -EACCES, ...; @err has the sentence without the path's "what failed" prefix.
 */
int ms_file_read(int dirfd, const char *path, size_t max, size_t extra, struct ms_file *f,
		 struct ms_error *err) _must_check_;

/**
 * ms_file_open() - open a regular file for reading, never waiting for one
 * @ret_fd: to be closed by the caller
 *
 * The first half of ms_file_read(), for callers that need the descriptor as well.
 *
 * Return: as ms_file_read().
 */
int ms_file_open(int dirfd, const char *path, int *ret_fd,
		 struct ms_error *err) _must_check_;

/** ms_file_stat() - fstat() of a regular file of at most @max bytes. Return: as
 * ms_file_read() */
int ms_file_stat(int fd, size_t max, struct stat *ret, struct ms_error *err) _must_check_;

/** ms_file_read_fd() - the second half of ms_file_read(): from the start of @fd */
int ms_file_read_fd(int fd, size_t max, size_t extra, struct ms_file *f,
		    struct ms_error *err) _must_check_;

/** ms_file_unchanged() - true while @fd has the size and times of @f->st */
bool ms_file_unchanged(const struct ms_file *f, int fd);

/**
 * ms_file_is_at() - does @path still lead to the file @fd, or to one in its very place?
 *
 * False when nothing is there any more, or a link, put there meanwhile, to something
 * else, which ms_file_replace() would replace. It may be put there afterwards still: that
 * others cannot write to the folder is up to whoever works in it.
 */
bool ms_file_is_at(const char *path, int fd);

#define MS_FILE_TEMP_PREFIX ".modseal-"

/**
 * ms_file_clean_up_on_signals() - remove temporary files when SIGINT, SIGTERM or SIGHUP
 * ends us
 *
 * For programs; call once. A signal that is ignored stays ignored. Covers up to 256 files
 * that are being written at the same time; SIGKILL leaves a file whose name starts with
 * MS_FILE_TEMP_PREFIX, which nothing reads and which may be deleted.
 */
void ms_file_clean_up_on_signals(void);

/**
 * ms_file_remove_temporary() - remove the temporary files that are being written now
 *
 * From then on ms_file_replace() makes none and fails with -EINTR, in all threads.
 *
 * Just before a program ends; may be called in a signal handler.
 */
void ms_file_remove_temporary(void);

/**
 * ms_file_replace() - put new content in a file's place, all or nothing
 * @path: the file; a symlink is followed, so that what it points to is replaced
 * @like: when not -1, mode, owner and extended attributes are taken from this open file;
 *        a group that may not be set is no error when the file is ours, and neither are
 *        attributes that the file system or its policy refuses. security.ima and
 *        security.evm speak of the old content and are left behind.
 * @mode: mode when @like is -1, less the umask
 * @iov, @n: the content
 * @sync: fsync the file before the rename and its folder after it, so that the new file
 * is there after a crash, too (old or new it is either way). Where the folder may not be
 * read, or cannot be synced, all of the file system is.
 *
 * Temporary file in the same directory (O_TMPFILE is not used: linkat() cannot replace),
 * removed on every failure; its name starts with ".modseal-" and sweeps are possible. A
 * process killed at any moment leaves the file old or new.
 *
 * What stands at @path must be a regular file or nothing: a device, a FIFO or a directory
 * is refused and never replaced.
 *
 * Return: 0 or a negative errno (-EROFS, -ENOSPC, -EACCES, ...) with a sentence in @err.
 * Then the file is the old one, unless the sentence says that it is replaced: what comes
 * after the rename, the folder's fsync, has failed.
 */
int ms_file_replace(const char *path, int like, mode_t mode, const struct iovec *iov,
		    int n, bool sync, struct ms_error *err) _must_check_;

/**
 * ms_file_replaceable() - would ms_file_replace() find its folder writable?
 *
 * Before something is done that cannot be undone; it may have changed by then.
 *
 * Return: as ms_file_replace().
 */
int ms_file_replaceable(const char *path, struct ms_error *err) _must_check_;

/** ms_file_link_over() - put another name of the file @from in @path's place, in one
 * step, and on the disk, as ms_file_replace() with its @sync Return: 0 or a negative
 * errno, with a sentence. */
int ms_file_link_over(const char *from, const char *path,
		      struct ms_error *err) _must_check_;

#endif
