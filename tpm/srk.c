// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The storage root key: the persistent one, or the TCG's ECC template.
 */
#include <errno.h>
#include <tss2/tss2_mu.h>
#include "lib/hash.h"
#include "tpm/internal.h"

/*
 * ECC P-256 storage parent with an empty unique field and noDA: what a parent of
 * 0x40000001 means in a TSS2 PRIVATE KEY file (TCG TPM v2.0 Provisioning
 * Guidance, 7.5.1).
 */
static const TPM2B_PUBLIC ecc_template = {
	.publicArea =
		{
			.type = TPM2_ALG_ECC,
			.nameAlg = TPM2_ALG_SHA256,
			.objectAttributes = TPMA_OBJECT_FIXEDTPM |
					    TPMA_OBJECT_FIXEDPARENT |
					    TPMA_OBJECT_SENSITIVEDATAORIGIN |
					    TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_NODA |
					    TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT,
			.parameters.eccDetail =
				{
					.symmetric = {.algorithm = TPM2_ALG_AES,
						      .keyBits.aes = 128,
						      .mode.aes = TPM2_ALG_CFB},
					.scheme.scheme = TPM2_ALG_NULL,
					.curveID = TPM2_ECC_NIST_P256,
					.kdf.scheme = TPM2_ALG_NULL,
				},
		},
};

int ms_tpm_name(const uint8_t *pub, size_t len, uint8_t ret[MS_TPM_NAME_MAX],
		size_t *ret_len)
{
	struct ms_reader r = MS_READER(pub, len);
	uint16_t size = ms_reader_u16(&r), alg;
	const uint8_t *area = r.p;
	enum ms_hash hash;
	uint8_t name[MS_TPM_NAME_MAX];

	ms_reader_u16(&r);
	alg = ms_reader_u16(&r);
	if (ms_reader_error(&r) < 0 || size != len - 2)
		return -EBADMSG;
	if (alg == TPM2_ALG_SHA256)
		hash = MS_HASH_SHA256;
	else if (alg == TPM2_ALG_SHA384)
		hash = MS_HASH_SHA384;
	else if (alg == TPM2_ALG_SHA512)
		hash = MS_HASH_SHA512;
	else
		return -ENOPKG;
	name[0] = (uint8_t)(alg >> 8);
	name[1] = (uint8_t)alg;
	if (ms_digest(hash, area, size, name + 2) < 0)
		return -ENOPKG;
	*ret_len = 2 + ms_hash_size(hash);
	memcpy(ret, name, *ret_len);
	return 0;
}

/*
 * ESYS encrypts the salt to the public area that it keeps with its handle. So the Name is
 * computed from @pub here, and @pub has to be what ESYS keeps.
 */
static int pin_name(struct ms_tpm *t, const TPM2B_PUBLIC *pub, struct ms_srk *s,
		    struct ms_error *err)
{
	_cleanup_esys_ uint8_t *kept = NULL;
	uint8_t bytes[sizeof(*pub)];
	size_t len = 0, kept_len = 0;
	TSS2_RC rc;

	rc = Tss2_MU_TPM2B_PUBLIC_Marshal(pub, bytes, sizeof(bytes), &len);
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_TR_Serialize(t->esys, s->tr, &kept, &kept_len);
	if (rc != TSS2_RC_SUCCESS)
		return ms_tpm_explain(rc, "read the storage root key", err);
	if (!memmem(kept, kept_len, bytes, len))
		return ms_error_set(err, -EIO, "tpm-tampered",
				    "cannot use the storage root key: the TPM showed two "
				    "different ones: power off and inspect the machine");
	if (ms_tpm_name(bytes, len, s->name, &s->name_len) < 0)
		return ms_error_set(err, -ENOPKG, "tpm-unsupported",
				    "cannot use the storage root key: its hash is "
				    "unknown: make it again with SHA-256");
	return 0;
}

static int use_persistent(struct ms_tpm *t, struct ms_srk *s, struct ms_error *err)
{
	_cleanup_esys_ TPM2B_PUBLIC *pub = NULL;
	const TPMA_OBJECT need = TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT;
	TSS2_RC rc;

	rc = Esys_TR_FromTPMPublic(t->esys, MS_TPM_PARENT_SRK, MS_NO_SESSIONS, &s->tr);
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_ReadPublic(t->esys, s->tr, MS_NO_SESSIONS, &pub, NULL, NULL);
	if (rc != TSS2_RC_SUCCESS)
		return ms_tpm_explain(rc, "use the storage root key", err);
	if ((pub->publicArea.objectAttributes & need) != need)
		return ms_error_set(
			err, -ENOPKG, "tpm-unsupported",
			"cannot use the storage root key: the object at 0x81000001 is no "
			"storage key: remove it with tpm2_evictcontrol");
	s->parent = MS_TPM_PARENT_SRK;
	return pin_name(t, pub, s, err);
}

