/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kernel images: how to get at the vmlinux inside.
 */
#ifndef MS_KERNEL_IMAGE_H
#define MS_KERNEL_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

#define MS_KERNEL_FILE_MAX (256u << 20) /* bytes of a kernel image */
#define MS_KERNEL_MAX (512u << 20)	/* bytes of what is inside */

/**
 * struct ms_payload - where the kernel proper is in an image
 * @p, @len: the bytes, pointing into the image; may be compressed
 * @sized: the last four bytes are the size when decompressed, little-endian, as the
 *kernel's build appends it
 */
struct ms_payload {
	const uint8_t *p;
	size_t len;
	bool sized;
};

/**
 * ms_kernel_payload() - find the kernel in an image
 *
 * x86 bzImage (Documentation/arch/x86/boot.rst: payload_offset), EFI zboot
 * (drivers/firmware/efi/libstub/zboot-header.S), unified kernel images (the PE section
 * .linux, which holds one of the others); everything else is taken as it is. No I/O, no
 * allocation.
 *
 * Return: 0, or -EBADMSG (an image whose offsets lead outside).
 */
int ms_kernel_payload(const uint8_t *image, size_t len,
		      struct ms_payload *ret) _must_check_;

/**
 * ms_kernel_unpack() - the vmlinux of an image
 * @ret: from malloc(), owned by the caller
 *
 * Payload compressed with gzip, xz, zstd, LZ4 (legacy frames) or LZO, or not at all.
 *
 * Return: 0, -EBADMSG (damaged), -EFBIG (above MS_KERNEL_MAX), -ENOPKG, -ENOMEM.
 */
int ms_kernel_unpack(const uint8_t *image, size_t len, uint8_t **ret,
		     size_t *ret_len) _must_check_;

/**
 * ms_kernel_release() - "6.1.0-56-amd64", from the banner in a vmlinux
 * @ret: with NUL
 * Return: 0, -ENODATA (no banner).
 */
int ms_kernel_release(const uint8_t *vmlinux, size_t len, char *ret,
		      size_t size) _must_check_;

#endif
