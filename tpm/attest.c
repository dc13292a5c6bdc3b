/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tpm/attest.h"

#include <errno.h>
#include <tss2/tss2_mu.h>

#include "lib/attest_check.h"
#include "lib/secmem.h"
#include "tpm/ek.h"
#include "tpm/use.h"

#define PCR_DEFAULT (UINT32_C(1) << 7) /* quoted for a key without PCRs */
#define PCR_CHANGED_TRIES 5

/* A TPMS_ATTEST and its signature, as two fields */
struct statement {
	TPM2B_ATTEST *attest;
	TPMT_SIGNATURE *sig;
};

static void statement_clear(struct statement *s)
{
	Esys_Free(s->attest);
	Esys_Free(s->sig);
}
#define _cleanup_statement_ _cleanup_(statement_clear)

static TSS2_RC put_statement(const struct statement *s, enum ms_tpm_ev f,
			     struct ms_buf *out)
{
	uint8_t sig[sizeof(*s->sig)];
	size_t len = 0;
	TSS2_RC rc = Tss2_MU_TPMT_SIGNATURE_Marshal(s->sig, sig, sizeof(sig), &len);

	if (rc != TSS2_RC_SUCCESS)
		return rc;
	ms_tpm_evidence_put(out, f, s->attest->attestationData, s->attest->size);
	/* The signature's field follows the statement's. */
	ms_tpm_evidence_put(out, f + 1, sig, len);
	return TSS2_RC_SUCCESS;
}

static TSS2_RC put_public(const TPM2B_PUBLIC *pub, enum ms_tpm_ev f, struct ms_buf *out)
{
	uint8_t bytes[sizeof(*pub)];
	size_t len = 0;
	TSS2_RC rc = Tss2_MU_TPM2B_PUBLIC_Marshal(pub, bytes, sizeof(bytes), &len);

	if (rc == TSS2_RC_SUCCESS)
		ms_tpm_evidence_put(out, f, bytes, len);
	return rc;
}

static const TPMT_SIG_SCHEME own_scheme = {.scheme = TPM2_ALG_NULL};

static TSS2_RC certify(struct ms_tpm *t, ESYS_TR object, ESYS_TR auth, ESYS_TR ak,
		       const TPM2B_DATA *extra, enum ms_tpm_ev f, struct ms_buf *out)
{
	_cleanup_statement_ struct statement s = {0};
	TSS2_RC rc = Esys_Certify(t->esys, object, ak, auth, ESYS_TR_PASSWORD,
				  ESYS_TR_NONE, extra, &own_scheme, &s.attest, &s.sig);

	return rc == TSS2_RC_SUCCESS ? put_statement(&s, f, out) : rc;
}

static void set_extra(TPM2B_DATA *d, const uint8_t extra[32])
{
	d->size = 32;
	memcpy(d->buffer, extra, 32);
}

static int done(TSS2_RC rc, const struct ms_buf *out, const char *what,
		struct ms_error *err)
{
	if (rc != TSS2_RC_SUCCESS)
		return ms_tpm_explain(rc, what, err);
	if (ms_buf_error(out) < 0)
		return ms_error_set(err, ms_buf_error(out), "too-large",
				    "cannot %s: the TPM's certificates are larger than "
				    "modseal expects",
				    what);
	return 0;
}

static void flush(struct ms_tpm *t, ESYS_TR tr)
{
	if (tr != ESYS_TR_NONE)
		Esys_FlushContext(t->esys, tr);
}

/* ------------------------------------------------------------------ identity */

static int identity(struct ms_tpm *t, struct ms_srk *srk, ESYS_TR *ak, struct ms_buf *out,
		    struct ms_error *err)
{
	_cleanup_esys_ TPM2B_PUBLIC *ak_pub = NULL, *srk_pub = NULL;
	TPM2B_DATA extra;
	uint8_t digest[32];
	TSS2_RC rc;
	int r;

