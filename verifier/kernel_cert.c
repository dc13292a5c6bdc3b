/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include "verifier/kernel_ber.h"
#include "verifier/kernel_crypto.h"

enum {
	UTC_TIME = 0x17,
	GENERALIZED_TIME = 0x18,
};

/* The certificate, and what one part of it leaves for another. */
struct parse {
	const struct ms_kernel_profile *profile;
	struct ms_kernel_cert *c;
	struct ms_bytes akid, akid_name;
	struct ms_ber sig_oid;
};

struct sig_oid {
	enum ms_sig_kind kind;
	enum ms_hash hash;
	uint8_t len, der[10];
};

/* What x509_note_sig_algo() knows. Its md4 is the standard's md5: include/linux/
 * oid_registry.h was one off there, as long as it had it. */
static const struct sig_oid sig_oids[] = {
	{MS_SIG_RSA, MS_HASH_MD4, 9, {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 4}},
	{MS_SIG_RSA, MS_HASH_SHA1, 9, {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 5}},
	{MS_SIG_RSA, MS_HASH_SHA256, 9, {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11}},
	{MS_SIG_RSA, MS_HASH_SHA384, 9, {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 12}},
	{MS_SIG_RSA, MS_HASH_SHA512, 9, {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 13}},
	{MS_SIG_RSA, MS_HASH_SHA224, 9, {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 14}},
	{MS_SIG_RSA, MS_HASH_SHA3_256, 9, {0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 14}},
	{MS_SIG_RSA, MS_HASH_SHA3_384, 9, {0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 15}},
	{MS_SIG_RSA, MS_HASH_SHA3_512, 9, {0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 16}},
	{MS_SIG_ECDSA, MS_HASH_SHA1, 7, {0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 1}},
	{MS_SIG_ECDSA, MS_HASH_SHA224, 8, {0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 1}},
	{MS_SIG_ECDSA, MS_HASH_SHA256, 8, {0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2}},
	{MS_SIG_ECDSA, MS_HASH_SHA384, 8, {0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3}},
	{MS_SIG_ECDSA, MS_HASH_SHA512, 8, {0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 4}},
	{MS_SIG_ECDSA, MS_HASH_SHA3_256, 9, {0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 10}},
	{MS_SIG_ECDSA, MS_HASH_SHA3_384, 9, {0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 11}},
	{MS_SIG_ECDSA, MS_HASH_SHA3_512, 9, {0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 12}},
	{MS_SIG_MLDSA, MS_HASH_NONE, 9, {0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 17}},
	{MS_SIG_MLDSA, MS_HASH_NONE, 9, {0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 18}},
	{MS_SIG_MLDSA, MS_HASH_NONE, 9, {0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 19}},
};

static const uint8_t oid_rsa[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1};
static const uint8_t oid_ec[] = {0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1};
static const uint8_t oid_mldsa[] = {0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3};

static const struct {
	enum ms_sig_kind kind;
	uint16_t bits;
	uint8_t len, der[8];
} curves[] = {
	{MS_SIG_ECDSA, 192, 8, {0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 1}},
	{MS_SIG_ECDSA, 256, 8, {0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7}},
	{MS_SIG_ECDSA, 384, 5, {0x2b, 0x81, 4, 0, 34}},
	{MS_SIG_P521, 521, 5, {0x2b, 0x81, 4, 0, 35}},
};

static struct ms_bytes body(const struct ms_ber *e)
{
	return (struct ms_bytes){e->body, e->body_len};
}

static uint8_t at(const struct ms_kernel_id *id, size_t i)
{
	return i < id->a.len ? id->a.p[i] : id->b.p[i - id->a.len];
}

bool ms_kernel_id_same(const struct ms_kernel_id *x, const struct ms_kernel_id *y)
{
	size_t len = x->a.len + x->b.len;

	if (!x->there || !y->there || len != y->a.len + y->b.len)
		return false;
	for (size_t i = 0; i < len; i++)
		if (at(x, i) != at(y, i))
			return false;
	return true;
}

static bool two_digits(const uint8_t **p, unsigned int *ret)
{
	uint8_t tens = (uint8_t)((*p)[0] - '0'), ones = (uint8_t)((*p)[1] - '0');

	*p += 2;
	*ret = tens * 10u + ones;
	return tens < 10 && ones < 10;
}

