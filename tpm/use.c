// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * From the SRK to an authorised command and back.
 */
#include <errno.h>
#include <tss2/tss2_mu.h>
#include "lib/hash.h"
#include "lib/secmem.h"
#include "tpm/policy.h"
#include "tpm/use.h"

#define PCR_CHANGED_TRIES 5

static void drop(struct ms_tpm *t, ESYS_TR *tr)
{
	if (*tr != ESYS_TR_NONE)
		Esys_FlushContext(t->esys, *tr);
	*tr = ESYS_TR_NONE;
}

static void drop_sessions(struct ms_use *u)
{
	drop(u->t, &u->session);
	drop(u->t, &u->cipher);
}

void ms_use_drop(struct ms_use *u)
{
	const TPM2B_AUTH zero = {.size = sizeof(zero.buffer)};

	drop_sessions(u);
	/* ESYS frees its copy of the PIN without wiping it. */
	if (u->object != ESYS_TR_NONE)
		Esys_TR_SetAuth(u->t->esys, u->object, &zero);
	drop(u->t, &u->object);
	ms_srk_drop(u->t, &u->srk);
	ms_tpm_forget(u->t);
}

int ms_pin_to_auth(const char *pin, TPM2B_AUTH *ret, struct ms_error *err)
{
	size_t len = strlen(pin);

	if (len == 0)
		return ms_error_set(err, -EINVAL, "bad-pin",
				    "the PIN is empty: give a PIN");
	if (len > MS_PIN_MAX)
		return ms_error_set(err, -EINVAL, "bad-pin",
				    "the PIN is longer than %u bytes: give a shorter one",
				    MS_PIN_MAX);
	ret->size = 32;
	if (len > 32) {
		if (ms_digest(MS_HASH_SHA256, pin, len, ret->buffer) < 0)
			return ms_error_set(
				err, -EIO, NULL,
				"cannot hash the PIN: OpenSSL has no SHA-256");
		return 0;
	}
	memcpy(ret->buffer, pin, len);
	ret->size = (uint16_t)len;
	return 0;
}

TSS2_RC ms_use_session(struct ms_use *u, TPM2_SE type, ESYS_TR bind, TPMA_SESSION attrs,
		       ESYS_TR *ret)
{
	const TPMT_SYM_DEF aes = {
		.algorithm = TPM2_ALG_AES, .keyBits.aes = 128, .mode.aes = TPM2_ALG_CFB};
	TSS2_RC rc;

	rc = Esys_StartAuthSession(u->t->esys, u->srk.tr, bind, MS_NO_SESSIONS, NULL,
				   type, &aes, TPM2_ALG_SHA256, ret);
	if (rc != TSS2_RC_SUCCESS)
		return rc;
	return Esys_TRSess_SetAttributes(u->t->esys, *ret,
					 attrs | TPMA_SESSION_CONTINUESESSION,
					 attrs | TPMA_SESSION_CONTINUESESSION);
}

/* ---------------------------------------------------------------- create */

static int create(struct ms_use *u, const TPM2B_SENSITIVE_CREATE *in,
		  const TPM2B_PUBLIC *want, struct ms_tpm_blob *blob,
		  struct ms_error *err)
{
	_cleanup_esys_ TPM2B_PRIVATE *priv = NULL;
	_cleanup_esys_ TPM2B_PUBLIC *pub = NULL;
	const TPM2B_DATA no_info = {0};
	const TPML_PCR_SELECTION no_pcrs = {0};
	TSS2_RC rc;

	rc = ms_use_session(u, TPM2_SE_HMAC, ESYS_TR_NONE,
			    TPMA_SESSION_DECRYPT | TPMA_SESSION_ENCRYPT, &u->session);
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_Create(u->t->esys, u->srk.tr, u->session, ESYS_TR_NONE,
				 ESYS_TR_NONE, in, want, &no_info, &no_pcrs, &priv, &pub,
				 NULL, NULL, NULL);
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_MU_TPM2B_PUBLIC_Marshal(pub, blob->pub, sizeof(blob->pub),
						  &blob->pub_len);
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_MU_TPM2B_PRIVATE_Marshal(priv, blob->priv, sizeof(blob->priv),
						   &blob->priv_len);
	return ms_tpm_explain(rc, u->what, err);
}

