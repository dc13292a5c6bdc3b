/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading a file whole. Replacing one is in file_replace.c.
 */
#include <errno.h>
#include <fcntl.h>
#include "lib/file.h"

void ms_file_clear(struct ms_file *f)
{
	free(f->data);
	*f = (struct ms_file){0};
}

static int open_error(int e, struct ms_error *err)
{
	switch (e) {
	case ENOENT:
	case ENOTDIR:
		return ms_error_set(err, -e, "no-such-file", "no such file");
	case ENXIO: /* a socket, or a device without a driver */
		return ms_error_set(err, -EINVAL, "not-a-file", "not a regular file");
	default:
		return ms_error_set(err, -e, "cannot-open", "cannot be opened: %s",
				    ms_strerror(e));
	}
}

int ms_file_open(int dirfd, const char *path, int *ret_fd, struct ms_error *err)
{
	int fd = openat(dirfd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		return open_error(errno, err);
	*ret_fd = fd;
	return 0;
}

static int check_kind(const struct stat *st, size_t max, struct ms_error *err)
{
	if (S_ISDIR(st->st_mode))
		return ms_error_set(err, -EISDIR, "is-a-directory",
				    "is a directory, not a file");
	if (!S_ISREG(st->st_mode))
		return ms_error_set(err, -EINVAL, "not-a-file", "not a regular file");
	if ((uint64_t)st->st_size > max)
		return ms_error_set(err, -EFBIG, "too-large",
				    "has %lld bytes, and at most %zu are accepted",
				    (long long)st->st_size, max);
	return 0;
}

int ms_file_stat(int fd, size_t max, struct stat *ret, struct ms_error *err)
{
	struct stat st;
	int r;

	if (fstat(fd, &st) < 0)
		return ms_error_set(err, -errno, "cannot-read", "cannot be read: %s",
				    ms_strerror(errno));
	r = check_kind(&st, max, err);
	if (r == 0)
		*ret = st;
	return r;
}

static int reserve(struct ms_file *f, size_t need)
{
	uint8_t *p;

	if (f->cap >= need)
		return 0;
	p = malloc(need);
	if (!p)
		return -ENOMEM;
	free(f->data);
	f->data = p;
	f->cap = need;
	return 0;
}

int ms_file_read_fd(int fd, size_t max, size_t extra, struct ms_file *f,
		    struct ms_error *err)
{
	struct stat st;
	size_t size, got = 0;
	int r;

	r = ms_file_stat(fd, max, &st, err);
	if (r < 0)
		return r;
	size = (size_t)st.st_size;
	/* One byte more than the file has, so that the same read sees its end. */
	if (extra > SIZE_MAX - size - 1 || reserve(f, size + extra + 1) < 0)
		return ms_error_set(err, -ENOMEM, "no-memory",
				    "no memory for its %zu bytes", size);
	f->len = 0;
	while (got <= size) {
		ssize_t n = pread(fd, f->data + got, size + 1 - got, (off_t)got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return ms_error_set(err, -errno, "cannot-read",
					    "cannot be read: %s", ms_strerror(errno));
		got += (size_t)n;
		if (n == 0 || got == size)
			break;
	}
	if (got != size)
		return ms_error_set(err, -EAGAIN, "file-changed",
				    "changed its size while it was read: try again");
	f->len = size;
	f->st = st;
	return 0;
}

int ms_file_read(int dirfd, const char *path, size_t max, size_t extra, struct ms_file *f,
		 struct ms_error *err)
{
	_cleanup_close_ int fd = -1;
	int r = ms_file_open(dirfd, path, &fd, err);

	return r < 0 ? r : ms_file_read_fd(fd, max, extra, f, err);
}

bool ms_file_unchanged(const struct ms_file *f, int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_size == f->st.st_size &&
	       st.st_mtim.tv_sec == f->st.st_mtim.tv_sec &&
	       st.st_mtim.tv_nsec == f->st.st_mtim.tv_nsec;
}

bool ms_file_is_at(const char *path, int fd)
{
	struct stat st, there;

	if (lstat(path, &there) < 0)
		return false;
	if (!S_ISLNK(there.st_mode))
		return S_ISREG(there.st_mode);
	return stat(path, &there) == 0 && fstat(fd, &st) == 0 &&
	       st.st_dev == there.st_dev && st.st_ino == there.st_ino;
}
