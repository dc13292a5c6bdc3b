// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <tss2/tss2_mu.h>
#include "lib/hash.h"
#include "lib/key_public.h"
#include "lib/secmem.h"
#include "tpm/policy.h"
#include "tpm/sign.h"
#include "tpm/use.h"

bool ms_tpm_leaks_ecdsa(const struct ms_tpm_info *i)
{
	static const char *const bad[] = {"11.5.0.1058", "11.6.10.1196", "303.12.0.0"};

	if (strcmp(i->manufacturer, "INTC") != 0)
		return false;
	for (size_t k = 0; k < ARRAY_SIZE(bad); k++)
		if (!strcmp(i->firmware, bad[k]))
			return true;
	return false;
}

static int refuse_leaky(struct ms_tpm *t, struct ms_error *err)
{
	struct ms_tpm_info i;
	int r;

	if (t->asked_firmware && !t->leaks_ecdsa)
		return 0;
	r = ms_tpm_info(t, &i, err);
	if (r < 0)
		return r;
	t->asked_firmware = true;
	t->leaks_ecdsa = ms_tpm_leaks_ecdsa(&i);
	if (!t->leaks_ecdsa)
		return 0;
	return ms_error_set(err, -ENOPKG, "tpm-leaks",
			    "this TPM's firmware, Intel %s, gives ECDSA keys away "
			    "(CVE-2019-11090): update it, or choose RSA",
			    i.firmware);
}

/* ---------------------------------------------------------------- create */

static int template(enum ms_alg alg, bool raw, TPM2B_PUBLIC *ret)
{
	TPMT_PUBLIC *p = &ret->publicArea;
	TPMS_RSA_PARMS *rsa = &p->parameters.rsaDetail;
	TPMS_ECC_PARMS *ecc = &p->parameters.eccDetail;

	memset(ret, 0, sizeof(*ret));
	p->nameAlg = TPM2_ALG_SHA256;
	p->objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
			      TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_SIGN_ENCRYPT;
	if (raw && !ms_alg_is_rsa(alg))
		return -EINVAL;
	/* Raw RSA is decryption of what the host has padded. */
	if (raw)
		p->objectAttributes |= TPMA_OBJECT_DECRYPT;
	if (ms_alg_is_rsa(alg)) {
		p->type = TPM2_ALG_RSA;
		rsa->symmetric.algorithm = TPM2_ALG_NULL;
		rsa->scheme.scheme = TPM2_ALG_NULL;
		rsa->keyBits = alg == MS_ALG_RSA2048   ? 2048
			       : alg == MS_ALG_RSA3072 ? 3072
						       : 4096;
		return 0;
	}
	p->type = TPM2_ALG_ECC;
	ecc->symmetric.algorithm = TPM2_ALG_NULL;
	ecc->scheme.scheme = TPM2_ALG_NULL;
	ecc->kdf.scheme = TPM2_ALG_NULL;
	if (alg == MS_ALG_P256)
		ecc->curveID = TPM2_ECC_NIST_P256;
	else if (alg == MS_ALG_P384)
		ecc->curveID = TPM2_ECC_NIST_P384;
	else if (alg == MS_ALG_P521)
		ecc->curveID = TPM2_ECC_NIST_P521;
	else
		return -EINVAL;
	return 0;
}

static int create(struct ms_use *u, enum ms_alg alg, bool raw, const char *pin,
		  struct ms_tpm_blob *blob, struct ms_error *err)
{
	TPM2B_SENSITIVE_CREATE in = {0};
	TPM2B_PUBLIC want;
	int r = 0;

	if (template(alg, raw, &want) < 0)
		return ms_error_set(err, -EINVAL, "bad-algorithm",
				    "no such algorithm for a key in a TPM: choose "
				    "rsa2048, rsa3072, %s",
				    raw ? "as scheme raw is for RSA alone"
					: "p256 or p384");
	if (!ms_alg_is_rsa(alg))
		r = refuse_leaky(u->t, err);
	if (r == 0 && pin)
		r = ms_pin_to_auth(pin, &in.sensitive.userAuth, err);
	if (r == 0)
		r = ms_use_create(u, &in, &want, blob, err);
	ms_wipe(&in, sizeof(in));
	return r == 0 ? ms_tpm_key_check(blob, err) : r;
}

