/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fresh certificates, signed by whoever holds the issuer's key: software, or a TPM.
 */
#include "lib/cert.h"
#include <errno.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "lib/buf.h"
#include "lib/der.h"

#define SERIAL_BYTES 16
#define COMMON_NAME_MAX 64 /* ub-common-name, RFC 5280, A.1 */
#define DAYS_MAX 36500u
#define CLOCK_SKEW 3600

static void x509_cleanup(X509 **x)
{
	X509_free(*x);
}

static void bn_cleanup(BIGNUM **bn)
{
	BN_free(*bn);
}

/* Random and positive; 17 octets at most with the sign, of the 20 that are allowed. */
static int set_serial(X509 *x)
{
	_cleanup_(bn_cleanup) BIGNUM *bn = NULL;
	uint8_t serial[SERIAL_BYTES];

	if (RAND_bytes(serial, sizeof(serial)) != 1)
		return -EIO;
	bn = BN_bin2bn(serial, sizeof(serial), NULL);
	if (!bn || BN_is_zero(bn) || !BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(x)))
		return -EIO;
	return 0;
}

static int set_names(X509 *x, const char *cn, X509 *issuer)
{
	X509_NAME *name = X509_get_subject_name(x);

	if (!X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
					(const unsigned char *)cn, -1, -1, 0))
		return -EINVAL;
	return X509_set_issuer_name(x, X509_get_subject_name(issuer)) ? 0 : -EIO;
}

static int set_validity(X509 *x, const struct ms_cert_request *req)
{
	time_t now = time(NULL), end = req->not_after;

	if (!X509_time_adj_ex(X509_getm_notBefore(x), 0, -CLOCK_SKEW, &now))
		return -EIO;
	if (end)
		return X509_time_adj_ex(X509_getm_notAfter(x), 0, 0, &end) ? 0 : -EIO;
	if (!X509_time_adj_ex(X509_getm_notAfter(x), (int)req->days, -CLOCK_SKEW, &now))
		return -EIO;
	return 0;
}

static int add(X509 *x, int nid, bool critical, void *value)
{
	return X509_add1_ext_i2d(x, nid, value, critical, X509V3_ADD_DEFAULT) == 1 ? 0
										   : -EIO;
}

static int add_basic_constraints(X509 *x, bool ca)
{
	BASIC_CONSTRAINTS *bc = BASIC_CONSTRAINTS_new();
	int r = -ENOMEM;

	if (bc && ca) {
		/* DER's TRUE (X.690, 11.1); from 6.4 on kernels take no other. */
		bc->ca = 0xff;
		bc->pathlen = ASN1_INTEGER_new();
	}
	/* pathlen 0: leaves are issued, no further issuers. */
	if (bc && (!ca || (bc->pathlen && ASN1_INTEGER_set_int64(bc->pathlen, 0))))
		r = add(x, NID_basic_constraints, true, bc);
	BASIC_CONSTRAINTS_free(bc);
	return r;
}

/* Bits of KeyUsage, RFC 5280, 4.2.1.3 */
enum { DIGITAL_SIGNATURE = 0, KEY_CERT_SIGN = 5, CRL_SIGN = 6 };

static int add_key_usage(X509 *x, bool ca)
{
	ASN1_BIT_STRING *bits = ASN1_BIT_STRING_new();
	int r = -ENOMEM;

	if (bits && ASN1_BIT_STRING_set_bit(bits, DIGITAL_SIGNATURE, 1) &&
	    (!ca || (ASN1_BIT_STRING_set_bit(bits, KEY_CERT_SIGN, 1) &&
		     ASN1_BIT_STRING_set_bit(bits, CRL_SIGN, 1))))
		r = add(x, NID_key_usage, true, bits);
	ASN1_BIT_STRING_free(bits);
	return r;
}

static int push_module_only(EXTENDED_KEY_USAGE *eku)
{
	ASN1_OBJECT *o = OBJ_txt2obj(MS_OID_MODULE_ONLY, 1);

	if (o && sk_ASN1_OBJECT_push(eku, o) > 0)
		return 0;
	ASN1_OBJECT_free(o);
	return -ENOMEM;
}