static unsigned int days_of(unsigned int month, unsigned int year)
{
	static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap);
}

int ms_kernel_time_check(uint8_t tag, const uint8_t *p, size_t len)
{
	unsigned int year, low, month, day, hour, minute, second;

	if (tag == UTC_TIME && len == 13) {
		if (!two_digits(&p, &year))
			return -EBADMSG;
		year += year >= 50 ? 1900 : 2000;
	} else if (tag == GENERALIZED_TIME && len == 15) {
		if (!two_digits(&p, &year) || !two_digits(&p, &low))
			return -EBADMSG;
		year = year * 100 + low;
		if (year >= 1950 && year <= 2049)
			return -EBADMSG;
	} else {
		return -EBADMSG;
	}
	if (!two_digits(&p, &month) || !two_digits(&p, &day) || !two_digits(&p, &hour) ||
	    !two_digits(&p, &minute) || !two_digits(&p, &second) || *p != 'Z')
		return -EBADMSG;
	/* 24:00 and leap seconds are fine, to ISO 8601 and to X.680. */
	if (year < 1970 || month < 1 || month > 12 || day < 1 ||
	    day > days_of(month, year) || hour > 24 || minute > 59 || second > 60)
		return -EBADMSG;
	return 0;
}

static int time_of(struct ms_ber_in *in)
{
	struct ms_ber e;

	if (ms_ber_take(in, UTC_TIME, &e) && ms_ber_take(in, GENERALIZED_TIME, &e))
		return -EBADMSG;
	return ms_kernel_time_check(e.tag, e.body, e.body_len);
}

static int validity(struct ms_ber_in *in)
{
	struct ms_ber seq;
	struct ms_ber_in times;

	if (ms_ber_take(in, MS_BER_SEQUENCE, &seq))
		return -EBADMSG;
	times = ms_ber_inside(&seq);
	if (time_of(&times) || time_of(&times))
		return -EBADMSG;
	return ms_ber_end(&times);
}

static int signature_algorithm(struct parse *p, struct ms_ber_in *in)
{
	struct ms_ber params;

	if (ms_ber_algorithm(in, &p->sig_oid, &params))
		return -EBADMSG;
	for (size_t i = 0; i < ARRAY_SIZE(sig_oids); i++) {
		const struct sig_oid *o = &sig_oids[i];

		if (!ms_ber_is(&p->sig_oid, o->der, o->len) ||
		    !ms_profile_parses_sig(p->profile, o->kind) ||
		    (o->hash != MS_HASH_NONE &&
		     !ms_profile_parses_hash(p->profile, o->hash)))
			continue;
		p->c->sig_kind = o->kind;
		p->c->hash = o->hash;
		return 0;
	}
	return -ENOPKG;
}

static int curve_of(struct parse *p, const struct ms_ber *params)
{
	struct ms_ber_in in = {.p = params->p, .left = params->p ? params->len : 0};
	struct ms_ber oid;

	/* parse_OID() takes one byte of length, and nothing else. */
	if (in.left < 3 || in.p[1] != in.left - 2 || ms_ber_take(&in, MS_BER_OID, &oid))
		return -EBADMSG;
	for (size_t i = 0; i < ARRAY_SIZE(curves); i++) {
		if (!ms_ber_is(&oid, curves[i].der, curves[i].len) ||
		    !ms_profile_parses_sig(p->profile, curves[i].kind))
			continue;
		p->c->key_kind = curves[i].kind;
		p->c->curve = curves[i].bits;
		return 0;
	}
	return -ENOPKG;
}

static int key_kind(struct parse *p, const struct ms_ber *oid,
		    const struct ms_ber *params)
{
	if (ms_ber_is(oid, oid_rsa, sizeof(oid_rsa))) {
		p->c->key_kind = MS_SIG_RSA;
		return 0;
	}
	if (ms_ber_is(oid, oid_ec, sizeof(oid_ec))) {
		/* Before ECDSA came, this was taken for SM2. */
		if (ms_profile_parses_sig(p->profile, MS_SIG_ECDSA))
			return curve_of(p, params);
		p->c->key_kind = MS_SIG_OTHER;
		return 0;
	}
	if (oid->body_len == 9 && !memcmp(oid->body, oid_mldsa, 8) &&
	    oid->body[8] >= 17 && oid->body[8] <= 19 &&
	    ms_profile_parses_sig(p->profile, MS_SIG_MLDSA)) {
		p->c->key_kind = MS_SIG_MLDSA;
		return 0;
	}
	return -ENOPKG;
}