int ms_tpm_key_create(struct ms_tpm *t, enum ms_alg alg, uint32_t pcrs, const char *pin,
		      struct ms_tpm_blob *ret, struct ms_error *err)
{
	const struct ms_tpm_blob want = {.pcrs = pcrs};

	return ms_tpm_key_create_for(t, alg, false, &want, pin, ret, err);
}

int ms_tpm_key_create_for(struct ms_tpm *t, enum ms_alg alg, bool raw,
			  const struct ms_tpm_blob *want, const char *pin,
			  struct ms_tpm_blob *ret, struct ms_error *err)
{
	struct ms_tpm_blob blob;
	struct ms_use u = MS_USE_INIT(t, "create the key");
	int r;

	ms_policy_copy(want, pin != NULL, &blob);
	r = create(&u, alg, raw, pin, &blob, err);
	ms_use_drop(&u);
	if (r == 0)
		*ret = blob;
	return r;
}

/* ----------------------------------------------------------------- check */

static int damaged(struct ms_error *err)
{
	return ms_error_set(err, -EBADMSG, "key-file-damaged",
			    "the TPM's key in the key file is damaged: restore the file "
			    "from its backup");
}

static int unmarshal(const struct ms_tpm_blob *blob, TPM2B_PUBLIC *ret)
{
	size_t at = 0;

	memset(ret, 0, sizeof(*ret));
	if (blob->pub_len > sizeof(blob->pub) ||
	    Tss2_MU_TPM2B_PUBLIC_Unmarshal(blob->pub, blob->pub_len, &at, ret) !=
		    TSS2_RC_SUCCESS ||
	    at != blob->pub_len)
		return -EBADMSG;
	return 0;
}

/* What is said of keys in the TPM, that they stay there under their policy, has to hold.
 */
static int check_attributes(const TPMT_PUBLIC *p, struct ms_error *err)
{
	const TPMA_OBJECT fixed = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT;
	TPMA_OBJECT attrs = p->objectAttributes;

	if ((p->type != TPM2_ALG_RSA && p->type != TPM2_ALG_ECC) ||
	    !(attrs & TPMA_OBJECT_SIGN_ENCRYPT) || (attrs & TPMA_OBJECT_RESTRICTED))
		return ms_error_set(err, -ENOPKG, "key-file-foreign",
				    "the key in the key file may not sign modules: "
				    "create one with modseal key create");
	if ((attrs & fixed) != fixed)
		return ms_error_set(err, -ENOPKG, "key-file-foreign",
				    "the key in the key file can be taken out of the "
				    "TPM, as fixedTPM or fixedParent is clear: create "
				    "one with modseal key create");
	if (p->authPolicy.size && (attrs & TPMA_OBJECT_USERWITHAUTH))
		return ms_error_set(err, -ENOPKG, "key-file-foreign",
				    "the key in the key file can be used without its "
				    "policy, as userWithAuth is set: create one with "
				    "modseal key create");
	return 0;
}

int ms_tpm_key_check(struct ms_tpm_blob *blob, struct ms_error *err)
{
	TPM2B_PUBLIC pub;
	TPM2B_PRIVATE priv = {0};
	uint8_t policy[32];
	size_t at = 0, len = 0;
	int r;

	if (unmarshal(blob, &pub) < 0 || blob->priv_len > sizeof(blob->priv) ||
	    Tss2_MU_TPM2B_PRIVATE_Unmarshal(blob->priv, blob->priv_len, &at, &priv) !=
		    TSS2_RC_SUCCESS ||
	    at != blob->priv_len || priv.size == 0)
		return damaged(err);
	r = check_attributes(&pub.publicArea, err);
	if (r < 0)
		return r;
	if (ms_policy_digest(blob, policy, &len) < 0)
		return ms_error_set(err, -EIO, NULL,
				    "cannot hash: OpenSSL has no SHA-256");
	if (len != pub.publicArea.authPolicy.size ||
	    memcmp(policy, pub.publicArea.authPolicy.buffer, len) != 0)
		return damaged(err);
	if (ms_tpm_name(blob->pub, blob->pub_len, blob->name, &blob->name_len) < 0)
		return damaged(err);
	return 0;
}

