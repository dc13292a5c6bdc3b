/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Certificates: OpenSSL says what they mean, our own reader says where in the bytes it
 * is, as messages and TBS digests need the very bytes.
 */
#include "lib/cert.h"
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include "lib/der.h"
#include "lib/limits.h"

/* id-ce-subjectKeyIdentifier and id-ce-authorityKeyIdentifier (RFC 5280, 4.2.1) */
static const uint8_t oid_ski[] = {0x55, 0x1d, 0x0e};
static const uint8_t oid_akid[] = {0x55, 0x1d, 0x23};

void ms_cert_free(struct ms_cert *c)
{
	if (!c)
		return;
	EVP_PKEY_free(c->pkey);
	free(c->der);
	free(c);
}

static bool body_is(const struct ms_der *e, const uint8_t *p, size_t len)
{
	return e->body.left == len && memcmp(e->body.p, p, len) == 0;
}

/* Key identifiers, from inside of an extension's OCTET STRING. */
static int read_ski(struct ms_reader value, struct ms_cert *c)
{
	struct ms_der id;

	if (c->ski || ms_der_get(&value, MS_DER_OCTETS, &id) < 0 || !id.body.left ||
	    ms_reader_end(&value) < 0)
		return -EBADMSG;
	c->ski = id.body.p;
	c->ski_len = id.body.left;
	return 0;
}

static int read_akid(struct ms_reader value, struct ms_cert *c)
{
	struct ms_der seq, id;

	if (c->akid || ms_der_get(&value, MS_DER_SEQUENCE, &seq) < 0 ||
	    ms_reader_end(&value) < 0)
		return -EBADMSG;
	/* It may name issuer and serial instead. */
	if (!ms_der_next_is(&seq.body, MS_DER_CTX0))
		return 0;
	if (ms_der_get(&seq.body, MS_DER_CTX0, &id) < 0 || !id.body.left)
		return -EBADMSG;
	c->akid = id.body.p;
	c->akid_len = id.body.left;
	return 0;
}

static int read_extensions(struct ms_reader *tbs, struct ms_cert *c)
{
	struct ms_der wrap, list, ext, oid, critical, value;

	if (ms_der_get(tbs, MS_DER_CTX3C, &wrap) < 0 ||
	    ms_der_get(&wrap.body, MS_DER_SEQUENCE, &list) < 0 ||
	    ms_reader_end(&wrap.body) < 0)
		return -EBADMSG;
	while (list.body.left) {
		if (ms_der_get(&list.body, MS_DER_SEQUENCE, &ext) < 0 ||
		    ms_der_oid(&ext.body, &oid) < 0)
			return -EBADMSG;
		if (ms_der_next_is(&ext.body, MS_DER_BOOLEAN) &&
		    ms_der_any(&ext.body, &critical) < 0)
			return -EBADMSG;
		if (ms_der_get(&ext.body, MS_DER_OCTETS, &value) < 0 ||
		    ms_reader_end(&ext.body) < 0)
			return -EBADMSG;
		if (body_is(&oid, oid_ski, sizeof(oid_ski)) &&
		    read_ski(value.body, c) < 0)
			return -EBADMSG;
		if (body_is(&oid, oid_akid, sizeof(oid_akid)) &&
		    read_akid(value.body, c) < 0)
			return -EBADMSG;
	}
	return 0;
}

/* Finds the fields of Certificate and TBSCertificate (RFC 5280, 4.1) in @c->der. */
static int locate(struct ms_cert *c)
{
	struct ms_reader r = MS_READER(c->der, c->der_len);
	struct ms_der cert, tbs, e, serial, issuer, subject;
	struct ms_reader *in = &tbs.body;

	if (ms_der_get(&r, MS_DER_SEQUENCE, &cert) < 0 || ms_reader_end(&r) < 0 ||
	    ms_der_get(&cert.body, MS_DER_SEQUENCE, &tbs) < 0)
		return -EBADMSG;
	c->tbs = tbs.der;
	c->tbs_len = tbs.der_len;
	if (ms_der_next_is(in, MS_DER_CTX0C) && ms_der_any(in, &e) < 0)
		return -EBADMSG;
	if (ms_der_integer(in, &serial) < 0 || ms_der_get(in, MS_DER_SEQUENCE, &e) < 0 ||
	    ms_der_get(in, MS_DER_SEQUENCE, &issuer) < 0 ||
	    ms_der_get(in, MS_DER_SEQUENCE, &e) < 0 ||
	    ms_der_get(in, MS_DER_SEQUENCE, &subject) < 0 ||
	    ms_der_get(in, MS_DER_SEQUENCE, &e) < 0)
		return -EBADMSG;
	c->serial = serial.der;
	c->serial_len = serial.der_len;
	c->issuer = issuer.der;
	c->issuer_len = issuer.der_len;
	c->subject = subject.der;
	c->subject_len = subject.der_len;
	/* [1] and [2] are unique identifiers that nobody uses. */
	while (in->left && !ms_der_next_is(in, MS_DER_CTX3C))
		if (ms_der_any(in, &e) < 0)
			return -EBADMSG;
	if (in->left && read_extensions(in, c) < 0)
		return -EBADMSG;
	return ms_reader_end(in);
}

static int read_time(const ASN1_TIME *t, time_t *ret)
{
	struct tm tm;

	if (!ASN1_TIME_to_tm(t, &tm))
		return -EBADMSG;
	*ret = timegm(&tm);
	return 0;
}

