// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sealing and unsealing a secret of 32 bytes.
 */
#include <errno.h>
#include <inttypes.h>
#include <time.h>
#include <tss2/tss2_mu.h>
#include "lib/hash.h"
#include "lib/secmem.h"
#include "tpm/internal.h"
#include "tpm/policy.h"

#define PCR_CHANGED_TRIES 5

/* What one operation holds in the TPM. */
struct held {
	struct ms_tpm *t;
	struct ms_srk srk;
	ESYS_TR object, session, cipher;
};

#define HELD_INIT(tpm)                              \
	((struct held){.t = (tpm),                  \
		       .srk = {.tr = ESYS_TR_NONE}, \
		       .object = ESYS_TR_NONE,      \
		       .session = ESYS_TR_NONE,     \
		       .cipher = ESYS_TR_NONE})

static void drop(struct ms_tpm *t, ESYS_TR *tr)
{
	if (*tr != ESYS_TR_NONE)
		Esys_FlushContext(t->esys, *tr);
	*tr = ESYS_TR_NONE;
}

static void held_drop_sessions(struct held *h)
{
	drop(h->t, &h->session);
	drop(h->t, &h->cipher);
}

static void held_drop(struct held *h)
{
	const TPM2B_AUTH zero = {.size = sizeof(zero.buffer)};

	held_drop_sessions(h);
	/* ESYS frees its copy of the PIN without wiping it. */
	if (h->object != ESYS_TR_NONE)
		Esys_TR_SetAuth(h->t->esys, h->object, &zero);
	drop(h->t, &h->object);
	ms_srk_drop(h->t, &h->srk);
}

/*
 * A TPM takes no authorisation longer than the Name's digest: a longer PIN is hashed.
 */
static int pin_to_auth(const char *pin, TPM2B_AUTH *ret, struct ms_error *err)
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

/* A session whose key only the SRK's owner, the TPM, can know. */
static TSS2_RC start_session(struct held *h, TPM2_SE type, ESYS_TR bind,
			     TPMA_SESSION attrs, ESYS_TR *ret)
{
	const TPMT_SYM_DEF aes = {
		.algorithm = TPM2_ALG_AES, .keyBits.aes = 128, .mode.aes = TPM2_ALG_CFB};
	TSS2_RC rc;

	rc = Esys_StartAuthSession(h->t->esys, h->srk.tr, bind, MS_NO_SESSIONS, NULL,
				   type, &aes, TPM2_ALG_SHA256, ret);
	if (rc != TSS2_RC_SUCCESS)
		return rc;
	return Esys_TRSess_SetAttributes(h->t->esys, *ret,
					 attrs | TPMA_SESSION_CONTINUESESSION,
					 attrs | TPMA_SESSION_CONTINUESESSION);
}

/* ------------------------------------------------------------------ seal */

static int create(struct held *h, const TPM2B_SENSITIVE_CREATE *secret,
		  const TPM2B_PUBLIC *want, struct ms_tpm_blob *blob,
		  struct ms_error *err)
{
	_cleanup_esys_ TPM2B_PRIVATE *priv = NULL;
	_cleanup_esys_ TPM2B_PUBLIC *pub = NULL;
	const TPM2B_DATA no_info = {0};
	const TPML_PCR_SELECTION no_pcrs = {0};
	TSS2_RC rc;

	rc = start_session(h, TPM2_SE_HMAC, ESYS_TR_NONE,
			   TPMA_SESSION_DECRYPT | TPMA_SESSION_ENCRYPT, &h->session);
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_Create(h->t->esys, h->srk.tr, h->session, ESYS_TR_NONE,
				 ESYS_TR_NONE, secret, want, &no_info, &no_pcrs, &priv,
				 &pub, NULL, NULL, NULL);
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_MU_TPM2B_PUBLIC_Marshal(pub, blob->pub, sizeof(blob->pub),
						  &blob->pub_len);
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_MU_TPM2B_PRIVATE_Marshal(priv, blob->priv, sizeof(blob->priv),
						   &blob->priv_len);
	return ms_tpm_explain(rc, "seal the key", err);
}

