/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MS_TPM_POLICY_H
#define MS_TPM_POLICY_H

#include <tss2/tss2_tpm2_types.h>
#include "tpm/tpm.h"

/**
 * ms_policy_digest() - authPolicy that @pcrs, @pcr_digest and @has_pin of a blob make
 * @ret_len: 32, or 0 without any policy
 * Return: 0 or a negative errno.
 */
int ms_policy_digest(const struct ms_tpm_blob *blob, uint8_t ret[32],
		     size_t *ret_len) _must_check_;

/** ms_sealed_template() - public area of a sealed object, without policy and unique field
 */
void ms_sealed_template(TPM2B_PUBLIC *ret);
/** ms_policy_apply() - put authPolicy, noDA and userWithAuth into a public area */
int ms_policy_apply(const struct ms_tpm_blob *blob, TPM2B_PUBLIC *pub) _must_check_;

/** ms_policy_pcr_body() - parameters of TPM2_PolicyPCR as a key file has them */
void ms_policy_pcr_body(const struct ms_tpm_blob *blob, struct ms_buf *out);
/**
 * ms_policy_pcr_parse() - reverse; sets @pcrs and @pcr_digest
 * Return: 0, -EBADMSG (malformed), -ENOPKG (other banks than SHA-256, or no digest).
 */
int ms_policy_pcr_parse(const uint8_t *body, size_t len,
			struct ms_tpm_blob *blob) _must_check_;

#endif
