/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Using an object under its policy: SRK, object and sessions from the first command to
 * the last, and what to say when the TPM refuses.
 */
#ifndef MS_TPM_USE_H
#define MS_TPM_USE_H

#include <errno.h>
#include "lib/hash.h"
#include "tpm/internal.h"

/**
 * struct ms_use - what one operation holds in the TPM
 * @what: for sentences: "cannot @what: ..."
 * @session: authorises: the policy session, or an HMAC session where there is no policy
 * @cipher: encrypts, where @session does not; else ESYS_TR_NONE
 * @keep: the object and its session stay loaded for the next time, when all went well
 * @was_kept: they did; @pinned: ESYS was given a PIN
 * @foretold: ms_use_create() takes the blob's pcr_digest as it is
 */
struct ms_use {
	struct ms_tpm *t;
	const char *what;
	struct ms_srk srk;
	ESYS_TR object, session, cipher;
	bool keep, was_kept, pinned, foretold;
};

#define MS_USE_INIT(tpm, words)                       \
	((struct ms_use){.t = (tpm),                  \
			 .what = (words),             \
			 .srk = {.tr = ESYS_TR_NONE}, \
			 .object = ESYS_TR_NONE,      \
			 .session = ESYS_TR_NONE,     \
			 .cipher = ESYS_TR_NONE})

/** ms_use_drop() - give everything back, and overwrite what the TSS keeps of secrets */
void ms_use_drop(struct ms_use *u);

/** ms_use_session() - start a session whose key only the SRK's owner, the TPM, can know
 */
TSS2_RC ms_use_session(struct ms_use *u, TPM2_SE type, ESYS_TR bind, TPMA_SESSION attrs,
		       ESYS_TR *ret);

/**
 * ms_use_create() - create an object under the SRK, its sensitive part encrypted on its
 * way
 * @blob: @pcrs, @policy_key and @has_pin say the policy; @birth, @pub, @priv, both Names,
 * @parent, @pcr_digest are filled in
 * @template: type, parameters and attributes; policy and userWithAuth are put in
 */
int ms_use_create(struct ms_use *u, const TPM2B_SENSITIVE_CREATE *in,
		  const TPM2B_PUBLIC *template, struct ms_tpm_blob *blob,
		  struct ms_error *err) _must_check_;

/**
 * ms_use_load() - SRK, its Name compared with the pinned one, the object, the PIN
 * Return: 0, or errno as tpm/tpm.h has them.
 */
int ms_use_load(struct ms_use *u, const struct ms_tpm_blob *blob, const char *pin,
		struct ms_error *err) _must_check_;

/* The object that was kept is not in the TPM any more: nothing was authorised. */
#define MS_USE_GONE (-EREMCHG)

/**
 * ms_use_run() - authorise one command, and run it
 * @cmd: runs the command with @u's object and sessions; called again only after a PCR has
 *       changed in between, which the TPM finds before it looks at the PIN
 */
int ms_use_run(struct ms_use *u, const struct ms_tpm_blob *blob, TPMA_SESSION cipher,
	       TSS2_RC (*cmd)(struct ms_use *u, void *arg), void *arg,
	       struct ms_error *err) _must_check_;

/** ms_pin_to_auth() - a longer PIN than a TPM takes (the Name's digest) is hashed */
int ms_pin_to_auth(const char *pin, TPM2B_AUTH *ret, struct ms_error *err) _must_check_;

/**
 * enum ms_mismatch - why a policy is not met
 * PCRS: they are not what they were; APPROVAL: none fits what they are now; FORGED: what
 * would fit was not signed by the policy key
 */
enum ms_mismatch {
	MS_MISMATCH_NONE = 0,
	MS_MISMATCH_PCRS,
	MS_MISMATCH_APPROVAL,
	MS_MISMATCH_FORGED,
};
/**
 * ms_use_approval() - PolicyPCR and PolicyAuthorize by the last approval that fits
 * Return: a TSS2_RC; 0 with *ret_why set: none does.
 */
TSS2_RC ms_use_approval(struct ms_use *u, const struct ms_tpm_blob *blob,
			enum ms_mismatch *ret_why);

/* Refusals that take a look at the TPM; each returns its errno. */
int ms_refuse_srk(const struct ms_use *u, const struct ms_tpm_blob *blob,
		  struct ms_error *err);
int ms_refuse_pcrs(const struct ms_use *u, uint32_t mask, struct ms_error *err);
int ms_refuse_approvals(const struct ms_use *u, const struct ms_tpm_blob *blob,
			bool forged, struct ms_error *err);
/** ms_refuse() - @rc in words, with tries left and times where the TPM knows them */
int ms_refuse(const struct ms_use *u, const struct ms_tpm_blob *blob, TSS2_RC rc,
	      struct ms_error *err);

#endif
