/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tpm/ek.h"

#include <errno.h>

#include "lib/der.h"
#include "lib/tpm_evidence.h"
#include "lib/limits.h"
#include "tpm/sign.h"

#define NV_CHUNK 512u	  /* what every TPM reads at once */
#define NV_CERT_MAX 4096u /* bytes of one index */
#define NV_CHAIN_FIRST 0x01c00100u
#define NV_CHAIN_LAST 0x01c001ffu
#define CHAIN_MAX 6144u
#define EK_RSA_PERSISTENT 0x81010001u

#define PRIMARY                                           \
	(TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | \
	 TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_RESTRICTED)

/* PolicySecret(TPM_RH_ENDORSEMENT): TCG EK Credential Profile, B.3.2 */
static const TPM2B_DIGEST ek_policy = {
	.size = 32,
	.buffer = {0x83, 0x71, 0x97, 0x67, 0x44, 0x84, 0xb3, 0xf8, 0x1a, 0x90, 0xcc,
		   0x8d, 0x46, 0xa5, 0xd7, 0x24, 0xfd, 0x52, 0xd7, 0x6e, 0x06, 0x52,
		   0x0b, 0x64, 0xf2, 0xa1, 0xda, 0x1b, 0x33, 0x14, 0x69, 0xaa}};

/* ------------------------------------------------------------------ NV memory */

static bool nv_exists(struct ms_tpm *t, TPM2_HANDLE index)
{
	_cleanup_esys_ TPMS_CAPABILITY_DATA *caps = NULL;
	TPMI_YES_NO more;

	return Esys_GetCapability(t->esys, MS_NO_SESSIONS, TPM2_CAP_HANDLES, index, 1,
				  &more, &caps) == TSS2_RC_SUCCESS &&
	       caps->data.handles.count > 0 && caps->data.handles.handle[0] == index;
}

static TSS2_RC nv_read_from(struct ms_tpm *t, ESYS_TR nv, struct ms_buf *out)
{
	_cleanup_esys_ TPM2B_NV_PUBLIC *pub = NULL;
	TSS2_RC rc = Esys_NV_ReadPublic(t->esys, nv, MS_NO_SESSIONS, &pub, NULL);
	uint16_t size = rc == TSS2_RC_SUCCESS ? pub->nvPublic.dataSize : 0;

	if (size > NV_CERT_MAX)
		return TPM2_RC_SIZE;
	for (uint16_t at = 0; rc == TSS2_RC_SUCCESS && at < size; at += NV_CHUNK) {
		_cleanup_esys_ TPM2B_MAX_NV_BUFFER *data = NULL;
		uint16_t n = (uint16_t)MS_MIN(NV_CHUNK, (unsigned int)(size - at));

		rc = Esys_NV_Read(t->esys, nv, nv, ESYS_TR_PASSWORD, ESYS_TR_NONE,
				  ESYS_TR_NONE, n, at, &data);
		if (rc == TSS2_RC_SUCCESS)
			ms_buf_put(out, data->buffer, data->size);
	}
	return rc;
}

static int nv_read(struct ms_tpm *t, TPM2_HANDLE index, struct ms_buf *out,
		   struct ms_error *err)
{
	ESYS_TR nv = ESYS_TR_NONE;
	TSS2_RC rc = Esys_TR_FromTPMPublic(t->esys, index, MS_NO_SESSIONS, &nv);

	if (rc == TSS2_RC_SUCCESS)
		rc = nv_read_from(t, nv, out);
	if (nv != ESYS_TR_NONE)
		Esys_TR_Close(t->esys, &nv);
	if (rc == TSS2_RC_SUCCESS)
		return ms_buf_error(out);
	return ms_tpm_explain(rc, "read the endorsement key's certificate", err);
}

/* What is DER at the start of an index; some vendors fill the rest with anything. */
static void put_der(const struct ms_buf *nv, struct ms_buf *out, size_t most)
{
	struct ms_reader r = MS_READER(nv->data, nv->len);
	struct ms_der e;

	while (most-- && r.left && *r.p == MS_DER_SEQUENCE && ms_der_any(&r, &e) == 0)
		ms_buf_put(out, e.der, e.der_len);
}

