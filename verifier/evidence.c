/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <openssl/evp.h>
#include "lib/trailer.h"
#include "verifier/evidence.h"
#include "verifier/kernel_elf.h"
#include "verifier/kernel_message.h"

/* How far before the end of an unsigned module a lost marker is looked for. */
#define MAGIC_SEARCH 65536u

/* The module while it is looked at; the digest is kept, as signers share it. */
struct scene {
	const uint8_t *data;
	const struct ms_anchors *anchors;
	struct ms_caches *caches;
	struct ms_evidence *ev;
	const struct ms_evidence_file *file; /* NULL: a module */
};

void ms_caches_init(struct ms_caches *c)
{
	ms_intern_init(&c->identities, ms_identity_free);
	ms_intern_init(&c->chains, ms_chain_free);
	ms_intern_init(&c->keyrings, free);
}

void ms_caches_clear(struct ms_caches *c)
{
	ms_intern_clear(&c->identities);
	ms_intern_clear(&c->chains);
	ms_intern_clear(&c->keyrings);
}

enum ms_sig_kind ms_sig_kind_of_key(const EVP_PKEY *key)
{
	if (!key)
		return MS_SIG_OTHER;
	if (EVP_PKEY_is_a(key, "RSA"))
		return MS_SIG_RSA;
	if (EVP_PKEY_is_a(key, "EC"))
		return EVP_PKEY_get_bits(key) > 384 ? MS_SIG_P521 : MS_SIG_ECDSA;
	if (EVP_PKEY_is_a(key, "ML-DSA-44") || EVP_PKEY_is_a(key, "ML-DSA-65") ||
	    EVP_PKEY_is_a(key, "ML-DSA-87"))
		return MS_SIG_MLDSA;
	return MS_SIG_OTHER;
}

/* The digest that @h makes of the payload, in ev->digest. */
static int digest(struct scene *s, enum ms_hash h)
{
	struct ms_evidence *ev = s->ev;
	int rc;

	if (ev->digest_hash == h)
		return 0;
	rc = s->file ? s->file->digest(s->file->arg, h, ev->digest)
		     : ms_digest(h, s->data, ev->payload_len, ev->digest);
	ev->digest_hash = rc ? MS_HASH_NONE : h;
	return rc;
}

/* Bytes behind the SEQUENCE of an ECDSA signature. */
static size_t behind_ecdsa(const struct ms_pkcs7_signer *si)
{
	size_t head = 2, len;

	if (si->sig_len < 3 || si->sig[0] != 0x30)
		return 0;
	len = si->sig[1];
	if (len == 0x81) {
		len = si->sig[2];
		head = 3;
	} else if (len > 0x7f) {
		return 0;
	}
	return si->sig_len > head + len ? si->sig_len - head - len : 0;
}

static int verify_with(struct scene *s, const struct ms_pkcs7_signer *si,
		       enum ms_sig_kind kind, EVP_PKEY *key)
{
	enum ms_sig_kind have = ms_sig_kind_of_key(key);

	if (si->hash == MS_HASH_NONE || kind == MS_SIG_OTHER || have == MS_SIG_OTHER)
		return -ENOPKG;
	if (have != kind && !(have == MS_SIG_P521 && kind == MS_SIG_ECDSA))
		return -EKEYREJECTED;
	if (digest(s, si->hash))
		return -ENOPKG;
	return ms_key_verify_digest(
		key, si->hash, s->ev->digest, si->sig,
		si->sig_len - (kind == MS_SIG_ECDSA ? behind_ecdsa(si) : 0));
}

static int gather_signer(struct scene *s, size_t i)
{
	const struct ms_pkcs7_signer *si = &s->ev->msg.signers[i];
	struct ms_signer_evidence *se = &s->ev->signers[i];
	const struct ms_cert *cert = NULL;
	int rc;

	rc = ms_identity_get(&s->caches->identities, s->anchors, si, &se->id);
	if (rc)
		return rc;
	se->kind = ms_sig_kind_of_oid(si->sig_oid, si->sig_oid_len);
	if (se->kind == MS_SIG_ECDSA)
		se->sig_extra = behind_ecdsa(si);
	se->cert = ms_chain_find(s->ev->chain, si);
	if (se->cert >= 0)
		cert = s->ev->chain->v[se->cert].cert;
	se->anchor = se->id->anchor;
	if (s->ev->checked) {
		if (cert)
			se->cert_rc = verify_with(s, si, se->kind, cert->pkey);
		for (const struct ms_anchor *a = se->id->anchor; a;
		     a = ms_identity_next(s->anchors, si, a)) {
			se->anchor = a;
			se->anchor_rc = verify_with(s, si, se->kind, a->cert->pkey);
			if (!se->anchor_rc)
				break;
		}
	}
	if (se->kind == MS_SIG_ECDSA && se->anchor &&
	    ms_sig_kind_of_key(se->anchor->cert->pkey) == MS_SIG_P521)
		se->kind = MS_SIG_P521;
	else if (se->kind == MS_SIG_ECDSA && cert &&
		 ms_sig_kind_of_key(cert->pkey) == MS_SIG_P521)
		se->kind = MS_SIG_P521;
	return 0;
}

