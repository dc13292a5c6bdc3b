/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/tpm_public.h"

#include <errno.h>
#include "lib/hash.h"
#include "lib/key_public.h"

#define CURVE_P256 3
#define CURVE_P384 4
#define CURVE_P521 5

int ms_tpm_hash(uint16_t alg)
{
	switch (alg) {
	case MS_TPM_SHA256:
		return MS_HASH_SHA256;
	case MS_TPM_SHA384:
		return MS_HASH_SHA384;
	case MS_TPM_SHA512:
		return MS_HASH_SHA512;
	default:
		return MS_HASH_NONE;
	}
}

/* TPM2B: u16 length and bytes in place */
static struct ms_bytes take(struct ms_reader *r)
{
	struct ms_bytes b = {.len = ms_reader_u16(r)};

	b.p = ms_reader_get(r, b.len);
	if (!b.p)
		b.len = 0;
	return b;
}

/* TPMT_SYM_DEF_OBJECT */
static int take_symmetric(struct ms_reader *r, struct ms_tpm_public *pub)
{
	uint16_t alg = ms_reader_u16(r);

	if (alg == MS_TPM_NULL)
		return 0;
	if (alg != MS_TPM_AES)
		return -ENOPKG;
	pub->sym_bits = ms_reader_u16(r);
	return ms_reader_u16(r) == MS_TPM_CFB ? 0 : -ENOPKG;
}

/* A scheme with at most a hash */
static int take_scheme(struct ms_reader *r, uint16_t *ret, uint16_t *ret_hash)
{
	*ret = ms_reader_u16(r);
	*ret_hash = 0;
	if (*ret == MS_TPM_NULL || *ret == MS_TPM_RSAES)
		return 0;
	if (*ret != MS_TPM_RSASSA && *ret != 0x0016 && *ret != 0x0017 &&
	    *ret != MS_TPM_ECDSA && *ret != 0x0019 && *ret != MS_TPM_HMAC)
		return -ENOPKG;
	*ret_hash = ms_reader_u16(r);
	return 0;
}

static int take_parameters(struct ms_reader *r, struct ms_tpm_public *pub)
{
	uint16_t kdf = MS_TPM_NULL;
	int rc = 0;

	if (pub->type == MS_TPM_RSA || pub->type == MS_TPM_ECC)
		rc = take_symmetric(r, pub);
	if (rc == 0)
		rc = take_scheme(r, &pub->scheme, &pub->scheme_hash);
	if (rc < 0)
		return rc;
	if (pub->type == MS_TPM_RSA) {
		pub->bits = ms_reader_u16(r);
		pub->exponent = ms_reader_u32(r);
		pub->unique = take(r);
	} else if (pub->type == MS_TPM_ECC) {
		pub->curve = ms_reader_u16(r);
		kdf = ms_reader_u16(r);
		pub->x = take(r);
		pub->y = take(r);
	} else if (pub->type == MS_TPM_KEYEDHASH) {
		pub->unique = take(r);
	} else {
		return -ENOPKG;
	}
	return kdf == MS_TPM_NULL ? 0 : -ENOPKG;
}

int ms_tpm_public_parse(const uint8_t *p, size_t len, struct ms_tpm_public *ret)
{
	struct ms_reader r = MS_READER(p, len), in;
	struct ms_tpm_public pub = {.area = take(&r)};
	int rc;

	if (ms_reader_end(&r) < 0)
		return -EBADMSG;
	in = MS_READER(pub.area.p, pub.area.len);
	pub.type = ms_reader_u16(&in);
	pub.name_alg = ms_reader_u16(&in);
	pub.attrs = ms_reader_u32(&in);
	pub.policy = take(&in);
	if (ms_reader_error(&in) < 0)
		return -EBADMSG;
	rc = take_parameters(&in, &pub);
	if (rc < 0 && ms_reader_error(&in) == 0)
		return rc;
	if (ms_reader_end(&in) < 0)
		return -EBADMSG;
	*ret = pub;
	return 0;
}

int ms_tpm_public_name(const struct ms_tpm_public *pub, uint8_t *ret, size_t *ret_len)
{
	enum ms_hash hash = (enum ms_hash)ms_tpm_hash(pub->name_alg);
	uint8_t digest[MS_DIGEST_MAX];

	if (!hash || ms_digest(hash, pub->area.p, pub->area.len, digest) < 0)
		return -ENOPKG;
	ret[0] = (uint8_t)(pub->name_alg >> 8);
	ret[1] = (uint8_t)pub->name_alg;
	memcpy(ret + 2, digest, ms_hash_size(hash));
	*ret_len = 2 + ms_hash_size(hash);
	return 0;
}

/* -------------------------------------------------------------------- OpenSSL */

static int rsa_key(const struct ms_tpm_public *pub, EVP_PKEY **ret)
{
	if (pub->unique.len < 128 || pub->unique.len * 8 != pub->bits)
		return -EBADMSG;
	*ret = ms_key_from_rsa(pub->unique.p, pub->unique.len,
			       pub->exponent ? pub->exponent : 65537);
	return *ret ? 0 : -EBADMSG;
}

static int ecc_key(const struct ms_tpm_public *pub, EVP_PKEY **ret)
{
	uint8_t point[1 + 2 * 66] = {4};
	char group[8];
	size_t n = pub->curve == CURVE_P256   ? 32
		   : pub->curve == CURVE_P384 ? 48
		   : pub->curve == CURVE_P521 ? 66
					      : 0;

	if (!n)
		return -ENOPKG;
	if (pub->x.len > n || pub->y.len > n)
		return -EBADMSG;
	snprintf(group, sizeof(group), "P-%u", n == 66 ? 521u : (unsigned int)n * 8);
	memcpy(point + 1 + n - pub->x.len, pub->x.p, pub->x.len);
	memcpy(point + 1 + 2 * n - pub->y.len, pub->y.p, pub->y.len);
	*ret = ms_key_from_ec(group, point, 1 + 2 * n);
	return *ret ? 0 : -EBADMSG;
}

int ms_tpm_public_key(const struct ms_tpm_public *pub, EVP_PKEY **ret)
{
	if (pub->type == MS_TPM_RSA)
		return rsa_key(pub, ret);
	return pub->type == MS_TPM_ECC ? ecc_key(pub, ret) : -ENOPKG;
}
