// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The policy of an object: PolicyPCR, or PolicyAuthorize over it, then PolicyAuthValue
 * (TCG part 3, 23.7, 23.16, 23.17), computed here, so that it can be held against what a
 * file or a TPM says.
 */
#include <errno.h>
#include <tss2/tss2_mu.h>
#include "lib/hash.h"
#include "tpm/internal.h"
#include "tpm/policy.h"

void ms_pcr_selection(uint32_t mask, TPML_PCR_SELECTION *ret)
{
	*ret = (TPML_PCR_SELECTION){.count = 1};
	ret->pcrSelections[0].hash = TPM2_ALG_SHA256;
	ret->pcrSelections[0].sizeofSelect = 3;
	for (unsigned int i = 0; i < 3; i++)
		ret->pcrSelections[0].pcrSelect[i] = (uint8_t)(mask >> (8 * i));
}

/* The TPM answers with as many PCRs as it likes to; ask again for the rest. */
int ms_tpm_pcrs(struct ms_tpm *t, uint32_t mask, uint8_t ret[MS_PCRS * 32],
		size_t *ret_len, struct ms_error *err)
{
	uint8_t values[MS_PCRS * 32];
	size_t len = 0;

	while (mask) {
		_cleanup_esys_ TPML_PCR_SELECTION *got = NULL;
		_cleanup_esys_ TPML_DIGEST *digests = NULL;
		TPML_PCR_SELECTION want;
		uint32_t done = 0;
		TSS2_RC rc;

		ms_pcr_selection(mask, &want);
		rc = Esys_PCR_Read(t->esys, MS_NO_SESSIONS, &want, NULL, &got, &digests);
		if (rc != TSS2_RC_SUCCESS)
			return ms_tpm_explain(rc, "read the PCRs", err);
		if (got->count == 1)
			for (unsigned int i = 0;
			     i < got->pcrSelections[0].sizeofSelect && i < 3; i++)
				done |= (uint32_t)got->pcrSelections[0].pcrSelect[i]
					<< (8 * i);
		done &= mask;
		if (!done || digests->count != (uint32_t)__builtin_popcount(done))
			return ms_error_set(
				err, -ENOPKG, "tpm-unsupported",
				"cannot read the PCRs: this TPM has no SHA-256 PCRs for "
				"some of them: enable the SHA-256 bank in the firmware "
				"set-up, or choose other PCRs");
		for (uint32_t i = 0; i < digests->count; i++) {
			if (digests->digests[i].size != 32 || len + 32 > sizeof(values))
				return ms_error_set(err, -EIO, "tpm-error",
						    "cannot read the PCRs: the TPM's "
						    "answer makes no sense: try again");
			memcpy(values + len, digests->digests[i].buffer, 32);
			len += 32;
		}
		mask &= ~done;
	}
	memcpy(ret, values, len);
	*ret_len = len;
	return 0;
}

int ms_pcr_digest(struct ms_tpm *t, uint32_t mask, uint8_t ret[32], struct ms_error *err)
{
	uint8_t values[MS_PCRS * 32];
	size_t len = 0;
	int r = ms_tpm_pcrs(t, mask, values, &len, err);

	if (r < 0)
		return r;
	if (ms_digest(MS_HASH_SHA256, values, len, ret) < 0)
		return ms_error_set(err, -EIO, NULL,
				    "cannot hash: OpenSSL has no SHA-256");
	return 0;
}

int ms_policy_digest(const struct ms_tpm_blob *blob, uint8_t ret[32], size_t *ret_len)
{
	uint8_t policy[MS_POLICY_LEN] = {0};
	int r = 0;

	if (blob->policy_key.len)
		r = ms_policy_add_authorize(policy, &blob->policy_key);
	else if (blob->pcrs)
		r = ms_policy_add_pcr(policy, blob->pcrs, blob->pcr_digest);
	if (r == 0 && blob->has_pin && !blob->pin_alone)
		r = ms_policy_add_auth_value(policy);
	if (r < 0)
		return r;
	memcpy(ret, policy, sizeof(policy));
	*ret_len = ms_has_policy(blob) ? sizeof(policy) : 0;
	return 0;
}

