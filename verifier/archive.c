/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include "lib/escape.h"
#include "lib/file.h"
#include "lib/limits.h"
#include "verifier/archive.h"
#include "verifier/cpio.h"
#include "compress/decompress.h"

#define BLOCK 65536u
#define DETECT (256u << 10) /* of the file, to see what it is */

enum kind {
	TAR,
	DEB,
	RPM,
	INITRAMFS,
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
	enum kind kind;
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
	uint8_t block[BLOCK], member[BLOCK], window[BLOCK];
};

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

/* ------------------------------------------------------------------ reading */

static la_ssize_t read_file(struct archive *l, void *arg, const void **ret)
{
	struct ms_archive *a = arg;
	ssize_t n = pread(a->fd, a->block, sizeof(a->block), a->offset);

	if (n < 0) {
		archive_set_error(l, errno, "it cannot be read");
		return -1;
	}
	a->offset += n;
	*ret = a->block;
	return n;
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

/* Only what is decompressed in this process: libarchive starts programs for the rest. */
static int support(struct archive *l, bool raw)
{
	int (*const filters[])(struct archive *) = {
		archive_read_support_filter_gzip,  archive_read_support_filter_xz,
		archive_read_support_filter_zstd,  archive_read_support_filter_lz4,
		archive_read_support_filter_bzip2, archive_read_support_filter_lzma,
	};

	for (size_t i = 0; i < ARRAY_SIZE(filters); i++)
		if (filters[i](l) != ARCHIVE_OK)
			return -ENOPKG;
	if (raw)
		return archive_read_support_format_raw(l) ? -ENOMEM : 0;
	if (archive_read_support_filter_rpm(l) || archive_read_support_format_tar(l) ||
	    archive_read_support_format_cpio(l))
		return -ENOMEM;
	/* What follows the end of a tar archive is unpacked by tar -i. */
	return archive_read_set_format_option(l, "tar", "read_concatenated_archives",
					      "1") < ARCHIVE_WARN
		       ? -ENOPKG
		       : 0;
}

static int damaged(struct archive *l, struct ms_error *err)
{
	const char *why = l ? archive_error_string(l) : NULL;
	char shown[256];

	if (l && archive_errno(l) == ENOMEM)
		return -ENOMEM;
	return ms_error_set(err, -EBADMSG, "damaged-archive",
			    "the archive is damaged%s%s", why ? ": " : "",
			    why ? ms_escape_str(why, shown, sizeof(shown)) : "");
}

static int too_much(struct ms_error *err)
{
	return ms_error_set(err, -EFBIG, "archive-too-large",
			    "the archive becomes larger than any package of its size");
}

static int start(struct ms_archive *a, bool raw, archive_read_callback *source,
		 struct archive **ret, struct ms_error *err)
{
	struct archive *l = archive_read_new();
	int rc = l ? support(l, raw) : -ENOMEM;

	if (!rc && archive_read_open(l, a, NULL, source, NULL) < ARCHIVE_WARN)
		rc = damaged(l, err);
	if (rc) {
		archive_read_free(l);
		return rc;
	}
	*ret = l;
	return 0;
}

/* Room for one more block of a member. */
static int grow(struct ms_archive *a, size_t want)
{
	size_t cap = MS_MAX(a->cap * 2, (size_t)BLOCK);
	uint8_t *p;

	cap = MS_MIN(MS_MAX(cap, want), a->max);
	if (want > cap)
		return -EFBIG;
	if (want <= a->cap)
		return 0;
	if (cap > MS_INFLATE_FREE && a->large)
		a->large(a->large_arg);
	p = realloc(a->data, cap);
	if (!p)
		return -ENOMEM;
	a->data = p;
	a->cap = cap;
	return 0;
}

static int count_member(struct ms_archive *a, struct ms_error *err)
{
	return ++a->members > MS_ARCHIVE_MEMBERS_MAX ? too_much(err) : 0;
}

/* A member's own name, from the top; 0, or -EBADMSG where it is no sound path. */
static int set_path(struct ms_archive *a, const char *name)
{
	while (*name == '/' || (*name == '.' && name[1] == '/'))
		name++;
	if (strlen(name) > MS_PATH_MAX)
		return -EBADMSG;
	a->path[0] = '/';
	memcpy(a->path + 1, name, strlen(name) + 1);
	return 0;
}

static int set_link(struct ms_archive *a, const char *from, const char *target)
{
	_cleanup_free_ char *to = ms_archive_join(from, target);

	if (!to)
		return -ENOMEM;
	if (strlen(to) > MS_PATH_MAX)
		return -EBADMSG;
	memcpy(a->link, to, strlen(to) + 1);
	return 0;
}

char *ms_archive_join(const char *path, const char *target)
{
	const char *slash = strrchr(path, '/');
	size_t dir = *target == '/' || !slash ? 0 : (size_t)(slash - path);
	char *out = malloc(dir + strlen(target) + 2);
	size_t n = 0;

	if (!out)
		return NULL;
	memcpy(out, path, dir);
	n = dir;
	while (*target) {
		size_t len = strcspn(target, "/");

		if (len == 2 && !memcmp(target, "..", 2)) {
			while (n && out[n - 1] != '/')
				n--;
			n -= n > 0;
		} else if (len && !(len == 1 && *target == '.')) {
			out[n++] = '/';
			memcpy(out + n, target, len);
			n += len;
		}
		target += len;
		target += *target == '/';
	}
	out[n] = 0;
	return out;
}

/* -------------------------------------------------------- packages, by libarchive */

static int read_member(struct ms_archive *a, struct archive *l, struct ms_error *err)
{
	a->len = 0;
	for (;;) {
		la_ssize_t n;
		int rc = grow(a, a->len + 1);

		if (rc == -EFBIG)
			return too_much(err);
		if (rc)
			return rc;
		n = archive_read_data(l, a->data + a->len, a->cap - a->len);
		if (n < 0)
			return damaged(l, err);
		if (!n)
			return 0;
		a->len += (size_t)n;
		/* One byte more than what it may have tells whether there are more. */
		if (a->len == a->max)
			return too_much(err);
	}
}

static int fill_in(struct ms_archive *a, struct archive *l, struct archive_entry *e,
		   struct ms_member *ret, struct ms_error *err)
{
	struct ms_member m = {.path = a->path};
	const char *hard = archive_entry_hardlink(e), *soft = archive_entry_symlink(e);
	int rc = 0;

	if (hard || soft) {
		rc = hard ? set_link(a, "/", hard) : set_link(a, a->path, soft);
		m.link = a->link;
	} else if (archive_entry_filetype(e) == AE_IFREG) {
		rc = read_member(a, l, err);
		m.data = a->data;
		m.len = a->len;
		/* Of hard links in a cpio archive only the last has the content. */
		if (archive_entry_nlink(e) > 1 && a->kind == RPM)
			m.ino = (uint64_t)archive_entry_ino64(e);
	}
	if (rc)
		return rc == -EBADMSG ? damaged(NULL, err) : rc;
	*ret = m;
	return 0;
}

/* Behind a package's files there is nothing: dpkg does not look at it either. */
static int end_of_package(struct ms_archive *a, struct ms_error *err)
{
	struct archive_entry *e;
	int r;

	if (a->kind != DEB)
		return -ENODATA;
	r = archive_read_next_header(a->outer, &e);
	if (r == ARCHIVE_EOF)
		return -ENODATA;
	if (r < ARCHIVE_WARN)
		return damaged(a->outer, err);
	return ms_error_set(
		err, -EBADMSG, "damaged-archive",
		"the archive is damaged: there is something behind its files");
}

static int next_of_package(struct ms_archive *a, struct ms_member *ret,
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
			return damaged(a->inner, err);
		rc = count_member(a, err);
		if (rc)
			return rc;
		name = archive_entry_pathname(e);
		if (!name)
			name = archive_entry_pathname_utf8(e);
		if (!name || set_path(a, name))
			return damaged(NULL, err);
		/* Before it is read or passed by, which is work as well. */
		if (archive_entry_size(e) < 0 ||
		    (uint64_t)archive_entry_size(e) > a->left)
			return too_much(err);
		a->left -= (uint64_t)archive_entry_size(e);
		if (archive_entry_filetype(e) != AE_IFDIR && a->wanted(a->path))
			return fill_in(a, a->inner, e, ret, err);
	}
}

