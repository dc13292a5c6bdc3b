/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include "lib/cert.h"
#include "verifier/kernel_ber.h"
#include "verifier/kernel_crypto.h"

#define RSA_BYTES_MAX 512u
#define EC_BYTES_MAX 66u

struct rsa_numbers {
	struct ms_bytes n, e;
	size_t size; /* as mpi_get_size() has it: whole words */
};

static struct ms_bytes without_zeros(const struct ms_ber *e)
{
	struct ms_bytes b = {e->body, e->body_len};

	while (b.len && !*b.p) {
		b.p++;
		b.len--;
	}
	return b;
}

/* rsa_parse_pub_key(), rsa_check_key_length() */
static int rsa_parse(const struct ms_bytes *key, struct rsa_numbers *ret)
{
	static const uint16_t sizes[] = {512, 1024, 1536, 2048, 3072, 4096};
	struct ms_ber_in in = {.p = key->p, .left = key->len}, parts;
	struct ms_ber seq, n, e;

	if (ms_ber_take(&in, MS_BER_SEQUENCE, &seq))
		return -EBADMSG;
	parts = ms_ber_inside(&seq);
	if (ms_ber_take(&parts, MS_BER_INTEGER, &n))
		return -EBADMSG;
	if (!n.body_len)
		return -EINVAL;
	if (ms_ber_take(&parts, MS_BER_INTEGER, &e))
		return -EBADMSG;
	if (!e.body_len || e.body_len > n.body_len)
		return -EINVAL;
	if (ms_ber_end(&parts))
		return -EBADMSG;
	ret->n = without_zeros(&n);
	ret->e = without_zeros(&e);
	ret->size = (ret->n.len + 7) / 8 * 8;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		if (ret->size * 8 == sizes[i])
			return 0;
	return -EINVAL;
}

/* Is a signature a number that rsa_enc() takes? */
static bool payload_ok(const struct ms_kernel_profile *profile, const BIGNUM *m,
		       BIGNUM *n)
{
	bool ok;

	if (!profile->rsa_payload_strict)
		return BN_cmp(m, n) < 0;
	ok = BN_cmp(m, BN_value_one()) > 0 && BN_sub_word(n, 1) && BN_cmp(m, n) < 0;
	return ok && BN_add_word(n, 1);
}

/* What the key opens the signature to, @k->size bytes. */
static int rsa_open(const struct ms_kernel_profile *profile, const struct rsa_numbers *k,
		    const struct ms_bytes *sig, uint8_t *ret)
{
	BIGNUM *n = BN_bin2bn(k->n.p, (int)k->n.len, NULL);
	BIGNUM *e = BN_bin2bn(k->e.p, (int)k->e.len, NULL);
	BIGNUM *m = BN_bin2bn(sig->p, (int)sig->len, NULL), *c = BN_new();
	BN_CTX *ctx = BN_CTX_new();
	int rc = -ENOMEM;

	if (!n || !e || !m || !c || !ctx)
		goto out;
	rc = -EINVAL;
	if (!payload_ok(profile, m, n))
		goto out;
	if (BN_mod_exp(c, m, e, n, ctx) && BN_bn2binpad(c, ret, (int)k->size) >= 0)
		rc = 0;
out:
	BN_free(n);
	BN_free(e);
	BN_free(m);
	BN_free(c);
	BN_CTX_free(ctx);
	ERR_clear_error();
	return rc;
}

/* DigestInfo up to the digest. */
static size_t digest_info(enum ms_hash hash, uint8_t *ret)
{
	size_t oid_len, digest = ms_hash_size(hash), n = 0;
	const uint8_t *oid = ms_hash_oid(hash, &oid_len);

	ret[n++] = MS_BER_SEQUENCE;
	ret[n++] = (uint8_t)(oid_len + 6 + digest);
	ret[n++] = MS_BER_SEQUENCE;
	ret[n++] = (uint8_t)(oid_len + 2);
	memcpy(ret + n, oid, oid_len);
	n += oid_len;
	ret[n++] = 0x05;
	ret[n++] = 0;
	ret[n++] = MS_BER_OCTETS;
	ret[n++] = (uint8_t)digest;
	return n;
}

