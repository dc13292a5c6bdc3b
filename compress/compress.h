/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Compressing modules as the kernel's own build does it (scripts/Makefile.modinst), so
 * that kmod and the kernel itself can decompress them.
 */
#ifndef MS_COMPRESS_H
#define MS_COMPRESS_H

#include <stdbool.h>
#include "compress/decompress.h"

/**
 * struct ms_deflater - encoders and their output, reused from file to file
 * @out, @len: what the last file became; owned
 * @xz_sizes: MS_XZ as xz 5.6 and later do it: blocks of 3 MiB that say how large they are
 */
struct ms_deflater {
	uint8_t *out;
	size_t len, cap;
	bool xz_sizes;
	void *gzip, *xz, *zstd;
};
void ms_deflater_clear(struct ms_deflater *d);
#define _cleanup_deflater_ _cleanup_(ms_deflater_clear)

/**
 * ms_deflate() - compress into one stream
 *
 * MS_XZ is byte for byte what `xz -T1 --check=crc32 --lzma2=dict=1MiB` makes with the
 * same liblzma, and with @d->xz_sizes what it makes without -T1 since 5.6; MS_ZSTD what
 * `zstd` makes of a file with the same libzstd, with any number of threads. MS_GZIP has
 * the header of `gzip -n` (no name, no time) and its level 6, but gzip has an encoder of
 * its own, and zlib's finds other matches: gzip -d makes the same of both.
 *
 * Return: 0; -ENOPKG (MS_PLAIN, unknown), -EFBIG (more than MS_MODULE_MAX), -ENOMEM,
 * -EIO (the library failed).
 */
int ms_deflate(struct ms_deflater *d, enum ms_compression kind, const uint8_t *in,
	       size_t len) _must_check_;

/** ms_xz_has_sizes() - is this .xz file of the kind that @xz_sizes makes? */
bool ms_xz_has_sizes(const uint8_t *p, size_t len);

#endif
