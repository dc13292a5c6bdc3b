/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * BER as kernels read it: lib/asn1_decoder.c, not the standard. For what a kernel would
 * say only; what is trusted is read by lib/der.h.
 */
#ifndef MS_KERNEL_BER_H
#define MS_KERNEL_BER_H

#include <stdbool.h>
#include <stdint.h>
#include "lib/error.h"

enum {
	MS_BER_BOOLEAN = 0x01,
	MS_BER_INTEGER = 0x02,
	MS_BER_BITS = 0x03,
	MS_BER_OCTETS = 0x04,
	MS_BER_OID = 0x06,
	MS_BER_SEQUENCE = 0x30,
	MS_BER_SET = 0x31,
	MS_BER_ANY = -1,
};

/** struct ms_ber - an element: all of it, and its content */
struct ms_ber {
	uint8_t tag;
	const uint8_t *p, *body;
	size_t len, body_len;
};

/** struct ms_ber_in - bytes that are left */
struct ms_ber_in {
	const uint8_t *p;
	size_t left;
};

/**
 * ms_ber_take() - the next element, which has to have a tag
 * @tag: MS_BER_* or a context tag. Where a constructed one is wanted, that bit does not
 *	count; else it must not be there
 *
 * Lengths have two bytes at the most, or are left open.
 *
 * Return: 0 or -EBADMSG, and then nothing is taken.
 */
int ms_ber_take(struct ms_ber_in *in, int tag, struct ms_ber *ret) _must_check_;

/** ms_ber_next_is() - is there an element with that tag? */
bool ms_ber_next_is(const struct ms_ber_in *in, int tag);

/** ms_ber_inside() - the content of an element */
static inline struct ms_ber_in ms_ber_inside(const struct ms_ber *e)
{
	return (struct ms_ber_in){.p = e->body, .left = e->body_len};
}

/** ms_ber_end() - -EBADMSG where something is left */
int ms_ber_end(const struct ms_ber_in *in) _must_check_;

/** ms_ber_is() - is the content exactly these bytes? */
bool ms_ber_is(const struct ms_ber *e, const uint8_t *p, size_t len);

/** ms_ber_algorithm() - AlgorithmIdentifier; @ret_params with .p NULL where it has none
 */
int ms_ber_algorithm(struct ms_ber_in *in, struct ms_ber *ret_oid,
		     struct ms_ber *ret_params) _must_check_;

/** ms_ber_name() - Name: SEQUENCE OF SET OF SEQUENCE { OID, any }, none of them empty */
int ms_ber_name(struct ms_ber_in *in, struct ms_ber *ret) _must_check_;

#endif