/* Can the key be had again? Asked while there is still something to lose: nothing. */
static int prove(struct ms_tpm *t, const uint8_t *secret, const char *pin,
		 const struct ms_tpm_blob *blob, struct ms_error *err)
{
	uint8_t again[MS_TPM_SECRET_LEN] = {0};
	int r;

	r = ms_tpm_unseal(t, blob, pin, again, err);
	if (r == 0 && !ms_equal(again, secret, sizeof(again)))
		r = ms_error_set(err, -EIO, "tpm-error",
				 "cannot seal the key: the TPM gave back another one: "
				 "replace the TPM");
	ms_wipe(again, sizeof(again));
	return r;
}

static int seal(struct held *h, const uint8_t *secret, const char *pin,
		struct ms_tpm_blob *blob, struct ms_error *err)
{
	TPM2B_SENSITIVE_CREATE in = {0};
	TPM2B_PUBLIC want;
	int r;

	if (pin) {
		r = pin_to_auth(pin, &in.sensitive.userAuth, err);
		if (r < 0)
			goto out;
	}
	in.sensitive.data.size = MS_TPM_SECRET_LEN;
	memcpy(in.sensitive.data.buffer, secret, MS_TPM_SECRET_LEN);
	r = ms_srk_use(h->t, 0, &h->srk, err);
	if (r < 0)
		goto out;
	if (blob->pcrs)
		r = ms_pcr_digest(h->t, blob->pcrs, blob->pcr_digest, err);
	if (r == 0)
		r = ms_policy_template(blob, &want);
	if (r == 0)
		r = create(h, &in, &want, blob, err);
	if (r < 0)
		goto out;
	blob->parent = h->srk.parent;
	memcpy(blob->srk_name, h->srk.name, h->srk.name_len);
	blob->srk_name_len = h->srk.name_len;
	r = ms_tpm_blob_check(blob, err);
out:
	ms_wipe(&in, sizeof(in));
	return r;
}

int ms_tpm_seal(struct ms_tpm *t, const uint8_t secret[MS_TPM_SECRET_LEN], uint32_t pcrs,
		const char *pin, struct ms_tpm_blob *ret, struct ms_error *err)
{
	struct ms_tpm_blob blob = {.pcrs = pcrs, .has_pin = pin != NULL};
	struct held h = HELD_INIT(t);
	int r;

	if (pcrs >> 24)
		return ms_error_set(err, -EINVAL, "bad-pcr",
				    "there are no PCRs above 23: choose among 0 to 23");
	r = seal(&h, secret, pin, &blob, err);
	held_drop(&h);
	ms_tpm_forget(t);
	if (r == 0)
		r = prove(t, secret, pin, &blob, err);
	if (r < 0)
		return r;
	*ret = blob;
	return 0;
}

/* ---------------------------------------------------------------- unseal */

static int other_srk(struct ms_tpm *t, struct ms_error *err)
{
	_cleanup_esys_ TPMS_TIME_INFO *now = NULL;
	char since[96] = "";

	/* The clock restarts when the TPM is cleared, so it tells how likely that is. */
	if (Esys_ReadClock(t->esys, MS_NO_SESSIONS, &now) == TSS2_RC_SUCCESS)
		snprintf(since, sizeof(since),
			 " (it has run for %" PRIu64
			 " minutes since it was last cleared)",
			 now->clockInfo.clock / 60000);
	return ms_error_set(
		err, -ESTALE, "tpm-other",
		"cannot unseal the key: this TPM's storage root key is not the one that "
		"the key was sealed to: the TPM was cleared, or it is another TPM%s: "
		"restore the key from its backup or create it again",
		since);
}

static int locked_out(struct ms_tpm *t, struct ms_error *err)
{
	struct ms_tpm_info i;
	char when[32] = "";
	struct tm tm;
	time_t end;

	if (ms_tpm_info(t, &i, NULL) < 0)
		return ms_tpm_explain(TPM2_RC_LOCKOUT, "unseal the key", err);
	end = time(NULL) + i.lockout_recovery_s;
	if (gmtime_r(&end, &tm))
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S UTC", &tm);
	return ms_error_set(err, -EAGAIN, "tpm-lockout",
			    "cannot unseal the key: the TPM is locked after %u wrong "
			    "PINs (%u allowed) and gives one try back by %s: wait, or "
			    "end it with tpm2_dictionarylockout -c",
			    i.lockout_counter, i.lockout_max, when);
}

