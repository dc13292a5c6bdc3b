/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include "verifier/kernel_verdict.h"

/* Moduli that crypto/rsa_helper.c and rsa.c take (rsa_check_key_length()). */
static bool rsa_size_ok(const EVP_PKEY *key)
{
	static const int sizes[] = {512, 1024, 1536, 2048, 3072, 4096};
	int bits = EVP_PKEY_get_bits(key);

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		if (bits == sizes[i])
			return true;
	return false;
}

/* What using a key answers before any signature is looked at: 0 or the errno. */
static int key_rc(const struct ms_kernel_profile *p, const struct ms_cert *c)
{
	enum ms_sig_kind kind = ms_sig_kind_of_key(c->pkey);

	if (!ms_profile_parses_sig(p, kind))
		return -ENOPKG;
	if (!ms_profile_has_sig(p, kind))
		return p->unusable_sig_error;
	if (kind == MS_SIG_RSA && !rsa_size_ok(c->pkey))
		return -EINVAL;
	return 0;
}

/* Is the anchor in the keyring at all? A key that this kernel cannot use does not get in.
 */
static bool in_keyring(const struct ms_kernel_profile *p, const struct ms_anchor *a)
{
	return a && !key_rc(p, a->cert);
}

/* The OID of a signature tells RSA from ECDSA, but not one curve from another. */
static bool parses_oid(const struct ms_kernel_profile *p, enum ms_sig_kind kind)
{
	return ms_profile_parses_sig(p, kind == MS_SIG_P521 ? MS_SIG_ECDSA : kind);
}

/*
 * Kernels that have MD5 take md5WithRSAEncryption in a certificate for MD4: the table of
 * linux/oid_registry.h is one off there. So such a signature never verifies.
 */
static bool cert_hash_usable(const struct ms_kernel_profile *p, enum ms_hash h)
{
	return h != MS_HASH_MD5 && ms_profile_has_hash(p, h);
}

/* x509_cert_parse() of an embedded certificate. */
static int cert_parse_rc(const struct ms_chain_cert *cc, int index,
			 const struct ms_kernel_profile *p)
{
	int rc;

	if (!cc->cert)
		return -EBADMSG;
	if (!ms_profile_parses_sig(p, ms_sig_kind_of_key(cc->cert->pkey)) ||
	    !ms_profile_parses_hash(p, cc->cert->hash))
		return -ENOPKG;
	/* One that says it signed itself has to have done so. */
	if (cc->issuer != index || !cert_hash_usable(p, cc->cert->hash))
		return 0;
	rc = key_rc(p, cc->cert);
	if (rc)
		return rc == -ENOPKG ? 0 : rc;
	return cc->issuer_rc == -EKEYREJECTED ? -EKEYREJECTED : 0;
}

/* Algorithms, as pkcs7_parse_message() comes across them: certificates first. */
static int parse_rc(const struct ms_evidence *ev, const struct ms_kernel_profile *p)
{
	for (size_t i = 0; ev->chain && i < ev->chain->n; i++) {
		int rc = cert_parse_rc(&ev->chain->v[i], (int)i, p);

		if (rc)
			return rc;
	}
	for (size_t i = 0; i < ev->msg.n_signers; i++)
		if (!ms_profile_parses_hash(p, ev->msg.signers[i].hash) ||
		    !parses_oid(p, ev->signers[i].kind))
			return -ENOPKG;
	return 0;
}

/* pkcs7_verify_sig_chain(): links between embedded certificates. */
static int embedded_chain_rc(const struct ms_evidence *ev,
			     const struct ms_kernel_profile *p, int cert)
{
	const struct ms_chain *chain = ev->chain;

	for (size_t hops = 0; hops < chain->n; hops++) {
		const struct ms_chain_cert *cc = &chain->v[cert];
		int up = cc->issuer, rc;

		if (cc->revoked)
			return -EKEYREJECTED;
		if (up < 0 || up == cert)
			return 0;
		rc = key_rc(p, chain->v[up].cert);
		if (!rc && !cert_hash_usable(p, cc->cert->hash))
			rc = -EKEYREJECTED;
		if (!rc)
			rc = cc->issuer_rc;
		if (rc)
			return rc == -ENOPKG ? 0 : rc;
		cert = up;
	}
	return 0;
}

/* pkcs7_verify_one(); -ENOPKG leaves this signer out. */
static int verify_signer(const struct ms_evidence *ev, const struct ms_kernel_profile *p,
			 size_t i)
{
	const struct ms_signer_evidence *se = &ev->signers[i];
	int rc;

	if (!ms_profile_has_hash(p, ev->msg.signers[i].hash))
		return -ENOPKG;
	if (se->cert < 0)
		return 0;
	rc = key_rc(p, ev->chain->v[se->cert].cert);
	if (!rc)
		rc = se->cert_rc;
	return rc ? rc : embedded_chain_rc(ev, p, se->cert);
}

