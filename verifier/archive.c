/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verifier/archive_read.h"

#include <errno.h>
#include <fcntl.h>
#include "compress/decompress.h"
#include "lib/file.h"

#define DETECT (256u << 10) /* of the file, to see what it is */

void ms_archive_free(struct ms_archive *a)
{
	if (!a)
		return;
	archive_read_free(a->inner);
	archive_read_free(a->outer);
	if (a->fd >= 0)
		close(a->fd);
	free(a->data);
	free(a);
}

static bool is(const uint8_t *p, size_t len, size_t at, const char *magic, size_t n)
{
	return len >= at + n && !memcmp(p + at, magic, n);
}

static int kind_of(const uint8_t *p, size_t len, enum ms_archive_kind *ret)
{
	if (is(p, len, 0, "070701", 6) || is(p, len, 0, "070702", 6))
		*ret = MS_ARCHIVE_INITRAMFS;
	else if (is(p, len, 0, "!<arch>\ndebian-binary", 21))
		*ret = MS_ARCHIVE_DEB;
	else if (is(p, len, 0, "\xed\xab\xee\xdb", 4))
		*ret = MS_ARCHIVE_RPM;
	else if (is(p, len, 257, "ustar", 5))
		*ret = MS_ARCHIVE_TAR;
	else
		return -ENOMSG;
	return 0;
}

/* As far as it can be decompressed: what is damaged further on is still an archive. */
static int detect_packed(struct ms_archive *a, const uint8_t *p, size_t len)
{
	_cleanup_inflater_ struct ms_inflater inf = {0};
	enum ms_compression c = ms_compression_detect(p, len);
	struct ms_error none = {0};
	la_ssize_t n = 0;
	size_t used;
	int rc;

	if (c != MS_PLAIN) {
		rc = ms_inflate(&inf, c, p, len, &used);
		return rc == -ENOMEM ? rc : kind_of(inf.out, inf.len, &a->kind);
	}
	rc = ms_archive_open_packed(a, &none);
	if (!rc)
		n = archive_read_data(a->inner, a->window, 512);
	return n > 0 ? kind_of(a->window, (size_t)n, &a->kind)
		     : (rc == -ENOMEM ? rc : -ENOMSG);
}

/* What the file is, or what is in it if it is compressed. */
static int detect(struct ms_archive *a)
{
	_cleanup_free_ uint8_t *p = malloc(DETECT);
	ssize_t n;

	if (!p)
		return -ENOMEM;
	n = pread(a->fd, p, DETECT, 0);
	if (n < 0)
		return -ENOMSG;
	return kind_of(p, (size_t)n, &a->kind) ? detect_packed(a, p, (size_t)n) : 0;
}

static void start_over(struct ms_archive *a)
{
	archive_read_free(a->inner);
	a->inner = NULL;
	a->offset = 0;
	a->left = MS_MAX((uint64_t)MS_INFLATE_FREE,
			 (uint64_t)a->st.st_size * MS_INFLATE_RATIO);
}

static int look(struct ms_archive *a, struct ms_error *err)
{
	int rc = detect(a);

	start_over(a);
	if (rc || a->kind == MS_ARCHIVE_INITRAMFS)
		return rc;
	return a->kind == MS_ARCHIVE_DEB
		       ? ms_archive_open_deb(a, err)
		       : ms_archive_start(a, false, ms_archive_read_file, &a->inner, err);
}

int ms_archive_open(const char *path, bool (*wanted)(const char *path), size_t max,
		    struct ms_archive **ret, struct ms_error *err)
{
	_cleanup_archive_ struct ms_archive *a = calloc(1, sizeof(*a));
	struct ms_error none = {0};
	int rc;

	if (!a)
		return -ENOMEM;
	a->wanted = wanted;
	a->fd = -1;
	/* What cannot be opened is no archive: who reads it as a file says why. */
	if (ms_file_open(AT_FDCWD, path, &a->fd, &none) || fstat(a->fd, &a->st))
		return -ENOMSG;
	a->max = MS_MIN(max, ms_inflate_limit((size_t)a->st.st_size));
	rc = look(a, err);
	if (!rc)
		*ret = TAKE_PTR(a);
	return rc;
}

void ms_archive_on_large(struct ms_archive *a, void (*large)(void *arg), void *arg)
{
	a->large = large;
	a->large_arg = arg;
}

void ms_archive_rest(struct ms_archive *a)
{
	if (a->cap <= MS_INFLATE_FREE)
		return;
	free(a->data);
	a->data = NULL;
	a->cap = a->len = 0;
}

int ms_archive_next(struct ms_archive *a, struct ms_member *ret, struct ms_error *err)
{
	struct ms_error own = {0};
	const struct ms_file f = {.st = a->st};
	int rc;

	rc = a->kind == MS_ARCHIVE_INITRAMFS ? ms_archive_next_of_initramfs(a, ret, &own)
					     : ms_archive_next_of_package(a, ret, &own);
	if (rc && rc != -ENOMEM && !ms_file_unchanged(&f, a->fd))
		rc = ms_error_set(&own, -EAGAIN, "changed",
				  "it changed while it was read");
	if (rc && err)
		*err = own;
	return rc;
}
