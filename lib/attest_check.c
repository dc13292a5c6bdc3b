/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/attest_check.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdarg.h>

#include "lib/escape.h"
#include "lib/tpm_attest.h"

#define LABEL_KEY "modseal key attestation 1"
#define LABEL_SRK "modseal storage root key 1"

/**
 * struct judge - the evidence, taken apart as far as it can be
 * @ak_key: NULL while there is none to check signatures with
 */
struct judge {
	const struct ms_tpm_evidence *e;
	const struct ms_attest_question *q;
	struct ms_attest_result *r;
	struct ms_tpm_public ak, key;
	EVP_PKEY *ak_key;
	uint8_t name[2 + MS_DIGEST_MAX], extra[32];
	size_t name_len;
	bool have_key, have_extra;
};

const char *ms_attest_state_name(enum ms_attest_state s)
{
	switch (s) {
	case MS_ATTEST_GOOD:
		return "good";
	case MS_ATTEST_BAD:
		return "failed";
	case MS_ATTEST_SKIPPED:
		return "skipped";
	case MS_ATTEST_UNCHECKED:
		break;
	}
	return "unchecked";
}

enum ms_attest_state ms_attest_state(const struct ms_attest_result *r)
{
	enum ms_attest_state s = r->n ? MS_ATTEST_GOOD : MS_ATTEST_UNCHECKED;

	for (size_t i = 0; i < r->n; i++) {
		if (r->v[i].state == MS_ATTEST_BAD)
			return MS_ATTEST_BAD;
		if (r->v[i].state == MS_ATTEST_UNCHECKED)
			s = MS_ATTEST_UNCHECKED;
	}
	return s;
}

static void _printf_(4, 5) note(struct judge *j, const char *name,
				enum ms_attest_state state, const char *fmt, ...)
{
	struct ms_attest_check *c;
	va_list ap;

	if (j->r->n == MS_ATTEST_CHECKS_MAX)
		return;
	c = &j->r->v[j->r->n++];
	c->name = name;
	c->state = state;
	va_start(ap, fmt);
	vsnprintf(c->why, sizeof(c->why), fmt, ap);
	va_end(ap);
}

/* One condition: @why is said when it does not hold. */
static bool hold(struct judge *j, const char *name, bool good, const char *why)
{
	note(j, name, good ? MS_ATTEST_GOOD : MS_ATTEST_BAD, "%s", good ? "" : why);
	return good;
}

static bool has(const struct judge *j, enum ms_tpm_ev f)
{
	return j->e->f[f].p != NULL;
}

static bool same(const struct ms_bytes *b, const uint8_t *p, size_t len)
{
	return b->p && b->len == len && memcmp(b->p, p, len) == 0;
}

/* ------------------------------------------------------------------- extra data */

static void put_part(struct ms_buf *b, const uint8_t *p, size_t len)
{
	ms_buf_put_bytes(b, len ? p : (const uint8_t *)"", len);
}

int ms_attest_extra_data(const uint8_t *csr, size_t csr_len, const uint8_t *policy,
			 size_t policy_len, const uint8_t *nonce, size_t nonce_len,
			 uint8_t ret[32])
{
	_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(MS_CERT_MAX * 2);

	ms_buf_put_str(&b, LABEL_KEY);
	put_part(&b, csr, csr_len);
	put_part(&b, policy, policy_len);
	put_part(&b, nonce, nonce_len);
	if (ms_buf_error(&b) < 0)
		return ms_buf_error(&b);
	return ms_digest(MS_HASH_SHA256, b.data, b.len, ret);
}

int ms_attest_srk_extra_data(uint8_t ret[32])
{
	return ms_digest(MS_HASH_SHA256, LABEL_SRK, strlen(LABEL_SRK), ret);
}

/* ------------------------------------------------------------------ attributes */

struct attribute {
	const char *name;
	uint32_t bit;
	bool set;
	const char *why;
};

static void check_attributes(struct judge *j, uint32_t attrs, const struct attribute *a,
			     size_t n)
{
	for (size_t i = 0; i < n; i++)
		(void)hold(j, a[i].name, !!(attrs & a[i].bit) == a[i].set, a[i].why);
}