/* BIT STRING of whole bytes. */
static int whole_bits(const struct ms_ber *e, struct ms_bytes *ret)
{
	if (!e->body_len || e->body[0])
		return -EBADMSG;
	*ret = (struct ms_bytes){e->body + 1, e->body_len - 1};
	return 0;
}

static int public_key(struct parse *p, struct ms_ber_in *in)
{
	struct ms_ber seq, oid, params, key;
	struct ms_ber_in parts;
	int rc;

	if (ms_ber_take(in, MS_BER_SEQUENCE, &seq))
		return -EBADMSG;
	parts = ms_ber_inside(&seq);
	if (ms_ber_algorithm(&parts, &oid, &params) ||
	    ms_ber_take(&parts, MS_BER_BITS, &key))
		return -EBADMSG;
	rc = key_kind(p, &oid, &params);
	if (!rc)
		rc = whole_bits(&key, &p->c->key);
	return rc ? rc : ms_ber_end(&parts);
}

static int key_usage(const struct ms_ber *e)
{
	if (e->body_len < 4 || e->body[0] != MS_BER_BITS || e->body[2] >= 8)
		return -EBADMSG;
	return 0;
}

static int basic_constraints(const struct parse *p, const struct ms_ber *e)
{
	const uint8_t *v = e->body;

	if (e->body_len < 2 || v[0] != MS_BER_SEQUENCE || v[1] != e->body_len - 2)
		return -EBADMSG;
	if (p->profile->extensions < MS_EXTENSIONS_STRICT || !v[1])
		return 0;
	if (e->body_len < 5 || v[2] != MS_BER_BOOLEAN || v[3] != 1 || v[4] != 0xff)
		return -EBADMSG;
	return 0;
}

static int extension_value(struct parse *p, const struct ms_ber *oid,
			   const struct ms_ber *e)
{
	if (oid->body_len != 3 || oid->body[0] != 0x55 || oid->body[1] != 0x1d)
		return 0;
	switch (oid->body[2]) {
	case 14:
		if (p->c->skid.there || e->body_len < 3 || e->body[0] != MS_BER_OCTETS ||
		    e->body[1] != e->body_len - 2)
			return -EBADMSG;
		p->c->skid = (struct ms_kernel_id){
			.there = true,
			.a = {e->body + 2, e->body_len - 2},
		};
		return 0;
	case 35:
		p->akid = body(e);
		return 0;
	case 15:
		return p->profile->extensions ? key_usage(e) : 0;
	case 19:
		return p->profile->extensions ? basic_constraints(p, e) : 0;
	default:
		return 0;
	}
}

static int extensions(struct parse *p, struct ms_ber_in *in)
{
	struct ms_ber wrapped, seq;
	struct ms_ber_in all;

	if (!ms_ber_next_is(in, 0xa3))
		return 0;
	if (ms_ber_take(in, 0xa3, &wrapped))
		return -EBADMSG;
	all = ms_ber_inside(&wrapped);
	if (ms_ber_take(&all, MS_BER_SEQUENCE, &seq) || !seq.body_len)
		return -EBADMSG;
	for (struct ms_ber_in list = ms_ber_inside(&seq); list.left;) {
		struct ms_ber extension, oid, critical, value;
		struct ms_ber_in parts;
		int rc;

		if (ms_ber_take(&list, MS_BER_SEQUENCE, &extension))
			return -EBADMSG;
		parts = ms_ber_inside(&extension);
		if (ms_ber_take(&parts, MS_BER_OID, &oid) ||
		    (ms_ber_next_is(&parts, MS_BER_BOOLEAN) &&
		     ms_ber_take(&parts, MS_BER_BOOLEAN, &critical)) ||
		    ms_ber_take(&parts, MS_BER_OCTETS, &value))
			return -EBADMSG;
		rc = extension_value(p, &oid, &value);
		if (rc)
			return rc;
		if (ms_ber_end(&parts))
			return -EBADMSG;
	}
	return ms_ber_end(&all);
}