/* EMSA-PKCS1-v1_5, with the errnos of pkcs1pad_verify_complete(). */
static int check_padding(const uint8_t *p, size_t len, const struct ms_kernel_sig *sig)
{
	uint8_t info[64];
	size_t n = digest_info(sig->hash, info), pos;

	if (p[0])
		return -EINVAL;
	if (p[1] != 1)
		return -EBADMSG;
	for (pos = 2; pos < len && p[pos] == 0xff;)
		pos++;
	if (pos < 10 || pos == len || p[pos])
		return -EBADMSG;
	pos++;
	if (n > len - pos || memcmp(p + pos, info, n))
		return -EBADMSG;
	pos += n;
	n = ms_hash_size(sig->hash);
	return len - pos != n || memcmp(p + pos, sig->digest, n) ? -EKEYREJECTED : 0;
}

/* Hashes that pkcs1pad and pkcs1 have a DigestInfo for. */
static bool rsa_knows(enum ms_hash h)
{
	return h != MS_HASH_NONE && h != MS_HASH_MD4 && h != MS_HASH_SM3;
}

static int rsa_verify(const struct ms_kernel_profile *profile,
		      const struct ms_kernel_cert *cert, const struct ms_kernel_sig *sig)
{
	uint8_t opened[RSA_BYTES_MAX];
	struct rsa_numbers k;
	int rc;

	if (!rsa_knows(sig->hash))
		return -ENOENT;
	rc = rsa_parse(&cert->key, &k);
	if (rc || (sig->good && sig->digest))
		return rc;
	if (!sig->digest || sig->sig.len != k.size)
		return -EINVAL;
	rc = rsa_open(profile, &k, &sig->sig, opened);
	return rc ? rc : check_padding(opened, k.size, sig);
}

/* ecdsa_set_pub_key(): the key, or NULL, which is -EINVAL. */
static EVP_PKEY *ec_key(const struct ms_kernel_cert *cert, size_t bytes)
{
	size_t words = (bytes + 7) / 8, half = (cert->key.len - 1) / 2, room = words * 8;
	uint8_t point[1 + 2 * 72] = {4};
	EVP_PKEY_CTX *ctx;
	EVP_PKEY *key = NULL;
	OSSL_PARAM params[3];
	char name[8];

	snprintf(name, sizeof(name), "P-%u", cert->curve);
	if (!cert->key.len || !(cert->key.len & 1) || cert->key.p[0] != 4 ||
	    half > room || (half + 7) / 8 != words)
		return NULL;
	for (size_t i = 0; i < 2; i++) {
		const uint8_t *from = cert->key.p + 1 + i * half;
		size_t n = half;

		for (; n > bytes; n--)
			if (*from++)
				return NULL;
		memcpy(point + 1 + (i + 1) * bytes - n, from, n);
	}
	params[0] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, name, 0);
	params[1] = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point,
						      1 + 2 * bytes);
	params[2] = OSSL_PARAM_construct_end();
	ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	if (!ctx || EVP_PKEY_fromdata_init(ctx) <= 0 ||
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) <= 0)
		key = NULL;
	EVP_PKEY_CTX_free(ctx);
	return key;
}

static int ec_number(struct ms_ber_in *in, size_t words, BIGNUM **ret)
{
	struct ms_ber e;

	if (ms_ber_take(in, MS_BER_INTEGER, &e))
		return -EBADMSG;
	if (!e.body_len || e.body_len > words * 8 + 1 ||
	    (e.body_len > words * 8 && *e.body))
		return -EINVAL;
	*ret = BN_bin2bn(e.body, (int)e.body_len, NULL);
	return *ret ? 0 : -ENOMEM;
}

static bool in_range(const BIGNUM *x, const BIGNUM *order)
{
	return !BN_is_zero(x) && BN_cmp(x, order) < 0;
}

