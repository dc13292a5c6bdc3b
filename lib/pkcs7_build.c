/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/pkcs7.h"
#include <errno.h>
#include "lib/der.h"
#include "lib/limits.h"

static const uint8_t oid_signed_data[] = { 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
					   0xf7, 0x0d, 0x01, 0x07, 0x02 };
/* encapContentInfo: pkcs7-data and nothing in it */
static const uint8_t detached_data[] = { 0x30, 0x0b, 0x06, 0x09, 0x2a, 0x86, 0x48,
					 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01 };
static const uint8_t alg_rsa[] = { 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
				   0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00 };

/* ecdsa-with-SHA256, 384, 512 (RFC 5758, 3.2) and with SHA-3 (NIST CSOR) */
#define ECDSA_SHA2 "\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03"
#define ECDSA_SHA3 "\x30\x0b\x06\x09\x60\x86\x48\x01\x65\x03\x04\x03"

static const struct {
	enum ms_hash hash;
	const char *der;
	size_t len;
} ecdsa_algs[] = {
	{ MS_HASH_SHA256, ECDSA_SHA2 "\x02", 12 },
	{ MS_HASH_SHA384, ECDSA_SHA2 "\x03", 12 },
	{ MS_HASH_SHA512, ECDSA_SHA2 "\x04", 12 },
	{ MS_HASH_SHA3_256, ECDSA_SHA3 "\x0a", 13 },
	{ MS_HASH_SHA3_384, ECDSA_SHA3 "\x0b", 13 },
	{ MS_HASH_SHA3_512, ECDSA_SHA3 "\x0c", 13 },
};

struct span {
	const uint8_t *p;
	size_t len;
};

/* AlgorithmIdentifier of the signature, as OpenSSL's CMS writes it. */
static int sig_alg(const struct ms_pkcs7_request *req, struct span *ret)
{
	int id = req->cert->pkey ? EVP_PKEY_get_base_id(req->cert->pkey) : EVP_PKEY_NONE;

	if (id == EVP_PKEY_RSA) {
		*ret = (struct span){ alg_rsa, sizeof(alg_rsa) };
		return 0;
	}
	if (id != EVP_PKEY_EC)
		return -ENOPKG;
	for (size_t i = 0; i < ARRAY_SIZE(ecdsa_algs); i++) {
		if (ecdsa_algs[i].hash == req->hash) {
			*ret = (struct span){ (const uint8_t *)ecdsa_algs[i].der,
					      ecdsa_algs[i].len };
			return 0;
		}
	}
	return -ENOPKG;
}

/* Sizes of the nested elements' contents, from the inside out. */
struct sizes {
	size_t hash_alg, sid, signer, signers, certs, signed_data, content;
};

static struct sizes measure(const struct ms_pkcs7_request *req, const struct span *alg,
			    size_t oid_len)
{
	const struct ms_cert *c = req->cert;
	struct sizes s;
	size_t version = ms_der_size(1);

	s.hash_alg = oid_len;
	s.sid = req->use_keyid ? c->ski_len : c->issuer_len + c->serial_len;
	s.signer = version + ms_der_size(s.sid) + ms_der_size(s.hash_alg) + alg->len +
		   ms_der_size(req->sig_len);
	s.signers = ms_der_size(s.signer);
	s.certs = req->embed ? c->der_len : 0;
	s.signed_data = version + ms_der_size(ms_der_size(s.hash_alg)) +
			sizeof(detached_data) + (req->embed ? ms_der_size(s.certs) : 0) +
			ms_der_size(s.signers);
	s.content = sizeof(oid_signed_data) + ms_der_size(ms_der_size(s.signed_data));
	return s;
}

static int check(const struct ms_pkcs7_request *req)
{
	if (!req->sig || !req->sig_len || req->sig_len > MS_SIG_MAX)
		return -EINVAL;
	if (req->use_keyid && !req->cert->ski)
		return -EINVAL;
	if (!ms_hash_may_sign(req->hash))
		return -ENOPKG;
	return 0;
}

int ms_pkcs7_build(const struct ms_pkcs7_request *req, struct ms_buf *out)
{
	const struct ms_cert *c = req->cert;
	uint8_t version = req->use_keyid ? 3 : 1;
	struct span alg, oid;
	struct sizes s;
	int rc;

	rc = check(req);
	if (rc < 0)
		return rc;
	rc = sig_alg(req, &alg);
	if (rc < 0)
		return rc;
	oid.p = ms_hash_oid(req->hash, &oid.len);
	s = measure(req, &alg, oid.len);
	rc = ms_buf_reserve(out, ms_der_size(s.content));
	if (rc < 0)
		return rc;

	ms_der_put_head(out, MS_DER_SEQUENCE, s.content);
	ms_buf_put(out, oid_signed_data, sizeof(oid_signed_data));
	ms_der_put_head(out, MS_DER_CTX0C, ms_der_size(s.signed_data));
	ms_der_put_head(out, MS_DER_SEQUENCE, s.signed_data);
	ms_der_put(out, MS_DER_INTEGER, &version, 1);
	ms_der_put_head(out, MS_DER_SET, ms_der_size(s.hash_alg));
	ms_der_put(out, MS_DER_SEQUENCE, oid.p, oid.len);
	ms_buf_put(out, detached_data, sizeof(detached_data));
	if (req->embed)
		ms_der_put(out, MS_DER_CTX0C, c->der, c->der_len);

	ms_der_put_head(out, MS_DER_SET, s.signers);
	ms_der_put_head(out, MS_DER_SEQUENCE, s.signer);
	ms_der_put(out, MS_DER_INTEGER, &version, 1);
	if (req->use_keyid) {
		ms_der_put(out, MS_DER_CTX0, c->ski, c->ski_len);
	} else {
		ms_der_put_head(out, MS_DER_SEQUENCE, s.sid);
		ms_buf_put(out, c->issuer, c->issuer_len);
		ms_buf_put(out, c->serial, c->serial_len);
	}
	ms_der_put(out, MS_DER_SEQUENCE, oid.p, oid.len);
	ms_buf_put(out, alg.p, alg.len);
	ms_der_put(out, MS_DER_OCTETS, req->sig, req->sig_len);
	return ms_buf_error(out);
}
