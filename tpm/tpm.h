/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A TPM 2.0 through ESAPI. Only the TPM worker process uses this; everyone else talks to
 * the worker (tpm/worker.h).
 */
#ifndef MS_TPM_H
#define MS_TPM_H

#include <stdbool.h>
#include <stdint.h>
#include "lib/buf.h"
#include "lib/error.h"
#include "lib/limits.h"
#include "lib/tpm_policy.h"

#define MS_TPM_SECRET_LEN 32u /* the AES-256-GCM key-encryption key that is sealed */
#define MS_TPM_NAME_MAX 68u   /* TPM2B_NAME: algorithm and digest */
#define MS_TPM_BLOB_MAX 2048u /* marshalled TPM2B_PUBLIC or TPM2B_PRIVATE */
#define MS_TPM_CREATION_MAX 512u
#define MS_TPM_PARENT_SRK 0x81000001u
#define MS_TPM_PARENT_OWNER 0x40000001u /* the TCG ECC template, created when needed */

/**
 * struct ms_tpm_birth - what tells this TPM from others, and from itself once cleared
 * @known: the rest counts
 * @chip: SHA-256 of a primary key of the endorsement hierarchy: stays when it is cleared
 * @owner: the same of the owner hierarchy: changes
 */
struct ms_tpm_birth {
	bool known;
	uint8_t chip[32], owner[32];
};

/**
 * struct ms_tpm_blob - a sealed object as it is kept on disk
 * @parent: MS_TPM_PARENT_SRK or MS_TPM_PARENT_OWNER
 * @pub, @priv: TPM2B_PUBLIC and TPM2B_PRIVATE, marshalled with their sizes (TCG part 2)
 * @name: Name of the sealed object; @srk_name: Name of the parent, pinned at creation and
 *        compared before anything is salted to it
 * @pcrs: bit mask of the SHA-256 PCRs in the policy, 0 for none
 * @has_pin: PolicyAuthValue is in the policy
 * @pin_alone: instead, there is no policy and the PIN alone is asked for: a key of
 * another program
 * @pcr_digest: SHA-256 over the values of @pcrs when it was sealed; zero without PCRs
 * @creation: TPM2B_CREATION_DATA and TPMT_TK_CREATION, which prove the object's birth;
 *        empty where they were not kept
 * @policy_key: who approves PCR values, by PolicyAuthorize; then @pcrs is 0, and what
 *        counts is @approvals, of which the last one that fits is taken
 * @birth: of which TPM, and since which time that was cleared; may be missing
 */
struct ms_tpm_blob {
	uint32_t parent, pcrs;
	bool has_pin, pin_alone;
	uint8_t pcr_digest[32];
	uint8_t pub[MS_TPM_BLOB_MAX], priv[MS_TPM_BLOB_MAX];
	size_t pub_len, priv_len;
	uint8_t name[MS_TPM_NAME_MAX], srk_name[MS_TPM_NAME_MAX];
	size_t name_len, srk_name_len;
	struct ms_policy_key policy_key;
	struct ms_pcr_approval approvals[MS_PCR_APPROVALS_MAX];
	size_t n_approvals;
	struct ms_tpm_birth birth;
	uint8_t creation[MS_TPM_CREATION_MAX];
	size_t creation_len;
};

/**
 * struct ms_tpm_info - what kind of TPM it is
 */
struct ms_tpm_info {
	char manufacturer[8];
	char vendor[20];
	char firmware[32];
	uint32_t lockout_counter, lockout_max, lockout_recovery_s;
	bool in_lockout, srk_persistent;
};

struct ms_tpm;

/**
 * ms_tpm_open() - connect to the TPM
 * @tcti: "device:/dev/tpmrm0", "swtpm:path=/x/sock", ... (tss2-tctildr's NAME:CONF)
 *
 * All functions below fail with the same errnos, and @err in words that say what to do:
 * -ENODEV  TPM absent, died, no driver, not started: reopen
 * -EPERM   PCRs differ from those that the key was sealed to
 * -EACCES  wrong PIN (or an owner password is set); never retried by itself
 * -EAGAIN  dictionary-attack lockout, or busy
 * -ESTALE  TPM cleared, or another TPM: the SRK's Name is not the pinned one
 * -EBADMSG blob damaged
 * -ENOPKG  TPM cannot do this
 * -EIO     anything else, with the TSS's own words and code
 */
