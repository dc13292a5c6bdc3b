// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * PolicyAuthorize (TCG part 3, 23.16): the policy key signs policies of PCR values, and
 * what counts in the object is who signed.
 */
#include <errno.h>
#include <tss2/tss2_mu.h>
#include "tpm/policy.h"
#include "tpm/use.h"

/* TPM2_VerifySignature: the TPM's word that the policy key signed it. */
static TSS2_RC verify(struct ms_use *u, const struct ms_policy_key *key,
		      const struct ms_pcr_approval *a,
		      const uint8_t approved[MS_POLICY_LEN], TPMT_TK_VERIFIED *ret)
{
	_cleanup_esys_ TPMT_TK_VERIFIED *ticket = NULL;
	TPM2B_DIGEST signed_digest = {.size = MS_POLICY_LEN};
	ESYS_TR tr = ESYS_TR_NONE;
	TPMT_SIGNATURE sig;
	TPM2B_PUBLIC pub;
	size_t at = 0;
	TSS2_RC rc;

	memset(&pub, 0, sizeof(pub));
	memset(&sig, 0, sizeof(sig));
	if (ms_digest(MS_HASH_SHA256, approved, MS_POLICY_LEN, signed_digest.buffer) < 0)
		return TSS2_ESYS_RC_GENERAL_FAILURE;
	rc = Tss2_MU_TPM2B_PUBLIC_Unmarshal(key->pub, key->len, &at, &pub);
	at = 0;
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_MU_TPMT_SIGNATURE_Unmarshal(a->sig, a->sig_len, &at, &sig);
	if (rc != TSS2_RC_SUCCESS || at != a->sig_len)
		return TPM2_RC_SIGNATURE;
	rc = Esys_LoadExternal(u->t->esys, MS_NO_SESSIONS, NULL, &pub, ESYS_TR_RH_OWNER,
			       &tr);
	if (rc != TSS2_RC_SUCCESS)
		return rc;
	rc = Esys_VerifySignature(u->t->esys, tr, MS_NO_SESSIONS, &signed_digest, &sig,
				  &ticket);
	Esys_FlushContext(u->t->esys, tr);
	if (rc == TSS2_RC_SUCCESS)
		*ret = *ticket;
	return rc;
}

static bool has_ticket(const struct ms_kept *k, const struct ms_policy_key *key,
		       const struct ms_pcr_approval *a)
{
	return k->has_ticket && ms_policy_key_same(&k->approver, key) &&
	       k->approval.sig_len == a->sig_len && k->approval.pcrs == a->pcrs &&
	       memcmp(k->approval.pcr_digest, a->pcr_digest, 32) == 0 &&
	       memcmp(k->approval.sig, a->sig, a->sig_len) == 0;
}

static TSS2_RC authorize(struct ms_use *u, const struct ms_policy_key *key,
			 const struct ms_pcr_approval *a)
{
	TPM2B_DIGEST approved = {.size = MS_POLICY_LEN};
	TPM2B_NAME name = {.size = MS_POLICY_NAME_LEN};
	const TPM2B_NONCE no_ref = {0};
	struct ms_kept *k = &u->t->kept;
	TSS2_RC rc = TSS2_RC_SUCCESS;

	if (ms_policy_add_pcr(approved.buffer, a->pcrs, a->pcr_digest) < 0 ||
	    ms_policy_key_name(key, name.name) < 0)
		return TSS2_ESYS_RC_GENERAL_FAILURE;
	if (!has_ticket(k, key, a)) {
		k->has_ticket = false;
		rc = verify(u, key, a, approved.buffer, &k->ticket);
	}
	if (rc != TSS2_RC_SUCCESS)
		return rc;
	k->has_ticket = true;
	k->approval = *a;
	k->approver = *key;
	return Esys_PolicyAuthorize(u->t->esys, u->session, MS_NO_SESSIONS, &approved,
				    &no_ref, &name, &k->ticket);
}

static bool is_forged(TSS2_RC rc)
{
	return (rc & ~(TPM2_RC_P | TPM2_RC_N_MASK)) == TPM2_RC_SIGNATURE;
}

TSS2_RC ms_use_approval(struct ms_use *u, const struct ms_tpm_blob *blob,
			enum ms_mismatch *ret_why)
{
	enum ms_mismatch why = MS_MISMATCH_APPROVAL;
	TSS2_RC rc;

	for (size_t i = blob->n_approvals; i > 0; i--) {
		const struct ms_pcr_approval *a = &blob->approvals[i - 1];
		TPM2B_DIGEST digest = {.size = sizeof(a->pcr_digest)};
		TPML_PCR_SELECTION pcrs;

		memcpy(digest.buffer, a->pcr_digest, sizeof(a->pcr_digest));
		ms_pcr_selection(a->pcrs, &pcrs);
		rc = Esys_PolicyPCR(u->t->esys, u->session, MS_NO_SESSIONS, &digest,
				    &pcrs);
		if (rc == (TPM2_RC_VALUE | TPM2_RC_P | TPM2_RC_1))
			continue;
		if (rc == TSS2_RC_SUCCESS)
			rc = authorize(u, &blob->policy_key, a);
		if (!is_forged(rc)) {
			*ret_why = MS_MISMATCH_NONE;
			return rc;
		}
		why = MS_MISMATCH_FORGED;
		rc = Esys_PolicyRestart(u->t->esys, u->session, MS_NO_SESSIONS);
		if (rc != TSS2_RC_SUCCESS)
			return rc;
	}
	*ret_why = why;
	return TSS2_RC_SUCCESS;
}
