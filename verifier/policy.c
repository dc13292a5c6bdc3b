/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include "lib/escape.h"
#include "verifier/policy.h"

#define NAME_SHOWN 200

/* What a judgement is made with. */
struct judge {
	const struct ms_evidence *ev;
	const struct ms_trust *t;
};

/* Adds a finding and remembers the first failure, so that a run of them needs one check.
 */
#define FOUND(code, ...)                                       \
	do {                                                   \
		int _rc = ms_result_add(r, code, __VA_ARGS__); \
		if (_rc)                                       \
			return _rc;                            \
	} while (0)

static const char *show_date(time_t t, char *dst, size_t size)
{
	struct tm tm;

	if (!gmtime_r(&t, &tm) || !strftime(dst, size, "%Y-%m-%d", &tm))
		snprintf(dst, size, "an unknown date");
	return dst;
}

static const char *show_signer(const struct ms_identity *id, char *dst, size_t size)
{
	char name[NAME_SHOWN];

	if (id->issuer)
		snprintf(dst, size, "\"%s\" serial %.48s",
			 ms_escape_str(id->issuer, name, sizeof(name)), id->serial);
	else
		snprintf(dst, size, "key id %.64s", id->ski);
	return dst;
}

static const char *show_reason(const struct ms_revocation *e, char *dst, size_t size)
{
	return ms_escape_str(e->reason ? e->reason : "", dst, size);
}

/* The module itself is revoked, whoever signed it. */
static int judge_module(const struct judge *j, struct ms_result *r)
{
	const struct ms_revocation *e = j->ev->revoked_digest;
	char by[NAME_SHOWN], why[NAME_SHOWN];

	if (e)
		FOUND(MS_FINDING_REVOKED_MODULE, "its digest is revoked by %s%s%s",
		      ms_escape_str(e->source, by, sizeof(by)), e->reason ? ": " : "",
		      show_reason(e, why, sizeof(why)));
	if (j->ev->facts_rc || j->ev->is_file)
		return 0;
	e = ms_revocations_version(j->t->revocations, &j->ev->facts, j->t->now);
	if (e)
		FOUND(MS_FINDING_REVOKED_VERSION, "this version is revoked by %s%s%s",
		      ms_escape_str(e->source, by, sizeof(by)), e->reason ? ": " : "",
		      show_reason(e, why, sizeof(why)));
	return 0;
}

static bool hash_is_weak(enum ms_hash h)
{
	return h == MS_HASH_MD4 || h == MS_HASH_MD5 || h == MS_HASH_SHA1 ||
	       h == MS_HASH_SHA224;
}

static bool key_is_weak(const EVP_PKEY *key)
{
	int bits = EVP_PKEY_get_bits(key);

	switch (ms_sig_kind_of_key(key)) {
	case MS_SIG_RSA:
		return bits < 2048;
	case MS_SIG_ECDSA:
		return bits < 256;
	case MS_SIG_P521:
	case MS_SIG_MLDSA:
	case MS_SIG_OTHER:
		break;
	}
	return false;
}

/* What is wrong with a certificate that a good signature leads through. */
static int judge_cert(const struct judge *j, const struct ms_cert *c, bool signs_code,
		      struct ms_result *r)
{
	const struct ms_anchor *revoked = ms_anchors_revoked(j->t->anchors, c);
	const struct ms_revocation *e =
		ms_revocations_cert(j->t->revocations, c, j->t->now);
	char cn[NAME_SHOWN], by[NAME_SHOWN], why[NAME_SHOWN], date[32];

	ms_escape_str(c->subject_cn, cn, sizeof(cn));
	if (key_is_weak(c->pkey))
		FOUND(MS_FINDING_WEAK_KEY, "the key of \"%s\" has only %d bits", cn,
		      EVP_PKEY_get_bits(c->pkey));
	if (revoked)
		FOUND(MS_FINDING_REVOKED_CERTIFICATE, "\"%s\" is revoked by %s", cn,
		      ms_escape_str(revoked->source, by, sizeof(by)));
	else if (e)
		FOUND(MS_FINDING_REVOKED_CERTIFICATE, "\"%s\" is revoked by %s%s%s", cn,
		      ms_escape_str(e->source, by, sizeof(by)), e->reason ? ": " : "",
		      show_reason(e, why, sizeof(why)));
	if (j->t->now > c->not_after)
		FOUND(MS_FINDING_EXPIRED,
		      "the certificate \"%s\" expired on %s, and the module does not "
		      "prove "
		      "that it was signed before",
		      cn, show_date(c->not_after, date, sizeof(date)));
	if (j->t->now < c->not_before)
		FOUND(MS_FINDING_NOT_YET_VALID, "the certificate \"%s\" is valid from %s",
		      cn, show_date(c->not_before, date, sizeof(date)));
	if (signs_code && c->has_key_usage && !c->may_sign)
		FOUND(MS_FINDING_WRONG_KEY_USAGE,
		      "the key usage of \"%s\" lacks digitalSignature", cn);
	if (signs_code && c->has_eku && !c->eku_code_signing)
		FOUND(MS_FINDING_WRONG_KEY_USAGE,
		      "the extended key usage of \"%s\" lacks codeSigning", cn);
	if (!signs_code && !c->is_ca)
		FOUND(MS_FINDING_ISSUER_NOT_CA,
		      "\"%s\" issued the signer's certificate and is no CA", cn);
	return 0;
}

