/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Custody `resident`: a private key that is born in the TPM and never leaves it.
 */
#ifndef MS_TPM_SIGN_H
#define MS_TPM_SIGN_H

#include <openssl/evp.h>
#include "lib/cert.h"
#include "tpm/tpm.h"

/**
 * ms_tpm_key_create() - make a signing key in the TPM
 * @pcrs, @pin: as in ms_tpm_seal(); with neither, other programs can use the key, too
 *
 * Sign only, unrestricted, not duplicable. Takes up to half a minute for RSA on real
 * TPMs.
 *
 * Return: 0 or errno as tpm/tpm.h has them; -ENOPKG where the TPM lacks the algorithm, or
 * where its firmware is known to leak ECDSA keys.
 */
int ms_tpm_key_create(struct ms_tpm *t, enum ms_alg alg, uint32_t pcrs, const char *pin,
		      struct ms_tpm_blob *ret, struct ms_error *err) _must_check_;

/**
 * ms_tpm_key_create_for() - the same, under the policy that a blob describes
 * @raw: RSA that may decrypt, too, without a scheme: the way to digests whose hash the
 *       TPM lacks. Whoever can use such a key has a raw RSA oracle.
 * @want: @pcrs, or @policy_key and @approvals
 */
int ms_tpm_key_create_for(struct ms_tpm *t, enum ms_alg alg, bool raw,
			  const struct ms_tpm_blob *want, const char *pin,
			  struct ms_tpm_blob *ret, struct ms_error *err) _must_check_;

/**
 * ms_tpm_key_check() - is it a signing key, and do the parts of its blob belong together?
 *
 * As ms_tpm_blob_check() for sealed objects: fills in @name, needs no TPM. Takes keys of
 * other programs, if they may sign what comes from outside.
 *
 * Return: 0, -EBADMSG (damaged), -ENOPKG (not a signing key, or not one that we can use).
 */
int ms_tpm_key_check(struct ms_tpm_blob *blob, struct ms_error *err) _must_check_;

/** ms_tpm_key_public() - its public key, for a certificate. Needs no TPM. */
int ms_tpm_key_public(const struct ms_tpm_blob *blob, EVP_PKEY **ret,
		      struct ms_error *err) _must_check_;

/**
 * ms_tpm_sign() - raw signature of a digest: PKCS#1 v1.5 or DER ECDSA
 * @ret: MS_SIG_MAX bytes; untouched on failure
 *
 * Verified with the public key before it is returned. The key and its session stay
 * loaded, so that the next signature with it is little more than one command, until
 * ms_tpm_let_go() or ms_tpm_close(). A key made with @raw signs with TPM2_RSA_Decrypt
 * where the TPM lacks the hash.
 */
int ms_tpm_sign(struct ms_tpm *t, const struct ms_tpm_blob *blob, const char *pin,
		enum ms_hash hash, const uint8_t *digest, uint8_t *ret, size_t *ret_len,
		struct ms_error *err) _must_check_;

/** ms_tpm_leaks_ecdsa() - firmware whose ECDSA gives the key away (CVE-2019-11090) */
bool ms_tpm_leaks_ecdsa(const struct ms_tpm_info *i);

#endif
