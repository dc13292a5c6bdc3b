/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MS_BASE64_H
#define MS_BASE64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/buf.h"

/**
 * ms_base64_decode() - RFC 4648, section 4, without libcrypto
 * @blanks: spaces and line ends may be anywhere, and are skipped
 * @out: the bytes are appended; as it was on failure
 *
 * There is one way to write any bytes: padding where it belongs, unused bits zero.
 *
 * Return: 0, -EBADMSG (malformed, or no bytes at all), -EFBIG (over the cap of @out),
 * -ENOMEM.
 */
int ms_base64_decode(const char *text, size_t len, bool blanks,
		     struct ms_buf *out) _must_check_;

/**
 * ms_base64_put() - the other way round
 * @line: characters in a line, of which every one ends with a line end; 0: no lines
 */
void ms_base64_put(struct ms_buf *out, const uint8_t *p, size_t len, unsigned int line);

#endif