/* Bits of the embedded certificates that have to do with a signer: its own and upwards.
 */
static uint32_t chain_bits(const struct ms_evidence *ev, int cert)
{
	uint32_t bits = 0;

	while (cert >= 0 && !(bits & (1u << cert))) {
		bits |= 1u << cert;
		cert = ev->chain->v[cert].issuer;
	}
	return bits;
}

/*
 * Follows embedded certificates from the signer's up to an anchor.
 * Returns 0, -ENOKEY, -EKEYREJECTED, -ENOPKG or -ENOMEM.
 */
static int walk_chain(const struct judge *j, int cert, struct ms_result *r,
		      const struct ms_anchor **ret)
{
	const struct ms_chain *chain = j->ev->chain;
	bool signs_code = true;

	for (size_t hops = 0; hops < chain->n; hops++) {
		const struct ms_chain_cert *cc = &chain->v[cert];
		int rc = judge_cert(j, cc->cert, signs_code, r);

		if (rc)
			return rc;
		if (cc->same && cc->same->cert->der_len == cc->cert->der_len &&
		    !memcmp(cc->same->cert->der, cc->cert->der, cc->cert->der_len)) {
			*ret = cc->same;
			return 0;
		}
		if (hash_is_weak(cc->cert->hash))
			FOUND(MS_FINDING_WEAK_DIGEST,
			      "an embedded certificate is signed with %s",
			      ms_hash_name(cc->cert->hash));
		if (cc->authority) {
			*ret = cc->authority;
			if (cc->authority_rc)
				return cc->authority_rc;
			return judge_cert(j, cc->authority->cert, false, r);
		}
		if (cc->issuer < 0 || cc->issuer == cert)
			return -ENOKEY;
		if (cc->issuer_rc)
			return cc->issuer_rc;
		cert = cc->issuer;
		signs_code = false;
	}
	return -ENOKEY;
}

static int report_signer(struct ms_result *r, size_t i, int rc, bool via_chain)
{
	struct ms_signer_result *sr = &r->signers[i];
	char who[NAME_SHOWN + 80];

	show_signer(sr->id, who, sizeof(who));
	switch (rc) {
	case 0:
		sr->state = MS_SIGNER_TRUSTED;
		return 0;
	case -ENOKEY:
		sr->state = MS_SIGNER_UNKNOWN;
		FOUND(MS_FINDING_UNKNOWN_SIGNER,
		      "signed by %s, which no anchor vouches for", who);
		return 0;
	case -EKEYREJECTED:
		sr->state = MS_SIGNER_BAD;
		if (via_chain)
			FOUND(MS_FINDING_BAD_CHAIN,
			      "the certificate of %s bears a false signature", who);
		else
			FOUND(MS_FINDING_BAD_SIGNATURE,
			      "the content is not what %s signed", who);
		return 0;
	case -ENOMEM:
		return rc;
	default:
		FOUND(MS_FINDING_UNSUPPORTED_ALGORITHM,
		      "the signature of %s uses an algorithm that cannot be checked here",
		      who);
		return 0;
	}
}

static const char *algorithm_of(const struct ms_signer_evidence *se,
				const struct ms_cert *cert)
{
	static const char *const kinds[] = {
		[MS_SIG_OTHER] = "unknown", [MS_SIG_RSA] = "rsa",
		[MS_SIG_ECDSA] = "ecdsa",   [MS_SIG_P521] = "p521",
		[MS_SIG_MLDSA] = "mldsa",
	};

	if (cert && cert->alg != MS_ALG_NONE && cert->alg != MS_ALG_OTHER)
		return ms_alg_name(cert->alg);
	return kinds[se->kind];
}

static int judge_signer(const struct judge *j, size_t i, struct ms_result *r)
{
	const struct ms_evidence *ev = j->ev;
	const struct ms_signer_evidence *se = &ev->signers[i];
	const struct ms_cert *cert = se->cert >= 0 ? ev->chain->v[se->cert].cert : NULL;
	struct ms_signer_result *sr = &r->signers[i];
	const struct ms_anchor *anchor = NULL;
	int rc;

	if (se->anchor)
		cert = se->anchor->cert;
	*sr = (struct ms_signer_result){
		.id = se->id,
		.algorithm = algorithm_of(se, cert),
		.hash = ev->msg.signers[i].hash,
		.ski = se->id->ski || se->cert < 0 ? se->id->ski
						   : ev->chain->v[se->cert].ski,
	};
	if (hash_is_weak(sr->hash))
		FOUND(MS_FINDING_WEAK_DIGEST, "signed with %s", ms_hash_name(sr->hash));
	if (!ev->checked)
		return 0;
	if (se->anchor) {
		rc = report_signer(r, i, se->anchor_rc, false);
		if (!rc && !se->anchor_rc) {
			sr->anchor = se->anchor;
			rc = judge_cert(j, se->anchor->cert, true, r);
		}
		return rc;
	}
	if (se->cert < 0)
		return report_signer(r, i, se->kind == MS_SIG_OTHER ? -ENOPKG : -ENOKEY,
				     false);
	if (se->cert_rc)
		return report_signer(r, i, se->cert_rc, false);
	rc = walk_chain(j, se->cert, r, &anchor);
	if (!rc)
		sr->anchor = anchor;
	return report_signer(r, i, rc, true);
}

