/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include "verifier/kernel_message.h"

#define INDEFINITE_DEPTH 16u

enum {
	INTEGER = 0x02,
	OCTETS = 0x04,
	OID = 0x06,
	SEQUENCE = 0x30,
	SET = 0x31,
	ANY = -1,
};

/* An element: all of it, and its content. */
struct element {
	uint8_t tag;
	const uint8_t *p, *body;
	size_t len, body_len;
};

/* Bytes that are left. */
struct input {
	const uint8_t *p;
	size_t left;
};

struct parse {
	struct ms_pkcs7 *m;
	bool authenticode;
	/* Signers that have signed attributes, and all of them. */
	size_t with_attrs, n_signers;
};

static const uint8_t oid_data[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1};
static const uint8_t oid_signed[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2};
static const uint8_t oid_indirect[] = {0x2b, 6, 1, 4, 1, 0x82, 0x37, 2, 1, 4};

static bool is_oid(const struct element *e, const uint8_t *oid, size_t len)
{
	return e->body_len == len && !memcmp(e->body, oid, len);
}

static struct input inside(const struct element *e)
{
	return (struct input){.p = e->body, .left = e->body_len};
}

static int header(const struct input *in, struct element *e, bool *ret_indefinite)
{
	size_t at = 2, n, len;

	if (in->left < 2 || (in->p[0] & 0x1f) == 0x1f)
		return -EBADMSG;
	len = in->p[1];
	*ret_indefinite = len == 0x80;
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
	*e = (struct element){
		.tag = in->p[0],
		.p = in->p,
		.body = in->p + at,
		.body_len = len,
		.len = at + len,
	};
	return 0;
}

/* Content of an element without a length: up to its end-of-contents. */
static int indefinite_end(struct element *e, const struct input *in)
{
	struct input at = {.p = e->body, .left = in->left - 2};
	unsigned int depth = 1;

	while (at.left >= 2) {
		struct element inner;
		bool open;

		if (!at.p[0] && !at.p[1]) {
			at.p += 2;
			at.left -= 2;
			if (--depth)
				continue;
			e->body_len = (size_t)(at.p - e->body) - 2;
			e->len = (size_t)(at.p - e->p);
			return 0;
		}
		if (header(&at, &inner, &open) || (open && ++depth > INDEFINITE_DEPTH))
			return -EBADMSG;
		at.p += open ? 2 : inner.len;
		at.left -= open ? 2 : inner.len;
	}
	return -EBADMSG;
}

/* The next element, which has to have a tag; nothing is taken where it has another. */
static int take(struct input *in, int tag, struct element *ret)
{
	struct element e;
	bool indefinite;

	/* Where a constructed tag is wanted, the bit does not count; else it must not be.
	 */
	if (in->left < 2 || (tag != ANY && ((in->p[0] ^ tag) & ~(tag & 0x20) & 0xff)))
		return -EBADMSG;
	if (header(in, &e, &indefinite) || (indefinite && indefinite_end(&e, in)))
		return -EBADMSG;
	in->p += e.len;
	in->left -= e.len;
	*ret = e;
	return 0;
}

static bool next_is(const struct input *in, int tag)
{
	return in->left && !((in->p[0] ^ tag) & ~(tag & 0x20) & 0xff);
}

static int end(const struct input *in)
{
	return in->left ? -EBADMSG : 0;
}

/* SET OF or SEQUENCE OF: at least one element is wanted. */
static int take_many(struct input *in, int tag1, int tag2, struct element *ret)
{
	if (take(in, tag1, ret) && take(in, tag2, ret))
		return -EBADMSG;
	return ret->body_len ? 0 : -EBADMSG;
}

static int algorithm(struct input *in, struct element *ret_oid)
{
	struct element seq, params;
	struct input at;

	if (take(in, SEQUENCE, &seq))
		return -EBADMSG;
	at = inside(&seq);
	if (take(&at, OID, ret_oid) || (at.left && take(&at, ANY, &params)))
		return -EBADMSG;
	return end(&at);
}

static int small_version(struct input *in, unsigned int *ret)
{
	struct element e;

	if (take(in, INTEGER, &e))
		return -EBADMSG;
	if (e.body_len != 1 || (*e.body != 1 && *e.body != 3))
		return -EINVAL;
	*ret = *e.body;
	return 0;
}

