/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include "lib/escape.h"
#include "lib/file.h"
#include "lib/pem.h"
#include "verifier/revocation_list.h"
#include "verifier/revocations.h"

#define SERIAL_MAX 64u	 /* bytes */
#define ISSUER_MAX 4096u /* bytes */

static int add(struct ms_revocations *r, const struct ms_revocation *e)
{
	if (r->n >= MS_REVOCATIONS_MAX)
		return -EFBIG;
	if (r->n == r->cap) {
		size_t cap = r->cap ? 2 * r->cap : 64;
		struct ms_revocation *more = realloc(r->v, cap * sizeof(*more));

		if (!more)
			return -ENOMEM;
		r->v = more;
		r->cap = cap;
	}
	r->v[r->n++] = *e;
	if (e->kind == MS_REVOKES_DIGEST)
		r->hashes |= 1u << e->hash;
	return 0;
}

static int note_expired(struct ms_revocations *r, const char *source)
{
	if (r->expired)
		return 0;
	r->expired = strdup(source);
	return r->expired ? 0 : -ENOMEM;
}

/* ------------------------------------------------------------------- JSON */

/* "2026-01-31" or "2026-01-31T12:00:00Z", UTC. */
static int parse_time(const char *s, time_t *ret)
{
	struct tm tm = {0};
	const char *end = strptime(s, "%Y-%m-%d", &tm);

	if (end && *end == 'T')
		end = strptime(end, "T%H:%M:%SZ", &tm);
	if (!end || *end)
		return -EBADMSG;
	*ret = timegm(&tm);
	return 0;
}

static int nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Hex into memory of its own, @least to @most bytes. */
static int parse_hex(const char *s, size_t least, size_t most, uint8_t **ret,
		     size_t *ret_len)
{
	size_t n = strlen(s) / 2;
	uint8_t *p;

	if (strlen(s) % 2 || n < least || n > most)
		return -EBADMSG;
	p = malloc(n);
	if (!p)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		int hi = nibble(s[2 * i]), lo = nibble(s[2 * i + 1]);

		if (hi < 0 || lo < 0) {
			free(p);
			return -EBADMSG;
		}
		p[i] = (uint8_t)(hi << 4 | lo);
	}
	*ret = p;
	*ret_len = n;
	return 0;
}

static int copy(const char *s, char **ret)
{
	if (!s)
		return 0;
	*ret = strdup(s);
	return *ret ? 0 : -ENOMEM;
}

/* "sha256:<hex>" */
static int parse_digest(const char *s, struct ms_revocation *e)
{
	const char *colon = strchr(s, ':');
	_cleanup_free_ char *name = colon ? strndup(s, (size_t)(colon - s)) : NULL;

	if (!name || ms_hash_from_name(name, &e->hash))
		return -EBADMSG;
	e->kind = MS_REVOKES_DIGEST;
	return parse_hex(colon + 1, ms_hash_size(e->hash), ms_hash_size(e->hash), &e->key,
			 &e->key_len);
}

/* As it is in a certificate: an INTEGER that is not negative. */
static int parse_serial(const char *issuer, const char *serial, struct ms_revocation *e)
{
	_cleanup_free_ uint8_t *n = NULL;
	size_t len = 0, at = 0, pad;
	int rc = parse_hex(serial, 1, SERIAL_MAX, &n, &len);

	e->kind = MS_REVOKES_SERIAL;
	if (!rc)
		rc = parse_hex(issuer, 2, ISSUER_MAX, &e->issuer, &e->issuer_len);
	if (rc)
		return rc;
	while (at + 1 < len && !n[at])
		at++;
	pad = n[at] & 0x80 ? 1 : 0;
	e->key = malloc(2 + pad + len - at);
	if (!e->key)
		return -ENOMEM;
	e->key[0] = 0x02;
	e->key[1] = (uint8_t)(pad + len - at);
	e->key[2] = 0;
	memcpy(e->key + 2 + pad, n + at, len - at);
	e->key_len = 2 + pad + len - at;
	return 0;
}

