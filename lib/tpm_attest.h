/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a TPM signed about itself (TCG TPM 2.0 part 2, 10.12), read without a TPM library.
 */
#ifndef MS_TPM_ATTEST_H
#define MS_TPM_ATTEST_H

#include "lib/tpm_public.h"

#define MS_TPM_GENERATED 0xff544347u /* "\xffTCG" */
enum ms_tpm_attest_type {
	MS_TPM_ATTEST_CERTIFY = 0x8017,
	MS_TPM_ATTEST_QUOTE = 0x8018,
	MS_TPM_ATTEST_CREATION = 0x801a,
};

/**
 * struct ms_tpm_attest - a TPMS_ATTEST, in place
 * @magic, @type: as they are there; the caller judges them
 * @name: of the certified or created object; @digest: creationHash, or pcrDigest
 * @pcrs: of a quote, in the SHA-256 bank
 */
struct ms_tpm_attest {
	uint32_t magic, reset_count, restart_count, pcrs;
	uint16_t type;
	bool safe;
	struct ms_bytes signer, extra, name, digest;
	uint64_t clock, firmware;
};

/**
 * ms_tpm_attest_parse() - Return: 0; -EBADMSG malformed; -ENOPKG a quote over other PCRs
 * than SHA-256's, or over none. What is attested is left out of a type that is not known.
 */
int ms_tpm_attest_parse(const uint8_t *p, size_t len,
			struct ms_tpm_attest *ret) _must_check_;

/**
 * ms_tpm_signature_check() - a TPMT_SIGNATURE over bytes, with SHA-256 or better
 * Return: 0; -EBADMSG malformed; -ENOPKG scheme or hash unknown; -EKEYREJECTED
 */
int ms_tpm_signature_check(EVP_PKEY *key, const uint8_t *signed_, size_t len,
			   const uint8_t *sig, size_t sig_len) _must_check_;

/**
 * ms_tpm_creation_hash() - creationHash of a TPM2B_CREATION_DATA (part 2, 15.1)
 * @name_alg: of the object that was created
 * @ret: MS_DIGEST_MAX bytes
 * Return: 0, -EBADMSG (malformed), -ENOPKG
 */
int ms_tpm_creation_hash(const uint8_t *p, size_t len, uint16_t name_alg, uint8_t *ret,
			 size_t *ret_len) _must_check_;

#endif
