/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include "verifier/kernel_ber.h"
#include "verifier/kernel_message.h"

struct parse {
	struct ms_kernel_message *km;
	struct ms_pkcs7 *m;
	const struct ms_kernel_profile *profile;
	bool authenticode;
	/* Signers that have signed attributes, and all of them. */
	size_t with_attrs, n_signers;
	/* What the last signer said, if only the one before: it is never forgotten. */
	struct ms_bytes issuer, serial, skid;
};

static const uint8_t oid_data[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1};
static const uint8_t oid_signed[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2};
static const uint8_t oid_indirect[] = {0x2b, 6, 1, 4, 1, 0x82, 0x37, 2, 1, 4};

/* SET OF or SEQUENCE OF: at least one element is wanted. */
static int take_many(struct ms_ber_in *in, int tag1, int tag2, struct ms_ber *ret)
{
	if (ms_ber_take(in, tag1, ret) && ms_ber_take(in, tag2, ret))
		return -EBADMSG;
	return ret->body_len ? 0 : -EBADMSG;
}

static int small_version(struct ms_ber_in *in, unsigned int *ret)
{
	struct ms_ber e;

	if (ms_ber_take(in, MS_BER_INTEGER, &e))
		return -EBADMSG;
	if (e.body_len != 1 || (*e.body != 1 && *e.body != 3))
		return -EINVAL;
	*ret = *e.body;
	return 0;
}

static int signer_name(struct parse *p, struct ms_ber_in *in, struct ms_pkcs7_signer *s)
{
	struct ms_ber sid, issuer, serial;
	struct ms_ber_in at;

	if (ms_ber_next_is(in, 0x80)) {
		if (ms_ber_take(in, 0x80, &sid))
			return -EBADMSG;
		s->skid = sid.body;
		s->skid_len = sid.body_len;
		p->skid = (struct ms_bytes){sid.body, sid.body_len};
		return 0;
	}
	if (ms_ber_take(in, MS_BER_SEQUENCE, &sid))
		return -EBADMSG;
	at = ms_ber_inside(&sid);
	if (ms_ber_name(&at, &issuer) || ms_ber_take(&at, MS_BER_INTEGER, &serial) ||
	    ms_ber_end(&at))
		return -EBADMSG;
	s->issuer = issuer.p;
	s->issuer_len = issuer.len;
	s->serial = serial.p;
	s->serial_len = serial.len;
	p->issuer = (struct ms_bytes){issuer.body, issuer.body_len};
	p->serial = (struct ms_bytes){serial.body, serial.body_len};
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
			   const struct ms_ber *value, unsigned int *seen)
{
	if (!kind)
		return 0;
	if (*seen & 1u << kind)
		return -EKEYREJECTED;
	*seen |= 1u << kind;
	switch (kind) {
	case CONTENT_TYPE:
		if (p->authenticode)
			return ms_ber_is(value, oid_indirect, sizeof(oid_indirect))
				       ? 0
				       : -EBADMSG;
		return ms_ber_is(value, oid_data, sizeof(oid_data)) ? 0 : -EBADMSG;
	case SIGNING_TIME:
		return ms_kernel_time_check(value->tag, value->body, value->body_len);
	case MESSAGE_DIGEST:
		return value->tag == MS_BER_OCTETS ? 0 : -EBADMSG;
	case CAPABILITIES:
		return p->authenticode ? 0 : -EKEYREJECTED;
	default:
		return 0;
	}
}

/* @looked_into: the kernel looks at signed attributes only. @complete: the two that there
 * must be are wanted. */
static int attributes(const struct parse *p, struct ms_ber_in at, bool looked_into,
		      bool complete)
{
	static const uint8_t arc[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9};
	unsigned int seen = 0;

	if (!at.left)
		return -EBADMSG;
	while (at.left) {
		struct ms_ber attr, oid, set, value;
		struct ms_ber_in parts, values;
		unsigned int kind = 0;

		if (ms_ber_take(&at, MS_BER_SEQUENCE, &attr))
			return -EBADMSG;
		parts = ms_ber_inside(&attr);
		if (ms_ber_take(&parts, MS_BER_OID, &oid) ||
		    ms_ber_take(&parts, MS_BER_SET, &set) || !set.body_len)
			return -EBADMSG;
		if (oid.body_len == 9 && !memcmp(oid.body, arc, 8) && oid.body[8] < 32 &&
		    (oid.body[8] == CONTENT_TYPE || oid.body[8] == MESSAGE_DIGEST ||
		     oid.body[8] == SIGNING_TIME || oid.body[8] == CAPABILITIES))
			kind = oid.body[8];
		for (values = ms_ber_inside(&set); values.left;) {
			int rc = ms_ber_take(&values, MS_BER_ANY, &value);

			if (!rc && looked_into)
				rc = attribute_value(p, kind, &value, &seen);
			if (rc)
				return rc;
		}
		if (ms_ber_end(&parts))
			return -EBADMSG;
	}
	if (complete && (~seen & (1u << CONTENT_TYPE | 1u << MESSAGE_DIGEST)))
		return -EBADMSG;
	return 0;
}

