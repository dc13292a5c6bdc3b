/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/tpm_attest.h"

#include <errno.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>

#include "lib/cert.h"
#include "lib/hash.h"

static struct ms_bytes take(struct ms_reader *r)
{
	struct ms_bytes b = {.len = ms_reader_u16(r)};

	b.p = ms_reader_get(r, b.len);
	if (!b.p)
		b.len = 0;
	return b;
}

/* TPML_PCR_SELECTION with the SHA-256 bank alone. @ret: mask. Return: 0, -ENOPKG */
static int take_selection(struct ms_reader *r, uint32_t *ret)
{
	uint32_t count = ms_reader_u32(r), mask = 0;
	uint16_t bank = ms_reader_u16(r);
	uint8_t size = ms_reader_u8(r);

	if (ms_reader_error(r) < 0)
		return 0;
	if (count != 1 || bank != MS_TPM_SHA256 || size > 4)
		return -ENOPKG;
	for (unsigned int i = 0; i < size; i++)
		mask |= (uint32_t)ms_reader_u8(r) << (8 * i);
	if (!mask || mask >> 24)
		return -ENOPKG;
	*ret = mask;
	return 0;
}

int ms_tpm_attest_parse(const uint8_t *p, size_t len, struct ms_tpm_attest *ret)
{
	struct ms_reader r = MS_READER(p, len);
	struct ms_tpm_attest a = {.magic = ms_reader_u32(&r), .type = ms_reader_u16(&r)};
	uint8_t safe;
	int rc = 0;

	a.signer = take(&r);
	a.extra = take(&r);
	a.clock = ms_reader_u64(&r);
	a.reset_count = ms_reader_u32(&r);
	a.restart_count = ms_reader_u32(&r);
	safe = ms_reader_u8(&r);
	a.safe = safe == 1;
	a.firmware = ms_reader_u64(&r);
	if (ms_reader_error(&r) < 0 || safe > 1)
		return -EBADMSG;
	switch ((int)a.type) {
	case MS_TPM_ATTEST_QUOTE:
		rc = take_selection(&r, &a.pcrs);
		a.digest = take(&r);
		break;
	case MS_TPM_ATTEST_CERTIFY:
		a.name = take(&r);
		(void)take(&r); /* the qualified name */
		break;
	case MS_TPM_ATTEST_CREATION:
		a.name = take(&r);
		a.digest = take(&r);
		break;
	default:
		r.left = 0;
	}
	if (rc == 0 && ms_reader_end(&r) < 0)
		rc = -EBADMSG;
	if (rc == 0)
		*ret = a;
	return rc;
}

/* ------------------------------------------------------------------- signature */

static int ecdsa_der(const struct ms_bytes *r, const struct ms_bytes *s, uint8_t *ret,
		     size_t *ret_len)
{
	BIGNUM *br = BN_bin2bn(r->p, (int)r->len, NULL);
	BIGNUM *bs = BN_bin2bn(s->p, (int)s->len, NULL);
	ECDSA_SIG *sig = ECDSA_SIG_new();
	int n = -1;

	if (sig && br && bs && ECDSA_SIG_set0(sig, br, bs) == 1) {
		br = bs = NULL;
		n = i2d_ECDSA_SIG(sig, &ret);
	}
	BN_free(br);
	BN_free(bs);
	ECDSA_SIG_free(sig);
	if (n <= 0)
		return -ENOMEM;
	*ret_len = (size_t)n;
	return 0;
}

int ms_tpm_signature_check(EVP_PKEY *key, const uint8_t *signed_, size_t len,
			   const uint8_t *sig, size_t sig_len)
{
	struct ms_reader r = MS_READER(sig, sig_len);
	uint16_t scheme = ms_reader_u16(&r);
	enum ms_hash hash = (enum ms_hash)ms_tpm_hash(ms_reader_u16(&r));
	struct ms_bytes first = take(&r), second = {0};
	uint8_t digest[MS_DIGEST_MAX], der[MS_SIG_MAX];
	size_t n = first.len;
	int rc = 0;

	if (scheme == MS_TPM_ECDSA)
		second = take(&r);
	if (ms_reader_end(&r) < 0 || n > 512 || second.len > 66 ||
	    (scheme == MS_TPM_ECDSA && n > 66))
		return -EBADMSG;
	if (!hash || (scheme != MS_TPM_ECDSA && scheme != MS_TPM_RSASSA))
		return -ENOPKG;
	if (!EVP_PKEY_is_a(key, scheme == MS_TPM_ECDSA ? "EC" : "RSA"))
		return -EKEYREJECTED;
	if (scheme == MS_TPM_ECDSA)
		rc = ecdsa_der(&first, &second, der, &n);
	else
		memcpy(der, first.p, n);
	if (rc == 0)
		rc = ms_digest(hash, signed_, len, digest);
	return rc == 0 ? ms_key_verify_digest(key, hash, digest, der, n) : rc;
}

int ms_tpm_creation_hash(const uint8_t *p, size_t len, uint16_t name_alg, uint8_t *ret,
			 size_t *ret_len)
{
	struct ms_reader r = MS_READER(p, len);
	struct ms_bytes data = take(&r);
	enum ms_hash hash = (enum ms_hash)ms_tpm_hash(name_alg);

	if (ms_reader_end(&r) < 0 || !data.len)
		return -EBADMSG;
	if (!hash || ms_digest(hash, data.p, data.len, ret) < 0)
		return -ENOPKG;
	*ret_len = ms_hash_size(hash);
	return 0;
}