static int gather_signers(struct scene *s)
{
	struct ms_evidence *ev = s->ev;
	int rc = 0;

	ev->checked = ev->msg.detached;
	for (size_t i = 0; i < ev->msg.n_signers; i++)
		ev->checked = ev->checked && !ev->msg.signers[i].signed_attrs;
	if (ev->msg.n_certs)
		rc = ms_chain_get(&s->caches->chains, s->anchors, &ev->msg, &ev->chain);
	for (size_t i = 0; i < ev->msg.n_signers && !rc; i++)
		rc = gather_signer(s, i);
	return rc;
}

static int gather_message(struct scene *s, const uint8_t *msg, size_t len)
{
	struct ms_evidence *ev = s->ev;
	struct ms_kernel_message lenient;

	ev->message_rc = ms_pkcs7_parse(msg, len, &ev->msg);
	ev->kernel_msg = msg;
	ev->kernel_msg_len = len;
	ev->kernel_rc = ms_kernel_message_parse(NULL, msg, len, &lenient);
	ev->kernel_certs = !ev->kernel_rc && lenient.m.n_certs;
	if (ev->message_rc && !ev->kernel_rc)
		ev->msg = lenient.m;
	return ev->message_rc && ev->kernel_rc ? 0 : gather_signers(s);
}

/* A marker that is not at the very end, which is where the kernel looks. */
static size_t magic_gap(const uint8_t *data, size_t len)
{
	size_t search = MS_MIN(len, (size_t)MAGIC_SEARCH);
	const uint8_t *p;

	p = memmem(data + len - search, search, MS_TRAILER_MAGIC, MS_TRAILER_MAGIC_LEN);
	return p ? (size_t)(data + len - p) - MS_TRAILER_MAGIC_LEN : 0;
}

int ms_evidence_gather(const uint8_t *data, size_t len, size_t extra,
		       const struct ms_anchors *anchors, struct ms_caches *caches,
		       struct ms_evidence *ret)
{
	struct scene s = {.data = data, .anchors = anchors, .caches = caches, .ev = ret};
	struct ms_trailer t = {0}, inner;
	int rc = 0;

	if (!data)
		data = (const uint8_t *)"";
	memset(ret, 0, sizeof(*ret));
	ret->len = len;
	ret->data = data;
	ret->anchors = anchors;
	ret->caches = caches;
	ret->extra = extra;
	ret->trailer_rc = ms_trailer_parse(data, len, &t);
	ret->payload_len = ret->trailer_rc ? len : t.payload_len;
	ret->facts_rc = ms_elf_facts_read(data, ret->payload_len, &ret->facts);
	ret->kernel_elf_rc = ms_kernel_elf_check(data, ret->payload_len);
	if (!ret->trailer_rc) {
		ret->nested = ms_trailer_parse(data, t.payload_len, &inner) != -ENODATA;
		rc = gather_message(&s, t.msg, t.msg_len);
	} else if (ret->trailer_rc == -ENODATA) {
		ret->magic_gap = magic_gap(data, len);
	}
	if (!rc && ret->digest_hash == MS_HASH_NONE &&
	    (!ret->trailer_rc || ret->trailer_rc == -ENODATA) &&
	    digest(&s, MS_HASH_SHA256))
		ret->digest_hash = MS_HASH_NONE;
	return rc;
}

int ms_evidence_gather_file(const struct ms_evidence_file *file,
			    const struct ms_anchors *anchors, struct ms_caches *caches,
			    struct ms_evidence *ret)
{
	struct scene s = {.anchors = anchors, .caches = caches, .ev = ret, .file = file};

	memset(ret, 0, sizeof(*ret));
	ret->anchors = anchors;
	ret->caches = caches;
	ret->is_file = true;
	if (!file->bare)
		return gather_message(&s, file->msg, file->msg_len);
	ret->msg.detached = true;
	ret->msg.n_signers = 1;
	ret->msg.signers[0] = *file->bare;
	return gather_signers(&s);
}
