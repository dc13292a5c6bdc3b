/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TPM policies as bytes: their digests (TCG part 3, 23), their steps in a "TSS2 PRIVATE
 * KEY" (draft-bottomley-tpm2-keys), and approvals of PCR values, which an offline policy
 * key signs and TPM2_PolicyAuthorize takes. Needs no TPM.
 */
#ifndef MS_TPM_POLICY_BYTES_H
#define MS_TPM_POLICY_BYTES_H

#include <stdbool.h>
#include <stdint.h>
#include <openssl/evp.h>
#include "lib/buf.h"
#include "lib/error.h"

#define MS_PCRS 24u
#define MS_POLICY_LEN 32u
#define MS_POLICY_NAME_LEN 34u	     /* Name of a policy key: SHA-256 */
#define MS_POLICY_KEY_MAX 320u	     /* TPM2B_PUBLIC of RSA-2048 or P-256 */
#define MS_PCR_APPROVAL_SIG_MAX 272u /* TPMT_SIGNATURE of these */
#define MS_PCR_APPROVAL_NAME_MAX 64u /* bytes of an approval's name, without NUL */
#define MS_PCR_APPROVAL_MAX 1024u    /* DER of one approval */
#define MS_PCR_APPROVALS_MAX 8u	     /* of one key */
#define MS_PCR_APPROVAL_LABEL "TSS2 AUTH POLICY" /* PEM */

/* TPM2_CC of the steps */
enum ms_policy_cc {
	MS_POLICY_AUTHORIZE = 0x16a,
	MS_POLICY_AUTH_VALUE = 0x16b,
	MS_POLICY_PCR = 0x17f,
};

/**
 * struct ms_policy_key - who approves
 * @pub: TPM2B_PUBLIC, marshalled with its size; @len 0: nobody
 */
struct ms_policy_key {
	uint8_t pub[MS_POLICY_KEY_MAX];
	size_t len;
};

/**
 * struct ms_pcr_approval - PCR values that a policy key has approved
 * @name: for people; printable ASCII
 * @pcrs: bit mask of SHA-256 PCRs, not 0
 * @pcr_digest: SHA-256 over their values, in ascending order
 * @sig: TPMT_SIGNATURE, marshalled
 */
struct ms_pcr_approval {
	char name[MS_PCR_APPROVAL_NAME_MAX + 1];
	uint32_t pcrs;
	uint8_t pcr_digest[32];
	uint8_t sig[MS_PCR_APPROVAL_SIG_MAX];
	size_t sig_len;
};

/* A policy's digest starts with 32 zero bytes; each of these extends it by one step. */
int ms_policy_add_pcr(uint8_t policy[MS_POLICY_LEN], uint32_t pcrs,
		      const uint8_t pcr_digest[32]) _must_check_;
int ms_policy_add_auth_value(uint8_t policy[MS_POLICY_LEN]) _must_check_;
/** ms_policy_add_authorize() - what was there before is replaced, as the TPM does it */
int ms_policy_add_authorize(uint8_t policy[MS_POLICY_LEN],
			    const struct ms_policy_key *key) _must_check_;

/** ms_policy_put_selection() - TPML_PCR_SELECTION of the SHA-256 bank */
void ms_policy_put_selection(struct ms_buf *b, uint32_t pcrs);

/** ms_policy_put_step() - a TPMPolicy: SEQUENCE of command code and parameters */
void ms_policy_put_step(struct ms_buf *b, uint32_t code, const struct ms_buf *body);
/**
 * ms_policy_get_step() - reverse
 * @ret_body: the parameters, in place
 * Return: 0 or -EBADMSG.
 */
int ms_policy_get_step(struct ms_reader *r, uint32_t *ret_code,
		       struct ms_reader *ret_body) _must_check_;
/** ms_policy_wrap() - what is in @b from @from to its end becomes an element's content */
void ms_policy_wrap(struct ms_buf *b, size_t from, uint8_t tag);