/* Each entry says one of: certificate, issuer with serial, key, digest, name. */
static int parse_what(json_t *j, struct ms_revocation *e)
{
	const char *certificate = NULL, *key = NULL, *digest = NULL, *name = NULL;
	const char *below = NULL, *srcversion = NULL, *reason = NULL, *since = NULL;
	const char *issuer = NULL, *serial = NULL;
	int rc = 0;

	if (json_unpack(j, "{s?s, s?s, s?s, s?s, s?s, s?s, s?s, s?s, s?s, s?s !}",
			"certificate", &certificate, "issuer", &issuer, "serial", &serial,
			"key", &key, "digest", &digest, "name", &name, "below", &below,
			"srcversion", &srcversion, "reason", &reason, "since", &since))
		return -EBADMSG;
	if (!!certificate + !!issuer + !!key + !!digest + !!name != 1 ||
	    (!name && (below || srcversion)) || !issuer != !serial)
		return -EBADMSG;
	if (certificate) {
		e->kind = MS_REVOKES_CERT;
		rc = parse_hex(certificate, 32, 32, &e->key, &e->key_len);
	} else if (issuer) {
		rc = parse_serial(issuer, serial, e);
	} else if (key) {
		e->kind = MS_REVOKES_KEY;
		rc = parse_hex(key, 1, 64, &e->key, &e->key_len);
	} else if (digest) {
		rc = parse_digest(digest, e);
	} else {
		e->kind = MS_REVOKES_VERSION;
		rc = copy(name, &e->name);
	}
	if (!rc)
		rc = copy(below, &e->below);
	if (!rc)
		rc = copy(srcversion, &e->srcversion);
	if (!rc)
		rc = copy(reason, &e->reason);
	if (!rc && since)
		rc = parse_time(since, &e->since);
	return rc;
}

static void clear_entry(struct ms_revocation *e)
{
	struct ms_revocations one = {.v = NULL};

	one.v = malloc(sizeof(*e));
	if (!one.v)
		return;
	one.v[0] = *e;
	one.n = 1;
	ms_revocations_clear(&one);
}

int ms_revocations_add(struct ms_revocations *r, const struct ms_revocation *e)
{
	struct ms_revocation mine = *e;
	int rc = e->key && e->source ? add(r, e) : -ENOMEM;

	if (rc)
		clear_entry(&mine);
	return rc;
}

static int add_json(struct ms_revocations *r, json_t *j, const char *source)
{
	struct ms_revocation e = {0};
	int rc = parse_what(j, &e);

	if (!rc)
		rc = copy(source, &e.source);
	if (!rc)
		rc = add(r, &e);
	if (rc)
		clear_entry(&e);
	return rc;
}

static int parse_head(json_t *j, struct ms_revocation_head *h, json_t **ret_entries,
		      struct ms_error *err)
{
	const char *expires = NULL, *issued = NULL;
	json_t *entries = NULL;
	json_int_t number = 0;
	int version;

	if (json_unpack(j, "{s:i, s?I, s?s, s?s, s:o !}", "version", &version, "number",
			&number, "issued", &issued, "expires", &expires, "entries",
			&entries) ||
	    version != 1 || !json_is_array(entries))
		return ms_error_set(
			err, -EBADMSG, "bad-revocations",
			"must have version 1 and entries, and nothing else but "
			"number, issued and expires");
	if (json_object_get(j, "number") && number < 1)
		return ms_error_set(err, -EBADMSG, "bad-revocations",
				    "number must be at least 1");
	*h = (struct ms_revocation_head){.number = number};
	if ((issued && parse_time(issued, &h->issued)) ||
	    (expires && parse_time(expires, &h->expires)))
		return ms_error_set(err, -EBADMSG, "bad-revocations",
				    "%s must be a date, say 2026-01-31",
				    expires && !h->expires ? "expires" : "issued");
	*ret_entries = entries;
	return 0;
}

static int parse_document(struct ms_revocations *r, json_t *j, const char *source,
			  time_t now, struct ms_revocation_head *ret,
			  struct ms_error *err)
{
	struct ms_revocation_head h;
	json_t *entries = NULL;
	int rc = parse_head(j, &h, &entries, err);

