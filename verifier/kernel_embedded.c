/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include "verifier/kernel_crypto.h"
#include "verifier/kernel_embedded.h"
#include "verifier/kernel_message.h"

/* A certificate of the message: links as the kernel makes them while it verifies. */
struct link {
	const struct ms_kernel_cert *c;
	int signer; /* index; -1: none */
	bool revoked, seen, verified;
};

struct judge {
	const struct ms_evidence *ev;
	const struct ms_kernel_profile *profile;
	const struct ms_kernel_keyring *ring;
	struct ms_kernel_message km;
	struct link links[MS_PKCS7_CERTS_MAX];
	int signer_cert[MS_PKCS7_SIGNERS_MAX];
	bool unsupported[MS_PKCS7_SIGNERS_MAX];
	/* Of one signer. */
	uint8_t digest[MS_DIGEST_MAX];
};

struct ring_maker {
	struct ms_intern_maker m;
	const struct ms_evidence *ev;
	const struct ms_kernel_profile *profile;
};

static bool listed(const struct ms_evidence *ev, enum ms_heeded heeded, const uint8_t *p,
		   size_t len)
{
	uint8_t digest[MS_DIGEST_MAX];

	if (!ev->revocations || !ev->revocations->n)
		return false;
	return !ms_digest(MS_HASH_SHA256, p, len, digest) &&
	       ms_revocations_heeded(ev->revocations, heeded, digest);
}

/* is_hash_blacklisted() of x509_get_sig_params(): by the digest that was signed. */
static bool blacklisted(const struct ms_evidence *ev, const struct ms_kernel_cert *c)
{
	return c->hash == MS_HASH_SHA256 &&
	       listed(ev, MS_HEEDED_IF_EMBEDDED, c->tbs.p, c->tbs.len);
}

enum ms_key_heeded ms_kernel_key_heeds(const struct ms_evidence *ev,
				       const struct ms_kernel_profile *p,
				       const struct ms_anchor *a)
{
	bool firmware = a->origin == MS_ANCHOR_DB || a->origin == MS_ANCHOR_MOK;
	struct ms_kernel_cert c;

	if (firmware && !p->firmware_keys)
		return MS_KEY_ABSENT;
	/* load_uefi_certs(): db, dbx, MokListRT; what dbx has keeps later ones out. */
	if (a->origin == MS_ANCHOR_MOK && ev->revocations && ev->revocations->n &&
	    !ms_kernel_cert_parse(p, a->cert->der, a->cert->der_len, &c) &&
	    blacklisted(ev, &c))
		return MS_KEY_ABSENT;
	if (p->revocation_list &&
	    listed(ev, MS_HEEDED_IF_CONFIGURED, a->cert->der, a->cert->der_len))
		return MS_KEY_REVOKED;
	return MS_KEY_THERE;
}

static int make_ring(const struct ms_intern_maker *m, void **ret)
{
	const struct ring_maker *rm = (const void *)m;
	const struct ms_anchors *anchors = rm->ev->anchors;
	struct ms_kernel_keyring *r =
		calloc(1, sizeof(*r) + anchors->n * sizeof(r->v[0]));

	if (!r)
		return -ENOMEM;
	for (size_t i = 0; i < anchors->n; i++) {
		const struct ms_anchor *a = &anchors->v[i];
		enum ms_key_heeded heeds = ms_kernel_key_heeds(rm->ev, rm->profile, a);
		struct ms_kernel_key *k = &r->v[r->n];

		/* What cannot be parsed, or is revoked, does not get in. */
		if (ms_kernel_cert_parse(rm->profile, a->cert->der, a->cert->der_len,
					 &k->cert) ||
		    heeds == MS_KEY_ABSENT || ms_anchors_revoked(anchors, a->cert))
			continue;
		k->anchor = a;
		k->revoked = heeds == MS_KEY_REVOKED;
		r->n++;
	}
	*ret = r;
	return 0;
}