int ms_use_create(struct ms_use *u, const TPM2B_SENSITIVE_CREATE *in,
		  const TPM2B_PUBLIC *template, struct ms_tpm_blob *blob,
		  struct ms_error *err)
{
	TPM2B_PUBLIC want = *template;
	int r;

	if (blob->pcrs >> 24)
		return ms_error_set(err, -EINVAL, "bad-pcr",
				    "there are no PCRs above 23: choose among 0 to 23");
	r = ms_srk_use(u->t, 0, &u->srk, err);
	if (r == 0 && blob->pcrs)
		r = ms_pcr_digest(u->t, blob->pcrs, blob->pcr_digest, err);
	if (r < 0)
		return r;
	if (ms_policy_apply(blob, &want) < 0)
		return ms_error_set(err, -EIO, NULL,
				    "cannot hash: OpenSSL has no SHA-256");
	r = create(u, in, &want, blob, err);
	if (r < 0)
		return r;
	blob->parent = u->srk.parent;
	memcpy(blob->srk_name, u->srk.name, u->srk.name_len);
	blob->srk_name_len = u->srk.name_len;
	if (ms_tpm_name(blob->pub, blob->pub_len, blob->name, &blob->name_len) < 0)
		return ms_error_set(
			err, -EIO, "tpm-error",
			"cannot %s: the TPM's answer makes no sense: try again", u->what);
	return 0;
}

/* ------------------------------------------------------------------- use */

static int load(struct ms_use *u, const struct ms_tpm_blob *blob, struct ms_error *err)
{
	TPM2B_PUBLIC pub;
	TPM2B_PRIVATE priv = {0};
	uint8_t name[MS_TPM_NAME_MAX];
	size_t at = 0, name_len = 0;
	TSS2_RC rc = TSS2_MU_RC_BAD_VALUE;

	/* The Name tells a public area that was damaged since the file was read, too. */
	memset(&pub, 0, sizeof(pub));
	if (ms_tpm_name(blob->pub, blob->pub_len, name, &name_len) == 0 &&
	    name_len == blob->name_len && !memcmp(name, blob->name, name_len))
		rc = Tss2_MU_TPM2B_PUBLIC_Unmarshal(blob->pub, blob->pub_len, &at, &pub);
	at = 0;
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_MU_TPM2B_PRIVATE_Unmarshal(blob->priv, blob->priv_len, &at,
						     &priv);
	if (rc == TSS2_RC_SUCCESS && at != blob->priv_len)
		rc = TSS2_MU_RC_BAD_SIZE;
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_Load(u->t->esys, u->srk.tr, ESYS_TR_PASSWORD, ESYS_TR_NONE,
			       ESYS_TR_NONE, &priv, &pub, &u->object);
	/* The parent is the right one, so a parameter at fault is the file's fault. */
	if ((rc & TSS2_RC_LAYER_MASK) == TSS2_MU_RC_LAYER ||
	    ((rc & TPM2_RC_FMT1) && (rc & TPM2_RC_P) && !(rc & TSS2_RC_LAYER_MASK)))
		return ms_error_set(
			err, -EBADMSG, "key-file-damaged",
			"cannot %s: the TPM object in the key file is damaged (0x%x): "
			"restore the key file from its backup",
			u->what, rc);
	if (rc == TSS2_RC_SUCCESS)
		return 0;
	/* An SRK without noDA is locked together with the keys below it. */
	if (rc == TPM2_RC_LOCKOUT)
		return ms_refuse(u, blob, rc, err);
	return ms_tpm_explain(rc, "load the key", err);
}