/* ---------------------------------------------------------------- public */

static EVP_PKEY *rsa_public(const TPMT_PUBLIC *p)
{
	const TPM2B_PUBLIC_KEY_RSA *n = &p->unique.rsa;
	uint32_t e = p->parameters.rsaDetail.exponent;

	if (n->size > sizeof(n->buffer))
		return NULL;
	return ms_key_from_rsa(n->buffer, n->size, e ? e : 65537);
}

static EVP_PKEY *ecc_public(const TPMT_PUBLIC *p)
{
	const TPMS_ECC_POINT *q = &p->unique.ecc;
	const char *name;
	uint8_t point[1 + 2 * 66] = {4};
	size_t n;

	switch (p->parameters.eccDetail.curveID) {
	case TPM2_ECC_NIST_P256:
		name = "P-256";
		n = 32;
		break;
	case TPM2_ECC_NIST_P384:
		name = "P-384";
		n = 48;
		break;
	case TPM2_ECC_NIST_P521:
		name = "P-521";
		n = 66;
		break;
	default:
		return NULL;
	}
	if (q->x.size > n || q->y.size > n)
		return NULL;
	memcpy(point + 1 + n - q->x.size, q->x.buffer, q->x.size);
	memcpy(point + 1 + 2 * n - q->y.size, q->y.buffer, q->y.size);
	return ms_key_from_ec(name, point, 1 + 2 * n);
}

int ms_tpm_key_public(const struct ms_tpm_blob *blob, EVP_PKEY **ret,
		      struct ms_error *err)
{
	EVP_PKEY *key = NULL;
	TPM2B_PUBLIC pub;

	if (unmarshal(blob, &pub) < 0)
		return damaged(err);
	if (pub.publicArea.type == TPM2_ALG_RSA)
		key = rsa_public(&pub.publicArea);
	else if (pub.publicArea.type == TPM2_ALG_ECC)
		key = ecc_public(&pub.publicArea);
	if (!key)
		return ms_error_set(err, -ENOPKG, "key-file-foreign",
				    "the TPM's public key is none that OpenSSL can use: "
				    "create one with modseal key create");
	*ret = key;
	return 0;
}

/* ------------------------------------------------------------------ sign */

/**
 * struct sign - one signature
 * @padded: what raw RSA is done with, and @raw what comes out; or @sig
 */
struct sign {
	TPMT_SIG_SCHEME scheme;
	TPM2B_DIGEST digest;
	TPMT_SIGNATURE *sig;
	TPM2B_PUBLIC_KEY_RSA padded, *raw;
};

static int set_scheme(struct sign *s, const EVP_PKEY *key, enum ms_hash hash)
{
	TPMI_ALG_HASH alg;

	switch ((int)hash) {
	case MS_HASH_SHA256:
		alg = TPM2_ALG_SHA256;
		break;
	case MS_HASH_SHA384:
		alg = TPM2_ALG_SHA384;
		break;
	case MS_HASH_SHA512:
		alg = TPM2_ALG_SHA512;
		break;
	case MS_HASH_SHA3_256:
		alg = TPM2_ALG_SHA3_256;
		break;
	case MS_HASH_SHA3_384:
		alg = TPM2_ALG_SHA3_384;
		break;
	case MS_HASH_SHA3_512:
		alg = TPM2_ALG_SHA3_512;
		break;
	default:
		return -ENOPKG;
	}
	s->scheme.scheme = EVP_PKEY_is_a(key, "RSA") ? TPM2_ALG_RSASSA : TPM2_ALG_ECDSA;
	s->scheme.details.any.hashAlg = alg;
	return 0;
}

static TSS2_RC run(struct ms_use *u, void *arg)
{
	const TPMT_TK_HASHCHECK from_outside = {.tag = TPM2_ST_HASHCHECK,
						.hierarchy = TPM2_RH_NULL};
	struct sign *s = arg;

	return Esys_Sign(u->t->esys, u->object, u->session, ESYS_TR_NONE, ESYS_TR_NONE,
			 &s->digest, &s->scheme, &from_outside, &s->sig);
}