/** ms_policy_put_pcr() - parameters of TPM2_PolicyPCR */
void ms_policy_put_pcr(struct ms_buf *b, uint32_t pcrs, const uint8_t pcr_digest[32]);
/**
 * ms_policy_get_pcr() - reverse
 * Return: 0, -EBADMSG (malformed), -ENOPKG (other banks than SHA-256, or no digest).
 */
int ms_policy_get_pcr(const uint8_t *body, size_t len, uint32_t *ret_pcrs,
		      uint8_t ret_digest[32]) _must_check_;
/**
 * ms_policy_put_authorize() - of TPM2_PolicyAuthorize: TPM2B_PUBLIC, an empty policyRef,
 * and TPMT_SIGNATURE; with @sig_len 0 the empty one of TPM_ALG_NULL
 */
void ms_policy_put_authorize(struct ms_buf *b, const struct ms_policy_key *key,
			     const uint8_t *sig, size_t sig_len);
/**
 * ms_policy_get_authorize() - reverse
 * @ret_sig: MS_PCR_APPROVAL_SIG_MAX bytes; @ret_sig_len 0 for the empty one
 * Return: 0, -EBADMSG, -ENOPKG (another kind of key, a policyRef).
 */
int ms_policy_get_authorize(const uint8_t *body, size_t len, struct ms_policy_key *ret,
			    uint8_t *ret_sig, size_t *ret_sig_len) _must_check_;

/**
 * ms_policy_key_encode() - as tpm2_loadexternal and systemd's do it: sign, decrypt,
 * userWithAuth, SHA-256 Name, no scheme
 * Return: 0, or -ENOPKG (neither RSA-2048 with exponent 65537 nor P-256).
 */
int ms_policy_key_encode(EVP_PKEY *key, struct ms_policy_key *ret) _must_check_;
/** ms_policy_key_name() - nameAlg and SHA-256 of TPMT_PUBLIC. Return: 0, -EBADMSG */
int ms_policy_key_name(const struct ms_policy_key *key,
		       uint8_t ret[MS_POLICY_NAME_LEN]) _must_check_;

/**
 * ms_pcr_approval_sign() - @a's name, pcrs and pcr_digest are set; sets its signature
 * Return: 0, -ENOPKG (kind of key), -EINVAL (no PCR), -EIO (OpenSSL failed).
 */
int ms_pcr_approval_sign(struct ms_pcr_approval *a, EVP_PKEY *key) _must_check_;
/**
 * ms_pcr_approval_check() - did this policy key sign it?
 * Return: 0; -EKEYREJECTED no; -ENOPKG could not check.
 */
int ms_pcr_approval_check(const struct ms_pcr_approval *a,
			  const struct ms_policy_key *key) _must_check_;

/** ms_pcr_approval_write() - DER of a TPMAuthPolicy, appended. Return: 0, -EFBIG, -ENOMEM
 */
int ms_pcr_approval_write(const struct ms_pcr_approval *a,
			  const struct ms_policy_key *key,
			  struct ms_buf *out) _must_check_;
/**
 * ms_pcr_approval_read() - one TPMAuthPolicy of a sequence of them
 * PolicyAuthorize may stand before or after PolicyPCR; both ways are in use.
 * Return: 0, -EBADMSG (malformed), -ENOPKG (another policy).
 */
int ms_pcr_approval_read(struct ms_reader *r, struct ms_pcr_approval *ret,
			 struct ms_policy_key *ret_key) _must_check_;
/** ms_pcr_approval_parse() - ms_pcr_approval_read() of a whole file's DER */
int ms_pcr_approval_parse(const uint8_t *der, size_t len, struct ms_pcr_approval *ret,
			  struct ms_policy_key *ret_key,
			  struct ms_error *err) _must_check_;

/** ms_policy_key_same() - are they one key? */
bool ms_policy_key_same(const struct ms_policy_key *a, const struct ms_policy_key *b);

#endif