/* Goes to data.tar, whatever it is compressed with. */
static int open_deb(struct ms_archive *a, struct ms_error *err)
{
	struct archive_entry *e;
	const char *name;
	int r;

	a->outer = archive_read_new();
	if (!a->outer || archive_read_support_format_ar(a->outer))
		return -ENOMEM;
	if (archive_read_open(a->outer, a, NULL, read_file, NULL) < ARCHIVE_WARN)
		return damaged(a->outer, err);
	do {
		r = archive_read_next_header(a->outer, &e);
		if (r == ARCHIVE_EOF)
			return ms_error_set(err, -EBADMSG, "damaged-archive",
					    "the archive is damaged: no data.tar in it");
		if (r < ARCHIVE_WARN)
			return damaged(a->outer, err);
		name = archive_entry_pathname(e);
	} while (!name || strncmp(name, "data.tar", 8) != 0);
	return start(a, false, read_outer, &a->inner, err);
}

/* ----------------------------------------------------------------- initramfs */

static int open_packed(struct ms_archive *a, struct ms_error *err)
{
	struct archive_entry *e;
	int rc = start(a, true, read_file, &a->inner, err);

	if (rc)
		return rc;
	if (archive_read_next_header(a->inner, &e) < ARCHIVE_WARN)
		return damaged(a->inner, err);
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
			return damaged(a->inner, err);
	} else {
		n = pread(a->fd, a->window, sizeof(a->window), a->offset);
		if (n < 0)
			return ms_error_set(err, -errno, NULL, "%s", ms_strerror(errno));
		a->offset += n;
	}
	if ((uint64_t)n > a->left)
		return too_much(err);
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
				return damaged(NULL, err);
		} else if (!a->window[a->at]) {
			a->at++;
			a->pos++;
		} else if (a->window[a->at] == '0' && !(a->pos & 3)) {
			return 0;
		} else if (a->inner) {
			return damaged(NULL, err);
		} else {
			a->segment = a->offset - (off_t)(a->have - a->at);
			a->offset = a->segment;
			a->at = a->have = 0;
			a->pos = 0;
			rc = open_packed(a, err);
			if (rc)
				return rc;
		}
	}
}

