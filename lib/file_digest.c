/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/file_digest.h"

#include <errno.h>
#include <openssl/evp.h>

#include "lib/file.h"
#include "lib/fsverity.h"

#define PIECE (256u << 10)

typedef int piece_fn(void *arg, const uint8_t *p, size_t len);

static int changed(struct ms_error *err)
{
	return ms_error_set(err, -EAGAIN, "changed",
			    "it changed while it was being read: try again when nothing "
			    "writes to it");
}

static int read_pieces(int fd, uint64_t max, uint8_t *buf, uint64_t *size, piece_fn *fn,
		       void *arg, struct ms_error *err)
{
	while (*size < max) {
		size_t want = (size_t)MS_MIN(max - *size, (uint64_t)PIECE);
		ssize_t n = pread(fd, buf, want, (off_t)*size);
		int r;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return ms_error_set(err, -errno, NULL, "cannot be read: %s",
					    ms_strerror(errno));
		if (n == 0)
			return 0;
		r = fn(arg, buf, (size_t)n);
		if (r < 0)
			return ms_error_set(err, r, NULL, "cannot be hashed: %s",
					    ms_strerror(r));
		*size += (uint64_t)n;
	}
	return 0;
}

/* @max: how much of it; UINT64_MAX: all */
static int stream(int fd, uint64_t max, piece_fn *fn, void *arg, struct stat *ret_st,
		  struct ms_error *err)
{
	_cleanup_free_ uint8_t *buf = malloc(PIECE);
	struct ms_file before = {0};
	uint64_t size = 0, want;
	int r;

	if (!buf)
		return ms_error_set(err, -ENOMEM, NULL, "out of memory");
	r = ms_file_stat(fd, SIZE_MAX, &before.st, err);
	if (r < 0)
		return r;
	want = max == UINT64_MAX ? (uint64_t)before.st.st_size : max;
	r = read_pieces(fd, max, buf, &size, fn, arg, err);
	if (r < 0)
		return r;
	if (size != want || !ms_file_unchanged(&before, fd))
		return changed(err);
	if (ret_st)
		*ret_st = before.st;
	return 0;
}

static int digest_piece(void *arg, const uint8_t *p, size_t len)
{
	return EVP_DigestUpdate(arg, p, len) == 1 ? 0 : -EIO;
}

int ms_file_digest_start(int fd, enum ms_hash h, uint64_t len, uint8_t ret[MS_DIGEST_MAX],
			 struct stat *ret_st, struct ms_error *err)
{
	const EVP_MD *md = ms_hash_md(h);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t out[EVP_MAX_MD_SIZE];
	struct stat st;
	int r;

	if (!ctx)
		r = ms_error_set(err, -ENOMEM, NULL, "out of memory");
	else if (!md || EVP_DigestInit_ex(ctx, md, NULL) != 1)
		r = ms_error_set(err, -ENOPKG, NULL, "cannot be hashed with %s here",
				 ms_hash_name(h));
	else
		r = stream(fd, len, digest_piece, ctx, &st, err);
	if (r == 0 && EVP_DigestFinal_ex(ctx, out, NULL) != 1)
		r = ms_error_set(err, -EIO, NULL, "cannot be hashed");
	EVP_MD_CTX_free(ctx);
	if (r < 0)
		return r;
	memcpy(ret, out, ms_hash_size(h));
	if (ret_st)
		*ret_st = st;
	return 0;
}

int ms_file_digest(int fd, enum ms_hash h, uint8_t ret[MS_DIGEST_MAX],
		   struct stat *ret_st, struct ms_error *err)
{
	return ms_file_digest_start(fd, h, UINT64_MAX, ret, ret_st, err);
}

static int fsverity_piece(void *arg, const uint8_t *p, size_t len)
{
	return ms_fsverity_update(arg, p, len);
}

int ms_file_fsverity(int fd, enum ms_hash h, uint8_t ret[MS_DIGEST_MAX],
		     struct stat *ret_st, struct ms_error *err)
{
	_cleanup_free_ struct ms_fsverity *v = malloc(sizeof(*v));
	struct stat st;
	int r;

	if (!v)
		return ms_error_set(err, -ENOMEM, NULL, "out of memory");
	r = ms_fsverity_init(v, h);
	if (r < 0)
		return ms_error_set(err, r, NULL,
				    "fs-verity knows sha256 and sha512 alone, not %s",
				    ms_hash_name(h));
	r = stream(fd, UINT64_MAX, fsverity_piece, v, &st, err);
	if (r < 0)
		return r;
	r = ms_fsverity_final(v, ret);
	if (r < 0)
		return ms_error_set(err, r, NULL, "cannot be hashed: %s", ms_strerror(r));
	if (ret_st)
		*ret_st = st;
	return 0;
}