	r = ms_ek_put_certs(t, out, err);
	if (r == 0)
		r = ms_srk_use(t, 0, srk, err);
	if (r == 0)
		r = ms_ak_use(t, ak, &ak_pub, err);
	if (r < 0)
		return r;
	if (ms_attest_srk_extra_data(digest) < 0)
		return ms_error_set(err, -EIO, NULL,
				    "cannot hash: OpenSSL has no SHA-256");
	set_extra(&extra, digest);
	rc = put_public(ak_pub, MS_EV_AK_PUBLIC, out);
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_ReadPublic(t->esys, srk->tr, MS_NO_SESSIONS, &srk_pub, NULL,
				     NULL);
	if (rc == TSS2_RC_SUCCESS)
		rc = put_public(srk_pub, MS_EV_SRK_PUBLIC, out);
	if (rc == TSS2_RC_SUCCESS)
		rc = certify(t, srk->tr, ESYS_TR_PASSWORD, *ak, &extra, MS_EV_SRK_CERTIFY,
			     out);
	return done(rc, out, "say which TPM this is", err);
}

int ms_tpm_identity(struct ms_tpm *t, struct ms_buf *out, struct ms_error *err)
{
	struct ms_srk srk = {.tr = ESYS_TR_NONE};
	ESYS_TR ak = ESYS_TR_NONE;
	int r;

	ms_tpm_let_go(t);
	r = identity(t, &srk, &ak, out, err);

	flush(t, ak);
	ms_srk_drop(t, &srk);
	return r;
}

/* -------------------------------------------------------------------- a key */

/* Part 3, 18.3: the ticket proves that these creation data are this key's. */
static TSS2_RC certify_creation(struct ms_use *u, const struct ms_tpm_blob *blob,
				ESYS_TR ak, const TPM2B_DATA *extra, struct ms_buf *out)
{
	_cleanup_statement_ struct statement s = {0};
	TPM2B_CREATION_DATA data = {0};
	TPMT_TK_CREATION ticket = {0};
	TPM2B_DIGEST hash = {.size = 32};
	size_t at = 0, data_len;
	TSS2_RC rc;

	if (!blob->creation_len)
		return TSS2_RC_SUCCESS;
	rc = Tss2_MU_TPM2B_CREATION_DATA_Unmarshal(blob->creation, blob->creation_len,
						   &at, &data);
	data_len = at;
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_MU_TPMT_TK_CREATION_Unmarshal(blob->creation,
							blob->creation_len, &at, &ticket);
	if (rc != TSS2_RC_SUCCESS)
		return rc;
	if (at != blob->creation_len || data_len < 2 ||
	    ms_digest(MS_HASH_SHA256, blob->creation + 2, data_len - 2, hash.buffer) < 0)
		return TSS2_MU_RC_BAD_SIZE;
	rc = Esys_CertifyCreation(u->t->esys, ak, u->object, ESYS_TR_PASSWORD,
				  ESYS_TR_NONE, ESYS_TR_NONE, extra, &hash, &own_scheme,
				  &ticket, &s.attest, &s.sig);
	if (rc != TSS2_RC_SUCCESS)
		return rc;
	ms_tpm_evidence_put(out, MS_EV_CREATION_DATA, blob->creation, data_len);
	return put_statement(&s, MS_EV_CREATION, out);
}

static TSS2_RC read_pcrs(struct ms_tpm *t, uint32_t mask, struct ms_buf *ret)
{
	for (unsigned int i = 0; i < 24; i++) {
		_cleanup_esys_ TPML_PCR_SELECTION *got = NULL;
		_cleanup_esys_ TPML_DIGEST *values = NULL;
		TPML_PCR_SELECTION want;
		TSS2_RC rc;

		if (!(mask & (UINT32_C(1) << i)))
			continue;
		ms_pcr_selection(UINT32_C(1) << i, &want);
		rc = Esys_PCR_Read(t->esys, MS_NO_SESSIONS, &want, NULL, &got, &values);
		if (rc != TSS2_RC_SUCCESS)
			return rc;
		if (values->count != 1 || values->digests[0].size != 32)
			return TPM2_RC_HASH;
		ms_buf_put(ret, values->digests[0].buffer, 32);
	}
	return TSS2_RC_SUCCESS;
}

/* A PCR may change between its reading and the quote; then both are made again. */
static TSS2_RC quote(struct ms_tpm *t, uint32_t mask, ESYS_TR ak, const TPM2B_DATA *extra,
		     struct ms_buf *out)
{
	TPML_PCR_SELECTION pcrs;
	TSS2_RC rc = TSS2_RC_SUCCESS;