static int signed_attributes(struct parse *p, struct ms_ber_in *in,
			     struct ms_pkcs7_signer *s)
{
	struct ms_ber set;
	int rc;

	/* The other form, aaSequence, is read and then not heeded. */
	if (ms_ber_next_is(in, 0xa2)) {
		struct ms_ber_in at;

		if (ms_ber_take(in, 0xa2, &set))
			return -EBADMSG;
		at = ms_ber_inside(&set);
		if (ms_ber_take(&at, MS_BER_SEQUENCE, &set) || ms_ber_end(&at))
			return -EBADMSG;
		return attributes(p, ms_ber_inside(&set), true, false);
	}
	if (!ms_ber_next_is(in, 0xa0))
		return 0;
	if (ms_ber_take(in, 0xa0, &set))
		return -EBADMSG;
	rc = attributes(p, ms_ber_inside(&set), true, true);
	if (rc)
		return rc;
	s->signed_attrs = set.p;
	s->signed_attrs_len = set.len;
	p->with_attrs++;
	return 0;
}

static int unsigned_attributes(const struct parse *p, struct ms_ber_in *in)
{
	struct ms_ber set;

	if (!ms_ber_next_is(in, 0xa1) && !ms_ber_next_is(in, 0xa3))
		return 0;
	if (ms_ber_take(in, MS_BER_ANY, &set))
		return -EBADMSG;
	return attributes(p, ms_ber_inside(&set), false, false);
}

static int digest_algorithm(const struct parse *p, const struct ms_ber *oid,
			    struct ms_pkcs7_signer *s)
{
	s->digest_oid = oid->p;
	s->digest_oid_len = oid->len;
	if (ms_hash_from_oid(oid->p, oid->len, &s->hash))
		s->hash = MS_HASH_NONE;
	return !p->profile || ms_profile_parses_hash(p->profile, s->hash) ? 0 : -ENOPKG;
}

static int key_algorithm(const struct parse *p, const struct ms_ber *oid,
			 struct ms_pkcs7_signer *s)
{
	enum ms_sig_kind kind = ms_sig_kind_of_oid(oid->p, oid->len);

	s->sig_oid = oid->p;
	s->sig_oid_len = oid->len;
	return !p->profile || ms_profile_parses_sig(p->profile, kind) ? 0 : -ENOPKG;
}

static int signer(struct parse *p, struct ms_ber_in *in)
{
	struct ms_pkcs7_signer s = {0};
	struct ms_ber info, digest, alg, sig, params;
	struct ms_ber_in at;
	int rc;

	if (ms_ber_take(in, MS_BER_SEQUENCE, &info))
		return -EBADMSG;
	at = ms_ber_inside(&info);
	rc = small_version(&at, &s.version);
	if (!rc && (s.version == 1) != (p->m->version == 1))
		rc = -EBADMSG;
	if (!rc)
		rc = signer_name(p, &at, &s);
	if (!rc)
		rc = ms_ber_algorithm(&at, &digest, &params);
	if (!rc)
		rc = digest_algorithm(p, &digest, &s);
	if (!rc)
		rc = signed_attributes(p, &at, &s);
	if (!rc)
		rc = ms_ber_algorithm(&at, &alg, &params);
	if (!rc)
		rc = key_algorithm(p, &alg, &s);
	if (!rc)
		rc = ms_ber_take(&at, MS_BER_OCTETS, &sig);
	if (!rc)
		rc = unsigned_attributes(p, &at);
	if (!rc)
		rc = ms_ber_end(&at);
	if (!rc && p->authenticode && !s.signed_attrs)
		rc = -EBADMSG;
	if (rc)
		return rc;
	s.sig = sig.body;
	s.sig_len = sig.body_len;
	p->n_signers++;
	if (p->m->n_signers == MS_PKCS7_SIGNERS_MAX)
		return 0;
	p->km->sids[p->m->n_signers] = (struct ms_kernel_id){
		.there = true,
		.a = s.version == 3 ? p->skid : p->serial,
		.b = s.version == 3 ? (struct ms_bytes){0} : p->issuer,
	};
	p->m->signers[p->m->n_signers++] = s;
	return 0;
}