/* Name: SEQUENCE OF SET OF SEQUENCE { OID, any }, none of them empty. */
static int name(struct input *in, struct element *ret)
{
	struct element rdn, pair, part;
	struct input rdns, pairs, parts;

	if (take(in, SEQUENCE, ret) || !ret->body_len)
		return -EBADMSG;
	for (rdns = inside(ret); rdns.left;) {
		if (take(&rdns, SET, &rdn) || !rdn.body_len)
			return -EBADMSG;
		for (pairs = inside(&rdn); pairs.left;) {
			if (take(&pairs, SEQUENCE, &pair))
				return -EBADMSG;
			parts = inside(&pair);
			if (take(&parts, OID, &part) || take(&parts, ANY, &part) ||
			    end(&parts))
				return -EBADMSG;
		}
	}
	return 0;
}

static int signer_name(struct input *in, struct ms_pkcs7_signer *s)
{
	struct element sid, issuer, serial;
	struct input at;

	if (next_is(in, 0x80)) {
		if (take(in, 0x80, &sid))
			return -EBADMSG;
		s->skid = sid.body;
		s->skid_len = sid.body_len;
		return 0;
	}
	if (take(in, SEQUENCE, &sid))
		return -EBADMSG;
	at = inside(&sid);
	if (name(&at, &issuer) || take(&at, INTEGER, &serial) || end(&at))
		return -EBADMSG;
	s->issuer = issuer.p;
	s->issuer_len = issuer.len;
	s->serial = serial.p;
	s->serial_len = serial.len;
	return 0;
}

/* Attributes of 1.2.840.113549.1.9 that pkcs7_sig_note_authenticated_attr() looks into.
 */
enum {
	CONTENT_TYPE = 3,
	MESSAGE_DIGEST = 4,
	SIGNING_TIME = 5,
	CAPABILITIES = 15,
};

static int attribute_value(const struct parse *p, unsigned int kind,
			   const struct element *value, unsigned int *seen)
{
	if (!kind)
		return 0;
	if (*seen & 1u << kind)
		return -EKEYREJECTED;
	*seen |= 1u << kind;
	switch (kind) {
	case CONTENT_TYPE:
		if (p->authenticode)
			return is_oid(value, oid_indirect, sizeof(oid_indirect))
				       ? 0
				       : -EBADMSG;
		return is_oid(value, oid_data, sizeof(oid_data)) ? 0 : -EBADMSG;
	case MESSAGE_DIGEST:
		return value->tag == OCTETS ? 0 : -EBADMSG;
	case CAPABILITIES:
		return p->authenticode ? 0 : -EKEYREJECTED;
	default:
		return 0;
	}
}

/* @looked_into: the kernel looks at signed attributes only. */
static int attributes(const struct parse *p, struct input at, bool looked_into)
{
	static const uint8_t arc[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9};
	unsigned int seen = 0;

	if (!at.left)
		return -EBADMSG;
	while (at.left) {
		struct element attr, oid, set, value;
		struct input parts, values;
		unsigned int kind = 0;

		if (take(&at, SEQUENCE, &attr))
			return -EBADMSG;
		parts = inside(&attr);
		if (take(&parts, OID, &oid) || take(&parts, SET, &set) || !set.body_len)
			return -EBADMSG;
		if (oid.body_len == 9 && !memcmp(oid.body, arc, 8) && oid.body[8] < 32 &&
		    (oid.body[8] == CONTENT_TYPE || oid.body[8] == MESSAGE_DIGEST ||
		     oid.body[8] == SIGNING_TIME || oid.body[8] == CAPABILITIES))
			kind = oid.body[8];
		for (values = inside(&set); values.left;) {
			int rc = take(&values, ANY, &value);

			if (!rc && looked_into)
				rc = attribute_value(p, kind, &value, &seen);
			if (rc)
				return rc;
		}
		if (end(&parts))
			return -EBADMSG;
	}
	if (looked_into && (~seen & (1u << CONTENT_TYPE | 1u << MESSAGE_DIGEST)))
		return -EBADMSG;
	return 0;
}

static int signed_attributes(struct parse *p, struct input *in, struct ms_pkcs7_signer *s)
{
	struct element set;
	int rc;

	if (!next_is(in, 0xa0))
		return 0;
	if (take(in, 0xa0, &set))
		return -EBADMSG;
	rc = attributes(p, inside(&set), true);
	if (rc)
		return rc;
	s->signed_attrs = set.p;
	s->signed_attrs_len = set.len;
	p->with_attrs++;
	return 0;
}

static int unsigned_attributes(const struct parse *p, struct input *in)
{
	struct element set;

	if (!next_is(in, 0xa1) && !next_is(in, 0xa3))
		return 0;
	if (take(in, ANY, &set))
		return -EBADMSG;
	return attributes(p, inside(&set), false);
}

