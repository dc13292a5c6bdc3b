/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/signed.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "lib/der.h"
#include "lib/limits.h"

#define TBS_MAX (2 * MS_CERT_MAX)
#define NEXT_UPDATE_S (INT64_C(3650) * 86400)

/* AlgorithmIdentifiers: sha256WithRSAEncryption (RFC 4055), ecdsa-with-SHA256 (5758) */
static const uint8_t alg_rsa[] = {0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
				  0xf7, 0x0d, 0x01, 0x01, 0x0b, 0x05, 0x00};
static const uint8_t alg_ec[] = {0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86,
				 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02};

static void put_algorithm(struct ms_buf *out, EVP_PKEY *key)
{
	if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA)
		ms_buf_put(out, alg_rsa, sizeof(alg_rsa));
	else
		ms_buf_put(out, alg_ec, sizeof(alg_ec));
}

/* SEQUENCE { to be signed, algorithm, signature }; what does not verify never leaves. */
static int put_signed(const uint8_t *tbs, size_t len, EVP_PKEY *key,
		      ms_cert_sign_fn *sign, void *arg, struct ms_buf *out)
{
	_cleanup_buf_ struct ms_buf body = MS_BUF_INIT(TBS_MAX + 2048);
	uint8_t digest[32], bits[MS_SIG_MAX + 1] = {0};
	size_t sig_len = 0;
	int r = ms_digest(MS_HASH_SHA256, tbs, len, digest);

	if (r == 0)
		r = sign(arg, digest, bits + 1, &sig_len);
	if (r == 0 &&
	    ms_key_verify_digest(key, MS_HASH_SHA256, digest, bits + 1, sig_len) < 0)
		r = -EIO;
	if (r < 0)
		return r;
	ms_buf_put(&body, tbs, len);
	put_algorithm(&body, key);
	ms_der_put(&body, MS_DER_BITS, bits, sig_len + 1);
	if (ms_buf_error(&body) < 0)
		return ms_buf_error(&body);
	ms_der_put(out, MS_DER_SEQUENCE, body.data, body.len);
	return ms_buf_error(out);
}

/* -------------------------------------------------------------------- PKCS#10 */

static void req_freep(X509_REQ **r)
{
	X509_REQ_free(*r);
}

static void x509_freep(X509 **x)
{
	X509_free(*x);
}

static int add_extensions(X509_REQ *req, const struct ms_cert *cert)
{
	bool ca = cert->is_ca;
	const struct {
		int nid;
		const char *value;
	} exts[] = {
		{NID_basic_constraints,
		 ca ? "critical,CA:TRUE,pathlen:0" : "critical,CA:FALSE"},
		{NID_key_usage, ca ? "critical,digitalSignature,keyCertSign,cRLSign"
				   : "critical,digitalSignature"},
		{NID_ext_key_usage,
		 cert->module_only ? "codeSigning," MS_OID_MODULE_ONLY : "codeSigning"},
		{NID_subject_key_identifier, "hash"},
	};
	STACK_OF(X509_EXTENSION) *list = sk_X509_EXTENSION_new_null();
	X509V3_CTX ctx;
	int r = list ? 0 : -ENOMEM;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, NULL, NULL, req, NULL, 0);
	for (size_t i = 0; i < ARRAY_SIZE(exts) && r == 0; i++) {
		X509_EXTENSION *e =
			X509V3_EXT_conf_nid(NULL, &ctx, exts[i].nid, exts[i].value);

		if (!e || !sk_X509_EXTENSION_push(list, e)) {
			X509_EXTENSION_free(e);
			r = -EIO;
		}
	}
	if (r == 0 && !X509_REQ_add_extensions(req, list))
		r = -EIO;
	sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
	return r;
}

static int make_request(const struct ms_cert *cert, uint8_t **ret, int *ret_len)
{
	_cleanup_(req_freep) X509_REQ *req = X509_REQ_new();
	_cleanup_(x509_freep) X509 *x = NULL;
	const uint8_t *p = cert->der;
	int r;

	x = d2i_X509(NULL, &p, (long)cert->der_len);
	if (!req || !x || !cert->pkey || !X509_REQ_set_version(req, 0) ||
	    !X509_REQ_set_subject_name(req, X509_get_subject_name(x)) ||
	    !X509_REQ_set_pubkey(req, cert->pkey))
		return -EIO;
	r = add_extensions(req, cert);
	if (r < 0)
		return r;
	*ret = NULL;
	*ret_len = i2d_re_X509_REQ_tbs(req, ret);
	return *ret_len > 0 ? 0 : -EIO;
}

int ms_csr_make(const struct ms_cert *cert, ms_cert_sign_fn *sign, void *arg,
		struct ms_buf *out)
{
	uint8_t *tbs = NULL;
	int len = 0, r;

	ERR_set_mark();
	r = make_request(cert, &tbs, &len);
	ERR_pop_to_mark();
	if (r == 0)
		r = put_signed(tbs, (size_t)len, cert->pkey, sign, arg, out);
	OPENSSL_free(tbs);
	return r;
}

/* ------------------------------------------------------------------------ CRL */