static int certificates(struct parse *p, struct ms_ber_in *in)
{
	struct ms_ber list, cert;
	struct ms_ber_in at;

	if (!ms_ber_next_is(in, 0xa0) && !ms_ber_next_is(in, 0xa2))
		return 0;
	if (ms_ber_take(in, MS_BER_ANY, &list) || !list.body_len)
		return -EBADMSG;
	for (at = ms_ber_inside(&list); at.left;) {
		if (ms_ber_take(&at, MS_BER_ANY, &cert) || cert.tag != MS_BER_SEQUENCE)
			return -EBADMSG;
		if (p->profile) {
			struct ms_kernel_cert parsed;
			int rc = ms_kernel_cert_parse(p->profile, cert.p, cert.len,
						      &parsed);

			if (rc)
				return rc;
			if (p->m->n_certs < MS_PKCS7_CERTS_MAX)
				p->km->certs[p->m->n_certs] = parsed;
		}
		if (p->m->n_certs == MS_PKCS7_CERTS_MAX)
			continue;
		p->m->certs[p->m->n_certs].der = cert.p;
		p->m->certs[p->m->n_certs++].len = cert.len;
	}
	return 0;
}

static int content(struct parse *p, struct ms_ber_in *in)
{
	struct ms_ber info, type, data;
	struct ms_ber_in at;

	if (ms_ber_take(in, MS_BER_SEQUENCE, &info))
		return -EBADMSG;
	at = ms_ber_inside(&info);
	if (ms_ber_take(&at, MS_BER_OID, &type))
		return -EBADMSG;
	p->m->detached = !at.left;
	if (at.left && ms_ber_take(&at, 0xa0, &data))
		return -EBADMSG;
	if (ms_ber_end(&at))
		return -EBADMSG;
	p->authenticode = ms_ber_is(&type, oid_indirect, sizeof(oid_indirect));
	return p->authenticode || ms_ber_is(&type, oid_data, sizeof(oid_data)) ? 0
									       : -EINVAL;
}

static int signed_data(struct parse *p, struct ms_ber_in *in)
{
	struct ms_ber list, oid, params;
	struct ms_ber_in at;
	int rc = small_version(in, &p->m->version);

	if (!rc)
		rc = take_many(in, MS_BER_SET, MS_BER_SEQUENCE, &list);
	if (!rc)
		for (at = ms_ber_inside(&list); at.left && !rc;)
			rc = ms_ber_algorithm(&at, &oid, &params);
	if (!rc)
		rc = content(p, in);
	if (!rc)
		rc = certificates(p, in);
	/* What pkcs7.asn1 takes for the entries of a CRL are certificates: none can be
	 * one. */
	if (!rc && (ms_ber_next_is(in, 0xa1) || ms_ber_next_is(in, 0xa3)))
		rc = -EBADMSG;
	if (!rc)
		rc = ms_ber_take(in, MS_BER_SET, &list) &&
				     ms_ber_take(in, MS_BER_SEQUENCE, &list)
			     ? -EBADMSG
			     : 0;
	if (!rc)
		for (at = ms_ber_inside(&list); at.left && !rc;)
			rc = signer(p, &at);
	if (!rc)
		rc = ms_ber_end(in);
	if (!rc && !p->n_signers)
		rc = -EBADMSG;
	/* pkcs7_check_authattrs(): all must be alike. */
	if (!rc && p->with_attrs && p->with_attrs != p->n_signers)
		rc = -EINVAL;
	return rc;
}

int ms_kernel_message_parse(const struct ms_kernel_profile *profile, const uint8_t *msg,
			    size_t len, struct ms_kernel_message *ret)
{
	struct ms_kernel_message km = {0};
	struct parse p = {.km = &km, .m = &km.m, .profile = profile};
	struct ms_ber_in in = {.p = msg, .left = len}, at;
	struct ms_ber outer, type, wrapped, data;
	int rc;

	if (ms_ber_take(&in, MS_BER_SEQUENCE, &outer))
		return -EBADMSG;
	at = ms_ber_inside(&outer);
	if (ms_ber_take(&at, MS_BER_OID, &type))
		return -EBADMSG;
	if (!ms_ber_is(&type, oid_signed, sizeof(oid_signed)))
		return -EINVAL;
	if (ms_ber_take(&at, 0xa0, &wrapped) || ms_ber_end(&at))
		return -EBADMSG;
	at = ms_ber_inside(&wrapped);
	if (ms_ber_take(&at, MS_BER_SEQUENCE, &data) || ms_ber_end(&at))
		return -EBADMSG;
	at = ms_ber_inside(&data);
	rc = signed_data(&p, &at);
	if (rc)
		return rc;
	km.m.trailing = in.left;
	*ret = km;
	return 0;
}
