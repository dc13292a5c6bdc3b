/* SPDX-License-Identifier: GPL-2.0-or-later */
#define ZLIB_CONST
#include <errno.h>
#include <lzma.h>
#include <stdbool.h>
#include <zlib.h>
#include <zstd.h>
#include "compress/compress.h"
#include "lib/limits.h"

#define GZIP_LEVEL 6
#define GZIP_WRAP 16 /* zlib: a gzip header, without name and time */
#define XZ_DICT (1u << 20)
/* Of an .xz file: the first block header's flags, and those that say that sizes follow */
#define XZ_BLOCK_FLAGS_AT 13u
#define XZ_BLOCK_SIZES 0xc0u
#define ZSTD_LEVEL 3

void ms_deflater_clear(struct ms_deflater *d)
{
	if (d->gzip)
		deflateEnd(d->gzip);
	if (d->xz)
		lzma_end(d->xz);
	ZSTD_freeCCtx(d->zstd);
	free(d->gzip);
	free(d->xz);
	free(d->out);
	*d = (struct ms_deflater){0};
}

/* Room for the worst case at once: modules are small, and what does not compress is rare.
 */
static int reserve(struct ms_deflater *d, size_t cap)
{
	uint8_t *p;

	if (cap <= d->cap)
		return 0;
	p = realloc(d->out, cap);
	if (!p)
		return -ENOMEM;
	d->out = p;
	d->cap = cap;
	return 0;
}

static int deflate_gzip(struct ms_deflater *d, const uint8_t *in, size_t len)
{
	z_stream *z = d->gzip;
	int rc;

	if (!z) {
		z = calloc(1, sizeof(*z));
		if (!z || deflateInit2(z, GZIP_LEVEL, Z_DEFLATED, GZIP_WRAP + MAX_WBITS,
				       8, Z_DEFAULT_STRATEGY) != Z_OK) {
			free(z);
			return -ENOMEM;
		}
		d->gzip = z;
	} else if (deflateReset(z) != Z_OK) {
		return -EIO;
	}
	rc = reserve(d, deflateBound(z, len));
	if (rc)
		return rc;
	z->next_in = in;
	z->avail_in = (uInt)len;
	z->next_out = d->out;
	z->avail_out = (uInt)d->cap;
	if (deflate(z, Z_FINISH) != Z_STREAM_END)
		return -EIO;
	d->len = d->cap - z->avail_out;
	return 0;
}

bool ms_xz_has_sizes(const uint8_t *p, size_t len)
{
	return len > XZ_BLOCK_FLAGS_AT &&
	       (p[XZ_BLOCK_FLAGS_AT] & XZ_BLOCK_SIZES) == XZ_BLOCK_SIZES;
}

static lzma_ret start_xz(lzma_stream *x, const lzma_filter *filters, bool sizes)
{
	const lzma_mt mt = {.threads = 1, .filters = filters, .check = LZMA_CHECK_CRC32};

	return sizes ? lzma_stream_encoder_mt(x, &mt)
		     : lzma_stream_encoder(x, filters, LZMA_CHECK_CRC32);
}

static int deflate_xz(struct ms_deflater *d, const uint8_t *in, size_t len)
{
	const lzma_stream fresh = LZMA_STREAM_INIT;
	lzma_stream *x = d->xz;
	lzma_options_lzma lzma2;
	lzma_filter filters[] = {
		{.id = LZMA_FILTER_LZMA2, .options = &lzma2},
		{.id = LZMA_VLI_UNKNOWN},
	};
	int rc = reserve(d, lzma_stream_buffer_bound(len));

	if (rc)
		return rc;
	if (lzma_lzma_preset(&lzma2, LZMA_PRESET_DEFAULT))
		return -EIO;
	/* Larger ones and other checks are not for the kernel's decoder. */
	lzma2.dict_size = XZ_DICT;
	if (!x) {
		x = malloc(sizeof(*x));
		if (!x)
			return -ENOMEM;
		*x = fresh;
		d->xz = x;
	}
	/* The same stream initialised again keeps its memory. */
	if (start_xz(x, filters, d->xz_sizes) != LZMA_OK)
		return -ENOMEM;
	x->next_in = in;
	x->avail_in = len;
	x->next_out = d->out;
	x->avail_out = d->cap;
	do
		rc = (int)lzma_code(x, LZMA_FINISH);
	while (rc == LZMA_OK);
	if (rc != LZMA_STREAM_END)
		return -EIO;
	d->len = d->cap - x->avail_out;
	return 0;
}

static ZSTD_CCtx *zstd_context(void)
{
	ZSTD_CCtx *c = ZSTD_createCCtx();

	if (!c)
		return NULL;
	/* One worker, as zstd has where nothing is said: what its encoder of many threads
	 * makes is the same for any number of them, but not what the plain one makes. A
	 * libzstd without threads refuses, and so does its zstd. */
	(void)ZSTD_CCtx_setParameter(c, ZSTD_c_nbWorkers, 1);
	if (ZSTD_isError(
		    ZSTD_CCtx_setParameter(c, ZSTD_c_compressionLevel, ZSTD_LEVEL)) ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 1))) {
		ZSTD_freeCCtx(c);
		return NULL;
	}
	return c;
}

static int deflate_zstd(struct ms_deflater *d, const uint8_t *in, size_t len)
{
	ZSTD_outBuffer dst;
	ZSTD_inBuffer src = {.src = in};
	size_t piece = ZSTD_CStreamInSize(), left;
	int rc = reserve(d, ZSTD_compressBound(len));

	if (rc)
		return rc;
	if (!d->zstd)
		d->zstd = zstd_context();
	if (!d->zstd)
		return -ENOMEM;
	dst = (ZSTD_outBuffer){.dst = d->out, .size = d->cap};
	ZSTD_CCtx_reset(d->zstd, ZSTD_reset_session_only);
	if (ZSTD_isError(ZSTD_CCtx_setPledgedSrcSize(d->zstd, len)))
		return -EIO;
	/* In zstd's own pieces, as matches are found differently in others. */
	do {
		bool last;

		src.size = MS_MIN(len, src.pos + piece);
		last = src.size == len;
		do {
			left = ZSTD_compressStream2(d->zstd, &dst, &src,
						    last ? ZSTD_e_end : ZSTD_e_continue);
			if (ZSTD_isError(left) || (left && dst.pos == dst.size))
				return -EIO;
		} while (last ? left != 0 : src.pos < src.size);
	} while (src.pos < len);
	d->len = dst.pos;
	return 0;
}

int ms_deflate(struct ms_deflater *d, enum ms_compression kind, const uint8_t *in,
	       size_t len)
{
	d->len = 0;
	if (len > MS_MODULE_MAX)
		return -EFBIG;
	switch (kind) {
	case MS_GZIP:
		return deflate_gzip(d, in, len);
	case MS_XZ:
		return deflate_xz(d, in, len);
	case MS_ZSTD:
		return deflate_zstd(d, in, len);
	case MS_PLAIN:
		break;
	}
	return -ENOPKG;
}
