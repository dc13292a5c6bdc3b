/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A TPM object's public area (TCG TPM 2.0 part 2, 12.2), read without a TPM library, and
 * what is done to it from outside the TPM: credentials and duplicates (part 1, 23 and
 * 24).
 */
#ifndef MS_TPM_PUBLIC_H
#define MS_TPM_PUBLIC_H

#include <openssl/evp.h>
#include "lib/buf.h"

/* Part 2, 6.3 and 8.3.2; with names of our own, as tss2's headers define theirs. */
enum ms_tpm_alg {
	MS_TPM_RSA = 0x0001,
	MS_TPM_SHA1 = 0x0004,
	MS_TPM_HMAC = 0x0005,
	MS_TPM_AES = 0x0006,
	MS_TPM_KEYEDHASH = 0x0008,
	MS_TPM_XOR = 0x000a,
	MS_TPM_SHA256 = 0x000b,
	MS_TPM_SHA384 = 0x000c,
	MS_TPM_SHA512 = 0x000d,
	MS_TPM_NULL = 0x0010,
	MS_TPM_RSASSA = 0x0014,
	MS_TPM_RSAES = 0x0015,
	MS_TPM_ECDSA = 0x0018,
	MS_TPM_ECC = 0x0023,
	MS_TPM_CFB = 0x0043,
};
enum {
	MS_TPMA_FIXED_TPM = 1 << 1,
	MS_TPMA_FIXED_PARENT = 1 << 4,
	MS_TPMA_ORIGIN = 1 << 5, /* sensitiveDataOrigin */
	MS_TPMA_USER_WITH_AUTH = 1 << 6,
	MS_TPMA_NO_DA = 1 << 10,
	MS_TPMA_ENCRYPTED_DUPLICATION = 1 << 11,
	MS_TPMA_RESTRICTED = 1 << 16,
	MS_TPMA_DECRYPT = 1 << 17,
	MS_TPMA_SIGN = 1 << 18,
};

/** struct ms_bytes - somebody else's */
struct ms_bytes {
	const uint8_t *p;
	size_t len;
};

/**
 * struct ms_tpm_public - a TPM2B_PUBLIC taken apart, in place
 * @area: TPMT_PUBLIC
 * @sym_bits: of the AES-CFB that a storage key wraps with; 0: none
 * @curve: TPM_ECC_CURVE; @bits, @exponent: RSA (exponent 0 stands for 65537)
 * @unique: modulus, or a sealed object's digest; @x, @y: of an elliptic curve
 */
struct ms_tpm_public {
	struct ms_bytes area, policy, unique, x, y;
	uint16_t type, name_alg, sym_bits, scheme, scheme_hash, curve, bits;
	uint32_t attrs, exponent;
};

/** ms_tpm_public_parse() - nothing may follow. Return: 0, -EBADMSG, -ENOPKG (unknown) */
int ms_tpm_public_parse(const uint8_t *p, size_t len,
			struct ms_tpm_public *ret) _must_check_;
/** ms_tpm_public_name() - nameAlg and digest, 2 + MS_DIGEST_MAX bytes */
int ms_tpm_public_name(const struct ms_tpm_public *pub, uint8_t *ret,
		       size_t *ret_len) _must_check_;
/** ms_tpm_public_key() - for OpenSSL. Return: 0, -ENOPKG, -EBADMSG (no point, ...) */
int ms_tpm_public_key(const struct ms_tpm_public *pub, EVP_PKEY **ret) _must_check_;
/** ms_tpm_hash() - TPM_ALG_ID as enum ms_hash, MS_HASH_NONE if unknown */
int ms_tpm_hash(uint16_t alg);

/**
 * ms_tpm_credential() - TPM2_MakeCredential, without a TPM (part 1, 24)
 * @ek: public key of the endorsement key; RSA-2048 or P-256, of the default template
 *      (nameAlg SHA-256, AES-128-CFB)
 * @name: of the key that must be in the same TPM
 * @secret: at most 32 bytes
 * @ret_id, @ret_seed: TPM2B_ID_OBJECT and TPM2B_ENCRYPTED_SECRET are appended
 */
int ms_tpm_credential(EVP_PKEY *ek, const uint8_t *name, size_t name_len,
		      const uint8_t *secret, size_t len, struct ms_buf *ret_id,
		      struct ms_buf *ret_seed) _must_check_;

/**
 * ms_tpm_duplicate() - an object for TPM2_Import under another TPM's storage key: outer
 * wrapping only (part 1, 23.3)
 * @parent: of the other TPM; a storage key with AES-CFB
 * @sensitive: TPM2B_SENSITIVE in locked memory; @name: of the object
 * @ret_priv, @ret_seed: TPM2B_PRIVATE and TPM2B_ENCRYPTED_SECRET are appended
 * Return: 0, -EINVAL (not a storage key that this can be wrapped to), -ENOPKG, -EIO
 */
int ms_tpm_duplicate(const struct ms_tpm_public *parent, const uint8_t *sensitive,
		     size_t len, const uint8_t *name, size_t name_len,
		     struct ms_buf *ret_priv, struct ms_buf *ret_seed) _must_check_;

#endif
