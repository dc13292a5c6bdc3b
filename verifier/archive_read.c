/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verifier/archive_read.h"

#include <errno.h>
#include "compress/decompress.h"
#include "lib/escape.h"

la_ssize_t ms_archive_read_file(struct archive *l, void *arg, const void **ret)
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

int ms_archive_damaged(struct archive *l, struct ms_error *err)
{
	const char *why = l ? archive_error_string(l) : NULL;
	char shown[256];

	if (l && archive_errno(l) == ENOMEM)
		return -ENOMEM;
	return ms_error_set(err, -EBADMSG, "damaged-archive",
			    "the archive is damaged%s%s", why ? ": " : "",
			    why ? ms_escape_str(why, shown, sizeof(shown)) : "");
}

int ms_archive_too_much(struct ms_error *err)
{
	return ms_error_set(err, -EFBIG, "archive-too-large",
			    "the archive becomes larger than any package of its size");
}

int ms_archive_start(struct ms_archive *a, bool raw, archive_read_callback *source,
		     struct archive **ret, struct ms_error *err)
{
	struct archive *l = archive_read_new();
	int rc = l ? support(l, raw) : -ENOMEM;

	if (!rc && archive_read_open(l, a, NULL, source, NULL) < ARCHIVE_WARN)
		rc = ms_archive_damaged(l, err);
	if (rc) {
		archive_read_free(l);
		return rc;
	}
	*ret = l;
	return 0;
}

int ms_archive_grow(struct ms_archive *a, size_t want)
{
	size_t cap = MS_MAX(a->cap * 2, (size_t)MS_ARCHIVE_BLOCK);
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

int ms_archive_count(struct ms_archive *a, struct ms_error *err)
{
	return ++a->members > MS_ARCHIVE_MEMBERS_MAX ? ms_archive_too_much(err) : 0;
}

int ms_archive_set_path(struct ms_archive *a, const char *name)
{
	while (*name == '/' || (*name == '.' && name[1] == '/'))
		name++;
	if (strlen(name) > MS_PATH_MAX)
		return -EBADMSG;
	a->path[0] = '/';
	memcpy(a->path + 1, name, strlen(name) + 1);
	return 0;
}

int ms_archive_set_link(struct ms_archive *a, const char *from, const char *target)
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