/* ------------------------------------------------------------------- raw */

static int lacks(const EVP_PKEY *key, enum ms_hash hash, struct ms_error *err)
{
	return ms_error_set(
		err, -ENOPKG, "tpm-unsupported",
		"this TPM has no %s, so the key cannot sign such digests: "
		"choose sha256%s",
		ms_hash_name(hash),
		EVP_PKEY_is_a(key, "RSA") ? ", or make a key with --scheme raw" : "");
}

/* of 2.16.840.1.101.3.4.2, where all these hashes are */
static uint8_t last_arc(enum ms_hash hash)
{
	static const uint8_t arcs[] = {
		[MS_HASH_SHA256] = 1,	[MS_HASH_SHA384] = 2,	[MS_HASH_SHA512] = 3,
		[MS_HASH_SHA3_256] = 8, [MS_HASH_SHA3_384] = 9, [MS_HASH_SHA3_512] = 10};

	return (size_t)hash < ARRAY_SIZE(arcs) ? arcs[hash] : 0;
}

/* EMSA-PKCS1-v1_5 (RFC 8017, 9.2): 00 01 ff ... 00 DigestInfo. */
static int pad(struct sign *s, int size, enum ms_hash hash, struct ms_error *err)
{
	/* DigestInfo (RFC 8017, B.1): these bytes, but for three, then the digest */
	uint8_t info[19] = {0x30, 0,	0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
			    0x65, 0x03, 0x04, 0x02, 0,	  0x05, 0x00, 0x04, 0};
	size_t len = s->digest.size, fill;
	uint8_t *p = s->padded.buffer;

	info[1] = (uint8_t)(17 + len);
	info[18] = (uint8_t)len;
	info[14] = last_arc(hash);
	if (!info[14] || size < 0 || (size_t)size > sizeof(s->padded.buffer) ||
	    (size_t)size < 11 + sizeof(info) + len)
		return ms_error_set(err, -ENOPKG, "tpm-unsupported",
				    "no TPM signs with this hash: choose sha256");
	fill = (size_t)size - 3 - sizeof(info) - len;
	p[0] = 0;
	p[1] = 1;
	memset(p + 2, 0xff, fill);
	p[2 + fill] = 0;
	memcpy(p + 3 + fill, info, sizeof(info));
	memcpy(p + 3 + fill + sizeof(info), s->digest.buffer, len);
	s->padded.size = (uint16_t)size;
	return 0;
}

static TSS2_RC run_raw(struct ms_use *u, void *arg)
{
	const TPMT_RSA_DECRYPT none = {.scheme = TPM2_ALG_NULL};
	const TPM2B_DATA no_label = {0};
	struct sign *s = arg;

	return Esys_RSA_Decrypt(u->t->esys, u->object, u->session, ESYS_TR_NONE,
				ESYS_TR_NONE, &s->padded, &none, &no_label, &s->raw);
}

/* ---------------------------------------------------------------- finish */

static int ecdsa_der(const TPMS_SIGNATURE_ECC *e, uint8_t *ret, size_t *ret_len)
{
	ECDSA_SIG *sig = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(e->signatureR.buffer, e->signatureR.size, NULL);
	BIGNUM *s = BN_bin2bn(e->signatureS.buffer, e->signatureS.size, NULL);
	int len = -1;

	if (sig && r && s && ECDSA_SIG_set0(sig, r, s) == 1) {
		r = s = NULL;
		len = i2d_ECDSA_SIG(sig, &ret);
	}
	BN_free(r);
	BN_free(s);
	ECDSA_SIG_free(sig);
	if (len <= 0)
		return -ENOMEM;
	*ret_len = (size_t)len;
	return 0;
}