	ms_pcr_selection(mask, &pcrs);
	for (int i = 0; i < PCR_CHANGED_TRIES; i++) {
		_cleanup_buf_ struct ms_buf before = MS_BUF_INIT(24 * 32),
					    after = MS_BUF_INIT(24 * 32);
		_cleanup_statement_ struct statement s = {0};

		rc = read_pcrs(t, mask, &before);
		if (rc == TSS2_RC_SUCCESS)
			rc = Esys_Quote(t->esys, ak, ESYS_TR_PASSWORD, ESYS_TR_NONE,
					ESYS_TR_NONE, extra, &own_scheme, &pcrs,
					&s.attest, &s.sig);
		if (rc == TSS2_RC_SUCCESS)
			rc = read_pcrs(t, mask, &after);
		if (rc != TSS2_RC_SUCCESS)
			return rc;
		rc = TPM2_RC_PCR_CHANGED;
		if (before.len != after.len ||
		    memcmp(before.data, after.data, after.len) != 0)
			continue;
		ms_tpm_evidence_put(out, MS_EV_PCR_VALUES, before.data, before.len);
		return put_statement(&s, MS_EV_QUOTE, out);
	}
	return rc;
}

/* Those of its policy, or of what was approved for it. */
static uint32_t pcrs_of(const struct ms_tpm_blob *blob)
{
	uint32_t mask = blob->pcrs;

	for (size_t i = 0; i < blob->n_approvals; i++)
		mask |= blob->approvals[i].pcrs;
	return mask ? mask : PCR_DEFAULT;
}

static int attest(struct ms_use *u, const struct ms_tpm_blob *blob, const char *pin,
		  const TPM2B_DATA *extra, ESYS_TR *ak, struct ms_buf *out,
		  struct ms_error *err)
{
	_cleanup_esys_ TPM2B_PUBLIC *ak_pub = NULL;
	ESYS_TR auth = ESYS_TR_PASSWORD;
	TSS2_RC rc = TSS2_RC_SUCCESS;
	int r = ms_ek_put_certs(u->t, out, err);

	if (r == 0)
		r = ms_use_load(u, blob, pin, err);
	if (r < 0)
		return r;
	/* A PIN crosses the bus only as an HMAC. */
	if (blob->has_pin) {
		rc = ms_use_session(u, TPM2_SE_HMAC, ESYS_TR_NONE, 0, &u->session);
		auth = u->session;
	}
	if (rc != TSS2_RC_SUCCESS)
		return ms_tpm_explain(rc, u->what, err);
	/* Some TPMs have room for three objects; the SRK has done its work. */
	ms_srk_drop(u->t, &u->srk);
	r = ms_ak_use(u->t, ak, &ak_pub, err);
	if (r < 0)
		return r;
	rc = put_public(ak_pub, MS_EV_AK_PUBLIC, out);
	ms_tpm_evidence_put(out, MS_EV_KEY_PUBLIC, blob->pub, blob->pub_len);
	if (rc == TSS2_RC_SUCCESS)
		rc = certify(u->t, u->object, auth, *ak, extra, MS_EV_CERTIFY, out);
	if (rc != TSS2_RC_SUCCESS)
		return ms_refuse(u, blob, rc, err);
	rc = certify_creation(u, blob, *ak, extra, out);
	if (rc == TSS2_RC_SUCCESS)
		rc = quote(u->t, pcrs_of(blob), *ak, extra, out);
	return done(rc, out, u->what, err);
}

int ms_tpm_attest(struct ms_tpm *t, const struct ms_tpm_blob *blob, const char *pin,
		  const uint8_t extra[32], struct ms_buf *out, struct ms_error *err)
{
	struct ms_use u = MS_USE_INIT(t, "attest the key");
	ESYS_TR ak = ESYS_TR_NONE;
	TPM2B_DATA data;
	int r;

	ms_tpm_let_go(t);
	set_extra(&data, extra);
	r = attest(&u, blob, pin, &data, &ak, out, err);
	flush(t, ak);
	ms_use_drop(&u);
	return r;
}

/* ---------------------------------------------------------------- credentials */

static int not_for_us(struct ms_error *err)
{
	return ms_error_set(err, -EKEYREJECTED, "credential-refused",
			    "the TPM refuses the answer of the enrolment CA: it is for "
			    "another TPM, or damaged: make a new identity, and have that "
			    "one enrolled");
}

