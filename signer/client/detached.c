/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/client/detached.h"

#include <errno.h>
#include <sys/stat.h>
#include "lib/der.h"
#include "lib/escape.h"
#include "lib/limits.h"
#include "lib/pkcs7.h"
#include "lib/trailer.h"

/* The next message; what cannot be put back is not taken. */
static int next_message(struct ms_reader *r, struct ms_der *ret)
{
	struct ms_pkcs7 p7;
	int rc = ms_der_get(r, MS_DER_SEQUENCE, ret);

	if (rc < 0)
		return rc;
	if (ret->der_len > MS_MESSAGE_MAX)
		return -EFBIG;
	rc = ms_pkcs7_parse(ret->der, ret->der_len, &p7);
	if (rc < 0)
		return rc;
	return p7.detached && p7.n_signers && !p7.trailing ? 0 : -EBADMSG;
}

int ms_detached_split(const uint8_t *tail, size_t len, struct ms_buf *out)
{
	struct ms_reader r = MS_READER(tail, len);
	uint8_t want[MS_TRAILER_LEN];

	if (!len)
		return -ENODATA;
	while (r.left) {
		const uint8_t *trailer;
		struct ms_der msg;
		int rc = next_message(&r, &msg);

		if (rc < 0)
			return rc;
		trailer = ms_reader_get(&r, sizeof(want));
		ms_trailer_build((uint32_t)msg.der_len, want);
		if (!trailer || memcmp(trailer, want, sizeof(want)) != 0)
			return -EBADMSG;
		ms_buf_put(out, msg.der, msg.der_len);
	}
	return ms_buf_error(out);
}

int ms_detached_join(const uint8_t *msgs, size_t len, struct ms_buf *out)
{
	struct ms_reader r = MS_READER(msgs, len);
	uint8_t trailer[MS_TRAILER_LEN];

	if (!len)
		return -ENODATA;
	while (r.left) {
		struct ms_der msg;
		int rc = next_message(&r, &msg);

		if (rc < 0)
			return rc;
		ms_trailer_build((uint32_t)msg.der_len, trailer);
		ms_buf_put(out, msg.der, msg.der_len);
		ms_buf_put(out, trailer, sizeof(trailer));
	}
	return ms_buf_error(out);
}

/* ----------------------------------------------------------------------- where it is */

/* Does @root have @path in it? Return: its length without slashes at the end, or 0 */
static size_t has(const char *root, const char *path)
{
	size_t len = strlen(root);

	while (len > 1 && root[len - 1] == '/')
		len--;
	if (strncmp(path, root, len) != 0)
		return 0;
	return root[len - 1] == '/' || path[len] == '/' ? len : 0;
}

/* What of @path is below the nearest root; a file that was named is just itself. */
static const char *below(const char *path, char *const *roots, size_t n)
{
	const char *slash = strrchr(path, '/');
	size_t nearest = 0;

	for (size_t i = 0; i < n; i++)
		nearest = roots[i][0] ? MS_MAX(nearest, has(roots[i], path)) : nearest;
	if (!nearest)
		return slash ? slash + 1 : path;
	path += nearest;
	return path + strspn(path, "/");
}

/* The folders that @path is in, as mkdir -p */
static int make_folders(char *path, struct ms_error *err)
{
	for (char *p = path + 1; (p = strchr(p, '/')); p++) {
		int rc;

		*p = '\0';
		rc = mkdir(path, 0777) < 0 && errno != EEXIST ? -errno : 0;
		*p = '/';
		if (rc < 0)
			return ms_error_set(err, rc, "cannot-write",
					    "the folder for its signature cannot be "
					    "made: %s",
					    ms_strerror(rc));
	}
	return 0;
}

int ms_detached_path(const char *path, char *const *roots, size_t n, const char *dir,
		     bool make, char *ret, size_t size, struct ms_error *err)
{
	int len = dir ? snprintf(ret, size, "%s/%s.p7s", dir, below(path, roots, n))
		      : snprintf(ret, size, "%s.p7s", path);

	if (len < 0 || (size_t)len >= size)
		return ms_error_set(err, -ENAMETOOLONG, "name-too-long",
				    "has too long a name");
	return dir && make ? make_folders(ret, err) : 0;
}

struct placed {
	const char *path, *below;
};

static int by_place(const void *a, const void *b)
{
	const struct placed *x = a, *y = b;

	return strcmp(x->below, y->below);
}

int ms_detached_distinct(char *const *paths, size_t n_paths, char *const *roots, size_t n,
			 const char *dir, struct ms_error *err)
{
	_cleanup_free_ struct placed *v = NULL;
	char one[300], other[300];

	if (!dir || n_paths == 0)
		return 0;
	v = calloc(n_paths, sizeof(*v));
	if (!v)
		return ms_error_set(err, -ENOMEM, NULL, "%s", ms_strerror(ENOMEM));
	for (size_t i = 0; i < n_paths; i++)
		v[i] = (struct placed){paths[i], below(paths[i], roots, n)};
	qsort(v, n_paths, sizeof(*v), by_place);
	for (size_t i = 1; i < n_paths; i++) {
		if (strcmp(v[i - 1].below, v[i].below) == 0)
			return ms_error_set(
				err, -EEXIST, "same-name",
				"%s and %s would have one signature in the folder: take "
				"one folder for each tree, in a call of its own",
				ms_escape_str(v[i - 1].path, one, sizeof(one)),
				ms_escape_str(v[i].path, other, sizeof(other)));
	}
	return 0;
}
