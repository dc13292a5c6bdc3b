/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SignedData (RFC 5652, 5). Elements of a SET are taken in any order: the kernel does not
 * mind either, and an order that DER would not have says nothing about a signature.
 */
#include "lib/pkcs7.h"
#include <errno.h>
#include "lib/der.h"

/* 1.2.840.113549.1.7.n */
static bool is_pkcs7_oid(const struct ms_der *oid, uint8_t n)
{
	static const uint8_t arc[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07};

	return oid->body.left == sizeof(arc) + 1 &&
	       memcmp(oid->body.p, arc, sizeof(arc)) == 0 &&
	       oid->body.p[sizeof(arc)] == n;
}

#define PKCS7_DATA 1
#define PKCS7_SIGNED_DATA 2

/* AlgorithmIdentifier: an OID and at most one element of parameters. */
static int parse_algorithm(struct ms_reader *r, struct ms_der *ret_oid,
			   struct ms_der *ret_params)
{
	struct ms_der seq;

	*ret_params = (struct ms_der){0};
	if (ms_der_get(r, MS_DER_SEQUENCE, &seq) < 0 ||
	    ms_der_oid(&seq.body, ret_oid) < 0)
		return -EBADMSG;
	if (seq.body.left && ms_der_any(&seq.body, ret_params) < 0)
		return -EBADMSG;
	return ms_reader_end(&seq.body);
}

/* A digest algorithm has no parameters, or NULL (RFC 5754, 2). */
static int parse_digest_algorithm(struct ms_reader *r, struct ms_der *ret_oid)
{
	struct ms_der params;

	if (parse_algorithm(r, ret_oid, &params) < 0)
		return -EBADMSG;
	if (params.der && (params.tag != MS_DER_NULL || params.body.left))
		return -EBADMSG;
	return 0;
}

/*
 * A signature algorithm has no parameters, NULL (RSA: RFC 8017, A.1), or a SEQUENCE
 * (PSS).
 */
static int parse_signature_algorithm(struct ms_reader *r, struct ms_der *ret_oid)
{
	struct ms_der params;

	if (parse_algorithm(r, ret_oid, &params) < 0)
		return -EBADMSG;
	if (!params.der || params.tag == MS_DER_SEQUENCE)
		return 0;
	return params.tag == MS_DER_NULL && !params.body.left ? 0 : -EBADMSG;
}

/* Attributes: each SEQUENCE { OID, SET OF any }. What they say is for others to judge. */
static int check_attributes(struct ms_reader r)
{
	if (!r.left)
		return -EBADMSG;
	while (r.left) {
		struct ms_der attr, oid, values, value;

		if (ms_der_get(&r, MS_DER_SEQUENCE, &attr) < 0 ||
		    ms_der_oid(&attr.body, &oid) < 0 ||
		    ms_der_get(&attr.body, MS_DER_SET, &values) < 0 ||
		    ms_reader_end(&attr.body) < 0)
			return -EBADMSG;
		while (values.body.left)
			if (ms_der_any(&values.body, &value) < 0)
				return -EBADMSG;
	}
	return 0;
}

/* sid: issuerAndSerialNumber goes with version 1, subjectKeyIdentifier with 3 (5.3). */
static int parse_sid(struct ms_reader *r, struct ms_pkcs7_signer *s)
{
	struct ms_der sid, issuer, serial;

	if (ms_der_any(r, &sid) < 0)
		return -EBADMSG;
	if (sid.tag == MS_DER_CTX0 && s->version == 3 && sid.body.left) {
		s->skid = sid.body.p;
		s->skid_len = sid.body.left;
		return 0;
	}
	if (sid.tag != MS_DER_SEQUENCE || s->version != 1)
		return -EBADMSG;
	if (ms_der_get(&sid.body, MS_DER_SEQUENCE, &issuer) < 0 ||
	    ms_der_integer(&sid.body, &serial) < 0 || ms_reader_end(&sid.body) < 0)
		return -EBADMSG;
	s->issuer = issuer.der;
	s->issuer_len = issuer.der_len;
	s->serial = serial.der;
	s->serial_len = serial.der_len;
	return 0;
}

