/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <lz4.h>
#include <lzo/lzo1x.h>
#include <zstd.h>
#include "compress/decompress.h"
#include "verifier/kernel_image.h"

/* A unified image holds another image; more than that is someone's joke. */
#define NESTING_MAX 3u
#define LZ4_BLOCK (8u << 20)

static const uint8_t lz4_magic[] = {0x02, 0x21, 0x4c, 0x18};
static const uint8_t lzo_magic[] = {0x89, 'L', 'Z', 'O', 0, 0x0d, 0x0a, 0x1a, 0x0a};

static uint32_t le16(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}

static uint32_t le32(const uint8_t *p)
{
	return le16(p) | le16(p + 2) << 16;
}

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static bool starts(const uint8_t *p, size_t len, const void *magic, size_t n)
{
	return len >= n && !memcmp(p, magic, n);
}

static int range(const uint8_t *image, size_t len, uint64_t off, uint64_t n, bool sized,
		 struct ms_payload *ret)
{
	if (off > len || n > len - off || n < 16)
		return -EBADMSG;
	*ret = (struct ms_payload){.p = image + off, .len = (size_t)n, .sized = sized};
	return 0;
}

static int bzimage(const uint8_t *image, size_t len, struct ms_payload *ret)
{
	unsigned int sects;

	/* payload_offset came with boot protocol 2.08 */
	if (len < 0x250 || le16(image + 0x206) < 0x208)
		return -EBADMSG;
	sects = image[0x1f1] ? image[0x1f1] : 4;
	return range(image, len, (uint64_t)(sects + 1) * 512 + le32(image + 0x248),
		     le32(image + 0x24c), true, ret);
}

/* The section .linux of a PE file, or -ENODATA. */
static int unified(const uint8_t *image, size_t len, struct ms_payload *ret)
{
	uint64_t pe, table;
	unsigned int n;

	if (len < 0x40)
		return -ENODATA;
	pe = le32(image + 0x3c);
	if (pe > len || len - pe < 24 || memcmp(image + pe, "PE\0\0", 4))
		return -ENODATA;
	n = le16(image + pe + 6);
	table = pe + 24 + le16(image + pe + 20);
	for (unsigned int i = 0; i < n; i++) {
		uint64_t at = table + 40 * (uint64_t)i;
		uint32_t virtual_size, raw_size;

		if (at > len || len - at < 40)
			return -EBADMSG;
		if (memcmp(image + at, ".linux\0\0", 8))
			continue;
		virtual_size = le32(image + at + 8);
		raw_size = le32(image + at + 16);
		return range(image, len, le32(image + at + 20),
			     MS_MIN(virtual_size, raw_size), false, ret);
	}
	return -ENODATA;
}

static int payload_once(const uint8_t *image, size_t len, struct ms_payload *ret)
{
	int rc;

	if (len > 0x206 && !memcmp(image + 0x202, "HdrS", 4))
		return bzimage(image, len, ret);
	if (starts(image, len, "MZ", 2) && len > 64 && !memcmp(image + 4, "zimg", 4))
		return range(image, len, le32(image + 8), le32(image + 12), true, ret);
	if (starts(image, len, "MZ", 2)) {
		rc = unified(image, len, ret);
		if (rc != -ENODATA)
			return rc;
	}
	*ret = (struct ms_payload){.p = image, .len = len};
	return 0;
}

int ms_kernel_payload(const uint8_t *image, size_t len, struct ms_payload *ret)
{
	struct ms_payload at = {.p = image, .len = len}, next;

	for (unsigned int i = 0; i < NESTING_MAX; i++) {
		int rc = payload_once(at.p, at.len, &next);

		if (rc)
			return rc;
		if (next.p == at.p) {
			next.sized = at.sized;
			*ret = next;
			return 0;
		}
		at = next;
	}
	return -EBADMSG;
}

/* What the build appended says how large it becomes: no more than that is made. */
static int expected_size(const struct ms_payload *in, size_t *ret)
{
	size_t n = le32(in->p + in->len - 4);

	if (n < 16)
		return -EBADMSG;
	if (n > MS_KERNEL_MAX)
		return -EFBIG;
	*ret = n;
	return 0;
}

/* In one go and without a window, which kernels have up to 128 MiB of. */
static int unpack_zstd(const struct ms_payload *in, uint8_t *out, size_t size)
{
	size_t frame = ZSTD_findFrameCompressedSize(in->p, in->len), n;

	if (ZSTD_isError(frame))
		return -EBADMSG;
	n = ZSTD_decompress(out, size, in->p, frame);
	return ZSTD_isError(n) || n != size ? -EBADMSG : 0;
}

/* Legacy frames: a magic number, then blocks of up to 8 MiB with their size before them.
 */