static int get_ring(struct judge *j)
{
	const struct ring_maker rm = {
		.m.make = make_ring,
		.ev = j->ev,
		.profile = j->profile,
	};
	void *ring;
	int rc;

	rc = ms_intern_get(&j->ev->caches->keyrings, (const uint8_t *)&j->profile,
			   sizeof(j->profile), &rm.m, &ring);
	if (!rc)
		j->ring = ring;
	return rc;
}

static bool same_bytes(const struct ms_kernel_cert *c, const struct ms_cert *o)
{
	return o && c->der.len == o->der_len && !memcmp(c->der.p, o->der, o->der_len);
}

/* What OpenSSL found out about the certificate, if it could read it. */
static const struct ms_chain_cert *seen_by_openssl(const struct judge *j, size_t i)
{
	const struct ms_chain *chain = j->ev->chain;

	if (!chain || i >= chain->n || !same_bytes(j->links[i].c, chain->v[i].cert))
		return NULL;
	return &chain->v[i];
}

/* The signature of a signer, with its digest. */
static int signer_sig(struct judge *j, size_t i, struct ms_kernel_sig *ret)
{
	const struct ms_evidence *ev = j->ev;
	const struct ms_pkcs7_signer *si = &j->km.m.signers[i];

	if (!ms_profile_has_hash(j->profile, si->hash))
		return -ENOPKG;
	if (ev->digest_hash == si->hash)
		memcpy(j->digest, ev->digest, ms_hash_size(si->hash));
	else if (ms_digest(si->hash, ev->data, ev->payload_len, j->digest))
		return -ENOPKG;
	*ret = (struct ms_kernel_sig){
		.kind = ms_sig_kind_of_oid(si->sig_oid, si->sig_oid_len),
		.hash = si->hash,
		.digest = j->digest,
		.sig = {si->sig, si->sig_len},
	};
	return 0;
}

static int find_signer(const struct judge *j, size_t i)
{
	for (size_t k = 0; k < j->km.m.n_certs; k++)
		if (ms_kernel_id_same(&j->links[k].c->id, &j->km.sids[i]))
			return (int)k;
	return -1;
}

/* Who of the message issued a certificate; *@ret is -1 for nobody there. */
static int find_issuer(const struct judge *j, const struct ms_kernel_cert *c, int *ret)
{
	const struct ms_kernel_id *id = &c->auth[0], *skid = &c->auth[1];

	*ret = -1;
	for (size_t k = 0; k < j->km.m.n_certs; k++) {
		const struct ms_kernel_cert *up = j->links[k].c;

		if (id->there ? !ms_kernel_id_same(&up->id, id)
			      : !ms_kernel_id_same(&up->skid, skid))
			continue;
		if (id->there && skid->there && !ms_kernel_id_same(&up->skid, skid))
			return -EKEYREJECTED;
		*ret = (int)k;
		return 0;
	}
	return 0;
}

static int verify_cert(const struct judge *j, const struct ms_kernel_cert *c,
		       const struct ms_kernel_cert *by, bool good)
{
	uint8_t digest[MS_DIGEST_MAX];
	struct ms_kernel_sig sig = ms_kernel_cert_signature(j->profile, c, digest);

	sig.good = good;
	return ms_kernel_key_verify(j->profile, by, &sig);
}

/* pkcs7_verify_sig_chain(). Sets *@ret_revoked. */
static int verify_chain(struct judge *j, int first, bool *ret_revoked)
{
	for (size_t i = 0; i < j->km.m.n_certs; i++)
		j->links[i].seen = false;
	for (int i = first;;) {
		struct link *l = &j->links[i];
		const struct ms_chain_cert *known = seen_by_openssl(j, (size_t)i);
		int up, rc;

		l->seen = true;
		if (l->revoked) {
			*ret_revoked = true;
			for (int k = first; k != i; k = j->links[k].signer)
				j->links[k].revoked = true;
			return 0;
		}
		if (l->c->self_signed) {
			l->signer = i;
			return 0;
		}
		rc = find_issuer(j, l->c, &up);
		if (rc || up < 0 || j->links[up].seen)
			return rc;
		rc = verify_cert(j, l->c, j->links[up].c,
				 known && known->issuer == up && !known->issuer_rc);
		if (rc)
			return rc;
		l->signer = up;
		i = up;
	}
}

