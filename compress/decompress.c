/* SPDX-License-Identifier: GPL-2.0-or-later */
#define ZLIB_CONST
#include <errno.h>
#include <limits.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>
#include "lib/limits.h"
#include "compress/decompress.h"

static const struct {
	const char *name;
	uint8_t magic[6];
	size_t len;
} kinds[] = {
	[MS_PLAIN] = {"none", {0}, 0},
	[MS_GZIP] = {"gzip", {0x1f, 0x8b}, 2},
	[MS_XZ] = {"xz", {0xfd, '7', 'z', 'X', 'Z', 0}, 6},
	[MS_ZSTD] = {"zstd", {0x28, 0xb5, 0x2f, 0xfd}, 4},
};

enum ms_compression ms_compression_detect(const uint8_t *p, size_t len)
{
	for (enum ms_compression k = MS_GZIP; k <= MS_ZSTD; k++)
		if (len >= kinds[k].len && !memcmp(p, kinds[k].magic, kinds[k].len))
			return k;
	return MS_PLAIN;
}

const char *ms_compression_name(enum ms_compression c)
{
	return (unsigned int)c < ARRAY_SIZE(kinds) ? kinds[c].name : "unknown";
}

size_t ms_inflate_limit(size_t len)
{
	size_t max = MS_INFLATE_FREE;

	if (len > MS_MODULE_MAX / MS_INFLATE_RATIO)
		return MS_MODULE_MAX;
	return MS_MAX(max, len * MS_INFLATE_RATIO);
}

size_t ms_inflater_limit(const struct ms_inflater *inf, size_t len)
{
	size_t limit = ms_inflate_limit(len);

	if (!inf->max)
		return limit;
	return len < inf->max ? MS_MIN(limit, inf->max - len) : 0;
}

void ms_inflater_clear(struct ms_inflater *inf)
{
	if (inf->gzip)
		inflateEnd(inf->gzip);
	if (inf->xz)
		lzma_end(inf->xz);
	ZSTD_freeDCtx(inf->zstd);
	free(inf->gzip);
	free(inf->xz);
	free(inf->out);
	*inf = (struct ms_inflater){0};
}

/* More room for output: doubles, up to the limit. */
static int grow(struct ms_inflater *inf, size_t limit)
{
	size_t cap = MS_MIN(MS_MAX(inf->cap * 2, (size_t)65536), limit);
	uint8_t *p;

	if (inf->len >= limit)
		return -EFBIG;
	if (cap <= inf->cap)
		return 0;
	p = realloc(inf->out, cap);
	if (!p)
		return -ENOMEM;
	inf->out = p;
	inf->cap = cap;
	return 0;
}

static size_t room(const struct ms_inflater *inf, size_t limit)
{
	size_t end = MS_MIN(inf->cap, limit);

	return end > inf->len ? end - inf->len : 0;
}

static int inflate_gzip(struct ms_inflater *inf, const uint8_t *in, size_t len,
			size_t limit, size_t *ret_used)
{
	z_stream *z = inf->gzip;
	int rc;

	if (len > UINT_MAX)
		return -EFBIG;
	if (!z) {
		z = calloc(1, sizeof(*z));
		if (!z || inflateInit2(z, 16 + MAX_WBITS) != Z_OK) {
			free(z);
			return -ENOMEM;
		}
		inf->gzip = z;
	} else if (inflateReset(z) != Z_OK) {
		return -EBADMSG;
	}
	z->next_in = in;
	z->avail_in = (uInt)len;
	do {
		size_t n;

		if (!room(inf, limit)) {
			rc = grow(inf, limit);
			if (rc)
				return rc;
		}
		n = MS_MIN(room(inf, limit), (size_t)1 << 30);
		z->next_out = inf->out + inf->len;
		z->avail_out = (uInt)n;
		rc = inflate(z, Z_NO_FLUSH);
		inf->len += n - z->avail_out;
		if (rc != Z_OK && rc != Z_STREAM_END)
			return rc == Z_MEM_ERROR ? -ENOMEM : -EBADMSG;
		if (rc == Z_OK && !z->avail_in && z->avail_out)
			return -EBADMSG;
	} while (rc != Z_STREAM_END);
	*ret_used = len - z->avail_in;
	return 0;
}

