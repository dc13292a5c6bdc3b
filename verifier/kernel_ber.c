/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include "verifier/kernel_ber.h"

static int header(const struct ms_ber_in *in, struct ms_ber *e, bool *ret_open)
{
	size_t at = 2, n, len;

	if (in->left < 2 || (in->p[0] & 0x1f) == 0x1f)
		return -EBADMSG;
	len = in->p[1];
	*ret_open = len == 0x80;
	if (len == 0x80) {
		if (!(in->p[0] & 0x20) || in->left < 4)
			return -EBADMSG;
		len = 0;
	} else if (len > 0x80) {
		n = len - 0x80;
		if (n > 2 || n > in->left - at)
			return -EBADMSG;
		for (len = 0; n; n--)
			len = len << 8 | in->p[at++];
	}
	if (len > in->left - at)
		return -EBADMSG;
	*e = (struct ms_ber){
		.tag = in->p[0],
		.p = in->p,
		.body = in->p + at,
		.body_len = len,
		.len = at + len,
	};
	return 0;
}

/* Skips what asn1_find_indefinite_length() does: longer tags and lengths are fine here.
 * Sets *@ret_open where the element has no length. */
static int skip(struct ms_ber_in *at, bool *ret_open)
{
	uint8_t tag = *at->p;
	size_t i = 1, n, len;

	if ((tag & 0x1f) == 0x1f) {
		do {
			if (at->left - i < 2)
				return -EBADMSG;
		} while (at->p[i++] & 0x80);
	}
	len = at->p[i++];
	*ret_open = len == 0x80;
	if (len == 0x80) {
		if (!(tag & 0x20))
			return -EBADMSG;
		len = 0;
	} else if (len > 0x80) {
		n = len - 0x80;
		if (n > sizeof(len) - 1 || n > at->left - i)
			return -EBADMSG;
		for (len = 0; n; n--)
			len = len << 8 | at->p[i++];
	}
	if (len > at->left - i)
		return -EBADMSG;
	at->p += i + len;
	at->left -= i + len;
	return 0;
}

/* Content of an element without a length: up to its end-of-contents. */
static int find_end(struct ms_ber *e, const struct ms_ber_in *in)
{
	struct ms_ber_in at = {.p = e->body, .left = in->left - 2};
	size_t depth = 1;

	while (at.left >= 2) {
		bool open;

		if (*at.p) {
			if (skip(&at, &open))
				return -EBADMSG;
			depth += open;
			continue;
		}
		if (at.p[1])
			return -EBADMSG;
		at.p += 2;
		at.left -= 2;
		if (--depth)
			continue;
		e->body_len = (size_t)(at.p - e->body) - 2;
		e->len = (size_t)(at.p - e->p);
		return 0;
	}
	return -EBADMSG;
}

bool ms_ber_next_is(const struct ms_ber_in *in, int tag)
{
	return in->left && !((in->p[0] ^ tag) & ~(tag & 0x20) & 0xff);
}

int ms_ber_take(struct ms_ber_in *in, int tag, struct ms_ber *ret)
{
	struct ms_ber e;
	bool open;

	if (in->left < 2 || (tag != MS_BER_ANY && !ms_ber_next_is(in, tag)))
		return -EBADMSG;
	if (header(in, &e, &open) || (open && find_end(&e, in)))
		return -EBADMSG;
	in->p += e.len;
	in->left -= e.len;
	*ret = e;
	return 0;
}

int ms_ber_end(const struct ms_ber_in *in)
{
	return in->left ? -EBADMSG : 0;
}

bool ms_ber_is(const struct ms_ber *e, const uint8_t *p, size_t len)
{
	return e->body_len == len && !memcmp(e->body, p, len);
}

int ms_ber_algorithm(struct ms_ber_in *in, struct ms_ber *ret_oid,
		     struct ms_ber *ret_params)
{
	struct ms_ber seq, oid, params = {0};
	struct ms_ber_in at;

	if (ms_ber_take(in, MS_BER_SEQUENCE, &seq))
		return -EBADMSG;
	at = ms_ber_inside(&seq);
	if (ms_ber_take(&at, MS_BER_OID, &oid) ||
	    (at.left && ms_ber_take(&at, MS_BER_ANY, &params)) || ms_ber_end(&at))
		return -EBADMSG;
	*ret_oid = oid;
	*ret_params = params;
	return 0;
}

int ms_ber_name(struct ms_ber_in *in, struct ms_ber *ret)
{
	struct ms_ber name, rdn, pair, part;
	struct ms_ber_in rdns, pairs, parts;

	if (ms_ber_take(in, MS_BER_SEQUENCE, &name) || !name.body_len)
		return -EBADMSG;
	for (rdns = ms_ber_inside(&name); rdns.left;) {
		if (ms_ber_take(&rdns, MS_BER_SET, &rdn) || !rdn.body_len)
			return -EBADMSG;
		for (pairs = ms_ber_inside(&rdn); pairs.left;) {
			if (ms_ber_take(&pairs, MS_BER_SEQUENCE, &pair))
				return -EBADMSG;
			parts = ms_ber_inside(&pair);
			if (ms_ber_take(&parts, MS_BER_OID, &part) ||
			    ms_ber_take(&parts, MS_BER_ANY, &part) || ms_ber_end(&parts))
				return -EBADMSG;
		}
	}
	*ret = name;
	return 0;
}
