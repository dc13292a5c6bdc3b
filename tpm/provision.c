/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A secret that another machine wrapped to this TPM's SRK: import, then unseal. */
#include <errno.h>
#include <tss2/tss2_mu.h>

#include "tpm/attest.h"
#include "tpm/use.h"

static int damaged(struct ms_error *err)
{
	return ms_error_set(err, -EBADMSG, "provision-damaged",
			    "the provisioned key is damaged: the TPM does not take it: "
			    "have it made again on the machine that it comes from");
}

static int unmarshal(const struct ms_tpm_blob *blob, const uint8_t *seed, size_t seed_len,
		     TPM2B_PUBLIC *pub, TPM2B_PRIVATE *priv, TPM2B_ENCRYPTED_SECRET *sec,
		     struct ms_error *err)
{
	size_t a = 0, b = 0, c = 0;

	memset(pub, 0, sizeof(*pub));
	memset(priv, 0, sizeof(*priv));
	memset(sec, 0, sizeof(*sec));
	if (Tss2_MU_TPM2B_PUBLIC_Unmarshal(blob->pub, blob->pub_len, &a, pub) !=
		    TSS2_RC_SUCCESS ||
	    a != blob->pub_len ||
	    Tss2_MU_TPM2B_PRIVATE_Unmarshal(blob->priv, blob->priv_len, &b, priv) !=
		    TSS2_RC_SUCCESS ||
	    b != blob->priv_len ||
	    Tss2_MU_TPM2B_ENCRYPTED_SECRET_Unmarshal(seed, seed_len, &c, sec) !=
		    TSS2_RC_SUCCESS ||
	    c != seed_len)
		return damaged(err);
	return 0;
}

/* @blob: @priv becomes the SRK's own wrapping */
static int import(struct ms_use *u, struct ms_tpm_blob *blob, const uint8_t *seed,
		  size_t seed_len, struct ms_error *err)
{
	const TPMT_SYM_DEF_OBJECT no_inner = {.algorithm = TPM2_ALG_NULL};
	const TPM2B_DATA no_key = {0};
	_cleanup_esys_ TPM2B_PRIVATE *out = NULL;
	TPM2B_ENCRYPTED_SECRET secret;
	TPM2B_PRIVATE priv;
	TPM2B_PUBLIC pub;
	TSS2_RC rc;
	int r;

	r = unmarshal(blob, seed, seed_len, &pub, &priv, &secret, err);
	if (r == 0)
		r = ms_srk_use(u->t, 0, &u->srk, err);
	if (r < 0)
		return r;
	if (u->srk.name_len != blob->srk_name_len ||
	    memcmp(u->srk.name, blob->srk_name, blob->srk_name_len) != 0)
		return ms_error_set(err, -ESTALE, "provision-other",
				    "the key was provisioned for another TPM: have it "
				    "made for this machine's identity (modseal tpm "
				    "identity)");
	rc = Esys_Import(u->t->esys, u->srk.tr, ESYS_TR_PASSWORD, ESYS_TR_NONE,
			 ESYS_TR_NONE, &no_key, &pub, &priv, &secret, &no_inner, &out);
	if (!(rc & TSS2_RC_LAYER_MASK) && (rc & TPM2_RC_FMT1) && (rc & TPM2_RC_P))
		return damaged(err);
	if (rc != TSS2_RC_SUCCESS)
		return ms_tpm_explain(rc, u->what, err);
	blob->parent = u->srk.parent;
	blob->priv_len = 0;
	rc = Tss2_MU_TPM2B_PRIVATE_Marshal(out, blob->priv, sizeof(blob->priv),
					   &blob->priv_len);
	return ms_tpm_explain(rc, u->what, err);
}

int ms_tpm_import_secret(struct ms_tpm *t, const struct ms_tpm_blob *blob,
			 const uint8_t *seed, size_t seed_len,
			 uint8_t ret[MS_TPM_SECRET_LEN], struct ms_error *err)
{
	struct ms_use u = MS_USE_INIT(t, "import the provisioned key");
	struct ms_tpm_blob own = *blob;
	int r;

	own.pcrs = 0;
	own.has_pin = false;
	ms_tpm_let_go(t);
	r = import(&u, &own, seed, seed_len, err);
	ms_use_drop(&u);
	if (r == 0 && ms_tpm_name(own.pub, own.pub_len, own.name, &own.name_len) < 0)
		r = damaged(err);
	return r < 0 ? r : ms_tpm_unseal(t, &own, NULL, ret, err);
}