/* pkcs7_verify_one() */
static int verify_one(struct judge *j, size_t i, bool *ret_revoked)
{
	const struct ms_signer_evidence *se = &j->ev->signers[i];
	struct ms_kernel_sig sig;
	int cert, rc;

	rc = signer_sig(j, i, &sig);
	if (rc)
		return rc;
	j->signer_cert[i] = cert = find_signer(j, i);
	if (cert < 0)
		return 0;
	sig.good = i < j->ev->msg.n_signers && j->ev->checked && se->cert == cert &&
		   !se->cert_rc && seen_by_openssl(j, (size_t)cert);
	rc = ms_kernel_key_verify(j->profile, j->links[cert].c, &sig);
	return rc ? rc : verify_chain(j, cert, ret_revoked);
}

/* pkcs7_verify() */
static int verify_all(struct judge *j)
{
	int result = -ENOPKG;

	for (size_t i = 0; i < j->km.m.n_signers; i++) {
		bool revoked = false;
		int rc;

		j->signer_cert[i] = -1;
		rc = verify_one(j, i, &revoked);
		if (revoked) {
			if (result == -ENOPKG)
				result = -EKEYREJECTED;
			continue;
		}
		if (rc && rc != -ENOPKG)
			return rc;
		j->unsupported[i] = rc == -ENOPKG;
		if (!rc)
			result = 0;
	}
	return result;
}

/* find_asymmetric_key(): the next one after @after, which is NULL for the first. Sets
 * *@ret_half where only the first of two names was right. */
static const struct ms_kernel_key *find_key(const struct judge *j,
					    const struct ms_kernel_id *id,
					    const struct ms_kernel_id *skid,
					    const struct ms_kernel_key *after,
					    bool *ret_half)
{
	const struct ms_kernel_id *first = id->there ? id : skid;

	for (size_t i = after ? (size_t)(after - j->ring->v) + 1 : 0; i < j->ring->n;
	     i++) {
		const struct ms_kernel_key *k = &j->ring->v[i];

		if (!ms_kernel_id_same(&k->cert.id, first) &&
		    !ms_kernel_id_same(&k->cert.skid, first))
			continue;
		if (!id->there || !skid->there || ms_kernel_id_same(&k->cert.skid, skid))
			return k;
		*ret_half = true;
	}
	return NULL;
}

/* The signature that a key of the keyring has to have made: of a certificate, or of the
 * signer. */
static int verify_by_key(struct judge *j, size_t i, int cert,
			 const struct ms_kernel_key *k)
{
	const struct ms_signer_evidence *se = &j->ev->signers[i];
	struct ms_kernel_sig sig;
	int rc;

	if (cert >= 0) {
		const struct ms_chain_cert *known = seen_by_openssl(j, (size_t)cert);

		return verify_cert(j, j->links[cert].c, &k->cert,
				   known && known->authority == k->anchor &&
					   !known->authority_rc);
	}
	rc = signer_sig(j, i, &sig);
	if (rc)
		return rc;
	sig.good = i < j->ev->msg.n_signers && j->ev->checked &&
		   se->anchor == k->anchor && !se->anchor_rc;
	return ms_kernel_key_verify(j->profile, &k->cert, &sig);
}

/*
 * Is the signature that of one of the keys of a name? Which of several the kernel finds
 * first is chance; here it is the best. -ENOKEY: there is none of that name.
 */