static const struct attribute ak_attributes[] = {
	{"ak-fixedTPM", MS_TPMA_FIXED_TPM, true,
	 "the attestation key can leave its TPM: fixedTPM is clear"},
	{"ak-fixedParent", MS_TPMA_FIXED_PARENT, true,
	 "the attestation key can be moved: fixedParent is clear"},
	{"ak-sensitiveDataOrigin", MS_TPMA_ORIGIN, true,
	 "the attestation key was not made by the TPM: sensitiveDataOrigin is clear"},
	{"ak-restricted", MS_TPMA_RESTRICTED, true,
	 "the attestation key signs anything, so what it signs proves nothing: "
	 "restricted is clear"},
	{"ak-sign", MS_TPMA_SIGN, true, "the attestation key is no signing key"},
	{"ak-decrypt", MS_TPMA_DECRYPT, false, "the attestation key decrypts, too"},
};

static const struct attribute key_attributes[] = {
	{"key-fixedTPM", MS_TPMA_FIXED_TPM, true,
	 "the key can be taken out of its TPM: fixedTPM is clear"},
	{"key-fixedParent", MS_TPMA_FIXED_PARENT, true,
	 "the key can be moved to another parent: fixedParent is clear"},
	{"key-sensitiveDataOrigin", MS_TPMA_ORIGIN, true,
	 "the key was brought into the TPM from outside: sensitiveDataOrigin is clear"},
	{"key-restricted", MS_TPMA_RESTRICTED, false,
	 "the key cannot sign what comes from outside: restricted is set"},
	{"key-sign", MS_TPMA_SIGN, true, "the key is no signing key"},
	{"key-decrypt", MS_TPMA_DECRYPT, false, "the key decrypts, too"},
};

static const struct attribute srk_attributes[] = {
	{"srk-fixedTPM", MS_TPMA_FIXED_TPM, true,
	 "the storage root key can leave its TPM: fixedTPM is clear"},
	{"srk-fixedParent", MS_TPMA_FIXED_PARENT, true,
	 "the storage root key can be moved: fixedParent is clear"},
	{"srk-sensitiveDataOrigin", MS_TPMA_ORIGIN, true,
	 "the storage root key was not made by the TPM: sensitiveDataOrigin is clear"},
	{"srk-restricted", MS_TPMA_RESTRICTED, true,
	 "the storage root key decrypts anything: restricted is clear"},
	{"srk-decrypt", MS_TPMA_DECRYPT, true, "it is no storage key: decrypt is clear"},
	{"srk-sign", MS_TPMA_SIGN, false, "the storage root key signs, too"},
};

/* --------------------------------------------------------------- certificates */

static void chain_condition(struct judge *j, const char *name, const struct ms_cert *c,
			    const struct ms_cert_list *roots, const char *option,
			    enum ms_tpm_ev chain)
{
	char why[120] = "", shown[160];
	int r;

	if (!roots || !roots->n) {
		note(j, name, MS_ATTEST_UNCHECKED, "nobody vouches for it: give %s",
		     option);
		return;
	}
	r = ms_attest_chain(c, j->e->f[chain].p, j->e->f[chain].len, roots, j->q->now,
			    why, sizeof(why));
	if (r == -ENOMEM)
		note(j, name, MS_ATTEST_UNCHECKED, "out of memory");
	else
		note(j, name, r < 0 ? MS_ATTEST_BAD : MS_ATTEST_GOOD, "%s%s",
		     r < 0 ? "no chain leads to a trusted certificate: " : "",
		     ms_escape_str(why, shown, sizeof(shown)));
}

/* The EK's certificate: from a manufacturer, and for an endorsement key. */
static void check_ek(struct judge *j)
{
	_cleanup_cert_ struct ms_cert *c = NULL;
	uint8_t digest[MS_DIGEST_MAX];

	if (!has(j, MS_EV_EK_CERT)) {
		note(j, "ek-certificate", MS_ATTEST_BAD,
		     "there is no certificate of the TPM's endorsement key");
		return;
	}
	if (ms_cert_parse(j->e->f[MS_EV_EK_CERT].p, j->e->f[MS_EV_EK_CERT].len, &c) < 0) {
		note(j, "ek-certificate", MS_ATTEST_BAD, "it cannot be read");
		return;
	}
	if (ms_digest(MS_HASH_SHA256, c->der, c->der_len, digest) == 0)
		ms_hex(digest, 32, j->r->ek_sha256);
	chain_condition(j, "ek-certificate", c, j->q->roots, "--root", MS_EV_EK_CHAIN);
	(void)hold(j, "ek-usage", ms_attest_eku(c, MS_OID_EK_CERT),
		   "the certificate is not for an endorsement key: its extended key "
		   "usage lacks " MS_OID_EK_CERT);
}