static int take_content(struct ms_archive *a, uint32_t size, struct ms_error *err)
{
	int rc = 0;

	if (size >= a->max)
		return too_much(err);
	/* Memory is taken for what is there, not for what a header says. */
	for (a->len = 0; a->len < size && !rc;) {
		size_t n = MS_MIN((size_t)BLOCK, size - a->len);

		rc = grow(a, a->len + n);
		if (!rc)
			rc = take(a, a->data + a->len, n, err);
		if (!rc)
			a->len += n;
	}
	return rc == -EFBIG && !*err->msg ? too_much(err) : rc;
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
			rc = set_link(a, a->path, a->target);
		m.link = a->link;
	} else {
		rc = take(a, NULL, h->size, err);
	}
	if (!rc)
		rc = padding(a, err);
	if (rc == -EBADMSG && !*err->msg)
		rc = damaged(NULL, err);
	if (!rc)
		*ret = m;
	return rc;
}

static int next_of_initramfs(struct ms_archive *a, struct ms_member *ret,
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
			rc = damaged(NULL, err);
		if (!rc)
			rc = count_member(a, err);
		if (!rc)
			rc = take(a, name, h.name_size, err);
		if (!rc)
			rc = padding(a, err);
		if (rc)
			return rc;
		if (name[h.name_size - 1] || set_path(a, name))
			return damaged(NULL, err);
		if (!S_ISDIR(h.mode) && a->wanted(a->path))
			return cpio_member(a, &h, ret, err);
		rc = take(a, NULL, h.size, err);
		if (!rc)
			rc = padding(a, err);
		if (rc)
			return rc;
	}
}

/* ------------------------------------------------------------------- opening */

static bool is(const uint8_t *p, size_t len, size_t at, const char *magic, size_t n)
{
	return len >= at + n && !memcmp(p + at, magic, n);
}

static int kind_of(const uint8_t *p, size_t len, enum kind *ret)
{
	if (is(p, len, 0, "070701", 6) || is(p, len, 0, "070702", 6))
		*ret = INITRAMFS;
	else if (is(p, len, 0, "!<arch>\ndebian-binary", 21))
		*ret = DEB;
	else if (is(p, len, 0, "\xed\xab\xee\xdb", 4))
		*ret = RPM;
	else if (is(p, len, 257, "ustar", 5))
		*ret = TAR;
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
	rc = open_packed(a, &none);
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
	if (rc || a->kind == INITRAMFS)
		return rc;
	return a->kind == DEB ? open_deb(a, err)
			      : start(a, false, read_file, &a->inner, err);
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

	rc = a->kind == INITRAMFS ? next_of_initramfs(a, ret, &own)
				  : next_of_package(a, ret, &own);
	if (rc && rc != -ENOMEM && !ms_file_unchanged(&f, a->fd))
		rc = ms_error_set(&own, -EAGAIN, "changed",
				  "it changed while it was read");
	if (rc && err)
		*err = own;
	return rc;
}