static int xz_error(lzma_ret rc)
{
	if (rc == LZMA_MEM_ERROR)
		return -ENOMEM;
	if (rc == LZMA_MEMLIMIT_ERROR || rc == LZMA_OPTIONS_ERROR ||
	    rc == LZMA_UNSUPPORTED_CHECK)
		return -ENOPKG;
	return -EBADMSG;
}

static int inflate_xz(struct ms_inflater *inf, const uint8_t *in, size_t len,
		      size_t limit, size_t *ret_used)
{
	lzma_stream *x = inf->xz;
	lzma_ret rc;
	int err;

	if (!x) {
		const lzma_stream fresh = LZMA_STREAM_INIT;

		x = malloc(sizeof(*x));
		if (!x)
			return -ENOMEM;
		*x = fresh;
		inf->xz = x;
	}
	/* The same stream initialised again keeps its dictionary's memory. */
	rc = lzma_stream_decoder(x, MS_INFLATE_WINDOW, LZMA_TELL_UNSUPPORTED_CHECK);
	if (rc != LZMA_OK)
		return xz_error(rc);
	x->next_in = in;
	x->avail_in = len;
	do {
		size_t n;

		if (!room(inf, limit)) {
			err = grow(inf, limit);
			if (err)
				return err;
		}
		n = room(inf, limit);
		x->next_out = inf->out + inf->len;
		x->avail_out = n;
		rc = lzma_code(x, LZMA_FINISH);
		inf->len += n - x->avail_out;
		if (rc != LZMA_OK && rc != LZMA_STREAM_END)
			return xz_error(rc);
	} while (rc != LZMA_STREAM_END);
	*ret_used = len - x->avail_in;
	return 0;
}

static int inflate_zstd(struct ms_inflater *inf, const uint8_t *in, size_t len,
			size_t limit, size_t *ret_used)
{
	ZSTD_inBuffer src = {.src = in, .size = len};
	ZSTD_DCtx *d = inf->zstd;
	size_t rc;
	int err;

	if (!d) {
		d = ZSTD_createDCtx();
		if (!d)
			return -ENOMEM;
		inf->zstd = d;
		if (ZSTD_isError(ZSTD_DCtx_setParameter(d, ZSTD_d_windowLogMax, 26)))
			return -ENOPKG;
	}
	ZSTD_DCtx_reset(d, ZSTD_reset_session_only);
	do {
		ZSTD_outBuffer dst;

		if (!room(inf, limit)) {
			err = grow(inf, limit);
			if (err)
				return err;
		}
		dst = (ZSTD_outBuffer){.dst = inf->out + inf->len,
				       .size = room(inf, limit)};
		rc = ZSTD_decompressStream(d, &dst, &src);
		inf->len += dst.pos;
		if (ZSTD_isError(rc))
			return strstr(ZSTD_getErrorName(rc), "memory") ? -ENOPKG
								       : -EBADMSG;
		if (rc && src.pos == src.size && dst.pos < dst.size)
			return -EBADMSG;
	} while (rc);
	*ret_used = src.pos;
	return 0;
}

int ms_inflate(struct ms_inflater *inf, enum ms_compression kind, const uint8_t *in,
	       size_t len, size_t *ret_used)
{
	size_t limit = ms_inflater_limit(inf, len);

	inf->len = 0;
	switch (kind) {
	case MS_GZIP:
		return inflate_gzip(inf, in, len, limit, ret_used);
	case MS_XZ:
		return inflate_xz(inf, in, len, limit, ret_used);
	case MS_ZSTD:
		return inflate_zstd(inf, in, len, limit, ret_used);
	case MS_PLAIN:
		break;
	}
	return -ENOPKG;
}
