/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Was a key born in a TPM, and does it live there still? Every condition by its name:
 * docs/ATTESTATION.md.
 */
#ifndef MS_ATTEST_CHECK_H
#define MS_ATTEST_CHECK_H

#include "lib/cert.h"
#include "lib/event_log.h"
#include "lib/tpm_evidence.h"

#define MS_ATTEST_CHECKS_MAX 64u
#define MS_NONCE_MAX 64u
#define MS_OID_EK_CERT "2.23.133.8.1"  /* tcg-kp-EKCertificate */
#define MS_OID_AIK_CERT "2.23.133.8.3" /* tcg-kp-AIKCertificate */

enum ms_attest_state {
	MS_ATTEST_UNCHECKED = 0, /* could not be: what was missing is said */
	MS_ATTEST_GOOD = 1,
	MS_ATTEST_BAD = 2,
	MS_ATTEST_SKIPPED = 3, /* nothing was asked, or nothing offered: no judgement */
};

/** struct ms_attest_check - @name: stable; @why: a sentence, escaped; "" when good */
struct ms_attest_check {
	const char *name;
	enum ms_attest_state state;
	char why[240];
};

/**
 * struct ms_attest_result - the conditions in the order that they were looked at
 * @key_name: Name of the key, hex; @ek_sha256: of the EK certificate, hex
 */
struct ms_attest_result {
	struct ms_attest_check v[MS_ATTEST_CHECKS_MAX];
	size_t n;
	char key_name[2 * (2 + MS_DIGEST_MAX) + 1], ek_sha256[65], policy[129];
	uint32_t pcrs;
};

/**
 * struct ms_attest_question - what is expected
 * @cert: the key's certificate
 * @roots, @ak_cas: who may vouch for TPMs and for attestation keys; may be empty
 * @policy, @policy_len: authPolicy; @want_policy: is it asked for at all
 * @pcr, @pcr_mask: values that must be quoted
 * @nonce: what the asker sent; length 0: none
 * @now: for the certificates' validity
 */
struct ms_attest_question {
	const struct ms_cert *cert;
	const struct ms_cert_list *roots, *ak_cas;
	const uint8_t *policy, *nonce;
	size_t policy_len, nonce_len;
	bool want_policy;
	uint8_t pcr[MS_PCRS][32];
	uint32_t pcr_mask;
	time_t now;
};

/** ms_attest_check_key() - judge the evidence about a signing key */
void ms_attest_check_key(const struct ms_tpm_evidence *e,
			 const struct ms_attest_question *q,
			 struct ms_attest_result *ret);
/**
 * ms_attest_check_srk() - judge an identity: is its storage root key in that TPM?
 * @q: @roots, @ak_cas and @now count
 */
void ms_attest_check_srk(const struct ms_tpm_evidence *e,
			 const struct ms_attest_question *q,
			 struct ms_attest_result *ret);
/**
 * ms_attest_check_ak_request() - may a certificate be issued for an identity's AK?
 * @q: @roots and @now count
 *
 * Judges the EK's certificate and the AK's public area. That they are in one TPM shows
 * only when the TPM opens the credential.
 */
void ms_attest_check_ak_request(const struct ms_tpm_evidence *e,
				const struct ms_attest_question *q,
				struct ms_attest_result *ret);

/**
 * ms_attest_sans() - what a certificate of an AK names: URIs of its subjectAltName
 * @ret_ak: Name of the AK, hex, as urn:modseal:ak:; @ret_ek: SHA-256 of the EK's
 * certificate, hex, as urn:modseal:ek:
 * Return: 0, -EBADMSG (not there, or twice)
 */
int ms_attest_sans(const struct ms_cert *cert, char ret_ak[133],
		   char ret_ek[65]) _must_check_;
/**
 * ms_attest_chain() - to one of @roots, at @now, and for @eku
 * @extra: DER certificates between them, back to back
 * Return: 0; -EKEYREJECTED, the reason in @why (escaped); -ENOMEM
 */
int ms_attest_chain(const struct ms_cert *cert, const uint8_t *extra, size_t extra_len,
		    const struct ms_cert_list *roots, time_t now, char *why,
		    size_t size) _must_check_;
/** ms_attest_eku() - has it this extended key usage? */
bool ms_attest_eku(const struct ms_cert *cert, const char *oid);
/**
 * ms_attest_issue() - a certificate for an AK
 * @ca, @ca_key: of the enrolment CA; with a SKI
 * @ak_name: hex; @ek_sha256: hex
 * @ret: from malloc()
 * Return: 0, -EINVAL (the CA's certificate), -EIO, -ENOMEM
 */
int ms_attest_issue(EVP_PKEY *ak, const char *ak_name, const char *ek_sha256,
		    const struct ms_cert *ca, EVP_PKEY *ca_key, unsigned int days,
		    uint8_t **ret, size_t *ret_len) _must_check_;

/** ms_attest_state() - of all conditions: BAD before UNCHECKED before GOOD */
enum ms_attest_state ms_attest_state(const struct ms_attest_result *r);
const char *ms_attest_state_name(enum ms_attest_state s);

/**
 * ms_attest_extra_data() - what the attestation key signs in addition: SHA-256 over a
 * label, the certificate request, the key's authPolicy and the asker's nonce
 */
int ms_attest_extra_data(const uint8_t *csr, size_t csr_len, const uint8_t *policy,
			 size_t policy_len, const uint8_t *nonce, size_t nonce_len,
			 uint8_t ret[32]) _must_check_;
/** ms_attest_srk_extra_data() - the same, of an identity */
int ms_attest_srk_extra_data(uint8_t ret[32]) _must_check_;

#endif