/* The last value of a kind of name: the most specific one. */
static bool read_name(const X509_NAME *name, int nid, char *dst, size_t size)
{
	int at = -1, last = -1, len;
	unsigned char *utf8 = NULL;
	size_t n;

	while ((at = X509_NAME_get_index_by_NID(name, nid, at)) >= 0)
		last = at;
	if (last < 0)
		return false;
	len = ASN1_STRING_to_UTF8(
		&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, last)));
	if (len <= 0) {
		OPENSSL_free(utf8);
		return false;
	}
	n = MS_MIN((size_t)len, size - 1);
	memcpy(dst, utf8, n);
	OPENSSL_free(utf8);
	dst[n] = '\0';
	/* A NUL would hide what follows it. */
	for (char *nul; (nul = memchr(dst, 0, n));)
		*nul = '?';
	if (n < (size_t)len) {
		n = size - 4;
		while (n && ((uint8_t)dst[n] & 0xc0) == 0x80)
			n--;
		memcpy(dst + n, "...", 4);
	}
	return true;
}

static enum ms_hash signature_hash(X509 *x)
{
	enum ms_hash h;
	int md = NID_undef;
	uint8_t oid[32], *p = oid;
	const ASN1_OBJECT *obj;
	int len;

	if (!X509_get_signature_info(x, &md, NULL, NULL, NULL) || md == NID_undef)
		return MS_HASH_NONE;
	obj = OBJ_nid2obj(md);
	len = obj ? i2d_ASN1_OBJECT(obj, NULL) : 0;
	if (len <= 0 || len > (int)sizeof(oid) || i2d_ASN1_OBJECT(obj, &p) != len ||
	    ms_hash_from_oid(oid, (size_t)len, &h) < 0)
		return MS_HASH_NONE;
	return h;
}

static bool is_module_only(const X509 *x)
{
	EXTENDED_KEY_USAGE *eku = X509_get_ext_d2i(x, NID_ext_key_usage, NULL, NULL);
	bool found = false;
	char oid[64];

	for (int i = 0; eku && i < sk_ASN1_OBJECT_num(eku) && !found; i++)
		found = OBJ_obj2txt(oid, sizeof(oid), sk_ASN1_OBJECT_value(eku, i), 1) >
				0 &&
			strcmp(oid, MS_OID_MODULE_ONLY) == 0;
	EXTENDED_KEY_USAGE_free(eku);
	return found;
}

/* Extensions that cannot be read allow nothing. */
static void read_usage(X509 *x, struct ms_cert *c)
{
	bool readable = X509_check_purpose(x, -1, 0) == 1;
	uint32_t flags = X509_get_extension_flags(x);

	c->has_key_usage = !readable || (flags & EXFLAG_KUSAGE);
	c->has_eku = !readable || (flags & EXFLAG_XKUSAGE);
	if (!readable)
		return;
	c->is_ca = (flags & EXFLAG_BCONS) && (flags & EXFLAG_CA);
	c->may_sign = X509_get_key_usage(x) & KU_DIGITAL_SIGNATURE;
	c->eku_code_signing =
		c->has_eku && (X509_get_extended_key_usage(x) & XKU_CODE_SIGN);
	c->module_only = c->has_eku && is_module_only(x);
}

static int interpret(struct ms_cert *c)
{
	const unsigned char *p = c->der;
	const X509_NAME *subject;
	X509 *x;
	int rc = -EBADMSG;

	x = d2i_X509(NULL, &p, (long)c->der_len);
	if (!x)
		return -EBADMSG;
	if (p != c->der + c->der_len ||
	    read_time(X509_get0_notBefore(x), &c->not_before) < 0 ||
	    read_time(X509_get0_notAfter(x), &c->not_after) < 0)
		goto out;
	c->pkey = X509_get_pubkey(x);
	c->alg = c->pkey ? ms_key_alg(c->pkey) : MS_ALG_OTHER;
	c->hash = signature_hash(x);
	subject = X509_get_subject_name(x);
	if (!read_name(subject, NID_commonName, c->subject_cn, sizeof(c->subject_cn)) &&
	    !read_name(subject, NID_organizationName, c->subject_cn,
		       sizeof(c->subject_cn)))
		read_name(subject, NID_pkcs9_emailAddress, c->subject_cn,
			  sizeof(c->subject_cn));
	read_usage(x, c);
	rc = 0;
out:
	X509_free(x);
	return rc;
}

int ms_cert_parse(const uint8_t *der, size_t len, struct ms_cert **ret)
{
	_cleanup_cert_ struct ms_cert *c = NULL;
	int rc;

	if (!len)
		return -EBADMSG;
	if (len > MS_CERT_MAX)
		return -EFBIG;
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->der = malloc(len);
	if (!c->der)
		return -ENOMEM;
	memcpy(c->der, der, len);
	c->der_len = len;
	rc = locate(c);
	if (rc < 0)
		return rc;
	ERR_set_mark();
	rc = interpret(c);
	ERR_pop_to_mark();
	if (rc < 0)
		return rc;
	*ret = TAKE_PTR(c);
	return 0;
}

int ms_cert_signed_by(const struct ms_cert *cert, EVP_PKEY *key)
{
	const unsigned char *p = cert->der;
	X509 *x;
	int rc;

	if (!key)
		return -ENOPKG;
	x = d2i_X509(NULL, &p, (long)cert->der_len);
	if (!x)
		return -ENOPKG;
	rc = X509_verify(x, key) == 1 ? 0 : -EKEYREJECTED;
	X509_free(x);
	ERR_clear_error();
	return rc;
}