int ms_tpm_open(const char *tcti, struct ms_tpm **ret, struct ms_error *err) _must_check_;
void ms_tpm_close(struct ms_tpm *t);
int ms_tpm_info(struct ms_tpm *t, struct ms_tpm_info *ret,
		struct ms_error *err) _must_check_;

/**
 * ms_tpm_seal() - seal a secret under the SRK
 * @pcrs: mask of SHA-256 PCRs whose present values the policy demands (default 1 << 7)
 * @pin: NUL-terminated, or NULL; with a PIN the object counts dictionary attacks, without
 *       it has noDA
 *
 * SRK: persistent 0x81000001 if there, else the TCG ECC template with noDA. Session
 * salted to it, AES-128-CFB parameter encryption both ways, userWithAuth clear.
 */
int ms_tpm_seal(struct ms_tpm *t, const uint8_t secret[MS_TPM_SECRET_LEN], uint32_t pcrs,
		const char *pin, struct ms_tpm_blob *ret,
		struct ms_error *err) _must_check_;

/**
 * ms_tpm_seal_for() - the same, under the policy that a blob describes
 * @want: @pcrs or @policy_key and @approvals; @pcr_digest where @foretold
 * @foretold: seal to that digest, which the PCRs will have after an update; that the TPM
 *        gives the secret back is not proven then, only that it loads the object
 */
int ms_tpm_seal_for(struct ms_tpm *t, const uint8_t secret[MS_TPM_SECRET_LEN],
		    const struct ms_tpm_blob *want, bool foretold, const char *pin,
		    struct ms_tpm_blob *ret, struct ms_error *err) _must_check_;

/** ms_tpm_pcrs() - present values of the SHA-256 PCRs in @mask, 32 bytes each, ascending
 */
int ms_tpm_pcrs(struct ms_tpm *t, uint32_t mask, uint8_t ret[MS_PCRS * 32],
		size_t *ret_len, struct ms_error *err) _must_check_;

/**
 * ms_tpm_unseal() - get it back
 * @ret: locked memory of the caller; untouched on failure
 *
 * PolicyPCR, PolicyAuthValue; a PCR that changes in mid-session (0x128) is tried again,
 * an authorisation never. What ESYS keeps of the secret in its heap is overwritten.
 */
int ms_tpm_unseal(struct ms_tpm *t, const struct ms_tpm_blob *blob, const char *pin,
		  uint8_t ret[MS_TPM_SECRET_LEN], struct ms_error *err) _must_check_;

/**
 * ms_tpm_blob_check() - do the parts of a blob that came from a disk belong together?
 *
 * Fills in @name from @pub, and holds @pub against the policy that @pcrs, @pcr_digest and
 * @has_pin make. Needs no TPM.
 *
 * Return: 0, -EBADMSG (damaged), -ENOPKG (an object that modseal does not make).
 */
int ms_tpm_blob_check(struct ms_tpm_blob *blob, struct ms_error *err) _must_check_;

/**
 * ms_tpm_counter() - the NV counter that ties the audit log's checkpoints to this TPM
 * @index: NV index of the owner's range; made when it is first counted up
 * @increment: count up before reading
 * @ret: its value; 0 if it was never counted up
 * Return: as above; -EINVAL: @index out of range, or it is not such a counter.
 */
int ms_tpm_counter(struct ms_tpm *t, uint32_t index, bool increment, uint64_t *ret,
		   struct ms_error *err) _must_check_;

/** ms_tpm_explain() - a TSS2_RC as errno and sentence. @what: what failed, say "unseal"
 */
int ms_tpm_explain(uint32_t rc, const char *what, struct ms_error *err);

#endif