/* Certificates between the EK's and the manufacturer's root (2.2.1.5.2) */
static int put_chain(struct ms_tpm *t, struct ms_buf *out, struct ms_error *err)
{
	_cleanup_buf_ struct ms_buf chain = MS_BUF_INIT(CHAIN_MAX);
	_cleanup_esys_ TPMS_CAPABILITY_DATA *caps = NULL;
	TPMI_YES_NO more;
	TSS2_RC rc = Esys_GetCapability(t->esys, MS_NO_SESSIONS, TPM2_CAP_HANDLES,
					NV_CHAIN_FIRST, 16, &more, &caps);

	if (rc != TSS2_RC_SUCCESS)
		return ms_tpm_explain(rc, "look for the endorsement key's certificates",
				      err);
	for (uint32_t i = 0; i < caps->data.handles.count; i++) {
		_cleanup_buf_ struct ms_buf nv = MS_BUF_INIT(NV_CERT_MAX);

		if (caps->data.handles.handle[i] > NV_CHAIN_LAST)
			break;
		/* They can be given as files, too; what cannot be read is no failure. */
		if (nv_read(t, caps->data.handles.handle[i], &nv, NULL) == 0)
			put_der(&nv, &chain, 8);
	}
	if (ms_buf_error(&chain) == 0)
		ms_tpm_evidence_put(out, MS_EV_EK_CHAIN, chain.data, chain.len);
	return 0;
}

static TPM2_HANDLE ek_index(struct ms_tpm *t)
{
	if (nv_exists(t, MS_NV_EK_RSA))
		return MS_NV_EK_RSA;
	return nv_exists(t, MS_NV_EK_ECC) ? MS_NV_EK_ECC : 0;
}

int ms_ek_put_certs(struct ms_tpm *t, struct ms_buf *out, struct ms_error *err)
{
	_cleanup_buf_ struct ms_buf nv = MS_BUF_INIT(NV_CERT_MAX),
				    cert = MS_BUF_INIT(NV_CERT_MAX);
	TPM2_HANDLE index = ek_index(t);
	int r;

	if (!index)
		return 0;
	r = nv_read(t, index, &nv, err);
	if (r < 0)
		return r;
	put_der(&nv, &cert, 1);
	ms_tpm_evidence_put(out, MS_EV_EK_CERT, cert.data, cert.len);
	return put_chain(t, out, err);
}

/* ------------------------------------------------------------------- primaries */

/* Templates L-1 and L-2 of the TCG EK Credential Profile, B.3.3 and B.3.4 */
static void ek_template(bool rsa, TPM2B_PUBLIC *ret)
{
	TPMT_PUBLIC *p = &ret->publicArea;
	TPMT_SYM_DEF_OBJECT *sym = rsa ? &p->parameters.rsaDetail.symmetric
				       : &p->parameters.eccDetail.symmetric;

	memset(ret, 0, sizeof(*ret));
	p->nameAlg = TPM2_ALG_SHA256;
	p->objectAttributes = PRIMARY | TPMA_OBJECT_ADMINWITHPOLICY | TPMA_OBJECT_DECRYPT;
	p->authPolicy = ek_policy;
	sym->algorithm = TPM2_ALG_AES;
	sym->keyBits.aes = 128;
	sym->mode.aes = TPM2_ALG_CFB;
	if (rsa) {
		p->type = TPM2_ALG_RSA;
		p->parameters.rsaDetail.scheme.scheme = TPM2_ALG_NULL;
		p->parameters.rsaDetail.keyBits = 2048;
		p->unique.rsa.size = 256;
		return;
	}
	p->type = TPM2_ALG_ECC;
	p->parameters.eccDetail.scheme.scheme = TPM2_ALG_NULL;
	p->parameters.eccDetail.curveID = TPM2_ECC_NIST_P256;
	p->parameters.eccDetail.kdf.scheme = TPM2_ALG_NULL;
	p->unique.ecc.x.size = 32;
	p->unique.ecc.y.size = 32;
}

static void ak_template(bool rsa, TPM2B_PUBLIC *ret)
{
	TPMT_PUBLIC *p = &ret->publicArea;

	memset(ret, 0, sizeof(*ret));
	p->nameAlg = TPM2_ALG_SHA256;
	p->objectAttributes = PRIMARY | TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_NODA |
			      TPMA_OBJECT_SIGN_ENCRYPT;
	if (rsa) {
		p->type = TPM2_ALG_RSA;
		p->parameters.rsaDetail.symmetric.algorithm = TPM2_ALG_NULL;
		p->parameters.rsaDetail.scheme.scheme = TPM2_ALG_RSASSA;
		p->parameters.rsaDetail.scheme.details.rsassa.hashAlg = TPM2_ALG_SHA256;
		p->parameters.rsaDetail.keyBits = 2048;
		return;
	}
	p->type = TPM2_ALG_ECC;
	p->parameters.eccDetail.symmetric.algorithm = TPM2_ALG_NULL;
	p->parameters.eccDetail.scheme.scheme = TPM2_ALG_ECDSA;
	p->parameters.eccDetail.scheme.details.ecdsa.hashAlg = TPM2_ALG_SHA256;
	p->parameters.eccDetail.curveID = TPM2_ECC_NIST_P256;
	p->parameters.eccDetail.kdf.scheme = TPM2_ALG_NULL;
}

