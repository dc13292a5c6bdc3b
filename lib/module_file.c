/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include "lib/escape.h"
#include "lib/file_append.h"
#include "lib/limits.h"
#include "lib/module_file.h"
#include "lib/trailer.h"

static bool starts_with(const uint8_t *p, size_t len, const char *magic, size_t n)
{
	return len >= n && memcmp(p, magic, n) == 0;
}

/* The agent decides what it signs; this saves sending it what cannot be a module. */
static int check_kind(const uint8_t *p, size_t len, struct ms_error *err)
{
	if (len == 0)
		return ms_error_set(err, -ENOEXEC, "not-a-module",
				    "is empty, not a kernel module: build it again");
	if (starts_with(p, len, "\177ELF", 4))
		return 0;
	if (starts_with(p, len, "\037\213", 2) || starts_with(p, len, "\3757zXZ", 6) ||
	    starts_with(p, len, "\050\265\057\375", 4))
		return ms_error_set(
			err, -ENOEXEC, "compressed-module",
			"is compressed, and a signature goes inside: decompress "
			"it, sign it, compress it again");
	return ms_error_set(err, -ENOEXEC, "not-a-module",
			    "not a kernel module: it does not start as an ELF file does");
}

int ms_module_payload(const uint8_t *p, size_t n, size_t *ret, struct ms_error *err)
{
	size_t len;
	int r = check_kind(p, n, err);

	if (r < 0)
		return r;
	r = ms_trailer_payload_len(p, n, &len);
	if (r < 0)
		return ms_error_set(
			err, r, "bad-trailer",
			"carries a damaged or unknown signature, which cannot be "
			"replaced: take the module as it was built");
	r = check_kind(p, len, err);
	if (r == 0)
		*ret = len;
	return r;
}

int ms_module_read(const char *path, struct ms_file *f, int *ret_fd,
		   size_t *ret_payload_len, struct ms_error *err)
{
	_cleanup_close_ int fd = -1;
	int r = ms_file_open(AT_FDCWD, path, &fd, err);

	if (r == 0)
		r = ms_file_read_fd(fd, MS_MODULE_MAX, 0, f, err);
	if (r == 0)
		r = ms_module_payload(f->data, f->len, ret_payload_len, err);
	if (r == 0)
		*ret_fd = TAKE_FD(fd);
	return r;
}

/* Only the end is new. */
static bool begins_with_file(const struct iovec *iov, int n, const struct ms_file *f)
{
	return n > 1 && iov[0].iov_base == f->data && iov[0].iov_len == f->len;
}

int ms_module_replace(const char *path, int fd, const struct ms_file *f,
		      const struct iovec *iov, int n, const char *dest, bool sync,
		      struct ms_error *err)
{
	char shown[300];
	int r;

	if (!ms_file_unchanged(f, fd) || (!dest && !ms_file_is_at(path, fd)))
		return ms_error_set(err, -EAGAIN, "file-changed",
				    "changed while it was being signed: try again");
	if (!dest && !sync && begins_with_file(iov, n, f)) {
		r = ms_file_append(path, fd, f, iov + 1, n - 1, err);
		if (r)
			return r < 0 ? r : 0;
	}
	r = ms_file_replace(dest ? dest : path, fd, 0, iov, n, sync, err);
	if (r < 0 && dest)
		ms_error_prefix(err, "the signed module %s",
				ms_escape_str(dest, shown, sizeof(shown)));
	return r;
}

int ms_module_append(const char *path, int fd, const struct ms_file *f,
		     size_t payload_len, const uint8_t *msg, size_t msg_len,
		     const char *dest, bool sync, struct ms_error *err)
{
	uint8_t trailer[MS_TRAILER_LEN];
	struct iovec iov[] = {
		{f->data, payload_len},
		{(void *)(uintptr_t)msg, msg_len},
		{trailer, sizeof(trailer)},
	};

	ms_trailer_build((uint32_t)msg_len, trailer);
	return ms_module_replace(path, fd, f, iov, ARRAY_SIZE(iov), dest, sync, err);
}