static int unpack_lz4(const struct ms_payload *in, uint8_t *out, size_t size)
{
	const uint8_t *p = in->p + sizeof(lz4_magic), *end = in->p + in->len - 4;
	size_t done = 0;

	while (done < size && end - p >= 4) {
		size_t n = le32(p);
		int got;

		p += 4;
		if (n > (size_t)(end - p) || n > LZ4_COMPRESSBOUND(LZ4_BLOCK))
			return -EBADMSG;
		got = LZ4_decompress_safe((const char *)p, (char *)out + done, (int)n,
					  (int)MS_MIN(size - done, (size_t)LZ4_BLOCK));
		if (got <= 0)
			return -EBADMSG;
		done += (size_t)got;
		p += n;
	}
	return done == size ? 0 : -EBADMSG;
}

/* Length of the header that lzop writes (lib/decompress_unlzo.c reads the same), or 0. */
static size_t lzo_header(const uint8_t *p, size_t len)
{
	size_t at = sizeof(lzo_magic);
	unsigned int version;
	bool filter;

	if (len < 64)
		return 0;
	version = (unsigned int)p[at] << 8 | p[at + 1];
	at += 7; /* version, library's version, version needed, method */
	if (version >= 0x0940)
		at++; /* level */
	filter = be32(p + at) & 0x800;
	at += 4 + (filter ? 4 : 0) + 8; /* flags, filter, mode, time */
	if (version >= 0x0940)
		at += 4;
	at += 1 + (size_t)p[at] + 4; /* name, checksum */
	return at < len ? at : 0;
}

static int unpack_lzo(const struct ms_payload *in, uint8_t *out, size_t size)
{
	size_t at = lzo_header(in->p, in->len), end = in->len - 4, done = 0;

	if (!at || lzo_init() != LZO_E_OK)
		return -EBADMSG;
	while (end >= at + 12 && be32(in->p + at)) {
		size_t raw = be32(in->p + at), n = be32(in->p + at + 4);
		lzo_uint got = raw;

		at += 12; /* sizes and a checksum */
		if (n > end - at || raw > size - done || n > raw)
			return -EBADMSG;
		if (n == raw)
			memcpy(out + done, in->p + at, n);
		else if (lzo1x_decompress_safe(in->p + at, n, out + done, &got, NULL) !=
				 LZO_E_OK ||
			 got != raw)
			return -EBADMSG;
		done += raw;
		at += n;
	}
	return done == size ? 0 : -EBADMSG;
}

static int unpack_sized(const struct ms_payload *in,
			int (*unpack)(const struct ms_payload *in, uint8_t *out,
				      size_t size),
			uint8_t **ret, size_t *ret_len)
{
	_cleanup_free_ uint8_t *out = NULL;
	size_t size;
	int rc;

	if (!in->sized || in->len < 32)
		return -ENOPKG;
	rc = expected_size(in, &size);
	if (rc)
		return rc;
	out = malloc(size);
	if (!out)
		return -ENOMEM;
	rc = unpack(in, out, size);
	if (rc)
		return rc;
	*ret_len = size;
	*ret = TAKE_PTR(out);
	return 0;
}

static int unpack_stream(const struct ms_payload *in, enum ms_compression kind,
			 uint8_t **ret, size_t *ret_len)
{
	_cleanup_inflater_ struct ms_inflater inf = {0};
	size_t used;
	int rc = ms_inflate(&inf, kind, in->p, in->len, &used);

	if (rc)
		return rc;
	*ret_len = inf.len;
	*ret = TAKE_PTR(inf.out);
	return 0;
}

int ms_kernel_unpack(const uint8_t *image, size_t len, uint8_t **ret, size_t *ret_len)
{
	enum ms_compression kind;
	struct ms_payload in;
	uint8_t *copy;
	int rc;

	rc = ms_kernel_payload(image, len, &in);
	if (rc)
		return rc;
	kind = ms_compression_detect(in.p, in.len);
	if (kind == MS_ZSTD && in.sized)
		return unpack_sized(&in, unpack_zstd, ret, ret_len);
	if (kind != MS_PLAIN)
		return unpack_stream(&in, kind, ret, ret_len);
	if (starts(in.p, in.len, lz4_magic, sizeof(lz4_magic)))
		return unpack_sized(&in, unpack_lz4, ret, ret_len);
	if (starts(in.p, in.len, lzo_magic, sizeof(lzo_magic)))
		return unpack_sized(&in, unpack_lzo, ret, ret_len);
	if (!in.len)
		return -EBADMSG;
	copy = malloc(in.len);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, in.p, in.len);
	*ret = copy;
	*ret_len = in.len;
	return 0;
}

int ms_kernel_release(const uint8_t *vmlinux, size_t len, char *ret, size_t size)
{
	static const char banner[] = "Linux version ";
	const uint8_t *p = vmlinux, *end = vmlinux + len;

	while ((p = memmem(p, (size_t)(end - p), banner, sizeof(banner) - 1))) {
		size_t n = 0;

		p += sizeof(banner) - 1;
		/* "%s" where the banner is a format. */
		while (p + n < end && p[n] > ' ' && p[n] < 0x7f && p[n] != '%')
			n++;
		if (n && n < size && p + n < end && p[n] == ' ' && *p >= '0' &&
		    *p <= '9') {
			memcpy(ret, p, n);
			ret[n] = 0;
			return 0;
		}
	}
	return -ENODATA;
}