/*
 * pkcs7_validate_trust_one() for a signer that has an embedded certificate. Sets
 * *@ret_last where the kernel goes on to look for the signer itself.
 */
static int trust_embedded(const struct ms_evidence *ev, const struct ms_kernel_profile *p,
			  const struct ms_signer_evidence *se, bool *ret_last)
{
	const struct ms_chain *chain = ev->chain;
	int cert = se->cert;

	for (size_t hops = 0; hops < chain->n; hops++) {
		const struct ms_chain_cert *cc = &chain->v[cert];

		/* A certificate that is trusted itself has to have signed what is below.
		 */
		if (in_keyring(p, cc->same))
			return !hops && se->anchor == cc->same ? se->anchor_rc : 0;
		if (cc->issuer == cert)
			return -ENOKEY;
		if (cc->issuer < 0) {
			*ret_last = !in_keyring(p, cc->authority);
			if (*ret_last)
				return -ENOKEY;
			if (!cert_hash_usable(p, cc->cert->hash) || cc->authority_rc)
				return -EKEYREJECTED;
			return 0;
		}
		cert = cc->issuer;
	}
	return -ENOKEY;
}

static int trust_signer(const struct ms_evidence *ev, const struct ms_kernel_profile *p,
			size_t i)
{
	const struct ms_pkcs7_signer *si = &ev->msg.signers[i];
	const struct ms_signer_evidence *se = &ev->signers[i];
	bool last = se->cert < 0;
	int rc = -ENOKEY;

	if (!ms_profile_has_hash(p, si->hash))
		return -ENOPKG;
	if (se->cert >= 0)
		rc = trust_embedded(ev, p, se, &last);
	if (!last)
		return rc;
	/* asymmetric_key_hex_to_key_id() does not take an empty name. */
	if ((si->version == 1 && si->skid) || (si->version == 3 && !si->skid_len))
		return -EINVAL;
	if (!in_keyring(p, se->anchor))
		return -ENOKEY;
	return se->anchor_rc ? -EKEYREJECTED : 0;
}

int ms_kernel_signature_rc(const struct ms_evidence *ev,
			   const struct ms_kernel_profile *p)
{
	int verified = -ENOPKG, trusted = -ENOKEY, rc;

	if (ev->trailer_rc)
		return ev->trailer_rc;
	if (ev->kernel_rc)
		return ev->kernel_rc;
	rc = parse_rc(ev, p);
	if (rc)
		return rc;
	if (!ev->msg.detached)
		return -EBADMSG;
	if (!ev->checked)
		return -EKEYREJECTED;
	for (size_t i = 0; i < ev->msg.n_signers; i++) {
		rc = verify_signer(ev, p, i);
		if (rc && rc != -ENOPKG)
			return rc;
		if (!rc)
			verified = 0;
	}
	if (verified)
		return verified;
	for (size_t i = 0; i < ev->msg.n_signers; i++) {
		rc = trust_signer(ev, p, i);
		if (rc == -ENOPKG && trusted == -ENOKEY)
			trusted = rc;
		else if (!rc)
			trusted = 0;
		else if (rc != -ENOKEY && rc != -ENOPKG)
			return rc;
	}
	return trusted;
}

enum ms_kernel_verdict ms_kernel_judge(const struct ms_evidence *ev,
				       const struct ms_kernel_profile *p,
				       enum ms_enforce enforce, int *ret_error)
{
	int rc = ms_kernel_signature_rc(ev, p);
	bool tainted = rc == -ENODATA || rc == -ENOPKG || rc == -ENOKEY;

	/* kernel_read_file() does not read nothing. */
	if (!ev->len) {
		*ret_error = -EINVAL;
		return MS_KERNEL_REFUSED;
	}
	if (rc && !tainted) {
		*ret_error = rc;
		return MS_KERNEL_REFUSED;
	}
	if (tainted && enforce != MS_PERMISSIVE) {
		*ret_error = enforce == MS_ENFORCE ? -EKEYREJECTED : -EPERM;
		return MS_KERNEL_REFUSED;
	}
	if (ev->kernel_elf_rc) {
		*ret_error = ev->kernel_elf_rc;
		return MS_KERNEL_REFUSED;
	}
	*ret_error = 0;
	return tainted ? MS_KERNEL_TAINTS : MS_KERNEL_LOADS;
}