void ms_policy_copy(const struct ms_tpm_blob *from, bool has_pin, struct ms_tpm_blob *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->has_pin = has_pin;
	ret->policy_key = from->policy_key;
	if (!from->policy_key.len) {
		ret->pcrs = from->pcrs;
		memcpy(ret->pcr_digest, from->pcr_digest, sizeof(ret->pcr_digest));
		return;
	}
	memcpy(ret->approvals, from->approvals, sizeof(ret->approvals));
	ret->n_approvals = from->n_approvals;
}

void ms_sealed_template(TPM2B_PUBLIC *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->publicArea.type = TPM2_ALG_KEYEDHASH;
	ret->publicArea.nameAlg = TPM2_ALG_SHA256;
	ret->publicArea.parameters.keyedHashDetail.scheme.scheme = TPM2_ALG_NULL;
	ret->publicArea.objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT;
}

int ms_policy_apply(const struct ms_tpm_blob *blob, TPM2B_PUBLIC *pub)
{
	TPMT_PUBLIC *p = &pub->publicArea;
	size_t len;
	int r;

	r = ms_policy_digest(blob, p->authPolicy.buffer, &len);
	if (r < 0)
		return r;
	p->authPolicy.size = (uint16_t)len;
	/* Dictionary attacks are counted only where a person types something. */
	if (!blob->has_pin)
		p->objectAttributes |= TPMA_OBJECT_NODA;
	/* Without a policy the (empty) authorisation is the only way in. */
	if (len == 0)
		p->objectAttributes |= TPMA_OBJECT_USERWITHAUTH;
	return 0;
}

static int damaged(struct ms_error *err)
{
	return ms_error_set(err, -EBADMSG, "key-file-damaged",
			    "the sealed object in the key file is damaged: restore the "
			    "file from its backup");
}

int ms_tpm_blob_check(struct ms_tpm_blob *blob, struct ms_error *err)
{
	TPM2B_PUBLIC pub, want;
	TPM2B_PRIVATE priv = {0};
	uint8_t bytes[sizeof(pub)];
	size_t at = 0, len = 0;

	memset(&pub, 0, sizeof(pub));
	if (blob->pub_len > sizeof(blob->pub) || blob->priv_len > sizeof(blob->priv) ||
	    Tss2_MU_TPM2B_PUBLIC_Unmarshal(blob->pub, blob->pub_len, &at, &pub) !=
		    TSS2_RC_SUCCESS ||
	    at != blob->pub_len)
		return damaged(err);
	at = 0;
	if (Tss2_MU_TPM2B_PRIVATE_Unmarshal(blob->priv, blob->priv_len, &at, &priv) !=
		    TSS2_RC_SUCCESS ||
	    at != blob->priv_len || priv.size == 0)
		return damaged(err);
	ms_sealed_template(&want);
	if (ms_policy_apply(blob, &want) < 0)
		return ms_error_set(err, -EIO, NULL,
				    "cannot hash: OpenSSL has no SHA-256");
	/* unique is H(seed, secret): the one field that differs from object to object */
	want.publicArea.unique = pub.publicArea.unique;
	want.size = 0;
	if (Tss2_MU_TPM2B_PUBLIC_Marshal(&want, bytes, sizeof(bytes), &len) !=
	    TSS2_RC_SUCCESS)
		return damaged(err);
	if (pub.publicArea.type != TPM2_ALG_KEYEDHASH)
		return ms_error_set(err, -ENOPKG, "key-file-foreign",
				    "the key file has a TPM key, not a sealed key of "
				    "modseal: create a key with modseal key create");
	if (len != blob->pub_len || memcmp(bytes, blob->pub, len) != 0)
		return damaged(err);
	if (ms_tpm_name(blob->pub, blob->pub_len, blob->name, &blob->name_len) < 0)
		return damaged(err);
	return 0;
}
