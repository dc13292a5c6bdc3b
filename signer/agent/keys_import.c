/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A private key from outside becomes one of ours: looked at, certified, sealed. */
#include "signer/agent/keys_table.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509.h>

#include "lib/secmem.h"

static void pkey_freep(EVP_PKEY **p)
{
	EVP_PKEY_free(*p);
}

/* PrivateKeyInfo and nothing after it. */
static EVP_PKEY *decode(const uint8_t *der, size_t len)
{
	const uint8_t *at = der;
	PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &at, (long)len);
	EVP_PKEY *key = NULL;

	if (info && at == der + len)
		key = EVP_PKCS82PKEY(info);
	PKCS8_PRIV_KEY_INFO_free(info);
	return key;
}

/* Its parts belong together: a key with one wrong number signs nothing, or gives itself
 * away. */
static bool is_consistent(EVP_PKEY *key)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	bool good = ctx && EVP_PKEY_check(ctx) == 1;

	EVP_PKEY_CTX_free(ctx);
	return good;
}

static int read_key(const struct ms_ipc_import *req, EVP_PKEY **ret, struct ms_error *err)
{
	_cleanup_(pkey_freep) EVP_PKEY *key = NULL;
	enum ms_alg alg;

	ERR_set_mark();
	key = decode(req->pkcs8, req->pkcs8_len);
	ERR_pop_to_mark();
	if (!key)
		return ms_error_set(
			err, -EBADMSG, "bad-key",
			"the private key cannot be read: it is damaged, or of "
			"a kind that OpenSSL does not know");
	alg = ms_key_alg(key);
	if (alg < MS_ALG_RSA2048 || alg > MS_ALG_P384)
		return ms_error_set(
			err, -ENOPKG, "unsupported",
			"it is a private key of kind %s with %d bits: RSA "
			"with 2048, 3072 or 4096 bits, P-256 and P-384 can be "
			"imported",
			EVP_PKEY_get0_type_name(key) ? EVP_PKEY_get0_type_name(key)
						     : "unknown",
			EVP_PKEY_get_bits(key));
	ERR_set_mark();
	if (!is_consistent(key)) {
		ERR_pop_to_mark();
		return ms_error_set(
			err, -EBADMSG, "bad-key",
			"the parts of the private key do not belong together: "
			"it is damaged");
	}
	ERR_pop_to_mark();
	*ret = TAKE_PTR(key);
	return 0;
}

int ms_key_check_cert(EVP_PKEY *key, const uint8_t *der, size_t len, struct ms_error *err)
{
	_cleanup_cert_ struct ms_cert *cert = NULL;

	if (ms_cert_parse(der, len, &cert) < 0)
		return ms_error_set(err, -EBADMSG, "bad-certificate",
				    "the certificate cannot be read: it is damaged");
	if (!cert->pkey || EVP_PKEY_eq(cert->pkey, key) != 1)
		return ms_error_set(err, -EINVAL, "certificate-mismatch",
				    "the certificate is not this key's: look for the one "
				    "with the same public key");
	if (cert->not_after <= time(NULL))
		return ms_error_set(err, -EINVAL, "certificate-expired",
				    "the certificate has expired: get a new one for the "
				    "key, or leave it out to have one made");
	return 0;
}

int ms_keys_import(struct ms_keys *k, struct ms_tpmw *w, const struct ms_ipc_import *req,
		   struct ms_error *err)
{
	struct ms_key_given given = {.cert = req->cert, .cert_len = req->cert_len};
	struct ms_ipc_create create = req->create;
	int r;

	if (req->tss2)
		return ms_keys_import_tss2(k, w, req, err);
	create.custody = MS_CUSTODY_SEALED;
	r = read_key(req, &given.pkey, err);
	if (r == 0 && req->cert_len)
		r = ms_key_check_cert(given.pkey, req->cert, req->cert_len, err);
	if (r == 0) {
		create.alg = ms_key_alg(given.pkey);
		r = ms_keys_make(k, w, &create, &given, err);
	}
	EVP_PKEY_free(given.pkey);
	ms_wipe(&create, sizeof(create));
	return r;
}