/* The AK's certificate ties its public area to one EK. */
static void check_ak_cert(struct judge *j)
{
	_cleanup_cert_ struct ms_cert *c = NULL;
	char ak[133] = "", ek[65] = "", name_hex[133] = "";
	uint8_t name[2 + MS_DIGEST_MAX];
	size_t len;

	if (!has(j, MS_EV_AK_CERT)) {
		note(j, "ak-certificate", MS_ATTEST_BAD,
		     "the attestation key has no certificate: enroll it with modseal tpm "
		     "enroll");
		return;
	}
	if (ms_cert_parse(j->e->f[MS_EV_AK_CERT].p, j->e->f[MS_EV_AK_CERT].len, &c) < 0) {
		note(j, "ak-certificate", MS_ATTEST_BAD, "it cannot be read");
		return;
	}
	chain_condition(j, "ak-certificate", c, j->q->ak_cas, "--ak-ca", MS_EV_NONE);
	(void)hold(j, "ak-usage", ms_attest_eku(c, MS_OID_AIK_CERT),
		   "the certificate is not for an attestation key: its extended key "
		   "usage lacks " MS_OID_AIK_CERT);
	(void)hold(j, "ak-key",
		   j->ak_key && c->pkey && EVP_PKEY_eq(c->pkey, j->ak_key) == 1,
		   "the certificate is another key's");
	if (j->ak_key && ms_tpm_public_name(&j->ak, name, &len) == 0)
		ms_hex(name, len, name_hex);
	(void)!ms_attest_sans(c, ak, ek);
	(void)hold(j, "ak-name", *ak && strcmp(ak, name_hex) == 0,
		   "the certificate is for an attestation key with another Name");
	(void)hold(j, "ak-ek", *ek && strcmp(ek, j->r->ek_sha256) == 0,
		   "the certificate names another endorsement key, so that the "
		   "attestation key may be in another TPM");
}

static void check_ak(struct judge *j)
{
	bool good = has(j, MS_EV_AK_PUBLIC) &&
		    ms_tpm_public_parse(j->e->f[MS_EV_AK_PUBLIC].p,
					j->e->f[MS_EV_AK_PUBLIC].len, &j->ak) == 0 &&
		    ms_tpm_public_key(&j->ak, &j->ak_key) == 0;

	if (!hold(j, "ak-public", good,
		  "the attestation key's public area is missing or malformed"))
		return;
	check_attributes(j, j->ak.attrs, ak_attributes, ARRAY_SIZE(ak_attributes));
}

/* ----------------------------------------------------------------- attestations */

/**
 * struct statement - one that the AK signed
 * @names: of its conditions: signature, magic, type, extra data
 */
struct statement {
	enum ms_tpm_ev field, sig;
	uint16_t type;
	const char *names[5];
};

static const struct statement certify = {MS_EV_CERTIFY,
					 MS_EV_CERTIFY_SIG,
					 MS_TPM_ATTEST_CERTIFY,
					 {"certify", "certify-signature", "certify-magic",
					  "certify-type", "certify-extra-data"}};
static const struct statement creation = {MS_EV_CREATION,
					  MS_EV_CREATION_SIG,
					  MS_TPM_ATTEST_CREATION,
					  {"creation", "creation-signature",
					   "creation-magic", "creation-type",
					   "creation-extra-data"}};
static const struct statement quote = {
	MS_EV_QUOTE,
	MS_EV_QUOTE_SIG,
	MS_TPM_ATTEST_QUOTE,
	{"quote", "quote-signature", "quote-magic", "quote-type", "quote-extra-data"}};
static const struct statement srk_certify = {MS_EV_SRK_CERTIFY,
					     MS_EV_SRK_CERTIFY_SIG,
					     MS_TPM_ATTEST_CERTIFY,
					     {"srk-certify", "srk-certify-signature",
					      "srk-certify-magic", "srk-certify-type",
					      "srk-certify-extra-data"}};

