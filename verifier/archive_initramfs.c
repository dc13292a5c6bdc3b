/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Initramfs images: cpio archives and compressed cpio archives, back to back.
 */
#include "verifier/archive_read.h"

#include <errno.h>
#include "verifier/cpio.h"

int ms_archive_open_packed(struct ms_archive *a, struct ms_error *err)
{
	struct archive_entry *e;
	int rc = ms_archive_start(a, true, ms_archive_read_file, &a->inner, err);

	if (rc)
		return rc;
	if (archive_read_next_header(a->inner, &e) < ARCHIVE_WARN)
		return ms_archive_damaged(a->inner, err);
	if (archive_filter_code(a->inner, 0) == ARCHIVE_FILTER_NONE)
		return ms_error_set(err, -EBADMSG, "damaged-archive",
				    "the archive is damaged: neither a cpio archive nor "
				    "compressed at byte %lld",
				    (long long)a->segment);
	return 0;
}

/* More in the window: 1, 0 at the end of the file or of its compressed part. */
static int more(struct ms_archive *a, struct ms_error *err)
{
	la_ssize_t n;

	if (a->at < a->have)
		return 1;
	a->at = a->have = 0;
	if (a->inner) {
		n = archive_read_data(a->inner, a->window, sizeof(a->window));
		if (n < 0)
			return ms_archive_damaged(a->inner, err);
	} else {
		n = pread(a->fd, a->window, sizeof(a->window), a->offset);
		if (n < 0)
			return ms_error_set(err, -errno, NULL, "%s", ms_strerror(errno));
		a->offset += n;
	}
	if ((uint64_t)n > a->left)
		return ms_archive_too_much(err);
	a->left -= (uint64_t)n;
	a->have = (size_t)n;
	return n > 0;
}

/* Exactly so many bytes; without @dst they are passed by. */
static int take(struct ms_archive *a, void *dst, uint64_t len, struct ms_error *err)
{
	uint8_t *to = dst;

	while (len) {
		int rc = more(a, err);
		size_t n;

		if (rc < 0)
			return rc;
		if (!rc)
			return ms_error_set(err, -EBADMSG, "damaged-archive",
					    "the archive is damaged: it is cut off");
		n = MS_MIN(len, (uint64_t)(a->have - a->at));
		if (to) {
			memcpy(to, a->window + a->at, n);
			to += n;
		}
		a->at += n;
		a->pos += n;
		len -= n;
	}
	return 0;
}

static int padding(struct ms_archive *a, struct ms_error *err)
{
	return take(a, NULL, -a->pos & 3, err);
}

/* What follows a compressed part begins right behind it. */
static int leave_packed(struct ms_archive *a)
{
	int64_t used = archive_filter_bytes(a->inner, -1);

	archive_read_free(a->inner);
	a->inner = NULL;
	if (used <= 0)
		return -EBADMSG;
	a->offset = a->segment + used;
	a->pos = 0;
	return 0;
}

/*
 * To the next header, as init/initramfs.c goes: zeros are passed by, and what is no cpio
 * archive is compressed. Return: 0 or -ENODATA.
 */
static int to_header(struct ms_archive *a, struct ms_error *err)
{
	int rc;

	for (;;) {
		rc = more(a, err);
		if (rc < 0)
			return rc;
		if (!rc) {
			if (!a->inner)
				return -ENODATA;
			rc = leave_packed(a);
			if (rc)
				return ms_archive_damaged(NULL, err);
		} else if (!a->window[a->at]) {
			a->at++;
			a->pos++;
		} else if (a->window[a->at] == '0' && !(a->pos & 3)) {
			return 0;
		} else if (a->inner) {
			return ms_archive_damaged(NULL, err);
		} else {
			a->segment = a->offset - (off_t)(a->have - a->at);
			a->offset = a->segment;
			a->at = a->have = 0;
			a->pos = 0;
			rc = ms_archive_open_packed(a, err);
			if (rc)
				return rc;
		}
	}
}

static int take_content(struct ms_archive *a, uint32_t size, struct ms_error *err)
{
	int rc = 0;

	if (size >= a->max)
		return ms_archive_too_much(err);
	/* Memory is taken for what is there, not for what a header says. */
	for (a->len = 0; a->len < size && !rc;) {
		size_t n = MS_MIN((size_t)MS_ARCHIVE_BLOCK, size - a->len);

		rc = ms_archive_grow(a, a->len + n);
		if (!rc)
			rc = take(a, a->data + a->len, n, err);
		if (!rc)
			a->len += n;
	}
	return rc == -EFBIG && !*err->msg ? ms_archive_too_much(err) : rc;
}

static int cpio_member(struct ms_archive *a, const struct ms_cpio_header *h,
		       struct ms_member *ret, struct ms_error *err)
{
	struct ms_member m = {.path = a->path};
	int rc = 0;

	if (S_ISREG(h->mode)) {
		rc = take_content(a, h->size, err);
		m.data = a->data ? a->data : a->window;
		m.len = a->len;
		m.ino = h->nlink > 1 ? h->ino : 0;
	} else if (S_ISLNK(h->mode) && h->size < sizeof(a->target)) {
		rc = take(a, a->target, h->size, err);
		a->target[h->size] = 0;
		if (!rc)
			rc = ms_archive_set_link(a, a->path, a->target);
		m.link = a->link;
	} else {
		rc = take(a, NULL, h->size, err);
	}
	if (!rc)
		rc = padding(a, err);
	if (rc == -EBADMSG && !*err->msg)
		rc = ms_archive_damaged(NULL, err);
	if (!rc)
		*ret = m;
	return rc;
}

int ms_archive_next_of_initramfs(struct ms_archive *a, struct ms_member *ret,
				 struct ms_error *err)
{
	uint8_t raw[MS_CPIO_HEADER];
	char name[MS_PATH_MAX + 1];
	struct ms_cpio_header h;
	int rc;

	for (;;) {
		rc = to_header(a, err);
		if (!rc)
			rc = take(a, raw, sizeof(raw), err);
		if (!rc && ms_cpio_header_parse(raw, sizeof(raw), &h))
			rc = ms_archive_damaged(NULL, err);
		if (!rc)
			rc = ms_archive_count(a, err);
		if (!rc)
			rc = take(a, name, h.name_size, err);
		if (!rc)
			rc = padding(a, err);
		if (rc)
			return rc;
		if (name[h.name_size - 1] || ms_archive_set_path(a, name))
			return ms_archive_damaged(NULL, err);
		if (!S_ISDIR(h.mode) && a->wanted(a->path))
			return cpio_member(a, &h, ret, err);
		rc = take(a, NULL, h.size, err);
		if (!rc)
			rc = padding(a, err);
		if (rc)
			return rc;
	}
}