static int version(struct ms_ber_in *in)
{
	struct ms_ber wrapped, number;
	struct ms_ber_in one;

	if (!ms_ber_next_is(in, 0xa0))
		return 0;
	if (ms_ber_take(in, 0xa0, &wrapped))
		return -EBADMSG;
	one = ms_ber_inside(&wrapped);
	if (ms_ber_take(&one, MS_BER_INTEGER, &number))
		return -EBADMSG;
	return ms_ber_end(&one);
}

static int tbs(struct parse *p, struct ms_ber_in in)
{
	struct ms_ber serial, issuer, subject, unique;
	int rc;

	if (version(&in) || ms_ber_take(&in, MS_BER_INTEGER, &serial))
		return -EBADMSG;
	rc = signature_algorithm(p, &in);
	if (rc)
		return rc;
	if (ms_ber_name(&in, &issuer) || validity(&in) || ms_ber_name(&in, &subject))
		return -EBADMSG;
	rc = public_key(p, &in);
	if (rc)
		return rc;
	for (int tag = 0x81; tag <= 0x82; tag++)
		if (ms_ber_next_is(&in, tag) && ms_ber_take(&in, tag, &unique))
			return -EBADMSG;
	rc = extensions(p, &in);
	if (rc)
		return rc;
	p->c->issuer = body(&issuer);
	p->c->subject = body(&subject);
	p->c->id = (struct ms_kernel_id){
		.there = true,
		.a = body(&serial),
		.b = body(&issuer),
	};
	return ms_ber_end(&in);
}

static int certificate(struct parse *p, struct ms_ber_in in)
{
	struct ms_ber cert, signed_part, oid, params, bits;
	struct ms_ber_in parts;
	int rc;

	if (ms_ber_take(&in, MS_BER_SEQUENCE, &cert))
		return -EBADMSG;
	p->c->der = (struct ms_bytes){cert.p, cert.len};
	parts = ms_ber_inside(&cert);
	if (ms_ber_take(&parts, MS_BER_SEQUENCE, &signed_part))
		return -EBADMSG;
	p->c->tbs = (struct ms_bytes){signed_part.p, signed_part.len};
	rc = tbs(p, ms_ber_inside(&signed_part));
	if (rc)
		return rc;
	if (ms_ber_algorithm(&parts, &oid, &params) ||
	    ms_ber_take(&parts, MS_BER_BITS, &bits))
		return -EBADMSG;
	if (!ms_ber_is(&oid, p->sig_oid.body, p->sig_oid.body_len))
		return -EINVAL;
	if (whole_bits(&bits, &p->c->sig))
		return -EBADMSG;
	return ms_ber_end(&parts);
}

/* Until 6.7 x509_akid.asn1 had every GeneralName as EXPLICIT, which none is. */
static int explicit_name(struct ms_ber_in *in)
{
	static const int kinds[][2] = {
		{0xa0, MS_BER_ANY},    {0xa1, 0x16},	   {0xa2, 0x16},
		{0xa3, MS_BER_ANY},    {0xa5, MS_BER_ANY}, {0xa6, 0x16},
		{0xa7, MS_BER_OCTETS}, {0xa8, MS_BER_OID},
	};
	struct ms_ber e, part;
	struct ms_ber_in parts;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (!ms_ber_next_is(in, kinds[i][0]))
			continue;
		if (ms_ber_take(in, kinds[i][0], &e))
			return -EBADMSG;
		parts = ms_ber_inside(&e);
		if (ms_ber_take(&parts, kinds[i][1], &part))
			return -EBADMSG;
		return ms_ber_end(&parts);
	}
	return -EBADMSG;
}