static int add_extended_usage(X509 *x, bool module_only)
{
	EXTENDED_KEY_USAGE *eku = EXTENDED_KEY_USAGE_new();
	int r = -ENOMEM;

	/* The object is OpenSSL's own and is never freed. */
	if (eku && sk_ASN1_OBJECT_push(eku, OBJ_nid2obj(NID_code_sign)) > 0)
		r = module_only ? push_module_only(eku) : 0;
	if (r == 0)
		r = add(x, NID_ext_key_usage, false, eku);
	EXTENDED_KEY_USAGE_free(eku);
	return r;
}

/* SHA-1 of the public key's bits, as a name for it and nothing more: RFC 5280, 4.2.1.2.
 */
static int add_key_ids(X509 *x, X509 *issuer)
{
	ASN1_OCTET_STRING *ski = ASN1_OCTET_STRING_new();
	AUTHORITY_KEYID *akid = AUTHORITY_KEYID_new();
	unsigned char id[EVP_MAX_MD_SIZE];
	const ASN1_OCTET_STRING *theirs;
	unsigned int len;
	int r = -EIO;

	if (ski && X509_pubkey_digest(x, EVP_sha1(), id, &len) &&
	    ASN1_OCTET_STRING_set(ski, id, (int)len))
		r = add(x, NID_subject_key_identifier, false, ski);
	theirs = issuer == x ? ski : X509_get0_subject_key_id(issuer);
	if (r == 0 &&
	    (!akid || !theirs || !(akid->keyid = ASN1_OCTET_STRING_dup(theirs))))
		r = -EIO;
	if (r == 0)
		r = add(x, NID_authority_key_identifier, false, akid);
	AUTHORITY_KEYID_free(akid);
	ASN1_OCTET_STRING_free(ski);
	return r;
}

/* Built part by part, as OpenSSL's own builders crash when memory is short. */
static int add_extensions(X509 *x, X509 *issuer, const struct ms_cert_request *req)
{
	bool ca = req->profile == MS_CERT_ISSUER;
	int r;

	r = add_basic_constraints(x, ca);
	if (r == 0)
		r = add_key_usage(x, ca);
	if (r == 0)
		r = add_extended_usage(x, req->module_only);
	if (r == 0)
		r = add_key_ids(x, issuer);
	return r;
}

/* The issuer's signature algorithm, always with SHA-256. */
static int set_algorithm(X509 *x, EVP_PKEY *issuer_key)
{
	bool rsa = EVP_PKEY_get_base_id(issuer_key) == EVP_PKEY_RSA;
	int nid = rsa ? NID_sha256WithRSAEncryption : NID_ecdsa_with_SHA256;
	/* Const, as most callers have nothing to put there; we sign without OpenSSL. */
	X509_ALGOR *alg = (X509_ALGOR *)(uintptr_t)X509_get0_tbs_sigalg(x);

	return X509_ALGOR_set0(alg, OBJ_nid2obj(nid), rsa ? V_ASN1_NULL : V_ASN1_UNDEF,
			       NULL)
		       ? 0
		       : -EIO;
}

static int fill_in(X509 *x, EVP_PKEY *subject_key, const struct ms_cert_request *req,
		   X509 *issuer)
{
	int rc;

	if (!X509_set_version(x, X509_VERSION_3) || !X509_set_pubkey(x, subject_key))
		return -EIO;
	rc = set_serial(x);
	if (rc == 0)
		rc = set_names(x, req->common_name, issuer);
	if (rc == 0)
		rc = set_validity(x, req);
	if (rc == 0)
		rc = add_extensions(x, issuer, req);
	if (rc == 0)
		rc = set_algorithm(x, X509_get0_pubkey(issuer));
	return rc;
}

/* TBSCertificate, algorithm and signature put together: RFC 5280, 4.1. */
static int assemble(const uint8_t *tbs, size_t tbs_len, X509 *x, const uint8_t *sig,
		    size_t sig_len, struct ms_buf *out)
{
	_cleanup_free_ uint8_t *bits = malloc(sig_len + 1);
	uint8_t alg[64], *p = alg;
	int alg_len = i2d_X509_ALGOR(X509_get0_tbs_sigalg(x), NULL);

	if (!bits)
		return -ENOMEM;
	if (alg_len <= 0 || (size_t)alg_len > sizeof(alg) ||
	    i2d_X509_ALGOR(X509_get0_tbs_sigalg(x), &p) != alg_len)
		return -EIO;
	bits[0] = 0; /* unused bits */
	memcpy(bits + 1, sig, sig_len);
	ms_der_put_head(out, MS_DER_SEQUENCE,
			tbs_len + (size_t)alg_len + ms_der_size(sig_len + 1));
	ms_buf_put(out, tbs, tbs_len);
	ms_buf_put(out, alg, (size_t)alg_len);
	ms_der_put(out, MS_DER_BITS, bits, sig_len + 1);
	return ms_buf_error(out);
}

