// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Policy keys as a TPM has them, and what they sign: TPM2B_PUBLIC and TPMT_SIGNATURE (TCG
 * part 2, 12.2.5, 11.3.4), for RSA-2048 and P-256.
 */
#include <errno.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>

#include "lib/cert.h"
#include "lib/hash.h"
#include "lib/key_public.h"
#include "lib/limits.h"
#include "lib/tpm_policy.h"

#define ALG_RSA 0x0001u
#define ALG_SHA256 0x000bu
#define ALG_NULL 0x0010u
#define ALG_RSASSA 0x0014u
#define ALG_ECDSA 0x0018u
#define ALG_ECC 0x0023u
#define CURVE_P256 0x0003u
#define ATTRIBUTES 0x00060040u /* userWithAuth, decrypt, sign */
#define RSA_LEN 256u
#define P256_LEN 32u

static void put_head(struct ms_buf *b, uint16_t type)
{
	ms_buf_put_u16(b, type);
	ms_buf_put_u16(b, ALG_SHA256);
	ms_buf_put_u32(b, ATTRIBUTES);
	ms_buf_put_u16(b, 0); /* no authPolicy */
	ms_buf_put_u16(b, ALG_NULL);
	ms_buf_put_u16(b, ALG_NULL);
}

static int put_number(EVP_PKEY *key, const char *what, struct ms_buf *b, int len)
{
	uint8_t bytes[RSA_LEN];
	BIGNUM *n = NULL;
	int r = -ENOPKG;

	if (EVP_PKEY_get_bn_param(key, what, &n) == 1 && len <= (int)sizeof(bytes) &&
	    BN_bn2binpad(n, bytes, len) == len) {
		ms_buf_put_u16(b, (uint16_t)len);
		ms_buf_put(b, bytes, (size_t)len);
		r = 0;
	}
	BN_free(n);
	return r;
}

static int put_rsa(EVP_PKEY *key, struct ms_buf *b)
{
	BIGNUM *e = NULL;
	bool usual = EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e) == 1 &&
		     BN_is_word(e, 65537);

	BN_free(e);
	if (!usual)
		return -ENOPKG;
	put_head(b, ALG_RSA);
	ms_buf_put_u16(b, RSA_LEN * 8);
	ms_buf_put_u32(b, 0); /* means 65537 */
	return put_number(key, OSSL_PKEY_PARAM_RSA_N, b, RSA_LEN);
}

static int put_ecc(EVP_PKEY *key, struct ms_buf *b)
{
	int r;

	put_head(b, ALG_ECC);
	ms_buf_put_u16(b, CURVE_P256);
	ms_buf_put_u16(b, ALG_NULL);
	r = put_number(key, OSSL_PKEY_PARAM_EC_PUB_X, b, P256_LEN);
	return r < 0 ? r : put_number(key, OSSL_PKEY_PARAM_EC_PUB_Y, b, P256_LEN);
}

int ms_policy_key_encode(EVP_PKEY *key, struct ms_policy_key *ret)
{
	_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(MS_POLICY_KEY_MAX - 2);
	enum ms_alg alg = ms_key_alg(key);
	int r = -ENOPKG;

	if (alg == MS_ALG_RSA2048)
		r = put_rsa(key, &b);
	else if (alg == MS_ALG_P256)
		r = put_ecc(key, &b);
	ERR_clear_error();
	if (r == 0)
		r = ms_buf_error(&b);
	if (r < 0)
		return r;
	ret->pub[0] = (uint8_t)(b.len >> 8);
	ret->pub[1] = (uint8_t)b.len;
	memcpy(ret->pub + 2, b.data, b.len);
	ret->len = b.len + 2;
	return 0;
}

int ms_policy_key_name(const struct ms_policy_key *key, uint8_t ret[MS_POLICY_NAME_LEN])
{
	if (key->len < 6 || key->len > sizeof(key->pub) ||
	    (size_t)(key->pub[0] << 8 | key->pub[1]) != key->len - 2 ||
	    (key->pub[4] << 8 | key->pub[5]) != ALG_SHA256)
		return -EBADMSG;
	ret[0] = 0;
	ret[1] = ALG_SHA256;
	return ms_digest(MS_HASH_SHA256, key->pub + 2, key->len - 2, ret + 2);
}

bool ms_policy_key_same(const struct ms_policy_key *a, const struct ms_policy_key *b)
{
	return a->len == b->len && memcmp(a->pub, b->pub, a->len) == 0;
}

/* ------------------------------------------------------------- signatures */

/* H(approvedPolicy, policyRef), what PolicyAuthorize wants to see signed */
static int digest_to_sign(const struct ms_pcr_approval *a, uint8_t ret[32])
{
	uint8_t policy[MS_POLICY_LEN] = {0};
	int r = ms_policy_add_pcr(policy, a->pcrs, a->pcr_digest);

	return r < 0 ? r : ms_digest(MS_HASH_SHA256, policy, sizeof(policy), ret);
}