static int ec_check(EVP_PKEY *key, const ECDSA_SIG *rs, const struct ms_kernel_sig *sig)
{
	unsigned char *der = NULL;
	BIGNUM *order = NULL;
	int len, rc = -EBADMSG;

	if (EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_ORDER, &order) != 1)
		return -ENOMEM;
	if (in_range(ECDSA_SIG_get0_r(rs), order) &&
	    in_range(ECDSA_SIG_get0_s(rs), order)) {
		len = i2d_ECDSA_SIG(rs, &der);
		rc = len < 0 ? -ENOMEM
			     : ms_key_verify_digest(key, sig->hash, sig->digest, der,
						    (size_t)len);
	}
	OPENSSL_free(der);
	BN_free(order);
	return rc == -ENOPKG ? -EKEYREJECTED : rc;
}

static int ec_verify_with(EVP_PKEY *key, const struct ms_kernel_sig *sig, size_t words)
{
	struct ms_ber_in in = {.p = sig->sig.p, .left = sig->sig.len}, parts;
	BIGNUM *r = NULL, *s = NULL;
	ECDSA_SIG *rs = NULL;
	struct ms_ber seq;
	int rc;

	if (ms_ber_take(&in, MS_BER_SEQUENCE, &seq))
		return -EBADMSG;
	parts = ms_ber_inside(&seq);
	rc = ec_number(&parts, words, &r);
	if (!rc)
		rc = ec_number(&parts, words, &s);
	if (!rc)
		rc = ms_ber_end(&parts);
	if (!rc) {
		rs = ECDSA_SIG_new();
		rc = rs ? 0 : -ENOMEM;
	}
	if (!rc && ECDSA_SIG_set0(rs, r, s)) {
		r = s = NULL;
		/* Without a digest, nothing can be right. */
		rc = sig->digest ? ec_check(key, rs, sig) : -EKEYREJECTED;
	}
	BN_free(r);
	BN_free(s);
	ECDSA_SIG_free(rs);
	return rc;
}

static int ec_verify(const struct ms_kernel_profile *profile,
		     const struct ms_kernel_cert *cert, const struct ms_kernel_sig *sig)
{
	size_t bytes = (cert->curve + 7) / 8;
	EVP_PKEY *key;
	int rc;

	if (sig->hash == MS_HASH_NONE || sig->hash == MS_HASH_MD4 ||
	    sig->hash == MS_HASH_MD5 || sig->hash == MS_HASH_SM3)
		return -EINVAL;
	if (!ms_profile_has_sig(profile, cert->key_kind))
		return profile->unusable_sig_error;
	if (sig->good && sig->digest)
		return 0;
	key = ec_key(cert, bytes);
	if (!key) {
		ERR_clear_error();
		return -EINVAL;
	}
	rc = ec_verify_with(key, sig, (bytes + 7) / 8);
	EVP_PKEY_free(key);
	ERR_clear_error();
	return rc;
}

/* The pair of algorithms, as the strings pkey_algo of key and signature are compared. */
static bool same_kind(enum ms_sig_kind key, enum ms_sig_kind sig)
{
	return key == sig || (key == MS_SIG_P521 && sig == MS_SIG_ECDSA);
}

int ms_kernel_key_verify(const struct ms_kernel_profile *profile,
			 const struct ms_kernel_cert *cert,
			 const struct ms_kernel_sig *sig)
{
	if (!same_kind(cert->key_kind, sig->kind))
		return -EKEYREJECTED;
	switch (cert->key_kind) {
	case MS_SIG_RSA:
		return rsa_verify(profile, cert, sig);
	case MS_SIG_ECDSA:
	case MS_SIG_P521:
		return ec_verify(profile, cert, sig);
	default:
		return ms_profile_has_sig(profile, cert->key_kind)
			       ? -ENOPKG
			       : profile->unusable_sig_error;
	}
}

struct ms_kernel_sig ms_kernel_cert_signature(const struct ms_kernel_profile *profile,
					      const struct ms_kernel_cert *cert,
					      uint8_t *digest)
{
	struct ms_kernel_sig sig = {
		.kind = cert->sig_kind,
		.hash = cert->hash,
		.sig = cert->sig,
	};

	if (ms_profile_has_hash(profile, cert->hash) &&
	    !ms_digest(cert->hash, cert->tbs.p, cert->tbs.len, digest))
		sig.digest = digest;
	return sig;
}