int ms_use_load(struct ms_use *u, const struct ms_tpm_blob *blob, const char *pin,
		struct ms_error *err)
{
	TPM2B_AUTH auth = {0};
	int r;

	if (blob->has_pin && !pin)
		return ms_error_set(err, -EACCES, "pin-needed",
				    "cannot %s: it has a PIN: give it", u->what);
	r = ms_srk_use(u->t, blob->parent, &u->srk, err);
	if (r < 0)
		return r;
	if (u->srk.name_len != blob->srk_name_len ||
	    memcmp(u->srk.name, blob->srk_name, blob->srk_name_len) != 0)
		return ms_refuse_srk(u, err);
	r = load(u, blob, err);
	if (r < 0 || !blob->has_pin)
		return r;
	r = ms_pin_to_auth(pin, &auth, err);
	if (r == 0)
		r = ms_tpm_explain(Esys_TR_SetAuth(u->t->esys, u->object, &auth), u->what,
				   err);
	ms_wipe(&auth, sizeof(auth));
	return r;
}

static TSS2_RC satisfy(struct ms_use *u, const struct ms_tpm_blob *blob,
		       bool *ret_pcrs_differ)
{
	ESYS_CONTEXT *e = u->t->esys;
	TSS2_RC rc = TSS2_RC_SUCCESS;

	if (blob->pcrs) {
		TPM2B_DIGEST digest = {.size = sizeof(blob->pcr_digest)};
		TPML_PCR_SELECTION pcrs;

		memcpy(digest.buffer, blob->pcr_digest, sizeof(blob->pcr_digest));
		ms_pcr_selection(blob->pcrs, &pcrs);
		rc = Esys_PolicyPCR(e, u->session, MS_NO_SESSIONS, &digest, &pcrs);
		*ret_pcrs_differ = rc == (TPM2_RC_VALUE | TPM2_RC_P | TPM2_RC_1);
	}
	if (rc == TSS2_RC_SUCCESS && blob->has_pin)
		rc = Esys_PolicyAuthValue(e, u->session, MS_NO_SESSIONS);
	return rc;
}

static TSS2_RC authorise(struct ms_use *u, const struct ms_tpm_blob *blob,
			 TPMA_SESSION cipher, bool *ret_pcrs_differ)
{
	bool policy = blob->pcrs || blob->has_pin;
	TSS2_RC rc;

	/* With a PIN, a session bound to it encrypts: the salt alone does not open it. */
	rc = ms_use_session(u, policy ? TPM2_SE_POLICY : TPM2_SE_HMAC, ESYS_TR_NONE,
			    blob->has_pin ? 0 : cipher, &u->session);
	if (rc == TSS2_RC_SUCCESS && blob->has_pin && cipher)
		rc = ms_use_session(u, TPM2_SE_HMAC, u->object, cipher, &u->cipher);
	return rc == TSS2_RC_SUCCESS ? satisfy(u, blob, ret_pcrs_differ) : rc;
}

int ms_use_run(struct ms_use *u, const struct ms_tpm_blob *blob, TPMA_SESSION cipher,
	       TSS2_RC (*cmd)(struct ms_use *u, void *arg), void *arg,
	       struct ms_error *err)
{
	bool pcrs_differ = false;
	TSS2_RC rc = TSS2_RC_SUCCESS;

	for (int i = 0; i < PCR_CHANGED_TRIES; i++) {
		rc = authorise(u, blob, cipher, &pcrs_differ);
		if (rc == TSS2_RC_SUCCESS)
			rc = cmd(u, arg);
		if (rc != TPM2_RC_PCR_CHANGED)
			break;
		drop_sessions(u);
	}
	if (pcrs_differ)
		return ms_refuse_pcrs(u, blob->pcrs, err);
	return rc == TSS2_RC_SUCCESS ? 0 : ms_refuse(u, blob, rc, err);
}
