/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MS_CPIO_H
#define MS_CPIO_H

#include <stddef.h>
#include <stdint.h>

#define MS_CPIO_HEADER 110u /* bytes before the name */
#define MS_CPIO_TRAILER "TRAILER!!!"

/**
 * struct ms_cpio_header - what precedes a member's name
 * @name_size: bytes of the name with its NUL, 1 to MS_PATH_MAX
 * @size: bytes of content
 */
struct ms_cpio_header {
	uint32_t ino, mode, nlink, size, name_size;
};

/**
 * ms_cpio_header_parse() - a header of the formats that kernels unpack
 * @p: MS_CPIO_HEADER bytes
 * @ret: untouched on failure
 *
 * "newc" and the same with checksums (Documentation/driver-api/early-userspace/
 * buffer-format.rst, init/initramfs.c). Name and content are each padded to four bytes,
 * counted from the archive's start.
 *
 * Return: 0, -EBADMSG.
 */
int ms_cpio_header_parse(const uint8_t *p, size_t len,
			 struct ms_cpio_header *ret) _must_check_;

#endif
