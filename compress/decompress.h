/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Compressed modules, with a ceiling on what they may become.
 */
#ifndef MS_DECOMPRESS_H
#define MS_DECOMPRESS_H

#include <stdint.h>

enum ms_compression {
	MS_PLAIN = 0,
	MS_GZIP,
	MS_XZ,
	MS_ZSTD,
};

/* Whatever its size, a file may become this large; beyond that, only so many times
 * larger. Real modules reach about 12 times, so 20 has room, and a bomb of 100 KB ends at
 * 16 MiB. */
#define MS_INFLATE_FREE (16u << 20)
#define MS_INFLATE_RATIO 20u
/* Dictionary or window that a stream may ask for; xz -9 has 64 MiB. */
#define MS_INFLATE_WINDOW (72u << 20)

/** ms_compression_detect() - by the first bytes, as kmod does; the name is not looked at
 */
enum ms_compression ms_compression_detect(const uint8_t *p, size_t len);
const char *ms_compression_name(enum ms_compression c);

/** ms_inflate_limit() - how many bytes a compressed file of @len bytes may become */
size_t ms_inflate_limit(size_t len);

/**
 * struct ms_inflater - decoders and their output, reused from file to file
 * @out, @len: what the last file became; owned
 * @max: bytes that a file and what it becomes may have together; 0: no more than
 *	ms_inflate_limit() says
 */
struct ms_inflater {
	uint8_t *out;
	size_t len, cap, max;
	void *gzip, *xz, *zstd;
};
void ms_inflater_clear(struct ms_inflater *inf);
#define _cleanup_inflater_ _cleanup_(ms_inflater_clear)

/** ms_inflater_limit() - how many bytes a compressed file of @len bytes may become here
 */
size_t ms_inflater_limit(const struct ms_inflater *inf, size_t len);

/**
 * ms_inflate() - decompress one stream
 * @ret_used: bytes of @in that the stream took; more than that may follow it
 *
 * Return: 0; -EBADMSG (damaged or cut off), -EFBIG (above ms_inflater_limit()), -ENOPKG
 * (asks for a larger window than MS_INFLATE_WINDOW or for an unknown option), -ENOMEM.
 */
int ms_inflate(struct ms_inflater *inf, enum ms_compression kind, const uint8_t *in,
	       size_t len, size_t *ret_used) _must_check_;

#endif