/* Return: is it of its type, so that what it attests can be looked at? */
static bool check_statement(struct judge *j, const struct statement *s,
			    struct ms_tpm_attest *ret)
{
	const uint8_t *p = j->e->f[s->field].p, *sig = j->e->f[s->sig].p;
	size_t len = j->e->f[s->field].len, sig_len = j->e->f[s->sig].len;
	int r = -EBADMSG;

	if (sig && j->ak_key)
		r = ms_tpm_signature_check(j->ak_key, p, len, sig, sig_len);
	(void)hold(j, s->names[1], r == 0,
		   r == -ENOPKG ? "it is signed in a way that is not known here"
				: "the attestation key did not sign this");
	r = ms_tpm_attest_parse(p, len, ret);
	if (!hold(j, s->names[0], r == 0,
		  r == -ENOPKG ? "it is about other PCRs than those of SHA-256"
			       : "it is malformed"))
		return false;
	(void)hold(j, s->names[2], ret->magic == MS_TPM_GENERATED,
		   "it was not made by a TPM: the magic number is not ff544347");
	(void)hold(j, s->names[4],
		   j->have_extra && same(&ret->extra, j->extra, sizeof(j->extra)),
		   "it is about another request, policy or nonce");
	return hold(j, s->names[3], ret->type == s->type,
		    "it is a statement of another type");
}

static void check_creation(struct judge *j)
{
	uint8_t hash[MS_DIGEST_MAX];
	struct ms_tpm_attest a = {0};
	size_t len = 0;
	int r = -EBADMSG;

	if (!has(j, MS_EV_CREATION)) {
		note(j, "creation", MS_ATTEST_SKIPPED,
		     "there is nothing about the key's creation: it was made by another "
		     "program or an older modseal");
		return;
	}
	if (!check_statement(j, &creation, &a))
		return;
	(void)hold(j, "creation-name", same(&a.name, j->name, j->name_len),
		   "it is about another key: the Name is not the key's");
	if (has(j, MS_EV_CREATION_DATA))
		r = ms_tpm_creation_hash(j->e->f[MS_EV_CREATION_DATA].p,
					 j->e->f[MS_EV_CREATION_DATA].len,
					 j->key.name_alg, hash, &len);
	(void)hold(j, "creation-data", r == 0 && same(&a.digest, hash, len),
		   "the creation data are missing or others than those attested");
}

/* -------------------------------------------------------------------------- PCRs */

/* The values, by number. Return: do they make the quoted digest? */
static bool spread_values(const struct judge *j, const struct ms_tpm_attest *a,
			  uint8_t ret[MS_PCRS][32])
{
	const uint8_t *p = j->e->f[MS_EV_PCR_VALUES].p;
	size_t n = (size_t)__builtin_popcount(a->pcrs);
	uint8_t digest[MS_DIGEST_MAX];

	if (!p || j->e->f[MS_EV_PCR_VALUES].len != 32 * n ||
	    ms_digest(MS_HASH_SHA256, p, 32 * n, digest) < 0 ||
	    !same(&a->digest, digest, 32))
		return false;
	for (unsigned int i = 0; i < MS_PCRS; i++)
		if (a->pcrs & (UINT32_C(1) << i)) {
			memcpy(ret[i], p, 32);
			p += 32;
		}
	return true;
}

/* Return: the first PCR of @mask that differs, or -1 */
static int first_difference(uint32_t mask, const uint8_t a[MS_PCRS][32],
			    const uint8_t b[MS_PCRS][32])
{
	for (unsigned int i = 0; i < MS_PCRS; i++)
		if (mask & (UINT32_C(1) << i) && memcmp(a[i], b[i], 32) != 0)
			return (int)i;
	return -1;
}

static void check_expected_pcrs(struct judge *j, uint32_t quoted,
				const uint8_t value[MS_PCRS][32])
{
	uint32_t missing = j->q->pcr_mask & ~quoted;
	int i = first_difference(j->q->pcr_mask, value, j->q->pcr);

	if (!j->q->pcr_mask)
		note(j, "quote-pcrs", MS_ATTEST_SKIPPED, "no value was asked for");
	else if (missing)
		note(j, "quote-pcrs", MS_ATTEST_UNCHECKED, "PCR %d is not quoted",
		     __builtin_ctz(missing));
	else if (i >= 0)
		note(j, "quote-pcrs", MS_ATTEST_BAD,
		     "PCR %d has another value than expected", i);
	else
		note(j, "quote-pcrs", MS_ATTEST_GOOD, "%s", "");
}