static int read_credential(const uint8_t *id, size_t id_len, const uint8_t *seed,
			   size_t seed_len, TPM2B_ID_OBJECT *ret_id,
			   TPM2B_ENCRYPTED_SECRET *ret_seed, struct ms_error *err)
{
	size_t at = 0, seed_at = 0;

	memset(ret_id, 0, sizeof(*ret_id));
	memset(ret_seed, 0, sizeof(*ret_seed));
	if (Tss2_MU_TPM2B_ID_OBJECT_Unmarshal(id, id_len, &at, ret_id) !=
		    TSS2_RC_SUCCESS ||
	    at != id_len ||
	    Tss2_MU_TPM2B_ENCRYPTED_SECRET_Unmarshal(seed, seed_len, &seed_at,
						     ret_seed) != TSS2_RC_SUCCESS ||
	    seed_at != seed_len)
		return not_for_us(err);
	return 0;
}

/* The EK's policy: whoever may use the endorsement hierarchy (empty authorisation). */
static TSS2_RC ek_session(struct ms_tpm *t, ESYS_TR *ret)
{
	const TPMT_SYM_DEF none = {.algorithm = TPM2_ALG_NULL};
	TSS2_RC rc =
		Esys_StartAuthSession(t->esys, ESYS_TR_NONE, ESYS_TR_NONE, MS_NO_SESSIONS,
				      NULL, TPM2_SE_POLICY, &none, TPM2_ALG_SHA256, ret);

	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_PolicySecret(t->esys, ESYS_TR_RH_ENDORSEMENT, *ret,
				       ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, NULL,
				       NULL, NULL, 0, NULL, NULL);
	return rc;
}

/* A parameter at fault is the credential's fault. */
static bool is_refusal(TSS2_RC rc)
{
	return !(rc & TSS2_RC_LAYER_MASK) && (rc & TPM2_RC_FMT1) && (rc & TPM2_RC_P);
}

static int activate(struct ms_tpm *t, ESYS_TR ak, ESYS_TR ek, const TPM2B_ID_OBJECT *id,
		    const TPM2B_ENCRYPTED_SECRET *seed, uint8_t *ret,
		    struct ms_error *err)
{
	_cleanup_esys_ TPM2B_DIGEST *secret = NULL;
	ESYS_TR session = ESYS_TR_NONE;
	TSS2_RC rc = ek_session(t, &session);

	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_ActivateCredential(t->esys, ak, ek, ESYS_TR_PASSWORD, session,
					     ESYS_TR_NONE, id, seed, &secret);
	/* The session ends with the command, unless that failed. */
	flush(t, session);
	if (is_refusal(rc))
		return not_for_us(err);
	if (rc != TSS2_RC_SUCCESS)
		return ms_tpm_explain(rc, "open the enrolment CA's answer", err);
	if (secret->size != MS_TPM_SECRET_LEN)
		return not_for_us(err);
	memcpy(ret, secret->buffer, MS_TPM_SECRET_LEN);
	ms_wipe(secret, sizeof(*secret));
	return 0;
}

int ms_tpm_activate(struct ms_tpm *t, const uint8_t *id, size_t id_len,
		    const uint8_t *seed, size_t seed_len, uint8_t ret[MS_TPM_SECRET_LEN],
		    struct ms_error *err)
{
	_cleanup_esys_ TPM2B_PUBLIC *ak_pub = NULL;
	TPM2B_ENCRYPTED_SECRET secret;
	TPM2B_ID_OBJECT object;
	ESYS_TR ek = ESYS_TR_NONE, ak = ESYS_TR_NONE;
	bool transient = false;
	int r;

	ms_tpm_let_go(t);
	r = read_credential(id, id_len, seed, seed_len, &object, &secret, err);
	if (r == 0)
		r = ms_ek_use(t, &ek, &transient, err);
	if (r == 0)
		r = ms_ak_use(t, &ak, &ak_pub, err);
	if (r == 0)
		r = activate(t, ak, ek, &object, &secret, ret, err);
	flush(t, ak);
	if (transient)
		flush(t, ek);
	else if (ek != ESYS_TR_NONE)
		Esys_TR_Close(t->esys, &ek);
	return r;
}
