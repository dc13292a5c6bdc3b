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
	if (*tr != ESYS_TR_NONE && *tr != ESYS_TR_PASSWORD)
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
	struct ms_kept *k = &u->t->kept;

	/* ESYS frees its copy of the PIN without wiping it. */
	if (u->object != ESYS_TR_NONE && u->pinned)
		Esys_TR_SetAuth(u->t->esys, u->object, &zero);
	if (u->keep) {
		k->object = u->object;
		k->session = u->session == ESYS_TR_PASSWORD ? ESYS_TR_NONE : u->session;
		u->object = u->session = ESYS_TR_NONE;
	}
	drop_sessions(u);
	drop(u->t, &u->object);
	ms_srk_drop(u->t, &u->srk);
	if (!u->keep || u->pinned)
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

	/* No SRK, no salt: for what has no secret. */
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
	_cleanup_esys_ TPM2B_CREATION_DATA *data = NULL;
	_cleanup_esys_ TPMT_TK_CREATION *ticket = NULL;
	const TPM2B_DATA no_info = {0};
	const TPML_PCR_SELECTION no_pcrs = {0};
	TSS2_RC rc;

	rc = ms_use_session(u, TPM2_SE_HMAC, ESYS_TR_NONE,
			    TPMA_SESSION_DECRYPT | TPMA_SESSION_ENCRYPT, &u->session);
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_Create(u->t->esys, u->srk.tr, u->session, ESYS_TR_NONE,
				 ESYS_TR_NONE, in, want, &no_info, &no_pcrs, &priv, &pub,
				 &data, NULL, &ticket);
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_MU_TPM2B_PUBLIC_Marshal(pub, blob->pub, sizeof(blob->pub),
						  &blob->pub_len);
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_MU_TPM2B_PRIVATE_Marshal(priv, blob->priv, sizeof(blob->priv),
						   &blob->priv_len);
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_MU_TPM2B_CREATION_DATA_Marshal(data, blob->creation,
							 sizeof(blob->creation),
							 &blob->creation_len);
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_MU_TPMT_TK_CREATION_Marshal(ticket, blob->creation,
						      sizeof(blob->creation),
						      &blob->creation_len);
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
	if (r == 0 && blob->pcrs && !u->foretold)
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
	ms_tpm_birth(u->t, &u->srk, &blob->birth);
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

static int set_pin(struct ms_use *u, const char *pin, struct ms_error *err)
{
	TPM2B_AUTH auth = {0};
	int r = ms_pin_to_auth(pin, &auth, err);

	u->pinned = true;
	if (r == 0)
		r = ms_tpm_explain(Esys_TR_SetAuth(u->t->esys, u->object, &auth), u->what,
				   err);
	ms_wipe(&auth, sizeof(auth));
	return r;
}

/* The key that was kept, if it is this one; any other makes room. */
static bool take_kept(struct ms_use *u, const struct ms_tpm_blob *blob)
{
	struct ms_kept *k = &u->t->kept;

	if (!u->keep || k->object == ESYS_TR_NONE || k->name_len != blob->name_len ||
	    memcmp(k->name, blob->name, k->name_len) != 0) {
		ms_tpm_let_go(u->t);
		memcpy(k->name, blob->name, blob->name_len);
		k->name_len = blob->name_len;
		return false;
	}
	u->object = k->object;
	u->session = k->session;
	k->object = k->session = ESYS_TR_NONE;
	u->was_kept = true;
	return true;
}

int ms_use_load(struct ms_use *u, const struct ms_tpm_blob *blob, const char *pin,
		struct ms_error *err)
{
	int r = 0;

	if (blob->has_pin && !pin)
		return ms_error_set(err, -EACCES, "pin-needed",
				    "cannot %s: it has a PIN: give it", u->what);
	if (!take_kept(u, blob)) {
		r = ms_srk_use(u->t, blob->parent, &u->srk, err);
		if (r < 0)
			return r;
		if (u->srk.name_len != blob->srk_name_len ||
		    memcmp(u->srk.name, blob->srk_name, blob->srk_name_len) != 0)
			return ms_refuse_srk(u, blob, err);
		r = load(u, blob, err);
	}
	return r == 0 && blob->has_pin ? set_pin(u, pin, err) : r;
}

