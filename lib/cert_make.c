/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fresh keys and certificates.
 */
#include "lib/cert.h"
#include <errno.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

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

static int set_names(X509 *x, const char *cn)
{
	X509_NAME *name = X509_get_subject_name(x);

	if (!X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
					(const unsigned char *)cn, -1, -1, 0))
		return -EINVAL;
	return X509_set_issuer_name(x, name) ? 0 : -EIO;
}

static int set_validity(X509 *x, unsigned int days)
{
	time_t now = time(NULL);

	if (!X509_time_adj_ex(X509_getm_notBefore(x), 0, -CLOCK_SKEW, &now) ||
	    !X509_time_adj_ex(X509_getm_notAfter(x), (int)days, -CLOCK_SKEW, &now))
		return -EIO;
	return 0;
}

static int add_extensions(X509 *x)
{
	/* The AKID is copied from the SKI, so that has to be there first. */
	static const struct {
		int nid;
		const char *value;
	} exts[] = {
		{ NID_basic_constraints, "critical,CA:FALSE" },
		{ NID_key_usage, "critical,digitalSignature" },
		{ NID_ext_key_usage, "codeSigning" },
		{ NID_subject_key_identifier, "hash" },
		{ NID_authority_key_identifier, "keyid:always" },
	};
	X509V3_CTX ctx;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
	for (size_t i = 0; i < ARRAY_SIZE(exts); i++) {
		_cleanup_(extension_cleanup) X509_EXTENSION *e =
			X509V3_EXT_conf_nid(NULL, &ctx, exts[i].nid, exts[i].value);

		if (!e || !X509_add_ext(x, e, -1))
			return -EIO;
	}
	return 0;
}

static int self_sign(X509 *x, EVP_PKEY *key, const struct ms_cert_request *req)
{
	int rc;

	if (!X509_set_version(x, X509_VERSION_3) || !X509_set_pubkey(x, key))
		return -EIO;
	rc = set_serial(x);
	if (rc == 0)
		rc = set_names(x, req->common_name);
	if (rc == 0)
		rc = set_validity(x, req->days);
	if (rc == 0)
		rc = add_extensions(x);
	if (rc < 0)
		return rc;
	return X509_sign(x, key, ms_hash_md(MS_HASH_SHA256)) > 0 ? 0 : -EIO;
}

/* OpenSSL's memory is its own; hand out malloc()'s. */
static int to_der(X509 *x, uint8_t **ret_der, size_t *ret_len)
{
	_cleanup_free_ uint8_t *der = NULL;
	unsigned char *p;
	int len;

	len = i2d_X509(x, NULL);
	if (len <= 0)
		return -EIO;
	p = der = malloc((size_t)len);
	if (!der)
		return -ENOMEM;
	if (i2d_X509(x, &p) != len)
		return -EIO;
	*ret_der = TAKE_PTR(der);
	*ret_len = (size_t)len;
	return 0;
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

int ms_cert_self_sign(EVP_PKEY *key, const struct ms_cert_request *req, uint8_t **ret_der,
		      size_t *ret_len)
{
	_cleanup_(x509_cleanup) X509 *x = NULL;
	int rc;

	if (!name_is_fine(req->common_name) || !req->days || req->days > DAYS_MAX)
		return -EINVAL;
	ERR_set_mark();
	x = X509_new();
	rc = x ? self_sign(x, key, req) : -ENOMEM;
	if (rc == 0)
		rc = to_der(x, ret_der, ret_len);
	ERR_pop_to_mark();
	return rc;
}

int ms_key_generate(enum ms_alg alg, EVP_PKEY **ret)
{
	static const struct {
		enum ms_alg alg;
		unsigned int bits;
		const char *curve;
	} kinds[] = {
		{ MS_ALG_RSA2048, 2048, NULL }, { MS_ALG_RSA3072, 3072, NULL },
		{ MS_ALG_RSA4096, 4096, NULL }, { MS_ALG_P256, 0, "P-256" },
		{ MS_ALG_P384, 0, "P-384" },    { MS_ALG_P521, 0, "P-521" },
	};
	EVP_PKEY *key = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (kinds[i].alg != alg)
			continue;
		ERR_set_mark();
		key = kinds[i].bits ? EVP_RSA_gen(kinds[i].bits) :
				      EVP_EC_gen(kinds[i].curve);
		ERR_pop_to_mark();
		if (!key)
			return -EIO;
		*ret = key;
		return 0;
	}
	return -EINVAL;
}