/* GeneralName, of which only a directoryName is kept. */
static int general_name(struct parse *p, struct ms_ber_in *in)
{
	static const int simple[] = {0x81, 0x82, 0x86, 0x87, 0x88};
	struct ms_ber e, part;
	struct ms_ber_in parts;

	if (!p->profile->extensions && !ms_ber_next_is(in, 0xa4))
		return explicit_name(in);
	for (size_t i = 0; i < ARRAY_SIZE(simple); i++)
		if (ms_ber_next_is(in, simple[i]))
			return ms_ber_take(in, simple[i], &e);
	for (int tag = 0xa0; tag <= 0xa5; tag++) {
		if (!ms_ber_next_is(in, tag))
			continue;
		if (ms_ber_take(in, tag, &e))
			return -EBADMSG;
		parts = ms_ber_inside(&e);
		switch (tag) {
		case 0xa0:
			if (ms_ber_take(&parts, MS_BER_OID, &part) ||
			    ms_ber_take(&parts, 0xa0, &part))
				return -EBADMSG;
			break;
		case 0xa3:
			if (ms_ber_take(&parts, MS_BER_ANY, &part))
				return -EBADMSG;
			break;
		case 0xa4:
			if (ms_ber_name(&parts, &part))
				return -EBADMSG;
			p->akid_name = body(&part);
			break;
		case 0xa5:
			if ((ms_ber_next_is(&parts, 0xa0) &&
			     ms_ber_take(&parts, 0xa0, &part)) ||
			    ms_ber_take(&parts, 0xa1, &part))
				return -EBADMSG;
			break;
		default:
			return -EBADMSG;
		}
		return ms_ber_end(&parts);
	}
	return -EBADMSG;
}

/* x509_akid.asn1 */
static int authority(struct parse *p)
{
	struct ms_ber_in in = {.p = p->akid.p, .left = p->akid.len}, parts, names;
	struct ms_ber seq, e;

	if (ms_ber_take(&in, MS_BER_SEQUENCE, &seq))
		return -EBADMSG;
	parts = ms_ber_inside(&seq);
	if (ms_ber_next_is(&parts, 0x80)) {
		if (ms_ber_take(&parts, 0x80, &e))
			return -EBADMSG;
		p->c->auth[1] = (struct ms_kernel_id){.there = true, .a = body(&e)};
	}
	if (ms_ber_next_is(&parts, 0xa1)) {
		if (ms_ber_take(&parts, 0xa1, &e) || !e.body_len)
			return -EBADMSG;
		for (names = ms_ber_inside(&e); names.left;)
			if (general_name(p, &names))
				return -EBADMSG;
	}
	if (ms_ber_next_is(&parts, 0x82)) {
		if (ms_ber_take(&parts, 0x82, &e))
			return -EBADMSG;
		if (p->akid_name.p)
			p->c->auth[0] = (struct ms_kernel_id){
				.there = true,
				.a = body(&e),
				.b = p->akid_name,
			};
	}
	return ms_ber_end(&parts);
}

/* x509_check_for_self_signed() */
static int check_self_signed(const struct ms_kernel_profile *profile,
			     struct ms_kernel_cert *c)
{
	uint8_t digest[MS_DIGEST_MAX];
	struct ms_kernel_sig sig;
	int rc;

	if (c->subject.len != c->issuer.len ||
	    memcmp(c->subject.p, c->issuer.p, c->issuer.len))
		return 0;
	if (c->auth[0].there || c->auth[1].there) {
		bool a = ms_kernel_id_same(&c->skid, &c->auth[1]);
		bool b = ms_kernel_id_same(&c->id, &c->auth[0]);

		if (!a && !b)
			return 0;
		if (a != b && c->auth[0].there && c->auth[1].there)
			return -EKEYREJECTED;
	}
	if (c->unsupported_sig)
		return 0;
	sig = ms_kernel_cert_signature(profile, c, digest);
	rc = ms_kernel_key_verify(profile, c, &sig);
	c->self_signed = !rc;
	c->unsupported_sig = rc == -ENOPKG;
	return rc == -ENOPKG ? 0 : rc;
}

int ms_kernel_cert_parse(const struct ms_kernel_profile *profile, const uint8_t *der,
			 size_t len, struct ms_kernel_cert *ret)
{
	struct ms_kernel_cert c = {0};
	struct parse p = {.profile = profile, .c = &c};
	int rc;

	rc = certificate(&p, (struct ms_ber_in){.p = der, .left = len});
	if (!rc && p.akid.p)
		rc = authority(&p);
	if (rc)
		return rc;
	c.unsupported_sig =
		c.hash != MS_HASH_NONE && !ms_profile_has_hash(profile, c.hash);
	rc = check_self_signed(profile, &c);
	if (!rc)
		*ret = c;
	return rc;
}