	for (size_t i = 0; !rc && i < json_array_size(entries); i++) {
		rc = add_json(r, json_array_get(entries, i), source);
		if (rc)
			return ms_error_set(
				err, rc, "bad-revocations",
				rc == -EBADMSG
					? "entry %zu is not understood: nothing of "
					  "the list is used"
					: "too many entries, at %zu",
				i + 1);
	}
	if (!rc && h.expires && h.expires < now)
		rc = note_expired(r, source);
	if (rc)
		return rc;
	h.entries = json_array_size(entries);
	*ret = h;
	return 0;
}

int ms_revocations_parse_list(struct ms_revocations *r, const char *text, size_t len,
			      const char *source, time_t now,
			      struct ms_revocation_head *ret, struct ms_error *err)
{
	json_error_t where;
	json_t *j = json_loadb(text, len, JSON_REJECT_DUPLICATES, &where);
	int rc;

	if (!j)
		return ms_error_set(err, -EBADMSG, "bad-revocations",
				    "neither a CRL nor JSON (line %d)", where.line);
	rc = parse_document(r, j, source, now, ret, err);
	json_decref(j);
	return rc;
}

int ms_revocations_parse_json(struct ms_revocations *r, const char *text, size_t len,
			      const char *source, time_t now, struct ms_error *err)
{
	struct ms_revocation_head head;

	return ms_revocations_parse_list(r, text, len, source, now, &head, err);
}

/* -------------------------------------------------------------------- CRL */

static int signed_by_anchor(X509_CRL *crl, const struct ms_anchors *anchors)
{
	unsigned char *issuer = NULL;
	int len = i2d_X509_NAME(X509_CRL_get_issuer(crl), &issuer), rc = -ENOKEY;

	for (size_t i = 0; i < anchors->n && len > 0 && rc; i++) {
		const struct ms_cert *c = anchors->v[i].cert;

		if (c->pkey && c->subject_len == (size_t)len &&
		    !memcmp(c->subject, issuer, c->subject_len) &&
		    X509_CRL_verify(crl, c->pkey) == 1)
			rc = 0;
	}
	OPENSSL_free(issuer);
	ERR_clear_error();
	return rc;
}

/* RFC 5280, 5.3.1 */
static int copy_reason(X509_REVOKED *rev, char **ret)
{
	static const char *const reasons[] = {
		"unspecified",	   "keyCompromise",
		"cACompromise",	   "affiliationChanged",
		"superseded",	   "cessationOfOperation",
		"certificateHold", NULL,
		"removeFromCRL",   "privilegeWithdrawn",
		"aACompromise",
	};
	ASN1_ENUMERATED *e = X509_REVOKED_get_ext_d2i(rev, NID_crl_reason, NULL, NULL);
	long n = e ? ASN1_ENUMERATED_get(e) : -1;

	ASN1_ENUMERATED_free(e);
	return n < 0 || (size_t)n >= ARRAY_SIZE(reasons) ? 0 : copy(reasons[n], ret);
}

static int add_revoked(struct ms_revocations *r, X509_CRL *crl, X509_REVOKED *rev,
		       const char *source)
{
	struct ms_revocation e = {.kind = MS_REVOKES_SERIAL};
	unsigned char *serial = NULL, *issuer = NULL;
	int ns = i2d_ASN1_INTEGER(X509_REVOKED_get0_serialNumber(rev), &serial);
	int ni = i2d_X509_NAME(X509_CRL_get_issuer(crl), &issuer);
	struct tm tm;
	int rc = -ENOMEM;

	if (ns > 0 && ni > 0) {
		e.key = malloc((size_t)ns);
		e.issuer = malloc((size_t)ni);
		e.source = strdup(source);
	}
	if (e.key && e.issuer && e.source) {
		memcpy(e.key, serial, (size_t)ns);
		memcpy(e.issuer, issuer, (size_t)ni);
		e.key_len = (size_t)ns;
		e.issuer_len = (size_t)ni;
		if (ASN1_TIME_to_tm(X509_REVOKED_get0_revocationDate(rev), &tm))
			e.since = timegm(&tm);
		rc = copy_reason(rev, &e.reason);
		if (!rc)
			rc = add(r, &e);
	}
	if (rc)
		clear_entry(&e);
	OPENSSL_free(serial);
	OPENSSL_free(issuer);
	return rc;
}

