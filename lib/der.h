/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * DER (X.690) in small: a strict reader over struct ms_reader that allocates nothing, and
 * a writer over struct ms_buf. Only what messages and certificates need.
 */
#ifndef MS_DER_H
#define MS_DER_H

#include <stdbool.h>
#include <stdint.h>
#include "lib/buf.h"

enum ms_der_tag {
	MS_DER_BOOLEAN = 0x01,
	MS_DER_INTEGER = 0x02,
	MS_DER_BITS = 0x03,
	MS_DER_OCTETS = 0x04,
	MS_DER_NULL = 0x05,
	MS_DER_OID = 0x06,
	MS_DER_SEQUENCE = 0x30,
	MS_DER_SET = 0x31,
	MS_DER_CTX0 = 0x80,  /* [0] IMPLICIT of a primitive type */
	MS_DER_CTX0C = 0xa0, /* [0], constructed */
	MS_DER_CTX1C = 0xa1,
	MS_DER_CTX3C = 0xa3,
};

/**
 * struct ms_der - one element, in place
 * @tag: identifier octet
 * @der, @der_len: with tag and length
 * @body: the content alone
 */
struct ms_der {
	uint8_t tag;
	const uint8_t *der;
	size_t der_len;
	struct ms_reader body;
};

/**
 * ms_der_any() - take the next element
 *
 * Definite, minimal lengths and low tag numbers only (X.690, 10.1).
 *
 * Return: 0, or -EBADMSG, which is also left in @r. On failure @ret is an empty element.
 */
int ms_der_any(struct ms_reader *r, struct ms_der *ret) _must_check_;

/** ms_der_get() - as ms_der_any(), and the element must be of @tag */
int ms_der_get(struct ms_reader *r, uint8_t tag, struct ms_der *ret) _must_check_;

/** ms_der_next_is() - is there another element, and is it of @tag? Takes nothing. */
bool ms_der_next_is(const struct ms_reader *r, uint8_t tag);

/** ms_der_oid() - an OBJECT IDENTIFIER whose arcs are minimal and complete */
int ms_der_oid(struct ms_reader *r, struct ms_der *ret) _must_check_;

/** ms_der_integer() - an INTEGER in minimal form, any size and sign */
int ms_der_integer(struct ms_reader *r, struct ms_der *ret) _must_check_;

/** ms_der_small() - an INTEGER from 0 to 127 */
int ms_der_small(struct ms_reader *r, unsigned int *ret) _must_check_;

/** ms_der_size() - bytes of an element whose content has @len bytes */
size_t ms_der_size(size_t len);

/** ms_der_put_head() - tag and length of an element; @len bytes follow */
void ms_der_put_head(struct ms_buf *out, uint8_t tag, size_t len);

/** ms_der_put() - a whole element */
void ms_der_put(struct ms_buf *out, uint8_t tag, const void *body, size_t len);

#endif
