/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MS_TPM_POLICY_H
#define MS_TPM_POLICY_H

#include <tss2/tss2_tpm2_types.h>
#include "tpm/tpm.h"

/**
 * ms_policy_digest() - authPolicy that @pcrs, @pcr_digest, @policy_key and @has_pin
 * of a blob make
 * @ret_len: 32, or 0 without any policy
 * Return: 0 or a negative errno.
 */
int ms_policy_digest(const struct ms_tpm_blob *blob, uint8_t ret[32],
		     size_t *ret_len) _must_check_;

/** ms_has_policy() - is there anything but the SRK between a blob and its use? */
static inline bool ms_has_policy(const struct ms_tpm_blob *blob)
{
	return blob->pcrs || blob->policy_key.len || (blob->has_pin && !blob->pin_alone);
}

/** ms_policy_copy() - a blob that has nothing but the policy of another; @has_pin as said
 */
void ms_policy_copy(const struct ms_tpm_blob *from, bool has_pin,
		    struct ms_tpm_blob *ret);

/** ms_sealed_template() - public area of a sealed object, without policy and unique field
 */
void ms_sealed_template(TPM2B_PUBLIC *ret);
/** ms_policy_apply() - put authPolicy, noDA and userWithAuth into a public area */
int ms_policy_apply(const struct ms_tpm_blob *blob, TPM2B_PUBLIC *pub) _must_check_;

#endif