static int sign_tbs(X509 *x, ms_cert_sign_fn *sign, void *arg, struct ms_buf *out)
{
	uint8_t digest[32], sig[MS_SIG_MAX];
	unsigned char *tbs = NULL;
	size_t sig_len;
	int rc, len;

	len = i2d_re_X509_tbs(x, &tbs);
	if (len <= 0)
		return -EIO;
	rc = ms_digest(MS_HASH_SHA256, tbs, (size_t)len, digest);
	if (rc == 0)
		rc = sign(arg, digest, sig, &sig_len);
	if (rc == 0)
		rc = assemble(tbs, (size_t)len, x, sig, sig_len, out);
	OPENSSL_free(tbs);
	return rc;
}

/* A certificate that its issuer's key does not verify never leaves. */
static int prove(const struct ms_buf *der, EVP_PKEY *issuer_key)
{
	_cleanup_(x509_cleanup) X509 *x = NULL;
	const unsigned char *p = der->data;

	x = d2i_X509(NULL, &p, (long)der->len);
	return x && X509_verify(x, issuer_key) == 1 ? 0 : -EIO;
}

static int issue(EVP_PKEY *subject_key, const struct ms_cert_request *req, X509 *issuer,
		 ms_cert_sign_fn *sign, void *arg, struct ms_buf *out)
{
	_cleanup_(x509_cleanup) X509 *x = X509_new();
	int rc;

	if (!x)
		return -ENOMEM;
	rc = fill_in(x, subject_key, req, issuer ? issuer : x);
	if (rc == 0)
		rc = sign_tbs(x, sign, arg, out);
	if (rc == 0)
		rc = prove(out, issuer ? X509_get0_pubkey(issuer) : subject_key);
	return rc;
}

static bool name_is_fine(const char *cn)
{
	if (!cn || !cn[0] || strlen(cn) > COMMON_NAME_MAX)
		return false;
	for (const char *p = cn; *p; p++)
		if ((uint8_t)*p < 0x20 || *p == 0x7f)
			return false;
	return true;
}

int ms_cert_issue(EVP_PKEY *subject_key, const struct ms_cert_request *req,
		  const struct ms_cert *issuer, ms_cert_sign_fn *sign, void *arg,
		  uint8_t **ret_der, size_t *ret_len)
{
	_cleanup_buf_ struct ms_buf der = MS_BUF_INIT(MS_CERT_MAX);
	_cleanup_(x509_cleanup) X509 *ix = NULL;
	const unsigned char *p;
	int rc = 0;

	if (!name_is_fine(req->common_name) ||
	    (!req->not_after && (!req->days || req->days > DAYS_MAX)))
		return -EINVAL;
	ERR_set_mark();
	if (issuer) {
		p = issuer->der;
		ix = d2i_X509(NULL, &p, (long)issuer->der_len);
		rc = ix && issuer->ski ? 0 : -EINVAL;
	}
	if (rc == 0)
		rc = issue(subject_key, req, ix, sign, arg, &der);
	ERR_pop_to_mark();
	if (rc < 0)
		return rc;
	*ret_len = der.len;
	*ret_der = TAKE_PTR(der.data);
	return 0;
}

static int sign_in_software(void *arg, const uint8_t *digest, uint8_t *ret,
			    size_t *ret_len)
{
	return ms_key_sign_digest(arg, MS_HASH_SHA256, digest, ret, ret_len);
}

int ms_cert_self_sign(EVP_PKEY *key, const struct ms_cert_request *req, uint8_t **ret_der,
		      size_t *ret_len)
{
	return ms_cert_issue(key, req, NULL, sign_in_software, key, ret_der, ret_len);
}