static void put_ecdsa(struct ms_buf *b, const uint8_t *der, size_t len)
{
	const uint8_t *p = der;
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &p, (long)len);
	uint8_t part[P256_LEN];

	if (!sig)
		b->err = -EIO;
	for (int i = 0; i < 2 && !b->err; i++) {
		const BIGNUM *n = i ? ECDSA_SIG_get0_s(sig) : ECDSA_SIG_get0_r(sig);

		if (BN_bn2binpad(n, part, sizeof(part)) != (int)sizeof(part))
			b->err = -EIO;
		ms_buf_put_u16(b, sizeof(part));
		ms_buf_put(b, part, sizeof(part));
	}
	ECDSA_SIG_free(sig);
}

int ms_pcr_approval_sign(struct ms_pcr_approval *a, EVP_PKEY *key)
{
	_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(MS_PCR_APPROVAL_SIG_MAX);
	uint8_t digest[32], sig[MS_SIG_MAX];
	struct ms_policy_key pub;
	size_t len;
	int r;

	if (!a->pcrs || a->pcrs >> MS_PCRS)
		return -EINVAL;
	r = ms_policy_key_encode(key, &pub);
	if (r == 0)
		r = digest_to_sign(a, digest);
	if (r == 0)
		r = ms_key_sign_digest(key, MS_HASH_SHA256, digest, sig, &len);
	if (r < 0)
		return r;
	if (EVP_PKEY_is_a(key, "RSA")) {
		ms_buf_put_u16(&b, ALG_RSASSA);
		ms_buf_put_u16(&b, ALG_SHA256);
		ms_buf_put_u16(&b, (uint16_t)len);
		ms_buf_put(&b, sig, len);
	} else {
		ms_buf_put_u16(&b, ALG_ECDSA);
		ms_buf_put_u16(&b, ALG_SHA256);
		put_ecdsa(&b, sig, len);
	}
	if (ms_buf_error(&b) < 0)
		return ms_buf_error(&b);
	memcpy(a->sig, b.data, b.len);
	a->sig_len = b.len;
	return 0;
}

/* The public key that the TPM will load, from the same bytes. */
static EVP_PKEY *decode(const struct ms_policy_key *key)
{
	struct ms_reader r = MS_READER(key->pub, key->len);
	uint8_t point[1 + 2 * P256_LEN] = {4}, n[RSA_LEN];
	bool rsa;
	const uint8_t *p;
	uint16_t len;

	ms_reader_u16(&r);
	rsa = ms_reader_u16(&r) == ALG_RSA;
	ms_reader_get(&r, 2 + 4);
	if (ms_reader_u16(&r) != 0)
		return NULL;
	ms_reader_get(&r, rsa ? 4 + 2 + 4 : 4 + 2 + 2);
	for (int i = 0; i < (rsa ? 1 : 2); i++) {
		len = ms_reader_u16(&r);
		p = ms_reader_get(&r, len);
		if (!p || len != (rsa ? RSA_LEN : P256_LEN))
			return NULL;
		memcpy(rsa ? n : point + 1 + P256_LEN * (size_t)i, p, len);
	}
	if (ms_reader_end(&r) < 0)
		return NULL;
	return rsa ? ms_key_from_rsa(n, sizeof(n), 65537)
		   : ms_key_from_ec("P-256", point, sizeof(point));
}

/* A signature as OpenSSL has it. Return: its length, or 0 */
static size_t plain_signature(const struct ms_pcr_approval *a, uint8_t *ret)
{
	struct ms_reader r = MS_READER(a->sig, a->sig_len);
	uint16_t scheme = ms_reader_u16(&r), hash = ms_reader_u16(&r);
	const uint8_t *part[2] = {NULL, NULL};
	uint16_t len[2] = {0, 0};
	ECDSA_SIG *sig;
	BIGNUM *x, *y;
	int n = 0;

	for (int i = 0; i < (scheme == ALG_RSASSA ? 1 : 2); i++) {
		len[i] = ms_reader_u16(&r);
		part[i] = ms_reader_get(&r, len[i]);
	}
	if (ms_reader_end(&r) < 0 || hash != ALG_SHA256)
		return 0;
	if (scheme == ALG_RSASSA) {
		memcpy(ret, part[0], len[0]);
		return len[0];
	}
	if (scheme != ALG_ECDSA || len[0] > P256_LEN || len[1] > P256_LEN)
		return 0;
	sig = ECDSA_SIG_new();
	x = BN_bin2bn(part[0], len[0], NULL);
	y = BN_bin2bn(part[1], len[1], NULL);
	if (sig && x && y && ECDSA_SIG_set0(sig, x, y) == 1) {
		x = y = NULL;
		n = i2d_ECDSA_SIG(sig, &ret);
	}
	BN_free(x);
	BN_free(y);
	ECDSA_SIG_free(sig);
	return n > 0 ? (size_t)n : 0;
}

int ms_pcr_approval_check(const struct ms_pcr_approval *a,
			  const struct ms_policy_key *key)
{
	uint8_t digest[32], sig[MS_SIG_MAX];
	EVP_PKEY *pkey = decode(key);
	size_t len = pkey ? plain_signature(a, sig) : 0;
	int r = pkey ? -EKEYREJECTED : -ENOPKG;

	if (len && digest_to_sign(a, digest) < 0)
		r = -ENOPKG;
	else if (len)
		r = ms_key_verify_digest(pkey, MS_HASH_SHA256, digest, sig, len);
	EVP_PKEY_free(pkey);
	ERR_clear_error();
	return r;
}
