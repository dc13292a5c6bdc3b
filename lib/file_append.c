/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/xattr.h>
#include "lib/file_append.h"
#include "lib/file_error.h"

/* The smallest that Linux has. */
#define PAGE 4096u

static bool within_a_page(uint64_t from, size_t len)
{
	return len && from / PAGE == (from + len - 1) / PAGE;
}

/* Attributes that say something about the content, and would be wrong afterwards. */
static bool is_about_content(const char *name)
{
	return strcmp(name, "security.ima") == 0 || strcmp(name, "security.evm") == 0 ||
	       strcmp(name, "security.capability") == 0;
}

static bool has_plain_attributes(int fd)
{
	char names[1024];
	ssize_t n = flistxattr(fd, names, sizeof(names));

	if (n < 0)
		return errno == ENOTSUP;
	for (const char *p = names; p < names + n; p += strlen(p) + 1) {
		if (is_about_content(p))
			return false;
	}
	return true;
}

static bool is_same(int fd, const struct stat *st)
{
	struct stat now;

	return fstat(fd, &now) == 0 && now.st_dev == st->st_dev &&
	       now.st_ino == st->st_ino && now.st_nlink == 1 &&
	       !(now.st_mode & (S_ISUID | S_ISGID));
}

/* Whoever may read the file may hold a lock on it: nobody waits for one, or fails. */
static bool lock(int fd)
{
	struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	return fcntl(fd, F_OFD_SETLK, &whole) == 0;
}

/* What a limit would cut could not be taken back by a process that is killed then. */
static bool within_limit(uint64_t end)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_FSIZE, &limit) == 0 && end <= limit.rlim_cur;
}

/* A file system that finds out late says so when one of its descriptors is closed. */
static int flush(int fd)
{
	int second = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	if (second < 0)
		return -errno;
	return close(second) < 0 ? -errno : 0;
}

static int add(int fd, uint64_t at, const struct iovec *iov, int n, size_t len)
{
	ssize_t done;

	do
		done = pwritev(fd, iov, n, (off_t)at);
	while (done < 0 && errno == EINTR);
	if (done < 0)
		return -errno;
	if ((size_t)done == len)
		return flush(fd);
	/* Once more, to hear why. */
	return pwrite(fd, "", 1, (off_t)at + done) < 0 ? -errno : -EIO;
}

static int take_back(int fd, uint64_t at, int r, struct ms_error *err)
{
	if (ftruncate(fd, (off_t)at) < 0)
		return ms_error_set(err, r, "file-damaged",
				    "%s, and what was written of the signature could not "
				    "be taken back: %s: build it again",
				    ms_strerror(r), ms_strerror(errno));
	return ms_file_write_error(r, err);
}

int ms_file_append(const char *path, int fd, const struct ms_file *f,
		   const struct iovec *iov, int n, struct ms_error *err)
{
	_cleanup_close_ int to = -1;
	size_t len = 0;
	int r;

	for (int i = 0; i < n; i++)
		len += iov[i].iov_len;
	if (!within_a_page(f->len, len) || !within_limit(f->len + len) ||
	    !has_plain_attributes(fd))
		return 0;
	to = open(path, O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (to < 0 || !is_same(to, &f->st) || !lock(to))
		return 0;
	if (!ms_file_unchanged(f, to))
		return ms_error_set(err, -EAGAIN, "file-changed",
				    "changed while it was being signed: try again");
	r = add(to, f->len, iov, n, len);
	return r < 0 ? take_back(to, f->len, r, err) : 1;
}
