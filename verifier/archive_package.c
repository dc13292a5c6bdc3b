/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packages (.deb, .rpm) and tar archives, by libarchive. */
#include "verifier/archive_read.h"

#include <errno.h>

static int read_member(struct ms_archive *a, struct archive *l, struct ms_error *err)
{
	a->len = 0;
	for (;;) {
		la_ssize_t n;
		int rc = ms_archive_grow(a, a->len + 1);

		if (rc == -EFBIG)
			return ms_archive_too_much(err);
		if (rc)
			return rc;
		n = archive_read_data(l, a->data + a->len, a->cap - a->len);
		if (n < 0)
			return ms_archive_damaged(l, err);
		if (!n)
			return 0;
		a->len += (size_t)n;
		/* One byte more than what it may have tells whether there are more. */
		if (a->len == a->max)
			return ms_archive_too_much(err);
	}
}

static int fill_in(struct ms_archive *a, struct archive *l, struct archive_entry *e,
		   struct ms_member *ret, struct ms_error *err)
{
	struct ms_member m = {.path = a->path};
	const char *hard = archive_entry_hardlink(e), *soft = archive_entry_symlink(e);
	int rc = 0;

	if (hard || soft) {
		rc = hard ? ms_archive_set_link(a, "/", hard)
			  : ms_archive_set_link(a, a->path, soft);
		m.link = a->link;
	} else if (archive_entry_filetype(e) == AE_IFREG) {
		rc = read_member(a, l, err);
		m.data = a->data;
		m.len = a->len;
		/* Of hard links in a cpio archive only the last has the content. */
		if (archive_entry_nlink(e) > 1 && a->kind == MS_ARCHIVE_RPM)
			m.ino = (uint64_t)archive_entry_ino64(e);
	}
	if (rc)
		return rc == -EBADMSG ? ms_archive_damaged(NULL, err) : rc;
	*ret = m;
	return 0;
}

/* Behind a package's files there is nothing: dpkg does not look at it either. */
static int end_of_package(struct ms_archive *a, struct ms_error *err)
{
	struct archive_entry *e;
	int r;

	if (a->kind != MS_ARCHIVE_DEB)
		return -ENODATA;
	r = archive_read_next_header(a->outer, &e);
	if (r == ARCHIVE_EOF)
		return -ENODATA;
	if (r < ARCHIVE_WARN)
		return ms_archive_damaged(a->outer, err);
	return ms_error_set(
		err, -EBADMSG, "damaged-archive",
		"the archive is damaged: there is something behind its files");
}

int ms_archive_next_of_package(struct ms_archive *a, struct ms_member *ret,
			       struct ms_error *err)
{
	struct archive_entry *e;
	const char *name;
	int r, rc;

	for (;;) {
		r = archive_read_next_header(a->inner, &e);
		if (r == ARCHIVE_EOF)
			return end_of_package(a, err);
		if (r < ARCHIVE_WARN)
			return ms_archive_damaged(a->inner, err);
		rc = ms_archive_count(a, err);
		if (rc)
			return rc;
		name = archive_entry_pathname(e);
		if (!name)
			name = archive_entry_pathname_utf8(e);
		if (!name || ms_archive_set_path(a, name))
			return ms_archive_damaged(NULL, err);
		/* Before it is read or passed by, which is work as well. */
		if (archive_entry_size(e) < 0 ||
		    (uint64_t)archive_entry_size(e) > a->left)
			return ms_archive_too_much(err);
		a->left -= (uint64_t)archive_entry_size(e);
		if (archive_entry_filetype(e) != AE_IFDIR && a->wanted(a->path))
			return fill_in(a, a->inner, e, ret, err);
	}
}

static la_ssize_t read_outer(struct archive *l, void *arg, const void **ret)
{
	struct ms_archive *a = arg;
	la_ssize_t n = archive_read_data(a->outer, a->member, sizeof(a->member));

	if (n < 0) {
		archive_set_error(l, EINVAL, "the ar archive is damaged");
		return -1;
	}
	*ret = a->member;
	return n;
}

int ms_archive_open_deb(struct ms_archive *a, struct ms_error *err)
{
	struct archive_entry *e;
	const char *name;
	int r;

	a->outer = archive_read_new();
	if (!a->outer || archive_read_support_format_ar(a->outer))
		return -ENOMEM;
	if (archive_read_open(a->outer, a, NULL, ms_archive_read_file, NULL) <
	    ARCHIVE_WARN)
		return ms_archive_damaged(a->outer, err);
	do {
		r = archive_read_next_header(a->outer, &e);
		if (r == ARCHIVE_EOF)
			return ms_error_set(err, -EBADMSG, "damaged-archive",
					    "the archive is damaged: no data.tar in it");
		if (r < ARCHIVE_WARN)
			return ms_archive_damaged(a->outer, err);
		name = archive_entry_pathname(e);
	} while (!name || strncmp(name, "data.tar", 8) != 0);
	return ms_archive_start(a, false, read_outer, &a->inner, err);
}