static TSS2_RC create_primary(struct ms_tpm *t, ESYS_TR hierarchy, ESYS_TR *ret,
			      TPM2B_PUBLIC **ret_pub)
{
	const TPM2B_SENSITIVE_CREATE no_auth = {0};
	const TPM2B_DATA no_info = {0};
	const TPML_PCR_SELECTION no_pcrs = {0};

	return Esys_CreatePrimary(t->esys, hierarchy, ESYS_TR_PASSWORD, ESYS_TR_NONE,
				  ESYS_TR_NONE, &no_auth, &ecc_template, &no_info,
				  &no_pcrs, ret, ret_pub, NULL, NULL, NULL);
}

static int use_template(struct ms_tpm *t, struct ms_srk *s, struct ms_error *err)
{
	_cleanup_esys_ TPM2B_PUBLIC *pub = NULL;
	TSS2_RC rc;

	rc = create_primary(t, ESYS_TR_RH_OWNER, &s->tr, &pub);
	if (rc != TSS2_RC_SUCCESS)
		return ms_tpm_explain(rc, "create the storage root key", err);
	s->transient = true;
	s->parent = MS_TPM_PARENT_OWNER;
	return pin_name(t, pub, s, err);
}

/* Made from the same seed and template it is the same key: its Name stands for the seed.
 */
static bool seed_of(struct ms_tpm *t, ESYS_TR hierarchy, uint8_t ret[32])
{
	_cleanup_esys_ TPM2B_PUBLIC *pub = NULL;
	struct ms_srk s = {.tr = ESYS_TR_NONE, .transient = true};
	bool good;

	if (create_primary(t, hierarchy, &s.tr, &pub) != TSS2_RC_SUCCESS)
		return false;
	good = pin_name(t, pub, &s, NULL) == 0 && s.name_len == 34;
	if (good)
		memcpy(ret, s.name + 2, 32);
	ms_srk_drop(t, &s);
	return good;
}

void ms_tpm_birth(struct ms_tpm *t, const struct ms_srk *srk, struct ms_tpm_birth *ret)
{
	struct ms_tpm_birth b = {.known = false};

	b.known = seed_of(t, ESYS_TR_RH_ENDORSEMENT, b.chip);
	if (srk && srk->parent == MS_TPM_PARENT_OWNER && srk->name_len == 34)
		memcpy(b.owner, srk->name + 2, 32);
	else if (b.known)
		b.known = seed_of(t, ESYS_TR_RH_OWNER, b.owner);
	*ret = b;
}

static int persistent_exists(struct ms_tpm *t, bool *ret, struct ms_error *err)
{
	_cleanup_esys_ TPMS_CAPABILITY_DATA *caps = NULL;
	TPMI_YES_NO more;
	TSS2_RC rc;

	rc = Esys_GetCapability(t->esys, MS_NO_SESSIONS, TPM2_CAP_HANDLES,
				MS_TPM_PARENT_SRK, 1, &more, &caps);
	if (rc != TSS2_RC_SUCCESS)
		return ms_tpm_explain(rc, "look for the storage root key", err);
	*ret = caps->data.handles.count > 0 &&
	       caps->data.handles.handle[0] == MS_TPM_PARENT_SRK;
	return 0;
}

int ms_srk_use(struct ms_tpm *t, uint32_t parent, struct ms_srk *ret,
	       struct ms_error *err)
{
	struct ms_srk s = {.tr = ESYS_TR_NONE};
	bool persistent = false;
	int r = 0;

	if (parent != MS_TPM_PARENT_OWNER)
		r = persistent_exists(t, &persistent, err);
	if (r < 0)
		return r;
	/* A persistent one that is gone may have been made from the template: names tell.
	 */
	r = persistent ? use_persistent(t, &s, err) : use_template(t, &s, err);
	if (r < 0) {
		ms_srk_drop(t, &s);
		return r;
	}
	*ret = s;
	return 0;
}

void ms_srk_drop(struct ms_tpm *t, struct ms_srk *s)
{
	if (s->tr == ESYS_TR_NONE)
		return;
	if (s->transient)
		Esys_FlushContext(t->esys, s->tr);
	else
		Esys_TR_Close(t->esys, &s->tr);
	s->tr = ESYS_TR_NONE;
}