static int parse_attributes(struct ms_reader *r, uint8_t tag, const uint8_t **ret,
			    size_t *ret_len)
{
	struct ms_der attrs;

	if (!ms_der_next_is(r, tag))
		return 0;
	if (ms_der_get(r, tag, &attrs) < 0 || check_attributes(attrs.body) < 0)
		return -EBADMSG;
	*ret = attrs.der;
	*ret_len = attrs.der_len;
	return 0;
}

static int parse_signer(struct ms_reader *r, struct ms_pkcs7_signer *s)
{
	struct ms_der info, digest, alg, sig;
	struct ms_reader *in = &info.body;

	if (ms_der_get(r, MS_DER_SEQUENCE, &info) < 0 ||
	    ms_der_small(in, &s->version) < 0 || parse_sid(in, s) < 0 ||
	    parse_digest_algorithm(in, &digest) < 0 ||
	    parse_attributes(in, MS_DER_CTX0C, &s->signed_attrs, &s->signed_attrs_len) <
		    0 ||
	    parse_signature_algorithm(in, &alg) < 0 ||
	    ms_der_get(in, MS_DER_OCTETS, &sig) < 0 || !sig.body.left ||
	    parse_attributes(in, MS_DER_CTX1C, &s->unsigned_attrs,
			     &s->unsigned_attrs_len) < 0 ||
	    ms_reader_end(in) < 0)
		return -EBADMSG;
	s->digest_oid = digest.der;
	s->digest_oid_len = digest.der_len;
	s->sig_oid = alg.der;
	s->sig_oid_len = alg.der_len;
	s->sig = sig.body.p;
	s->sig_len = sig.body.left;
	if (ms_hash_from_oid(digest.der, digest.der_len, &s->hash) < 0)
		s->hash = MS_HASH_NONE;
	return 0;
}

static int parse_signers(struct ms_reader *r, struct ms_pkcs7 *m)
{
	struct ms_der set;

	if (ms_der_get(r, MS_DER_SET, &set) < 0)
		return -EBADMSG;
	while (set.body.left) {
		struct ms_pkcs7_signer *s = &m->signers[m->n_signers];

		if (m->n_signers == MS_PKCS7_SIGNERS_MAX ||
		    parse_signer(&set.body, s) < 0)
			return -EBADMSG;
		/* A message of version 1 has no signer of version 3 (5.1). */
		if (s->version > m->version)
			return -EBADMSG;
		m->n_signers++;
	}
	return 0;
}

/* [0] CertificateSet: X.509 only; obsolete and attribute certificates have other tags. */
static int parse_certs(struct ms_reader *r, struct ms_pkcs7 *m)
{
	struct ms_der set, cert;

	if (!ms_der_next_is(r, MS_DER_CTX0C))
		return 0;
	if (ms_der_get(r, MS_DER_CTX0C, &set) < 0)
		return -EBADMSG;
	while (set.body.left) {
		if (m->n_certs == MS_PKCS7_CERTS_MAX || ms_der_any(&set.body, &cert) < 0)
			return -EBADMSG;
		if (cert.tag != MS_DER_SEQUENCE)
			return -ENOPKG;
		m->certs[m->n_certs].der = cert.der;
		m->certs[m->n_certs].len = cert.der_len;
		m->n_certs++;
	}
	return 0;
}

/* [1] RevocationInfoChoices: noticed, and no more. */
static int parse_crls(struct ms_reader *r, struct ms_pkcs7 *m)
{
	struct ms_der set, crl;

	if (!ms_der_next_is(r, MS_DER_CTX1C))
		return 0;
	if (ms_der_get(r, MS_DER_CTX1C, &set) < 0)
		return -EBADMSG;
	while (set.body.left)
		if (ms_der_any(&set.body, &crl) < 0)
			return -EBADMSG;
	m->has_crls = true;
	return 0;
}