static int load(struct held *h, const struct ms_tpm_blob *blob, struct ms_error *err)
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
		rc = Esys_Load(h->t->esys, h->srk.tr, ESYS_TR_PASSWORD, ESYS_TR_NONE,
			       ESYS_TR_NONE, &priv, &pub, &h->object);
	/* The parent is the right one, so a parameter at fault is the file's fault. */
	if ((rc & TSS2_RC_LAYER_MASK) == TSS2_MU_RC_LAYER ||
	    ((rc & TPM2_RC_FMT1) && (rc & TPM2_RC_P) && !(rc & TSS2_RC_LAYER_MASK)))
		return ms_error_set(err, -EBADMSG, "key-file-damaged",
				    "cannot unseal the key: the sealed object is damaged "
				    "(0x%x): restore the key file from its backup",
				    rc);
	/* An SRK without noDA is locked together with the keys below it. */
	if (rc == TPM2_RC_LOCKOUT)
		return locked_out(h->t, err);
	return ms_tpm_explain(rc, "load the sealed object", err);
}

static void list_pcrs(uint32_t mask, char *dst, size_t size)
{
	size_t at = 0;

	dst[0] = '\0';
	for (unsigned int i = 0; i < 24 && at < size; i++)
		if (mask & (1u << i))
			at += (size_t)snprintf(dst + at, size - at, at ? ", %u" : "%u",
					       i);
}

static int other_pcrs(uint32_t mask, struct ms_error *err)
{
	bool many = mask & (mask - 1);
	char list[96];

	list_pcrs(mask, list, sizeof(list));
	return ms_error_set(
		err, -EPERM, "tpm-pcr",
		"cannot unseal the key: PCR%s %s %s not what %s when the key was "
		"sealed%s: boot the system as it was then, or restore the key from its "
		"backup",
		many ? "s" : "", list, many ? "are" : "is", many ? "they were" : "it was",
		mask == 1u << 7 ? " (PCR 7 tells of Secure Boot: on or off, and its keys)"
				: "");
}

/* Says how many tries are left: a person is at the keyboard. */
static int wrong_pin(struct ms_tpm *t, struct ms_error *err)
{
	struct ms_tpm_info i;
	uint32_t left;

	if (ms_tpm_info(t, &i, NULL) < 0)
		return ms_tpm_explain(TPM2_RC_AUTH_FAIL, "unseal the key", err);
	left = i.lockout_counter < i.lockout_max ? i.lockout_max - i.lockout_counter : 0;
	if (left == 0)
		return ms_error_set(
			err, -EACCES, "wrong-pin",
			"cannot unseal the key: wrong PIN, and it was the last try: the "
			"TPM is locked now and gives one try back in at most %u seconds",
			i.lockout_recovery_s);
	return ms_error_set(
		err, -EACCES, "wrong-pin",
		"cannot unseal the key: wrong PIN: %u of %u tries are left before the "
		"TPM locks itself; one comes back every %u seconds: give the right PIN",
		left, i.lockout_max, i.lockout_recovery_s);
}

static int explain_unseal(struct held *h, const struct ms_tpm_blob *blob, TSS2_RC rc,
			  struct ms_error *err)
{
	/* Session and parameter numbers aside, as in explain.c. */
	switch (rc & TSS2_RC_LAYER_MASK ? 0 : rc & TPM2_RC_FMT1 ? rc & 0xbf : rc) {
	case TPM2_RC_AUTH_FAIL:
		return wrong_pin(h->t, err);
	case TPM2_RC_LOCKOUT:
		return locked_out(h->t, err);
	case TPM2_RC_POLICY_FAIL:
		if (blob->pcrs)
			return other_pcrs(blob->pcrs, err);
		break;
	default:
		break;
	}
	return ms_tpm_explain(rc, "unseal the key", err);
}