static int match(struct judge *j, size_t i, int cert, const struct ms_kernel_id *id,
		 const struct ms_kernel_id *skid)
{
	const struct ms_kernel_key *k = NULL;
	bool half = false;
	int rc = -ENOKEY;

	while (rc && (k = find_key(j, id, skid, k, &half)))
		rc = verify_by_key(j, i, cert, k) || k->revoked ? -EKEYREJECTED : 0;
	return rc == -ENOKEY && half ? -EINVAL : rc;
}

static int trusted(struct judge *j, size_t i, int upto)
{
	for (int cert = j->signer_cert[i]; cert >= 0; cert = j->links[cert].signer) {
		j->links[cert].verified = true;
		if (cert == upto)
			break;
	}
	return 0;
}

/* pkcs7_validate_trust_one() */
static int trust_one(struct judge *j, size_t i)
{
	static const struct ms_kernel_id none = {0};
	const struct ms_kernel_id *sid = &j->km.sids[i];
	int last = -1, rc;

	if (j->unsupported[i])
		return -ENOPKG;
	for (int cert = j->signer_cert[i]; cert >= 0; cert = j->links[cert].signer) {
		struct link *l = &j->links[cert];

		if (l->seen)
			return l->verified ? trusted(j, i, cert) : -ENOKEY;
		l->seen = true;
		rc = match(j, i, last, &l->c->id, &l->c->skid);
		if (rc == -EKEYREJECTED)
			return rc;
		if (!rc)
			return trusted(j, i, cert);
		if (l->signer == cert)
			return -ENOKEY;
		last = cert;
	}
	if (last >= 0) {
		const struct ms_kernel_id *auth = j->links[last].c->auth;

		rc = -ENOKEY;
		if (auth[0].there || auth[1].there)
			rc = match(j, i, last, &auth[0], &auth[1]);
		if (!rc)
			return trusted(j, i, last);
		if (rc != -ENOKEY)
			return -EKEYREJECTED;
	}
	/* asymmetric_key_hex_to_key_id() does not take an empty name. */
	if (!(sid->a.len + sid->b.len))
		return -EINVAL;
	return match(j, i, -1, sid, &none);
}

/* pkcs7_validate_trust() */
static int trust_all(struct judge *j)
{
	int result = -ENOKEY;

	for (size_t i = 0; i < j->km.m.n_certs; i++)
		j->links[i].seen = false;
	for (size_t i = 0; i < j->km.m.n_signers; i++) {
		int rc = trust_one(j, i);

		if (rc == -ENOPKG && result == -ENOKEY)
			result = rc;
		else if (!rc)
			result = 0;
		else if (rc != -ENOKEY && rc != -ENOPKG)
			return rc;
	}
	return result;
}

static int judge(struct judge *j)
{
	const struct ms_evidence *ev = j->ev;
	int rc;

	rc = ms_kernel_message_parse(j->profile, ev->kernel_msg, ev->kernel_msg_len,
				     &j->km);
	if (rc)
		return rc;
	if (!j->km.m.detached)
		return -EBADMSG;
	if (j->km.m.signers[0].signed_attrs)
		return -EKEYREJECTED;
	for (size_t i = 0; i < j->km.m.n_certs; i++) {
		struct link *l = &j->links[i];
		const struct ms_chain_cert *known;

		l->c = &j->km.certs[i];
		l->signer = -1;
		known = seen_by_openssl(j, i);
		l->revoked =
			(known && known->revoked) || blacklisted(ev, l->c) ||
			(j->profile->revocation_list &&
			 listed(ev, MS_HEEDED_IF_CONFIGURED, l->c->der.p, l->c->der.len));
	}
	rc = get_ring(j);
	if (!rc)
		rc = verify_all(j);
	return rc ? rc : trust_all(j);
}

int ms_kernel_embedded_rc(const struct ms_evidence *ev,
			  const struct ms_kernel_profile *profile)
{
	struct judge *j = calloc(1, sizeof(*j));
	int rc;

	if (!j)
		return -ENOMEM;
	j->ev = ev;
	j->profile = profile;
	rc = judge(j);
	free(j);
	return rc;
}
