// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The policy of a sealed object: PolicyPCR, then PolicyAuthValue (TCG part
 * 3, 23.7, 23.17), computed here, so that it can be held against what a file or a TPM
 * says.
 */
#include <errno.h>
#include <openssl/evp.h>
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
int ms_pcr_digest(struct ms_tpm *t, uint32_t mask, uint8_t ret[32], struct ms_error *err)
{
	uint8_t values[24 * 32];
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
	if (ms_digest(MS_HASH_SHA256, values, len, ret) < 0)
		return ms_error_set(err, -EIO, NULL,
				    "cannot hash: OpenSSL has no SHA-256");
	return 0;
}

static void put_selection(struct ms_buf *b, uint32_t pcrs)
{
	ms_buf_put_u32(b, 1);
	ms_buf_put_u16(b, TPM2_ALG_SHA256);
	ms_buf_put_u8(b, 3);
	for (unsigned int i = 0; i < 3; i++)
		ms_buf_put_u8(b, (uint8_t)(pcrs >> (8 * i)));
}

void ms_policy_pcr_body(const struct ms_tpm_blob *blob, struct ms_buf *out)
{
	ms_buf_put_u16(out, sizeof(blob->pcr_digest));
	ms_buf_put(out, blob->pcr_digest, sizeof(blob->pcr_digest));
	put_selection(out, blob->pcrs);
}

int ms_policy_pcr_parse(const uint8_t *body, size_t len, struct ms_tpm_blob *blob)
{
	struct ms_reader r = MS_READER(body, len);
	bool known = ms_reader_u16(&r) == sizeof(blob->pcr_digest);
	const uint8_t *digest = ms_reader_get(&r, sizeof(blob->pcr_digest));
	const uint8_t *select;

	known = ms_reader_u32(&r) == 1 && known;
	known = ms_reader_u16(&r) == TPM2_ALG_SHA256 && known;
	known = ms_reader_u8(&r) == 3 && known;
	select = ms_reader_get(&r, 3);
	if (ms_reader_end(&r) < 0 || !digest || !select)
		return -EBADMSG;
	if (!known)
		return -ENOPKG;
	memcpy(blob->pcr_digest, digest, sizeof(blob->pcr_digest));
	blob->pcrs = select[0] | (uint32_t)select[1] << 8 | (uint32_t)select[2] << 16;
	return blob->pcrs ? 0 : -EBADMSG;
}

static int extend(uint8_t policy[32], struct ms_buf *b)
{
	if (ms_buf_error(b) < 0)
		return ms_buf_error(b);
	return ms_digest(MS_HASH_SHA256, b->data, b->len, policy);
}

int ms_policy_digest(const struct ms_tpm_blob *blob, uint8_t ret[32], size_t *ret_len)
{
	uint8_t policy[32] = {0};
	int r = 0;

	if (blob->pcrs) {
		_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(256);

		ms_buf_put(&b, policy, sizeof(policy));
		ms_buf_put_u32(&b, TPM2_CC_PolicyPCR);
		put_selection(&b, blob->pcrs);
		ms_buf_put(&b, blob->pcr_digest, sizeof(blob->pcr_digest));
		r = extend(policy, &b);
	}
	if (r == 0 && blob->has_pin) {
		_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(256);

		ms_buf_put(&b, policy, sizeof(policy));
		ms_buf_put_u32(&b, TPM2_CC_PolicyAuthValue);
		r = extend(policy, &b);
	}
	if (r < 0)
		return r;
	memcpy(ret, policy, sizeof(policy));
	*ret_len = blob->pcrs || blob->has_pin ? sizeof(policy) : 0;
	return 0;
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