int ms_crl_reason(const char *name)
{
	static const struct {
		const char *name;
		int number;
	} reasons[] = {
		{"unspecified", 0},  {"keyCompromise", 1},
		{"cACompromise", 2}, {"affiliationChanged", 3},
		{"superseded", 4},   {"cessationOfOperation", 5},
	};

	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
		if (strcmp(reasons[i].name, name) == 0)
			return reasons[i].number;
	return -EINVAL;
}

/* UTCTime until 2049, GeneralizedTime later (RFC 5280, 5.1.2.4). */
static void put_time(struct ms_buf *out, time_t t)
{
	char text[32];
	struct tm tm;
	bool utc;

	if (!gmtime_r(&t, &tm)) {
		out->err = -EINVAL;
		return;
	}
	utc = tm.tm_year >= 50 && tm.tm_year < 150;
	if (!strftime(text, sizeof(text), "%Y%m%d%H%M%SZ", &tm))
		out->err = -EINVAL;
	/* A UTCTime has two digits of the year. */
	ms_der_put(out, utc ? 0x17 : 0x18, utc ? text + 2 : text, utc ? 13 : 15);
}

static void put_extension(struct ms_buf *out, const uint8_t oid[3],
			  const struct ms_buf *value)
{
	_cleanup_buf_ struct ms_buf e = MS_BUF_INIT(512);

	ms_der_put(&e, MS_DER_OID, oid, 3);
	ms_der_put(&e, MS_DER_OCTETS, value->data, value->len);
	if (ms_buf_error(&e) < 0)
		out->err = ms_buf_error(&e);
	ms_der_put(out, MS_DER_SEQUENCE, e.data, e.len);
}

/* The number grows with the time; RFC 5280 allows up to 20 octets. */
static void put_list_extensions(struct ms_buf *out, const struct ms_cert *issuer,
				time_t now)
{
	static const uint8_t oid_akid[] = {0x55, 0x1d, 0x23};
	static const uint8_t oid_number[] = {0x55, 0x1d, 0x14};
	_cleanup_buf_ struct ms_buf list = MS_BUF_INIT(1024), v = MS_BUF_INIT(512),
				    id = MS_BUF_INIT(512), n = MS_BUF_INIT(64);
	uint8_t be[9] = {0};
	size_t skip = 1;

	if (issuer->ski) {
		ms_der_put(&id, MS_DER_CTX0, issuer->ski, issuer->ski_len);
		ms_der_put(&v, MS_DER_SEQUENCE, id.data, id.len);
		put_extension(&list, oid_akid, &v);
	}
	ms_put_be32(be + 1, (uint32_t)((uint64_t)now >> 32));
	ms_put_be32(be + 5, (uint32_t)now);
	while (skip < 8 && !be[skip])
		skip++;
	if (be[skip] & 0x80)
		skip--;
	ms_der_put(&n, MS_DER_INTEGER, be + skip, sizeof(be) - skip);
	put_extension(&list, oid_number, &n);
	id.len = 0;
	ms_der_put(&id, MS_DER_SEQUENCE, list.data, list.len);
	ms_der_put(out, MS_DER_CTX0C, id.data, id.len);
}

static void put_entry(struct ms_buf *out, const uint8_t *serial, size_t serial_len,
		      time_t when, int reason)
{
	static const uint8_t oid_reason[] = {0x55, 0x1d, 0x15};
	_cleanup_buf_ struct ms_buf e = MS_BUF_INIT(512), exts = MS_BUF_INIT(128),
				    v = MS_BUF_INIT(16), list = MS_BUF_INIT(1024);
	uint8_t number = (uint8_t)reason;

	ms_buf_put(&e, serial, serial_len);
	put_time(&e, when);
	/* "unspecified" is said by saying nothing (RFC 5280, 5.3.1). */
	if (reason) {
		ms_der_put(&v, 0x0a, &number, 1);
		put_extension(&exts, oid_reason, &v);
		ms_der_put(&e, MS_DER_SEQUENCE, exts.data, exts.len);
	}
	ms_der_put(&list, MS_DER_SEQUENCE, e.data, e.len);
	ms_der_put(out, MS_DER_SEQUENCE, list.data, list.len);
	if (ms_buf_error(&e) < 0)
		out->err = ms_buf_error(&e);
}

int ms_crl_make(const struct ms_cert *issuer, const uint8_t *serial, size_t serial_len,
		time_t when, int reason, time_t now, ms_cert_sign_fn *sign, void *arg,
		struct ms_buf *out)
{
	_cleanup_buf_ struct ms_buf body = MS_BUF_INIT(TBS_MAX),
				    tbs = MS_BUF_INIT(TBS_MAX);
	const uint8_t v2 = 1;

	if (!issuer->pkey)
		return -EINVAL;
	ms_der_put(&body, MS_DER_INTEGER, &v2, 1);
	put_algorithm(&body, issuer->pkey);
	ms_buf_put(&body, issuer->subject, issuer->subject_len);
	put_time(&body, now);
	put_time(&body, now + NEXT_UPDATE_S);
	put_entry(&body, serial, serial_len, when, reason);
	put_list_extensions(&body, issuer, now);
	if (ms_buf_error(&body) < 0)
		return ms_buf_error(&body);
	ms_der_put(&tbs, MS_DER_SEQUENCE, body.data, body.len);
	if (ms_buf_error(&tbs) < 0)
		return ms_buf_error(&tbs);
	return put_signed(tbs.data, tbs.len, issuer->pkey, sign, arg, out);
}
