/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of tpm/ share with each other and with nobody else.
 */
#ifndef MS_TPM_INTERNAL_H
#define MS_TPM_INTERNAL_H

#include <tss2/tss2_esys.h>
#include <tss2/tss2_tctildr.h>
#include "tpm/tpm.h"

/**
 * struct ms_kept - a key that stays loaded between signatures
 * @object, @session: ESYS_TR_NONE: there is none
 * @name: Name of the object
 * @ticket: that the TPM gave for @approval by @approver, while @object is kept
 */
struct ms_kept {
	ESYS_TR object, session;
	uint8_t name[MS_TPM_NAME_MAX];
	size_t name_len;
	bool has_ticket;
	struct ms_pcr_approval approval;
	struct ms_policy_key approver;
	TPMT_TK_VERIFIED ticket;
};

struct ms_tpm {
	TSS2_TCTI_CONTEXT *tcti;
	ESYS_CONTEXT *esys;
	struct ms_kept kept;
	bool asked_firmware, leaks_ecdsa, asked_hashes;
	TPMS_CAPABILITY_DATA hashes;
};

static inline void ms_esys_freep(void *p)
{
	Esys_Free(*(void **)p);
}
#define _cleanup_esys_ _cleanup_(ms_esys_freep)

/**
 * ms_tpm_let_go() - take the key that is kept loaded out of the TPM
 * Before whatever needs slots of its own. What the TPM says to it does not matter.
 */
void ms_tpm_let_go(struct ms_tpm *t);

/* TPM2_TRANSIENT_FIRST, whose expression shifts a one into an int's sign. */
#define MS_TPM_TRANSIENT_FIRST 0x80000000u

#define MS_NO_SESSIONS ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE

/**
 * struct ms_srk - the storage root key in use
 * @tr: ESYS' handle
 * @transient: created by us, so it takes a slot until ms_srk_drop()
 * @parent: MS_TPM_PARENT_SRK or MS_TPM_PARENT_OWNER
 * @name: computed from the very public area that ESYS encrypts the salt to
 */
struct ms_srk {
	ESYS_TR tr;
	bool transient;
	uint32_t parent;
	uint8_t name[MS_TPM_NAME_MAX];
	size_t name_len;
};

/**
 * ms_srk_use() - get hold of the SRK
 * @parent: which one; 0 takes the persistent one if there is one, else the template
 * Return: 0, or errno as tpm/tpm.h has them.
 */
int ms_srk_use(struct ms_tpm *t, uint32_t parent, struct ms_srk *ret,
	       struct ms_error *err) _must_check_;
void ms_srk_drop(struct ms_tpm *t, struct ms_srk *s);

/**
 * ms_tpm_birth() - what tells this TPM from others; not known where the endorsement
 * hierarchy has a password. Takes one object slot for a moment.
 * @srk: in use now, or NULL
 */
void ms_tpm_birth(struct ms_tpm *t, const struct ms_srk *srk, struct ms_tpm_birth *ret);

/**
 * ms_tpm_name() - Name of an object (TCG part 1, 16): nameAlg and H(TPMT_PUBLIC)
 * @pub: TPM2B_PUBLIC, marshalled with its size
 * Return: 0, -EBADMSG (not a TPM2B_PUBLIC), -ENOPKG (hash unknown).
 */
int ms_tpm_name(const uint8_t *pub, size_t len, uint8_t ret[MS_TPM_NAME_MAX],
		size_t *ret_len) _must_check_;

/** ms_pcr_selection() - the SHA-256 bank's PCRs of @mask */
void ms_pcr_selection(uint32_t mask, TPML_PCR_SELECTION *ret);
/** ms_pcr_digest() - SHA-256 over the present values of @mask's PCRs, in ascending order
 */
int ms_pcr_digest(struct ms_tpm *t, uint32_t mask, uint8_t ret[32],
		  struct ms_error *err) _must_check_;

/**
 * ms_tpm_props() - ask for TPM properties
 * @first: TPM2_PT_FIXED or TPM2_PT_VAR
 * Also overwrites the buffer that the last command and answer were in.
 */
int ms_tpm_props(struct ms_tpm *t, uint32_t first, TPMS_CAPABILITY_DATA **ret,
		 struct ms_error *err) _must_check_;
/** ms_tpm_prop() - one of them; 0 if it is not there */
uint32_t ms_tpm_prop(const TPMS_CAPABILITY_DATA *caps, uint32_t property);

/** ms_tpm_has_hash() - asked once a connection; when in doubt, yes: a command will tell
 */
bool ms_tpm_has_hash(struct ms_tpm *t, TPM2_ALG_ID alg);

/** ms_tpm_ping() - does the connection still work? Return: 0 or an errno */
int ms_tpm_ping(struct ms_tpm *t, struct ms_error *err) _must_check_;

/** ms_tpm_forget() - overwrite what the TSS left of secrets in its buffers, heap and
 * stack */
void ms_tpm_forget(struct ms_tpm *t);

#endif
