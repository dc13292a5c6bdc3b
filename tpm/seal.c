// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sealing and unsealing a secret of 32 bytes.
 */
#include <errno.h>
#include "lib/secmem.h"
#include "tpm/policy.h"
#include "tpm/use.h"

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

static int seal(struct ms_use *u, const uint8_t *secret, const char *pin,
		struct ms_tpm_blob *blob, struct ms_error *err)
{
	TPM2B_SENSITIVE_CREATE in = {0};
	TPM2B_PUBLIC template;
	int r = 0;

	if (pin)
		r = ms_pin_to_auth(pin, &in.sensitive.userAuth, err);
	if (r == 0) {
		in.sensitive.data.size = MS_TPM_SECRET_LEN;
		memcpy(in.sensitive.data.buffer, secret, MS_TPM_SECRET_LEN);
		ms_sealed_template(&template);
		r = ms_use_create(u, &in, &template, blob, err);
	}
	if (r == 0)
		r = ms_tpm_blob_check(blob, err);
	ms_wipe(&in, sizeof(in));
	return r;
}

/* The TPM takes its own object back, which is all that can be tried ahead of time. */
static int prove_loads(struct ms_tpm *t, const struct ms_tpm_blob *blob, const char *pin,
		       struct ms_error *err)
{
	struct ms_use u = MS_USE_INIT(t, "load the sealed key");
	int r = ms_use_load(&u, blob, pin, err);

	ms_use_drop(&u);
	return r;
}

int ms_tpm_seal(struct ms_tpm *t, const uint8_t secret[MS_TPM_SECRET_LEN], uint32_t pcrs,
		const char *pin, struct ms_tpm_blob *ret, struct ms_error *err)
{
	const struct ms_tpm_blob want = {.pcrs = pcrs};

	return ms_tpm_seal_for(t, secret, &want, false, pin, ret, err);
}

int ms_tpm_seal_for(struct ms_tpm *t, const uint8_t secret[MS_TPM_SECRET_LEN],
		    const struct ms_tpm_blob *want, bool foretold, const char *pin,
		    struct ms_tpm_blob *ret, struct ms_error *err)
{
	struct ms_tpm_blob blob;
	struct ms_use u = MS_USE_INIT(t, "seal the key");
	int r;

	ms_policy_copy(want, pin != NULL, &blob);
	u.foretold = foretold;
	r = seal(&u, secret, pin, &blob, err);
	ms_use_drop(&u);
	if (r == 0 && foretold)
		r = prove_loads(t, &blob, pin, err);
	else if (r == 0)
		r = prove(t, secret, pin, &blob, err);
	if (r < 0)
		return r;
	*ret = blob;
	return 0;
}

static TSS2_RC unseal(struct ms_use *u, void *arg)
{
	TPM2B_SENSITIVE_DATA *secret = NULL;
	TSS2_RC rc;

	rc = Esys_Unseal(u->t->esys, u->object, u->session, u->cipher, ESYS_TR_NONE,
			 &secret);
	if (rc != TSS2_RC_SUCCESS)
		return rc;
	if (secret->size != MS_TPM_SECRET_LEN)
		rc = TPM2_RC_SIZE;
	else
		memcpy(arg, secret->buffer, MS_TPM_SECRET_LEN);
	ms_wipe(secret, sizeof(*secret));
	Esys_Free(secret);
	return rc;
}

int ms_tpm_unseal(struct ms_tpm *t, const struct ms_tpm_blob *blob, const char *pin,
		  uint8_t ret[MS_TPM_SECRET_LEN], struct ms_error *err)
{
	struct ms_use u = MS_USE_INIT(t, "unseal the key");
	int r;

	r = ms_use_load(&u, blob, pin, err);
	if (r == 0)
		r = ms_use_run(&u, blob, TPMA_SESSION_ENCRYPT, unseal, ret, err);
	ms_use_drop(&u);
	return r;
}
