/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the TPM can say about itself and its keys. Evidence is as lib/tpm_evidence.h has
 * it, and is judged by lib/attest_check.h.
 */
#ifndef MS_TPM_TPM_ATTEST_H
#define MS_TPM_TPM_ATTEST_H

#include "lib/tpm_evidence.h"
#include "tpm/tpm.h"

#define MS_TPM_EVIDENCE_MAX 12288u /* bytes of what one of these functions answers */

/**
 * ms_tpm_identity() - who this TPM is
 * @out: EK certificate and chain from the NV memory, where there are any; AK_PUBLIC;
 * SRK_PUBLIC, SRK_CERTIFY and its signature
 *
 * The attestation key (AK) is a primary key of the endorsement hierarchy, so it is the
 * same one each time: P-256, or RSA-2048 where the TPM has no P-256 that is fit for use.
 */
int ms_tpm_identity(struct ms_tpm *t, struct ms_buf *out,
		    struct ms_error *err) _must_check_;

/**
 * ms_tpm_attest() - what the AK signs about a key of custody resident
 * @extra: goes into each of the statements
 * @out: EK certificate and chain, AK_PUBLIC, KEY_PUBLIC, CERTIFY, CREATION_DATA and
 * CREATION (where @blob has them), QUOTE over @blob's PCRs or PCR 7, PCR_VALUES
 */
int ms_tpm_attest(struct ms_tpm *t, const struct ms_tpm_blob *blob, const char *pin,
		  const uint8_t extra[32], struct ms_buf *out,
		  struct ms_error *err) _must_check_;

/**
 * ms_tpm_activate() - open a credential that was made for this TPM's EK and AK
 * @id, @seed: TPM2B_ID_OBJECT and TPM2B_ENCRYPTED_SECRET
 * Return: 0; -EKEYREJECTED it is for another TPM, another AK, or damaged; else as above
 */
int ms_tpm_activate(struct ms_tpm *t, const uint8_t *id, size_t id_len,
		    const uint8_t *seed, size_t seed_len, uint8_t ret[MS_TPM_SECRET_LEN],
		    struct ms_error *err) _must_check_;

/**
 * ms_tpm_import_secret() - unwrap a secret that was wrapped to this TPM's SRK
 * @blob: @pub and @priv (the duplicate) of a sealed object without policy; @srk_name: of
 * the SRK that it was wrapped to
 * @seed: TPM2B_ENCRYPTED_SECRET
 * Return: as ms_tpm_unseal(); -ESTALE it was wrapped for another TPM
 */
int ms_tpm_import_secret(struct ms_tpm *t, const struct ms_tpm_blob *blob,
			 const uint8_t *seed, size_t seed_len,
			 uint8_t ret[MS_TPM_SECRET_LEN],
			 struct ms_error *err) _must_check_;

#endif