static TSS2_RC satisfy(struct held *h, const struct ms_tpm_blob *blob,
		       bool *ret_pcrs_differ)
{
	ESYS_CONTEXT *e = h->t->esys;
	TSS2_RC rc = TSS2_RC_SUCCESS;

	if (blob->pcrs) {
		TPM2B_DIGEST digest = {.size = sizeof(blob->pcr_digest)};
		TPML_PCR_SELECTION pcrs;

		memcpy(digest.buffer, blob->pcr_digest, sizeof(blob->pcr_digest));
		ms_pcr_selection(blob->pcrs, &pcrs);
		rc = Esys_PolicyPCR(e, h->session, MS_NO_SESSIONS, &digest, &pcrs);
		*ret_pcrs_differ = rc == (TPM2_RC_VALUE | TPM2_RC_P | TPM2_RC_1);
	}
	if (rc == TSS2_RC_SUCCESS && blob->has_pin)
		rc = Esys_PolicyAuthValue(e, h->session, MS_NO_SESSIONS);
	return rc;
}

/* One try: sessions, the policy, the secret. The PIN is spent at most once. */
static TSS2_RC attempt(struct held *h, const struct ms_tpm_blob *blob, uint8_t *ret,
		       bool *ret_pcrs_differ)
{
	TPM2B_SENSITIVE_DATA *secret = NULL;
	bool policy = blob->pcrs || blob->has_pin;
	TSS2_RC rc;

	/* With a PIN, a session bound to it encrypts: the salt alone does not open it. */
	rc = start_session(h, policy ? TPM2_SE_POLICY : TPM2_SE_HMAC, ESYS_TR_NONE,
			   blob->has_pin ? 0 : TPMA_SESSION_ENCRYPT, &h->session);
	if (rc == TSS2_RC_SUCCESS && blob->has_pin)
		rc = start_session(h, TPM2_SE_HMAC, h->object, TPMA_SESSION_ENCRYPT,
				   &h->cipher);
	if (rc == TSS2_RC_SUCCESS)
		rc = satisfy(h, blob, ret_pcrs_differ);
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_Unseal(h->t->esys, h->object, h->session, h->cipher,
				 ESYS_TR_NONE, &secret);
	if (rc != TSS2_RC_SUCCESS)
		return rc;
	if (secret->size != MS_TPM_SECRET_LEN)
		rc = TPM2_RC_SIZE;
	else
		memcpy(ret, secret->buffer, MS_TPM_SECRET_LEN);
	ms_wipe(secret, sizeof(*secret));
	Esys_Free(secret);
	return rc;
}

static int unseal(struct held *h, const struct ms_tpm_blob *blob, const char *pin,
		  uint8_t *ret, struct ms_error *err)
{
	bool pcrs_differ = false;
	TSS2_RC rc;
	int r;

	r = ms_srk_use(h->t, blob->parent, &h->srk, err);
	if (r < 0)
		return r;
	if (h->srk.name_len != blob->srk_name_len ||
	    memcmp(h->srk.name, blob->srk_name, blob->srk_name_len) != 0)
		return other_srk(h->t, err);
	r = load(h, blob, err);
	if (r < 0)
		return r;
	if (blob->has_pin) {
		TPM2B_AUTH auth = {0};

		r = pin_to_auth(pin, &auth, err);
		if (r == 0)
			r = ms_tpm_explain(Esys_TR_SetAuth(h->t->esys, h->object, &auth),
					   "unseal the key", err);
		ms_wipe(&auth, sizeof(auth));
		if (r < 0)
			return r;
	}
	for (int i = 0; i < PCR_CHANGED_TRIES; i++) {
		rc = attempt(h, blob, ret, &pcrs_differ);
		if (rc != TPM2_RC_PCR_CHANGED)
			break;
		held_drop_sessions(h);
	}
	if (pcrs_differ)
		return other_pcrs(blob->pcrs, err);
	return rc == TSS2_RC_SUCCESS ? 0 : explain_unseal(h, blob, rc, err);
}

int ms_tpm_unseal(struct ms_tpm *t, const struct ms_tpm_blob *blob, const char *pin,
		  uint8_t ret[MS_TPM_SECRET_LEN], struct ms_error *err)
{
	struct held h = HELD_INIT(t);
	int r;

	if (blob->has_pin && !pin)
		return ms_error_set(err, -EACCES, "pin-needed",
				    "cannot unseal the key: it has a PIN: give it");
	r = unseal(&h, blob, pin, ret, err);
	held_drop(&h);
	ms_tpm_forget(t);
	return r;
}