static int judge_message(const struct judge *j, struct ms_result *r)
{
	const struct ms_evidence *ev = j->ev;
	const struct ms_pkcs7 *m = &ev->msg;
	uint32_t used = 0;
	bool attrs = false;
	int rc;

	if (m->n_signers) {
		r->signers = calloc(m->n_signers, sizeof(*r->signers));
		if (!r->signers)
			return -ENOMEM;
		r->n_signers = m->n_signers;
	} else {
		FOUND(MS_FINDING_MALFORMED_SIGNATURE, "the PKCS#7 message has no signer");
	}
	for (size_t i = 0; i < m->n_signers; i++) {
		rc = judge_signer(j, i, r);
		if (rc)
			return rc;
		used |= chain_bits(ev, ev->signers[i].cert);
		attrs = attrs || m->signers[i].signed_attrs;
	}
	if (attrs)
		FOUND(MS_FINDING_SIGNED_ATTRIBUTES,
		      "the signature has signed attributes, which kernels refuse");
	if (!m->detached)
		FOUND(MS_FINDING_EMBEDDED_CONTENT,
		      "the PKCS#7 message has content of its own inside");
	for (size_t i = 0; i < m->n_signers; i++)
		if (ev->signers[i].sig_extra)
			FOUND(MS_FINDING_TRAILING_BYTES,
			      "%zu bytes follow the value of the signature",
			      ev->signers[i].sig_extra);
	if (m->n_signers > 1)
		FOUND(MS_FINDING_EXTRA_SIGNER,
		      "%zu signers, and the kernel is content with any one of them",
		      m->n_signers);
	if (m->trailing)
		FOUND(MS_FINDING_TRAILING_BYTES, "%zu bytes follow the PKCS#7 message",
		      m->trailing);
	for (size_t i = 0; i < m->n_certs && ev->checked; i++)
		if (!(used & (1u << i)))
			FOUND(MS_FINDING_EXTRA_CERTIFICATE,
			      "embedded certificate %zu has nothing to do with the "
			      "signer",
			      i + 1);
	return 0;
}

static int judge_signature(const struct judge *j, struct ms_result *r)
{
	const struct ms_evidence *ev = j->ev;
	int rc = ev->trailer_rc ? ev->trailer_rc : ev->message_rc;

	if (rc == -ENODATA && ev->magic_gap)
		FOUND(MS_FINDING_TRAILING_BYTES,
		      "%zu bytes follow the signature, so the kernel does not see it",
		      ev->magic_gap);
	if (rc == -ENODATA)
		FOUND(MS_FINDING_UNSIGNED, "it carries no signature%s",
		      ev->is_file ? ", and beside it there is neither FILE.p7s nor "
				    "FILE.sig"
		      : !ev->facts_rc && !ev->facts.has_debug && !ev->magic_gap
			      ? " (stripping a signed module takes its signature off)"
			      : "");
	else if (rc == -ENOPKG)
		FOUND(MS_FINDING_UNKNOWN_SIGNATURE_TYPE, "the signature is not PKCS#7");
	else if (rc)
		FOUND(MS_FINDING_MALFORMED_SIGNATURE, "the %s is damaged",
		      ev->trailer_rc ? "signature's trailer" : "PKCS#7 message");
	return rc ? 0 : judge_message(j, r);
}

int ms_policy_judge(const struct ms_evidence *ev, const struct ms_trust *t,
		    struct ms_result *r)
{
	const struct judge j = {.ev = ev, .t = t};
	bool good = ev->checked && !ev->message_rc && r->policy.n_findings == 0;
	int rc = judge_signature(&j, r);

	if (!rc)
		rc = judge_module(&j, r);
	if (rc)
		return rc;
	for (size_t i = 0; i < r->n_signers; i++)
		good = good && r->signers[i].state == MS_SIGNER_TRUSTED;
	if (ev->nested)
		FOUND(MS_FINDING_NESTED_SIGNATURE,
		      "there is another signature inside the signed part");
	if (ev->extra)
		FOUND(MS_FINDING_TRAILING_BYTES, "%zu bytes follow the compressed module",
		      ev->extra);
	if (ev->is_file)
		; /* it need not be one */
	else if (ev->facts_rc)
		FOUND(MS_FINDING_NOT_A_MODULE, "%s",
		      ev->facts_rc == -ENOEXEC
			      ? "it is no ELF object"
			      : "its ELF structure is damaged or it has no "
				".modinfo");
	else if (!ev->facts.has_symtab)
		FOUND(MS_FINDING_STRIPPED,
		      "its symbol table is gone, so it cannot be loaded");
	ms_result_settle(r, good && r->n_signers);
	return 0;
}
