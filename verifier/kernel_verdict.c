/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include "verifier/kernel_embedded.h"
#include "verifier/kernel_verdict.h"

/* What using a key answers before any signature is looked at: 0 or the errno. */
static int key_rc(const struct ms_kernel_profile *p, const struct ms_cert *c)
{
	enum ms_sig_kind kind = ms_sig_kind_of_key(c->pkey);

	if (!ms_profile_parses_sig(p, kind))
		return -ENOPKG;
	if (!ms_profile_has_sig(p, kind))
		return p->unusable_sig_error;
	if (kind == MS_SIG_RSA &&
	    !ms_rsa_size_ok((unsigned int)EVP_PKEY_get_bits(c->pkey)))
		return -EINVAL;
	return 0;
}

/* Is the anchor in the keyring at all? A key that this kernel cannot use, or that is
 * revoked, does not get in. */
static bool in_keyring(const struct ms_evidence *ev, const struct ms_kernel_profile *p,
		       const struct ms_anchor *a)
{
	if (!a || key_rc(p, a->cert) || ms_kernel_key_heeds(ev, p, a) != MS_KEY_THERE)
		return false;
	return !ev->anchors || !ms_anchors_revoked(ev->anchors, a->cert);
}

/* The OID of a signature tells RSA from ECDSA, but not one curve from another. */
static bool parses_oid(const struct ms_kernel_profile *p, enum ms_sig_kind kind)
{
	return ms_profile_parses_sig(p, kind == MS_SIG_P521 ? MS_SIG_ECDSA : kind);
}

/* Algorithms, as pkcs7_parse_message() comes across them. */
static int parse_rc(const struct ms_evidence *ev, const struct ms_kernel_profile *p)
{
	for (size_t i = 0; i < ev->msg.n_signers; i++)
		if (!ms_profile_parses_hash(p, ev->msg.signers[i].hash) ||
		    !parses_oid(p, ev->signers[i].kind))
			return -ENOPKG;
	return 0;
}

static int trust_signer(const struct ms_evidence *ev, const struct ms_kernel_profile *p,
			size_t i)
{
	const struct ms_pkcs7_signer *si = &ev->msg.signers[i];
	const struct ms_signer_evidence *se = &ev->signers[i];

	if (!ms_profile_has_hash(p, si->hash))
		return -ENOPKG;
	/* asymmetric_key_hex_to_key_id() does not take an empty name. */
	if ((si->version == 1 && si->skid) || (si->version == 3 && !si->skid_len))
		return -EINVAL;
	if (!in_keyring(ev, p, se->anchor))
		return -ENOKEY;
	return se->anchor_rc ? -EKEYREJECTED : 0;
}

/* Messages without certificates, from what the evidence has on their signers. */
static int signers_rc(const struct ms_evidence *ev, const struct ms_kernel_profile *p)
{
	int verified = -ENOPKG, trusted = -ENOKEY, rc;

	if (ev->kernel_rc)
		return ev->kernel_rc;
	rc = parse_rc(ev, p);
	if (rc)
		return rc;
	if (!ev->msg.detached)
		return -EBADMSG;
	if (!ev->checked)
		return -EKEYREJECTED;
	for (size_t i = 0; i < ev->msg.n_signers; i++)
		if (ms_profile_has_hash(p, ev->msg.signers[i].hash))
			verified = 0;
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

int ms_kernel_signature_rc(const struct ms_evidence *ev,
			   const struct ms_kernel_profile *p)
{
	int rc;

	if (ev->trailer_rc)
		return ev->trailer_rc;
	rc = ev->kernel_certs ? -ENOKEY : signers_rc(ev, p);
	/* What is not simply good is gone through step by step: why not is another
	 * question, with other answers. */
	if (rc && ev->kernel_msg)
		rc = ms_kernel_embedded_rc(ev, p);
	/* mod_is_hash_blacklisted() */
	return !rc && p->digest_blacklist && ev->digest_heeded ? -EKEYREJECTED : rc;
}

int ms_kernel_unpack_rc(const struct ms_packed *packed, const struct ms_kernel_profile *p,
			bool *ret_kernel)
{
	bool can = ms_profile_inflates(p, packed->format);

	*ret_kernel = packed->unpacker == MS_UNPACKER_KERNEL ||
		      (packed->unpacker == MS_UNPACKER_AUTO && can);
	if (!*ret_kernel)
		return 0;
	if (!p->inflates)
		return p->inflate_error;
	/* Another format's magic; a check that lib/xz does not know. */
	return !can || packed->xz_check > 1 ? -EINVAL : 0;
}

/* What its headers and .modinfo say of the kernel that it is for. */
static int fits(const struct ms_evidence *ev, const struct ms_kernel_profile *p)
{
	if (ev->kernel_elf_rc)
		return ev->kernel_elf_rc;
	if (ev->facts_rc)
		return 0;
	if (p->machine && ev->facts.machine != p->machine)
		return -ENOEXEC;
	/* check_modinfo(); with checksums of symbols, these decide. */
	if (p->release && !p->modversions && strcmp(ev->facts.release, p->release) != 0)
		return -ENOEXEC;
	return 0;
}

/* Before anything is looked at: decompression, and the empty file. */
static int read_rc(const struct ms_evidence *ev, const struct ms_kernel_profile *p)
{
	bool by_kernel;
	int rc = ms_kernel_unpack_rc(&ev->packed, p, &by_kernel);

	if (rc || ev->len)
		return rc;
	/* kernel_read_file() does not read nothing. */
	return by_kernel ? p->inflated_nothing : -EINVAL;
}

enum ms_kernel_verdict ms_kernel_judge(const struct ms_evidence *ev,
				       const struct ms_kernel_profile *p,
				       enum ms_enforce enforce, int *ret_error)
{
	int unread = read_rc(ev, p), rc = ms_kernel_signature_rc(ev, p),
	    misfit = fits(ev, p);
	bool tainted = rc == -ENODATA || rc == -ENOPKG || rc == -ENOKEY;

	if (unread) {
		*ret_error = unread;
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
	if (misfit) {
		*ret_error = misfit;
		return MS_KERNEL_REFUSED;
	}
	*ret_error = 0;
	return tainted ? MS_KERNEL_TAINTS : MS_KERNEL_LOADS;
}
