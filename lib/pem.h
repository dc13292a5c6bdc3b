/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MS_PEM_H
#define MS_PEM_H

#include <stdint.h>
#include "lib/buf.h"

/**
 * ms_pem_find() - next PEM block with a given label (RFC 7468), without libcrypto
 * @text, @len: text, any bytes around the block
 * @label: say "CERTIFICATE"
 * @out: decoded bytes are appended
 * @ret_used: bytes of @text up to and including the block's last line
 *
 * Return: 0, -ENODATA (no such block), -EBADMSG (damaged base64, no end line).
 */
int ms_pem_find(const char *text, size_t len, const char *label, struct ms_buf *out,
		size_t *ret_used) _must_check_;

/** ms_pem_put() - append a PEM block with lines of 64 characters */
void ms_pem_put(struct ms_buf *out, const char *label, const uint8_t *der, size_t len);

#endif