static int add_crl(struct ms_revocations *r, X509_CRL *crl, const char *source,
		   const struct ms_anchors *anchors, time_t now, struct ms_error *err)
{
	const ASN1_TIME *next = X509_CRL_get0_nextUpdate(crl);
	STACK_OF(X509_REVOKED) *list = X509_CRL_get_REVOKED(crl);
	int rc;

	if (signed_by_anchor(crl, anchors))
		return ms_error_set(err, -ENOKEY, "bad-crl",
				    "no anchor has signed this CRL: name its issuer with "
				    "--anchor");
	for (int i = 0; i < sk_X509_REVOKED_num(list); i++) {
		rc = add_revoked(r, crl, sk_X509_REVOKED_value(list, i), source);
		if (rc)
			return ms_error_set(err, rc, NULL, "%s", ms_strerror(rc));
	}
	if (next && X509_cmp_time(next, &now) < 0)
		return note_expired(r, source);
	return 0;
}

int ms_revocations_parse_crl(struct ms_revocations *r, const uint8_t *der, size_t len,
			     const char *source, const struct ms_anchors *anchors,
			     time_t now, struct ms_error *err)
{
	const unsigned char *p = der;
	X509_CRL *crl = d2i_X509_CRL(NULL, &p, (long)len);
	int rc;

	ERR_clear_error();
	if (!crl || p != der + len) {
		X509_CRL_free(crl);
		return ms_error_set(err, -EBADMSG, "bad-crl", "not a CRL");
	}
	rc = add_crl(r, crl, source, anchors, now, err);
	X509_CRL_free(crl);
	return rc;
}

static int load_text(struct ms_revocations *r, const struct ms_file *f, const char *path,
		     const struct ms_anchors *anchors, time_t now, struct ms_error *err)
{
	_cleanup_revocation_list_ struct ms_revocation_list list = {0};
	size_t at = 0, used, n = 0, len;
	int rc = 0;

	while (!rc) {
		_cleanup_buf_ struct ms_buf der = MS_BUF_INIT(MS_REVOCATION_FILE_MAX);

		rc = ms_pem_find((const char *)f->data + at, f->len - at, "X509 CRL",
				 &der, &used);
		if (rc == -ENODATA)
			break;
		if (rc)
			return ms_error_set(err, rc, "bad-crl", "a damaged PEM block");
		at += used;
		n++;
		rc = ms_revocations_parse_crl(r, der.data, der.len, path, anchors, now,
					      err);
	}
	if (n)
		return rc == -ENODATA ? 0 : rc;
	len = f->len;
	if (!ms_revocation_list_split((const char *)f->data, f->len, &list))
		len = list.text_len;
	return ms_revocations_parse_json(r, (const char *)f->data, len, path, now, err);
}

int ms_revocations_load(struct ms_revocations *r, const char *path,
			const struct ms_anchors *anchors, time_t now,
			struct ms_error *err)
{
	_cleanup_file_ struct ms_file f = {0};
	char shown[512];
	int rc;

	ms_escape_str(path, shown, sizeof(shown));
	rc = ms_file_read(AT_FDCWD, path, MS_REVOCATION_FILE_MAX, 0, &f, err);
	if (!rc && !f.len)
		rc = ms_error_set(err, -EBADMSG, "bad-revocations", "empty");
	else if (!rc && f.data[0] == 0x30)
		rc = ms_revocations_parse_crl(r, f.data, f.len, path, anchors, now, err);
	else if (!rc)
		rc = load_text(r, &f, path, anchors, now, err);
	if (rc)
		ms_error_prefix(err, "revocation list %s", shown);
	return rc;
}
