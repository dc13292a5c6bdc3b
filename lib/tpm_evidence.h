/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a TPM says about its keys, as a list of named fields: docs/ATTESTATION.md has what
 * is in each. On the wire a field is its number (u8) and a byte string; in a bundle it is
 * its name and base64.
 */
#ifndef MS_TPM_EVIDENCE_H
#define MS_TPM_EVIDENCE_H

#include "lib/buf.h"

#define MS_EV_MAX (2u << 20) /* bytes of all fields together */
#define MS_EV_VERSION 1

/* The numbers are on the wire. */
enum ms_tpm_ev {
	MS_EV_NONE = 0,
	MS_EV_EK_CERT = 1,    /* DER */
	MS_EV_EK_CHAIN = 2,   /* DER certificates, back to back */
	MS_EV_AK_PUBLIC = 3,  /* TPM2B_PUBLIC */
	MS_EV_AK_CERT = 4,    /* DER */
	MS_EV_KEY_PUBLIC = 5, /* TPM2B_PUBLIC */
	MS_EV_CERTIFY = 6,    /* TPMS_ATTEST; the next is its TPMT_SIGNATURE */
	MS_EV_CERTIFY_SIG = 7,
	MS_EV_CREATION_DATA = 8, /* TPM2B_CREATION_DATA */
	MS_EV_CREATION = 9,
	MS_EV_CREATION_SIG = 10,
	MS_EV_QUOTE = 11,
	MS_EV_QUOTE_SIG = 12,
	MS_EV_PCR_VALUES = 13, /* SHA-256, 32 bytes each, by number */
	MS_EV_CSR = 14,	       /* DER PKCS#10 */
	MS_EV_NONCE = 15,
	MS_EV_EVENT_LOG = 16, /* binary_bios_measurements */
	MS_EV_SRK_PUBLIC = 17,
	MS_EV_SRK_CERTIFY = 18,
	MS_EV_SRK_CERTIFY_SIG = 19,
	MS_EV_CREDENTIAL = 20,	/* TPM2B_ID_OBJECT */
	MS_EV_SECRET = 21,	/* TPM2B_ENCRYPTED_SECRET */
	MS_EV_SEALED_CERT = 22, /* the AK's certificate: AES-256-GCM, nonce, tag, text */
	MS_EV_N
};

/** struct ms_tpm_evidence - fields in place; @f[i].p is NULL where a field is absent */
struct ms_tpm_evidence {
	struct {
		const uint8_t *p;
		size_t len;
	} f[MS_EV_N];
};

/** ms_tpm_evidence_name() - a field's name in a bundle; NULL for no field */
const char *ms_tpm_evidence_name(enum ms_tpm_ev f);
/** ms_tpm_evidence_from_name() - reverse; MS_EV_NONE if there is no such field */
enum ms_tpm_ev ms_tpm_evidence_from_name(const char *name);

/** ms_tpm_evidence_put() - append one field to a message */
void ms_tpm_evidence_put(struct ms_buf *out, enum ms_tpm_ev f, const void *p, size_t len);
/**
 * ms_tpm_evidence_parse() - find the fields of a message
 * @ret: points into @p
 * Return: 0, -EBADMSG (malformed, unknown, twice or empty field), -EFBIG.
 */
int ms_tpm_evidence_parse(const uint8_t *p, size_t len,
			  struct ms_tpm_evidence *ret) _must_check_;

#endif