static int signer(struct parse *p, struct input *in)
{
	struct ms_pkcs7_signer s = {0};
	struct element info, digest, alg, sig;
	struct input at;
	int rc;

	if (take(in, SEQUENCE, &info))
		return -EBADMSG;
	at = inside(&info);
	rc = small_version(&at, &s.version);
	if (!rc && (s.version == 1) != (p->m->version == 1))
		rc = -EBADMSG;
	if (!rc)
		rc = signer_name(&at, &s);
	if (!rc)
		rc = algorithm(&at, &digest);
	if (!rc)
		rc = signed_attributes(p, &at, &s);
	if (!rc)
		rc = algorithm(&at, &alg);
	if (!rc)
		rc = take(&at, OCTETS, &sig);
	if (!rc)
		rc = unsigned_attributes(p, &at);
	if (!rc)
		rc = end(&at);
	if (!rc && p->authenticode && !s.signed_attrs)
		rc = -EBADMSG;
	if (rc)
		return rc;
	s.digest_oid = digest.p;
	s.digest_oid_len = digest.len;
	s.sig_oid = alg.p;
	s.sig_oid_len = alg.len;
	s.sig = sig.body;
	s.sig_len = sig.body_len;
	if (ms_hash_from_oid(digest.p, digest.len, &s.hash))
		s.hash = MS_HASH_NONE;
	p->n_signers++;
	if (p->m->n_signers < MS_PKCS7_SIGNERS_MAX)
		p->m->signers[p->m->n_signers++] = s;
	return 0;
}

static int certificates(struct parse *p, struct input *in)
{
	struct element list, cert;
	struct input at;

	if (!next_is(in, 0xa0) && !next_is(in, 0xa2))
		return 0;
	if (take(in, ANY, &list) || !list.body_len)
		return -EBADMSG;
	for (at = inside(&list); at.left;) {
		if (take(&at, ANY, &cert) || cert.tag != SEQUENCE)
			return -EBADMSG;
		if (p->m->n_certs == MS_PKCS7_CERTS_MAX)
			continue;
		p->m->certs[p->m->n_certs].der = cert.p;
		p->m->certs[p->m->n_certs++].len = cert.len;
	}
	return 0;
}

static int content(struct parse *p, struct input *in)
{
	struct element info, type, data;
	struct input at;

	if (take(in, SEQUENCE, &info))
		return -EBADMSG;
	at = inside(&info);
	if (take(&at, OID, &type))
		return -EBADMSG;
	p->m->detached = !at.left;
	if (at.left && take(&at, 0xa0, &data))
		return -EBADMSG;
	if (end(&at))
		return -EBADMSG;
	p->authenticode = is_oid(&type, oid_indirect, sizeof(oid_indirect));
	return p->authenticode || is_oid(&type, oid_data, sizeof(oid_data)) ? 0 : -EINVAL;
}

static int signed_data(struct parse *p, struct input *in)
{
	struct element list, oid;
	struct input at;
	int rc = small_version(in, &p->m->version);

	if (!rc)
		rc = take_many(in, SET, SEQUENCE, &list);
	if (!rc)
		for (at = inside(&list); at.left && !rc;)
			rc = algorithm(&at, &oid);
	if (!rc)
		rc = content(p, in);
	if (!rc)
		rc = certificates(p, in);
	/* What pkcs7.asn1 takes for the entries of a CRL are certificates: none can be
	 * one. */
	if (!rc && (next_is(in, 0xa1) || next_is(in, 0xa3)))
		rc = -EBADMSG;
	if (!rc)
		rc = take(in, SET, &list) && take(in, SEQUENCE, &list) ? -EBADMSG : 0;
	if (!rc)
		for (at = inside(&list); at.left && !rc;)
			rc = signer(p, &at);
	if (!rc)
		rc = end(in);
	/* pkcs7_check_authattrs(): there must be a signer, and all must be alike. */
	if (!rc && (!p->n_signers || (p->with_attrs && p->with_attrs != p->n_signers)))
		rc = -EBADMSG;
	return rc;
}

int ms_kernel_message_parse(const uint8_t *msg, size_t len, struct ms_pkcs7 *ret)
{
	struct ms_pkcs7 m = {0};
	struct parse p = {.m = &m};
	struct input in = {.p = msg, .left = len}, at;
	struct element outer, type, wrapped, data;
	int rc;

	if (take(&in, SEQUENCE, &outer))
		return -EBADMSG;
	at = inside(&outer);
	if (take(&at, OID, &type))
		return -EBADMSG;
	if (!is_oid(&type, oid_signed, sizeof(oid_signed)))
		return -EINVAL;
	if (take(&at, 0xa0, &wrapped) || end(&at))
		return -EBADMSG;
	at = inside(&wrapped);
	if (take(&at, SEQUENCE, &data) || end(&at))
		return -EBADMSG;
	at = inside(&data);
	rc = signed_data(&p, &at);
	if (rc)
		return rc;
	m.trailing = in.left;
	*ret = m;
	return 0;
}
