/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/der.h"
#include <errno.h>

#define HIGH_TAG 0x1f

static int bad(struct ms_reader *r, struct ms_der *ret)
{
	r->err = -EBADMSG;
	r->left = 0;
	*ret = (struct ms_der){ .body.err = -EBADMSG };
	return -EBADMSG;
}

int ms_der_any(struct ms_reader *r, struct ms_der *ret)
{
	const uint8_t *start = r->p, *body;
	uint8_t tag = ms_reader_u8(r), first = ms_reader_u8(r);
	size_t len = first;

	if (r->err || (tag & HIGH_TAG) == HIGH_TAG)
		return bad(r, ret);
	if (first & 0x80) {
		unsigned int n = first & 0x7f;

		/* 0 is the indefinite form; 4 bytes can say more than we ever read. */
		if (n < 1 || n > 4)
			return bad(r, ret);
		len = 0;
		for (unsigned int i = 0; i < n; i++) {
			len = len << 8 | ms_reader_u8(r);
			if (i == 0 && !len)
				return bad(r, ret);
		}
		if (len < 0x80)
			return bad(r, ret);
	}
	body = ms_reader_get(r, len);
	if (!body)
		return bad(r, ret);
	*ret = (struct ms_der){
		.tag = tag,
		.der = start,
		.der_len = (size_t)(body - start) + len,
		.body = MS_READER(body, len),
	};
	return 0;
}

int ms_der_get(struct ms_reader *r, uint8_t tag, struct ms_der *ret)
{
	if (!ms_der_next_is(r, tag))
		return bad(r, ret);
	return ms_der_any(r, ret);
}

bool ms_der_next_is(const struct ms_reader *r, uint8_t tag)
{
	return !r->err && r->left && r->p[0] == tag;
}

int ms_der_oid(struct ms_reader *r, struct ms_der *ret)
{
	bool first_of_arc = true;

	if (ms_der_get(r, MS_DER_OID, ret) < 0)
		return -EBADMSG;
	for (size_t i = 0; i < ret->body.left; i++) {
		if (first_of_arc && ret->body.p[i] == 0x80)
			return bad(r, ret);
		first_of_arc = !(ret->body.p[i] & 0x80);
	}
	if (!ret->body.left || !first_of_arc)
		return bad(r, ret);
	return 0;
}

int ms_der_integer(struct ms_reader *r, struct ms_der *ret)
{
	const uint8_t *p;

	if (ms_der_get(r, MS_DER_INTEGER, ret) < 0)
		return -EBADMSG;
	p = ret->body.p;
	if (!ret->body.left)
		return bad(r, ret);
	if (ret->body.left > 1 &&
	    ((p[0] == 0x00 && !(p[1] & 0x80)) || (p[0] == 0xff && (p[1] & 0x80))))
		return bad(r, ret);
	return 0;
}

int ms_der_small(struct ms_reader *r, unsigned int *ret)
{
	struct ms_der n;

	if (ms_der_integer(r, &n) < 0)
		return -EBADMSG;
	if (n.body.left != 1 || (n.body.p[0] & 0x80))
		return bad(r, &n);
	*ret = n.body.p[0];
	return 0;
}

/* Bytes of the length field. */
static size_t length_size(size_t len)
{
	size_t n = 1;

	if (len >= 0x80)
		for (size_t v = len; v; v >>= 8)
			n++;
	return n;
}

size_t ms_der_size(size_t len)
{
	return 1 + length_size(len) + len;
}

void ms_der_put_head(struct ms_buf *out, uint8_t tag, size_t len)
{
	size_t n = length_size(len) - 1;

	ms_buf_put_u8(out, tag);
	if (!n) {
		ms_buf_put_u8(out, (uint8_t)len);
		return;
	}
	ms_buf_put_u8(out, (uint8_t)(0x80 | n));
	while (n--)
		ms_buf_put_u8(out, (uint8_t)(len >> (8 * n)));
}

void ms_der_put(struct ms_buf *out, uint8_t tag, const void *body, size_t len)
{
	ms_der_put_head(out, tag, len);
	ms_buf_put(out, body, len);
}
