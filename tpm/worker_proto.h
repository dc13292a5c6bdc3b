/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages between the TPM worker and its caller: one SOCK_SEQPACKET datagram each.
 *
 *   request: u8 operation, then
 *            info    nothing
 *            seal    32 bytes secret, blob of which the policy counts, u8 foretold, PIN
 *            unseal  blob, PIN
 *            counter u32 NV index, u8 1 (count up) or 0
 *            create  u8 algorithm (lib/cert.h), u8 raw, blob of which the policy counts,
 *                    PIN
 *            sign    blob, u8 hash (lib/hash.h), digest as a byte string, PIN
 *            pcrs    u32 PCR mask
 *            attest, identity, activate, import
 *                    blob (empty for identity, activate), data as a byte string, PIN
 *   answer:  u8 operation, u32 errno (positive, 0 good), code, sentence, then if good
 *            info    the fields of struct ms_tpm_info in order
 *            seal    blob
 *            unseal  32 bytes secret
 *            counter u64 value
 *            create  blob
 *            sign    signature as a byte string
 *            pcrs    values as one byte string
 *            attest, identity
 *                    evidence (lib/tpm_evidence.h) as a byte string
 *            activate, import
 *                    32 bytes secret
 *   PIN:     u8 0 (none) or 1, then a string
 *   blob:    u32 parent, u32 pcrs, u8 has_pin, 32 bytes PCR digest, then as byte strings
 *            pub, priv, name, srk_name, the policy key's TPM2B_PUBLIC; u8 number of
 *            approvals, each: name, u32 pcrs, 32 bytes PCR digest, signature as a byte
 *            string; u8 birth known, 32 bytes chip, 32 bytes owner; creation
 *            as a byte string
 *
 * Strings and byte strings have a u32 length before them; integers are big-endian.
 */
#ifndef MS_TPM_WORKER_PROTO_H
#define MS_TPM_WORKER_PROTO_H

#include "tpm/attest.h"
#include "tpm/tpm.h"

#define MS_TPMW_MSG_MAX 20480u
#define MS_TPMW_DATA_MAX 2048u /* bytes of a request's data */

enum ms_tpmw_op {
	MS_TPMW_INFO = 1,
	MS_TPMW_SEAL = 2,
	MS_TPMW_UNSEAL = 3,
	MS_TPMW_COUNTER = 4,
	MS_TPMW_CREATE = 5,
	MS_TPMW_SIGN = 6,
	MS_TPMW_PCRS = 7,
	MS_TPMW_ATTEST = 8,    /* data: what the statements are about, 32 bytes */
	MS_TPMW_IDENTITY = 9,  /* data: empty */
	MS_TPMW_ACTIVATE = 10, /* data: MS_EV_CREDENTIAL and MS_EV_SECRET */
	MS_TPMW_IMPORT = 11,   /* data: TPM2B_ENCRYPTED_SECRET */
	MS_TPMW_LAST = MS_TPMW_IMPORT,
};

/** struct ms_tpmw_request - holds secrets: lives in locked memory, wiped after use */
struct ms_tpmw_request {
	uint8_t op, alg, hash;
	uint32_t pcrs, index;
	bool has_pin, increment, raw, foretold;
	uint8_t secret[MS_TPM_SECRET_LEN];
	uint8_t digest[MS_DIGEST_MAX];
	size_t digest_len;
	char pin[MS_PIN_MAX + 1];
	struct ms_tpm_blob blob;
	uint8_t data[MS_TPMW_DATA_MAX];
	size_t data_len;
};

/** struct ms_tpmw_answer - the same */
struct ms_tpmw_answer {
	uint8_t op;
	int rc;
	struct ms_error err;
	struct ms_tpm_info info;
	struct ms_tpm_blob blob;
	uint8_t secret[MS_TPM_SECRET_LEN];
	uint64_t counter;
	uint8_t sig[MS_SIG_MAX];
	size_t sig_len;
	uint8_t pcrs[MS_PCRS * 32];
	size_t pcrs_len;
	uint8_t data[MS_TPM_EVIDENCE_MAX];
	size_t data_len;
};

/* The puts append a message; the gets read one. Return: 0, -EBADMSG, -EFBIG, -ENOMEM. */
int ms_tpmw_put_request(struct ms_buf *b, const struct ms_tpmw_request *q) _must_check_;
int ms_tpmw_get_request(const uint8_t *p, size_t len,
			struct ms_tpmw_request *ret) _must_check_;
int ms_tpmw_put_answer(struct ms_buf *b, const struct ms_tpmw_answer *a) _must_check_;
int ms_tpmw_get_answer(const uint8_t *p, size_t len,
		       struct ms_tpmw_answer *ret) _must_check_;

#endif