/* What leaves is what verifies: a fault in the TPM or on its bus stays here. */
static int finish(const struct sign *s, EVP_PKEY *key, enum ms_hash hash, uint8_t *ret,
		  size_t *ret_len, struct ms_error *err)
{
	const TPM2B_PUBLIC_KEY_RSA *rsa = s->raw ? s->raw : &s->sig->signature.rsassa.sig;
	uint8_t sig[MS_SIG_MAX];
	size_t len = 0;
	int r = 0;

	if ((s->raw || s->sig->sigAlg == TPM2_ALG_RSASSA) && rsa->size <= sizeof(sig)) {
		memcpy(sig, rsa->buffer, rsa->size);
		len = rsa->size;
	} else if (s->sig->sigAlg == TPM2_ALG_ECDSA) {
		r = ecdsa_der(&s->sig->signature.ecdsa, sig, &len);
	}
	if (r == 0)
		r = ms_key_verify_digest(key, hash, s->digest.buffer, sig, len);
	if (r < 0)
		return ms_error_set(err, -EIO, "tpm-bad-signature",
				    "cannot sign: the TPM's signature does not verify: "
				    "try again, and replace the TPM if it stays so");
	memcpy(ret, sig, len);
	*ret_len = len;
	return 0;
}

/* Return: 0, MS_USE_GONE, or errno as tpm/tpm.h has them. */
static int sign_once(struct ms_tpm *t, const struct ms_tpm_blob *blob, const char *pin,
		     TSS2_RC (*cmd)(struct ms_use *u, void *arg), struct sign *s,
		     struct ms_error *err)
{
	struct ms_use u = MS_USE_INIT(t, "sign");
	int r;

	u.keep = true;
	r = ms_use_load(&u, blob, pin, err);
	if (r == 0)
		r = ms_use_run(&u, blob, 0, cmd, s, err);
	if (r < 0)
		u.keep = false;
	ms_use_drop(&u);
	return r;
}

static int sign(struct ms_tpm *t, const struct ms_tpm_blob *blob, const char *pin,
		struct sign *s, bool raw, struct ms_error *err)
{
	int r = sign_once(t, blob, pin, raw ? run_raw : run, s, err);

	if (r == MS_USE_GONE)
		r = sign_once(t, blob, pin, raw ? run_raw : run, s, err);
	return r;
}

/* Is it a key that was made for what its TPM cannot sign by itself? */
static bool may_raw(const struct ms_tpm_blob *blob)
{
	TPM2B_PUBLIC pub;

	return unmarshal(blob, &pub) == 0 && pub.publicArea.type == TPM2_ALG_RSA &&
	       (pub.publicArea.objectAttributes & TPMA_OBJECT_DECRYPT) &&
	       pub.publicArea.parameters.rsaDetail.scheme.scheme == TPM2_ALG_NULL;
}

int ms_tpm_sign(struct ms_tpm *t, const struct ms_tpm_blob *blob, const char *pin,
		enum ms_hash hash, const uint8_t *digest, uint8_t *ret, size_t *ret_len,
		struct ms_error *err)
{
	struct sign s = {.sig = NULL};
	EVP_PKEY *key = NULL;
	bool raw = false;
	int r;

	r = ms_tpm_key_public(blob, &key, err);
	if (r < 0)
		return r;
	s.digest.size = (uint16_t)ms_hash_size(hash);
	memcpy(s.digest.buffer, digest, s.digest.size);
	if (!EVP_PKEY_is_a(key, "RSA"))
		r = refuse_leaky(t, err);
	if (r == 0 && set_scheme(&s, key, hash) < 0)
		r = ms_error_set(err, -ENOPKG, "tpm-unsupported",
				 "no TPM signs with this hash: choose sha256");
	if (r == 0) {
		bool has = ms_tpm_has_hash(t, s.scheme.details.any.hashAlg);

		raw = !has && may_raw(blob);
		if (raw)
			r = pad(&s, EVP_PKEY_get_size(key), hash, err);
		else if (!has)
			r = lacks(key, hash, err);
	}
	if (r == 0)
		r = sign(t, blob, pin, &s, raw, err);
	if (r == 0)
		r = finish(&s, key, hash, ret, ret_len, err);
	Esys_Free(s.sig);
	Esys_Free(s.raw);
	EVP_PKEY_free(key);
	return r;
}
