/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Raw signatures of digests, and the names of the algorithms that make them.
 */
#include "lib/cert.h"
#include <errno.h>
#include <strings.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include "lib/limits.h"

static const struct {
	enum ms_alg alg;
	const char *name;
} algs[] = {
	{ MS_ALG_RSA2048, "rsa2048" }, { MS_ALG_RSA3072, "rsa3072" },
	{ MS_ALG_RSA4096, "rsa4096" }, { MS_ALG_P256, "p256" },
	{ MS_ALG_P384, "p384" },       { MS_ALG_P521, "p521" },
};

int ms_alg_from_name(const char *name, enum ms_alg *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(algs); i++) {
		if (strcasecmp(name, algs[i].name) == 0) {
			*ret = algs[i].alg;
			return 0;
		}
	}
	return -EINVAL;
}

const char *ms_alg_name(enum ms_alg a)
{
	for (size_t i = 0; i < ARRAY_SIZE(algs); i++)
		if (algs[i].alg == a)
			return algs[i].name;
	return "other";
}

bool ms_alg_is_rsa(enum ms_alg a)
{
	return a == MS_ALG_RSA2048 || a == MS_ALG_RSA3072 || a == MS_ALG_RSA4096;
}

static enum ms_alg ec_alg(const EVP_PKEY *key)
{
	char group[32];

	if (!EVP_PKEY_get_group_name(key, group, sizeof(group), NULL))
		return MS_ALG_OTHER;
	/* OpenSSL gives the name that the key was made with. */
	if (strcmp(group, "prime256v1") == 0 || strcmp(group, "P-256") == 0)
		return MS_ALG_P256;
	if (strcmp(group, "secp384r1") == 0 || strcmp(group, "P-384") == 0)
		return MS_ALG_P384;
	if (strcmp(group, "secp521r1") == 0 || strcmp(group, "P-521") == 0)
		return MS_ALG_P521;
	return MS_ALG_OTHER;
}

enum ms_alg ms_key_alg(const EVP_PKEY *key)
{
	switch (EVP_PKEY_get_base_id(key)) {
	case EVP_PKEY_RSA:
		switch (EVP_PKEY_get_bits(key)) {
		case 2048:
			return MS_ALG_RSA2048;
		case 3072:
			return MS_ALG_RSA3072;
		case 4096:
			return MS_ALG_RSA4096;
		default:
			return MS_ALG_OTHER;
		}
	case EVP_PKEY_EC:
		return ec_alg(key);
	default:
		return MS_ALG_OTHER;
	}
}

static void ctx_cleanup(EVP_PKEY_CTX **ctx)
{
	EVP_PKEY_CTX_free(*ctx);
}

/* A context that is ready to sign or to verify; NULL where key and hash do not fit. */
static EVP_PKEY_CTX *new_ctx(EVP_PKEY *key, enum ms_hash hash,
			     int (*init)(EVP_PKEY_CTX *))
{
	const EVP_MD *md = ms_hash_md(hash);
	int id = EVP_PKEY_get_base_id(key);
	EVP_PKEY_CTX *ctx;

	if (!md || (id != EVP_PKEY_RSA && id != EVP_PKEY_EC))
		return NULL;
	ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	if (ctx && init(ctx) == 1 &&
	    (id != EVP_PKEY_RSA ||
	     EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1) &&
	    EVP_PKEY_CTX_set_signature_md(ctx, md) == 1)
		return ctx;
	EVP_PKEY_CTX_free(ctx);
	return NULL;
}

static int sign(EVP_PKEY *key, enum ms_hash hash, const uint8_t *digest, uint8_t *sig,
		size_t *len)
{
	_cleanup_(ctx_cleanup) EVP_PKEY_CTX *ctx = NULL;

	if (!ms_hash_may_sign(hash) || EVP_PKEY_get_size(key) > (int)MS_SIG_MAX)
		return -ENOPKG;
	ctx = new_ctx(key, hash, EVP_PKEY_sign_init);
	if (!ctx)
		return -ENOPKG;
	*len = MS_SIG_MAX;
	return EVP_PKEY_sign(ctx, sig, len, digest, ms_hash_size(hash)) == 1 ? 0 : -EIO;
}

static int verify(EVP_PKEY *key, enum ms_hash hash, const uint8_t *digest,
		  const uint8_t *sig, size_t len)
{
	_cleanup_(ctx_cleanup) EVP_PKEY_CTX *ctx =
		new_ctx(key, hash, EVP_PKEY_verify_init);

	if (!ctx)
		return -ENOPKG;
	return EVP_PKEY_verify(ctx, sig, len, digest, ms_hash_size(hash)) == 1 ?
		       0 :
		       -EKEYREJECTED;
}

int ms_key_verify_digest(EVP_PKEY *key, enum ms_hash hash, const uint8_t *digest,
			 const uint8_t *sig, size_t sig_len)
{
	int rc;

	ERR_set_mark();
	rc = verify(key, hash, digest, sig, sig_len);
	ERR_pop_to_mark();
	return rc;
}

int ms_key_sign_digest(EVP_PKEY *key, enum ms_hash hash, const uint8_t *digest,
		       uint8_t *ret, size_t *ret_len)
{
	uint8_t sig[MS_SIG_MAX];
	size_t len = 0;
	int rc;

	ERR_set_mark();
	rc = sign(key, hash, digest, sig, &len);
	/* A faulty signature can give the private key away: it stays here. */
	if (rc == 0 && verify(key, hash, digest, sig, len) < 0)
		rc = -EIO;
	ERR_pop_to_mark();
	if (rc == 0) {
		memcpy(ret, sig, len);
		*ret_len = len;
	}
	OPENSSL_cleanse(sig, sizeof(sig));
	return rc;
}
