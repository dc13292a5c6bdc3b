/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The endorsement hierarchy: EK, its certificates, and the AK. */
#ifndef MS_TPM_EK_H
#define MS_TPM_EK_H

#include "lib/buf.h"
#include "tpm/internal.h"

#define MS_NV_EK_RSA 0x01c00002u /* TCG EK Credential Profile, 2.2.1.4 */
#define MS_NV_EK_ECC 0x01c0000au

/** ms_ek_put_certs() - MS_EV_EK_CERT and MS_EV_EK_CHAIN; nothing where there are none */
int ms_ek_put_certs(struct ms_tpm *t, struct ms_buf *out,
		    struct ms_error *err) _must_check_;
/** ms_ek_use() - the EK of the certificate. flush it if @ret_transient, else close it */
int ms_ek_use(struct ms_tpm *t, ESYS_TR *ret, bool *ret_transient,
	      struct ms_error *err) _must_check_;
/** ms_ak_use() - the AK; a transient object. @ret_pub: from Esys */
int ms_ak_use(struct ms_tpm *t, ESYS_TR *ret, TPM2B_PUBLIC **ret_pub,
	      struct ms_error *err) _must_check_;

#endif