static TSS2_RC satisfy(struct ms_use *u, const struct ms_tpm_blob *blob,
		       enum ms_mismatch *ret_why)
{
	ESYS_CONTEXT *e = u->t->esys;
	TSS2_RC rc = TSS2_RC_SUCCESS;

	if (blob->policy_key.len) {
		rc = ms_use_approval(u, blob, ret_why);
	} else if (blob->pcrs) {
		TPM2B_DIGEST digest = {.size = sizeof(blob->pcr_digest)};
		TPML_PCR_SELECTION pcrs;

		memcpy(digest.buffer, blob->pcr_digest, sizeof(blob->pcr_digest));
		ms_pcr_selection(blob->pcrs, &pcrs);
		rc = Esys_PolicyPCR(e, u->session, MS_NO_SESSIONS, &digest, &pcrs);
		if (rc == (TPM2_RC_VALUE | TPM2_RC_P | TPM2_RC_1))
			*ret_why = MS_MISMATCH_PCRS;
	}
	if (rc == TSS2_RC_SUCCESS && !*ret_why && blob->has_pin && !blob->pin_alone)
		rc = Esys_PolicyAuthValue(e, u->session, MS_NO_SESSIONS);
	return rc;
}

static TSS2_RC start(struct ms_use *u, const struct ms_tpm_blob *blob,
		     TPMA_SESSION cipher)
{
	bool policy = ms_has_policy(blob);
	TSS2_RC rc;

	/* A PIN goes over the bus as an HMAC's key only. */
	if (!policy && !cipher && !blob->has_pin) {
		u->session = ESYS_TR_PASSWORD;
		return TSS2_RC_SUCCESS;
	}
	if (!cipher && !blob->has_pin)
		ms_srk_drop(u->t, &u->srk);
	/* With a PIN, a session bound to it encrypts: the salt alone does not open it. */
	rc = ms_use_session(u, policy ? TPM2_SE_POLICY : TPM2_SE_HMAC, ESYS_TR_NONE,
			    blob->has_pin ? 0 : cipher, &u->session);
	if (rc == TSS2_RC_SUCCESS && blob->has_pin && cipher)
		rc = ms_use_session(u, TPM2_SE_HMAC, u->object, cipher, &u->cipher);
	return rc;
}

static TSS2_RC authorise(struct ms_use *u, const struct ms_tpm_blob *blob,
			 TPMA_SESSION cipher, enum ms_mismatch *ret_why)
{
	TSS2_RC rc = TSS2_RC_SUCCESS;

	if (u->session == ESYS_TR_NONE)
		rc = start(u, blob, cipher);
	return rc == TSS2_RC_SUCCESS ? satisfy(u, blob, ret_why) : rc;
}

/* What was kept is not there any more, as after a suspend: nothing was authorised. */
static bool is_gone(const struct ms_use *u, TSS2_RC rc)
{
	if (!u->was_kept)
		return false;
	return rc == TSS2_ESYS_RC_BAD_TR || (rc & ~0xfu) == TPM2_RC_REFERENCE_H0 ||
	       (rc & (TPM2_RC_FMT1 | 0x7f)) == TPM2_RC_HANDLE;
}

int ms_use_run(struct ms_use *u, const struct ms_tpm_blob *blob, TPMA_SESSION cipher,
	       TSS2_RC (*cmd)(struct ms_use *u, void *arg), void *arg,
	       struct ms_error *err)
{
	enum ms_mismatch why = MS_MISMATCH_NONE;
	TSS2_RC rc = TSS2_RC_SUCCESS;

	for (int i = 0; i < PCR_CHANGED_TRIES; i++) {
		rc = authorise(u, blob, cipher, &why);
		if (rc == TSS2_RC_SUCCESS && !why)
			rc = cmd(u, arg);
		if (rc != TPM2_RC_PCR_CHANGED)
			break;
		if (Esys_PolicyRestart(u->t->esys, u->session, MS_NO_SESSIONS) !=
		    TSS2_RC_SUCCESS)
			break;
	}
	if (rc == TSS2_RC_SUCCESS && !why)
		return 0;
	u->keep = false;
	if (why == MS_MISMATCH_PCRS)
		return ms_refuse_pcrs(u, blob->pcrs, err);
	if (why)
		return ms_refuse_approvals(u, blob, why == MS_MISMATCH_FORGED, err);
	if (is_gone(u, rc))
		return MS_USE_GONE;
	return ms_refuse(u, blob, rc, err);
}