static int parse_digest_algorithms(struct ms_reader *r, struct ms_reader *ret)
{
	struct ms_der set, oid;

	if (ms_der_get(r, MS_DER_SET, &set) < 0)
		return -EBADMSG;
	*ret = set.body;
	while (set.body.left)
		if (parse_digest_algorithm(&set.body, &oid) < 0)
			return -EBADMSG;
	return 0;
}

/* The list at the front, where it is not empty, has what the signers use (5.1). */
static bool is_listed(struct ms_reader list, const struct ms_pkcs7_signer *s)
{
	struct ms_der oid;

	if (!list.left)
		return true;
	while (list.left && parse_digest_algorithm(&list, &oid) == 0)
		if (oid.der_len == s->digest_oid_len &&
		    memcmp(oid.der, s->digest_oid, oid.der_len) == 0)
			return true;
	return false;
}

/* encapContentInfo: pkcs7-data, with or without content in an OCTET STRING. */
static int parse_content(struct ms_reader *r, struct ms_pkcs7 *m)
{
	struct ms_der info, type, content, octets;

	if (ms_der_get(r, MS_DER_SEQUENCE, &info) < 0 ||
	    ms_der_oid(&info.body, &type) < 0)
		return -EBADMSG;
	if (!is_pkcs7_oid(&type, PKCS7_DATA))
		return -ENOPKG;
	m->detached = !info.body.left;
	if (m->detached)
		return 0;
	if (ms_der_get(&info.body, MS_DER_CTX0C, &content) < 0 ||
	    ms_der_get(&content.body, MS_DER_OCTETS, &octets) < 0 ||
	    ms_reader_end(&content.body) < 0)
		return -EBADMSG;
	return ms_reader_end(&info.body);
}

static int parse_signed_data(struct ms_reader *r, struct ms_pkcs7 *m)
{
	struct ms_reader digests = {0};
	struct ms_der data;
	int rc;

	if (ms_der_get(r, MS_DER_SEQUENCE, &data) < 0 ||
	    ms_der_small(&data.body, &m->version) < 0)
		return -EBADMSG;
	/* 4 and 5 stand for attribute certificates and other formats. */
	if (m->version != 1 && m->version != 3)
		return m->version == 4 || m->version == 5 ? -ENOPKG : -EBADMSG;
	rc = parse_digest_algorithms(&data.body, &digests);
	if (rc == 0)
		rc = parse_content(&data.body, m);
	if (rc == 0)
		rc = parse_certs(&data.body, m);
	if (rc == 0)
		rc = parse_crls(&data.body, m);
	if (rc == 0)
		rc = parse_signers(&data.body, m);
	for (size_t i = 0; i < m->n_signers && rc == 0; i++)
		if (!is_listed(digests, &m->signers[i]))
			rc = -EBADMSG;
	return rc < 0 ? rc : ms_reader_end(&data.body);
}

int ms_pkcs7_parse(const uint8_t *msg, size_t len, struct ms_pkcs7 *ret)
{
	struct ms_reader r = MS_READER(msg, len);
	struct ms_pkcs7 m = {.trailing = 0};
	struct ms_der info, type, explicit0;
	int rc;

	if (ms_der_get(&r, MS_DER_SEQUENCE, &info) < 0 ||
	    ms_der_oid(&info.body, &type) < 0)
		return -EBADMSG;
	if (!is_pkcs7_oid(&type, PKCS7_SIGNED_DATA))
		return -ENOPKG;
	if (ms_der_get(&info.body, MS_DER_CTX0C, &explicit0) < 0 ||
	    ms_reader_end(&info.body) < 0)
		return -EBADMSG;
	rc = parse_signed_data(&explicit0.body, &m);
	if (rc < 0)
		return rc;
	if (ms_reader_end(&explicit0.body) < 0)
		return -EBADMSG;
	m.trailing = r.left;
	*ret = m;
	return 0;
}