static TSS2_RC primary(struct ms_tpm *t, const TPM2B_PUBLIC *template, ESYS_TR *ret,
		       TPM2B_PUBLIC **ret_pub)
{
	const TPM2B_SENSITIVE_CREATE no_auth = {0};
	const TPM2B_DATA no_info = {0};
	const TPML_PCR_SELECTION no_pcrs = {0};

	return Esys_CreatePrimary(t->esys, ESYS_TR_RH_ENDORSEMENT, ESYS_TR_PASSWORD,
				  ESYS_TR_NONE, ESYS_TR_NONE, &no_auth, template,
				  &no_info, &no_pcrs, ret, ret_pub, NULL, NULL, NULL);
}

/* The persistent one, if it is what the template makes. */
static bool ek_persistent(struct ms_tpm *t, ESYS_TR *ret)
{
	_cleanup_esys_ TPM2B_PUBLIC *pub = NULL;
	TPM2B_PUBLIC want;
	ESYS_TR tr = ESYS_TR_NONE;

	if (!nv_exists(t, EK_RSA_PERSISTENT) ||
	    Esys_TR_FromTPMPublic(t->esys, EK_RSA_PERSISTENT, MS_NO_SESSIONS, &tr) !=
		    TSS2_RC_SUCCESS)
		return false;
	ek_template(true, &want);
	if (Esys_ReadPublic(t->esys, tr, MS_NO_SESSIONS, &pub, NULL, NULL) ==
		    TSS2_RC_SUCCESS &&
	    pub->publicArea.type == TPM2_ALG_RSA &&
	    pub->publicArea.objectAttributes == want.publicArea.objectAttributes &&
	    pub->publicArea.authPolicy.size == ek_policy.size &&
	    !memcmp(pub->publicArea.authPolicy.buffer, ek_policy.buffer,
		    ek_policy.size)) {
		*ret = tr;
		return true;
	}
	Esys_TR_Close(t->esys, &tr);
	return false;
}

int ms_ek_use(struct ms_tpm *t, ESYS_TR *ret, bool *ret_transient, struct ms_error *err)
{
	_cleanup_esys_ TPM2B_PUBLIC *pub = NULL;
	TPM2_HANDLE index = ek_index(t);
	TPM2B_PUBLIC template;
	TSS2_RC rc;

	if (!index)
		return ms_error_set(err, -ENOPKG, "tpm-no-ek-certificate",
				    "this TPM has no certificate of its endorsement key "
				    "for RSA-2048 or P-256: nobody can vouch for it");
	*ret_transient = false;
	if (index == MS_NV_EK_RSA && ek_persistent(t, ret))
		return 0;
	ek_template(index == MS_NV_EK_RSA, &template);
	rc = primary(t, &template, ret, &pub);
	*ret_transient = rc == TSS2_RC_SUCCESS;
	return ms_tpm_explain(rc, "create the endorsement key", err);
}

/* An error that says: this TPM has no such curve, or no curves at all. */
static bool lacks_ecc(TSS2_RC rc)
{
	uint32_t e = rc & (TPM2_RC_FMT1 | 0x3f);

	return !(rc & TSS2_RC_LAYER_MASK) &&
	       (e == TPM2_RC_CURVE || e == TPM2_RC_TYPE || e == TPM2_RC_ASYMMETRIC);
}

int ms_ak_use(struct ms_tpm *t, ESYS_TR *ret, TPM2B_PUBLIC **ret_pub,
	      struct ms_error *err)
{
	struct ms_tpm_info info;
	TPM2B_PUBLIC template;
	TSS2_RC rc;
	bool rsa;
	int r = ms_tpm_info(t, &info, err);

	if (r < 0)
		return r;
	rsa = ms_tpm_leaks_ecdsa(&info);
	ak_template(rsa, &template);
	rc = primary(t, &template, ret, ret_pub);
	if (!rsa && lacks_ecc(rc)) {
		ak_template(true, &template);
		rc = primary(t, &template, ret, ret_pub);
	}
	return ms_tpm_explain(rc, "create the attestation key", err);
}
