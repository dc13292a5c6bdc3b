/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "TSS2 PRIVATE KEY": draft-bottomley-tpm2-keys, types sealed and loadable.
 */
#ifndef MS_TPM_TSS2KEY_H
#define MS_TPM_TSS2KEY_H

#include "tpm/tpm.h"

#define MS_TSS2KEY_LABEL "TSS2 PRIVATE KEY"

/* The last arc of the type's OBJECT IDENTIFIER, 2.23.133.10.1.x */
enum ms_tss2key_type {
	MS_TSS2KEY_LOADABLE = 3,
	MS_TSS2KEY_SEALED = 5,
};

/**
 * ms_tss2key_parse() - DER of a TPMKey
 * @ret: parent, pcrs, pcr_digest, has_pin, pub and priv are set; the Names are not
 *
 * Strict DER. Takes what modseal writes: type sealed or loadable, emptyAuth, a policy of
 * PolicyPCR or PolicyAuthorize and then PolicyAuthValue, with PolicyAuthorize the
 * approvals (authPolicy), parent 0x81000001 or 0x40000001. A loadable key without a
 * policy and without emptyAuth has @pin_alone, and the caller has to know if there is a
 * PIN.
 *
 * Return: 0, -EBADMSG (malformed), -ENOPKG (another type of key, policy or parent).
 */
int ms_tss2key_parse(const uint8_t *der, size_t len, enum ms_tss2key_type want,
		     struct ms_tpm_blob *ret, struct ms_error *err) _must_check_;
/** ms_tss2key_write() - DER of a TPMKey appended to @out. Return: 0, -EFBIG, -ENOMEM */
int ms_tss2key_write(const struct ms_tpm_blob *blob, enum ms_tss2key_type type,
		     struct ms_buf *out) _must_check_;

#endif