static void check_event_log(struct judge *j, uint32_t quoted,
			    const uint8_t value[MS_PCRS][32])
{
	uint8_t replayed[MS_PCRS][32] = {{0}};
	int r, i;

	if (!has(j, MS_EV_EVENT_LOG)) {
		note(j, "event-log", MS_ATTEST_SKIPPED, "the machine had none to show");
		return;
	}
	r = ms_event_log_replay(j->e->f[MS_EV_EVENT_LOG].p, j->e->f[MS_EV_EVENT_LOG].len,
				replayed);
	i = r == 0 ? first_difference(quoted, value, replayed) : -1;
	if (r == -ENOPKG)
		note(j, "event-log", MS_ATTEST_UNCHECKED,
		     "it has no SHA-256 digests, or the format of TPM 1.2");
	else if (r < 0)
		note(j, "event-log", MS_ATTEST_BAD, "it is malformed");
	else if (i >= 0)
		note(j, "event-log", MS_ATTEST_BAD,
		     "it does not lead to the quoted value of PCR %d", i);
	else
		note(j, "event-log", MS_ATTEST_GOOD, "%s", "");
}

static void check_quote(struct judge *j)
{
	uint8_t value[MS_PCRS][32] = {{0}};
	struct ms_tpm_attest a = {0};

	if (!has(j, MS_EV_QUOTE)) {
		note(j, "quote", MS_ATTEST_UNCHECKED, "there is no quote");
		return;
	}
	if (!check_statement(j, &quote, &a))
		return;
	j->r->pcrs = a.pcrs;
	if (!hold(j, "quote-digest", spread_values(j, &a, value),
		  "the PCR values are not those that the TPM quoted"))
		return;
	check_expected_pcrs(j, a.pcrs, value);
	check_event_log(j, a.pcrs, value);
}

/* --------------------------------------------------------------------------- key */

static bool csr_is_of(const struct ms_tpm_evidence *e, EVP_PKEY *key)
{
	const uint8_t *p = e->f[MS_EV_CSR].p, *at = p;
	X509_REQ *req = p ? d2i_X509_REQ(NULL, &at, (long)e->f[MS_EV_CSR].len) : NULL;
	bool good = req && at == p + e->f[MS_EV_CSR].len && X509_REQ_get0_pubkey(req) &&
		    EVP_PKEY_eq(X509_REQ_get0_pubkey(req), key) == 1 &&
		    X509_REQ_verify(req, key) == 1;

	X509_REQ_free(req);
	return good;
}

static void check_policy(struct judge *j)
{
	if (j->key.policy.len <= MS_DIGEST_MAX)
		ms_hex(j->key.policy.p, j->key.policy.len, j->r->policy);
	if (!j->q->want_policy)
		note(j, "key-policy", MS_ATTEST_SKIPPED, "none was asked for");
	else
		(void)hold(j, "key-policy",
			   same(&j->key.policy, j->q->policy, j->q->policy_len),
			   "the key's authPolicy is another one");
	/* A policy that nobody has to meet says nothing of who can use the key. */
	if (j->q->want_policy && j->q->policy_len)
		(void)hold(j, "key-userWithAuth",
			   !(j->key.attrs & MS_TPMA_USER_WITH_AUTH),
			   "the key can be used without its policy: userWithAuth is set");
}

static void check_nonce(struct judge *j)
{
	const struct ms_bytes nonce = {j->e->f[MS_EV_NONCE].p, j->e->f[MS_EV_NONCE].len};

	if (!j->q->nonce_len)
		note(j, "nonce", MS_ATTEST_SKIPPED,
		     "none was asked for, so the bundle may be old");
	else
		(void)hold(j, "nonce", same(&nonce, j->q->nonce, j->q->nonce_len),
			   "the bundle was not made for this nonce");
}

