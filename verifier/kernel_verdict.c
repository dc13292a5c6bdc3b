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

/* x509_cert_parse() and pkcs7_parse_message() of crypto/asymmetric_keys/. */
static int parse_rc(const struct ms_evidence *ev, const struct ms_kernel_profile *p)
{
	const struct ms_pkcs7 *m = &ev->msg;

	if (m->version != 1 && m->version != 3)
		return -EINVAL;
	for (size_t i = 0; i < m->n_signers; i++) {
		const struct ms_pkcs7_signer *si = &m->signers[i];

		if (si->version != 1 && si->version != 3)
			return -EINVAL;
		if ((si->version == 1) != (m->version == 1))
			return -EBADMSG;
		if (!ms_profile_parses_hash(p, si->hash) ||
		    !ms_profile_parses_sig(p, ev->signers[i].kind))
			return -ENOPKG;
	}
	for (size_t i = 0; ev->chain && i < ev->chain->n; i++) {
		const struct ms_cert *c = ev->chain->v[i].cert;

		if (!c)
			return -EBADMSG;
		if (!ms_profile_parses_sig(p, ms_sig_kind_of_key(c->pkey)))
			return -ENOPKG;
	}
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
		if (!rc && !ms_profile_has_hash(p, cc->cert->hash))
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

/* pkcs7_validate_trust_one() for a signer that has an embedded certificate. */
static int trust_embedded(const struct ms_evidence *ev, const struct ms_kernel_profile *p,
			  const struct ms_signer_evidence *se)
{
	const struct ms_chain *chain = ev->chain;
	int cert = se->cert;

	for (size_t hops = 0; hops < chain->n; hops++) {
		const struct ms_chain_cert *cc = &chain->v[cert];

		/* A certificate that is trusted itself: what it signed has been verified.
		 */
		if (in_keyring(p, cc->same))
			return 0;
		if (cc->issuer == cert)
			return -ENOKEY;
		if (cc->issuer < 0) {
			if (!in_keyring(p, cc->authority))
				return -ENOKEY;
			if (!ms_profile_has_hash(p, cc->cert->hash) || cc->authority_rc)
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
	const struct ms_signer_evidence *se = &ev->signers[i];
	int rc = -ENOKEY;

	if (!ms_profile_has_hash(p, ev->msg.signers[i].hash))
		return -ENOPKG;
	if (se->cert >= 0)
		rc = trust_embedded(ev, p, se);
	if (rc != -ENOKEY || !in_keyring(p, se->anchor))
		return rc;
	return se->anchor_rc ? -EKEYREJECTED : 0;
}

int ms_kernel_signature_rc(const struct ms_evidence *ev,
			   const struct ms_kernel_profile *p)
{
	int verified = -ENOPKG, trusted = -ENOKEY, rc;

	if (ev->trailer_rc)
		return ev->trailer_rc;
	if (ev->message_rc)
		return ev->message_rc;
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

	if (rc && !tainted) {
		*ret_error = rc;
		return MS_KERNEL_REFUSED;
	}
	if (tainted && enforce != MS_PERMISSIVE) {
		*ret_error = enforce == MS_ENFORCE ? -EKEYREJECTED : -EPERM;
		return MS_KERNEL_REFUSED;
	}
	if (ev->facts_rc || !ev->facts.has_symtab) {
		*ret_error = -ENOEXEC;
		return MS_KERNEL_REFUSED;
	}
	*ret_error = 0;
	return tainted ? MS_KERNEL_TAINTS : MS_KERNEL_LOADS;
}
