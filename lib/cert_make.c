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

static void extension_cleanup(X509_EXTENSION **e)
{
	X509_EXTENSION_free(*e);
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

static int add_extensions(X509 *x, X509 *issuer, enum ms_cert_profile profile)
{
	bool ca = profile == MS_CERT_ISSUER;
	/* The AKID of a self-signed one is copied from the SKI, which is there by then.
	 */
	const struct {
		int nid;
		const char *value;
	} exts[] = {
		{NID_basic_constraints,
		 ca ? "critical,CA:TRUE,pathlen:0" : "critical,CA:FALSE"},
		{NID_key_usage, ca ? "critical,digitalSignature,keyCertSign,cRLSign"
				   : "critical,digitalSignature"},
		{NID_ext_key_usage, "codeSigning"},
		{NID_subject_key_identifier, "hash"},
		{NID_authority_key_identifier, "keyid:always"},
	};
	X509V3_CTX ctx;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	for (size_t i = 0; i < ARRAY_SIZE(exts); i++) {
		_cleanup_(extension_cleanup) X509_EXTENSION *e =
			X509V3_EXT_conf_nid(NULL, &ctx, exts[i].nid, exts[i].value);

		if (!e || !X509_add_ext(x, e, -1))
			return -EIO;
	}
	return 0;
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
		rc = add_extensions(x, issuer, req->profile);
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