static void check_key(struct judge *j)
{
	const struct ms_tpm_evidence *e = j->e;
	EVP_PKEY *key = NULL;
	bool good = has(j, MS_EV_KEY_PUBLIC) &&
		    ms_tpm_public_parse(e->f[MS_EV_KEY_PUBLIC].p,
					e->f[MS_EV_KEY_PUBLIC].len, &j->key) == 0 &&
		    ms_tpm_public_name(&j->key, j->name, &j->name_len) == 0 &&
		    ms_tpm_public_key(&j->key, &key) == 0;

	if (!hold(j, "key-public", good, "the key's public area is missing or malformed"))
		return;
	j->have_key = true;
	ms_hex(j->name, j->name_len, j->r->key_name);
	(void)hold(j, "key-certificate",
		   j->q->cert->pkey && EVP_PKEY_eq(j->q->cert->pkey, key) == 1,
		   "the certificate has another public key than the attested one");
	check_attributes(j, j->key.attrs, key_attributes, ARRAY_SIZE(key_attributes));
	check_policy(j);
	ERR_set_mark();
	(void)hold(j, "csr", csr_is_of(e, key),
		   "the certificate request is missing, damaged or of another key");
	ERR_pop_to_mark();
	j->have_extra = ms_attest_extra_data(e->f[MS_EV_CSR].p, e->f[MS_EV_CSR].len,
					     j->key.policy.p, j->key.policy.len,
					     e->f[MS_EV_NONCE].p, e->f[MS_EV_NONCE].len,
					     j->extra) == 0;
	EVP_PKEY_free(key);
}

void ms_attest_check_key(const struct ms_tpm_evidence *e,
			 const struct ms_attest_question *q, struct ms_attest_result *ret)
{
	struct judge j = {.e = e, .q = q, .r = ret};
	struct ms_tpm_attest a = {0};

	memset(ret, 0, sizeof(*ret));
	check_ek(&j);
	check_ak(&j);
	check_ak_cert(&j);
	check_key(&j);
	if (j.have_key) {
		check_nonce(&j);
		if (!has(&j, MS_EV_CERTIFY))
			note(&j, "certify", MS_ATTEST_BAD,
			     "the TPM says nothing about the key");
		else if (check_statement(&j, &certify, &a))
			(void)hold(&j, "certify-name", same(&a.name, j.name, j.name_len),
				   "it is about another key: the Name is not the key's");
		check_creation(&j);
		check_quote(&j);
	}
	EVP_PKEY_free(j.ak_key);
}

void ms_attest_check_srk(const struct ms_tpm_evidence *e,
			 const struct ms_attest_question *q, struct ms_attest_result *ret)
{
	struct judge j = {.e = e, .q = q, .r = ret};
	struct ms_tpm_attest a = {0};
	bool good;

	memset(ret, 0, sizeof(*ret));
	check_ek(&j);
	check_ak(&j);
	check_ak_cert(&j);
	good = has(&j, MS_EV_SRK_PUBLIC) &&
	       ms_tpm_public_parse(e->f[MS_EV_SRK_PUBLIC].p, e->f[MS_EV_SRK_PUBLIC].len,
				   &j.key) == 0 &&
	       ms_tpm_public_name(&j.key, j.name, &j.name_len) == 0;
	if (hold(&j, "srk-public", good,
		 "the storage root key's public area is missing or malformed")) {
		ms_hex(j.name, j.name_len, ret->key_name);
		check_attributes(&j, j.key.attrs, srk_attributes,
				 ARRAY_SIZE(srk_attributes));
		j.have_extra = ms_attest_srk_extra_data(j.extra) == 0;
		if (!has(&j, MS_EV_SRK_CERTIFY))
			note(&j, "srk-certify", MS_ATTEST_BAD,
			     "the TPM says nothing about its storage root key");
		else if (check_statement(&j, &srk_certify, &a))
			(void)hold(&j, "srk-certify-name",
				   same(&a.name, j.name, j.name_len),
				   "it is about another key: the Name is not this one's");
	}
	EVP_PKEY_free(j.ak_key);
}

void ms_attest_check_ak_request(const struct ms_tpm_evidence *e,
				const struct ms_attest_question *q,
				struct ms_attest_result *ret)
{
	struct judge j = {.e = e, .q = q, .r = ret};

	memset(ret, 0, sizeof(*ret));
	check_ek(&j);
	check_ak(&j);
	EVP_PKEY_free(j.ak_key);
}
