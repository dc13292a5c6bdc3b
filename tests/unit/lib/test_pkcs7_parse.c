/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages of the kernel's sign-file (tests/data/pkcs7), and messages put together here
 * from parts, of which one at a time is wrong.
 */
#include "data.h"
#include "lib/der.h"
#include "lib/pkcs7.h"

#define OID_SIGNED_DATA "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02"
#define OID_DATA "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01"
#define OID_SHA256 "\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01"
#define OID_RSA "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"
#define ALG_SHA256 "\x30\x0b" OID_SHA256
#define ALG_RSA "\x30\x0d" OID_RSA "\x05\x00"
#define SID "\x30\x05\x30\x00\x02\x01\x01"
#define SKID "\x80\x02\xab\xcd"
#define SIG "\x04\x03sig"
#define ATTR "\x30\x07\x06\x03\x2a\x03\x04\x31\x00"
#define CONTENT "\x30\x0b" OID_DATA

#define TEXT(s)                    \
	{                          \
		(s), sizeof(s) - 1 \
	}

struct part {
	const char *p;
	size_t len;
};

/* The parts of a message, in order; a NULL is left out. */
struct parts {
	struct part outer_oid, version, digests, content, certs, crls, signer_version,
		sid, signer_digest, signed_attrs, signer_alg, sig, unsigned_attrs,
		after_signer, after_signers, after_data;
	unsigned int signers;
};

static const struct parts good = {
	.outer_oid = TEXT(OID_SIGNED_DATA),
	.version = TEXT("\x02\x01\x01"),
	.digests = TEXT("\x31\x0d" ALG_SHA256),
	.content = TEXT(CONTENT),
	.signer_version = TEXT("\x02\x01\x01"),
	.sid = TEXT(SID),
	.signer_digest = TEXT(ALG_SHA256),
	.signer_alg = TEXT(ALG_RSA),
	.sig = TEXT(SIG),
	.signers = 1,
};

static void put(struct ms_buf *b, const struct part *p)
{
	ms_buf_put(b, p->p, p->len);
}

static void wrap(struct ms_buf *out, uint8_t tag, struct ms_buf *in)
{
	ms_der_put(out, tag, in->data, in->len);
	ms_buf_clear(in);
}

static void assemble(const struct parts *p, struct ms_buf *out)
{
	struct ms_buf signer = MS_BUF_INIT(DATA_MAX), signers = MS_BUF_INIT(DATA_MAX),
		      data = MS_BUF_INIT(DATA_MAX), outer = MS_BUF_INIT(DATA_MAX),
		      seq = MS_BUF_INIT(DATA_MAX);

	for (unsigned int i = 0; i < p->signers; i++) {
		put(&signer, &p->signer_version);
		put(&signer, &p->sid);
		put(&signer, &p->signer_digest);
		put(&signer, &p->signed_attrs);
		put(&signer, &p->signer_alg);
		put(&signer, &p->sig);
		put(&signer, &p->unsigned_attrs);
		put(&signer, &p->after_signer);
		wrap(&signers, MS_DER_SEQUENCE, &signer);
	}
	put(&data, &p->version);
	put(&data, &p->digests);
	put(&data, &p->content);
	put(&data, &p->certs);
	put(&data, &p->crls);
	wrap(&data, MS_DER_SET, &signers);
	put(&data, &p->after_signers);
	wrap(&seq, MS_DER_SEQUENCE, &data);
	put(&outer, &p->outer_oid);
	wrap(&outer, MS_DER_CTX0C, &seq);
	put(&outer, &p->after_data);
	wrap(out, MS_DER_SEQUENCE, &outer);
	assert_int_equal(ms_buf_error(out), 0);
}

/* Parses the assembled message; whatever the refusal, the output is left alone. */
static int parse(const struct parts *p, struct ms_pkcs7 *ret)
{
	_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(DATA_MAX);
	struct ms_pkcs7 poison;
	int rc;

	memset(ret, 0xa5, sizeof(*ret));
	poison = *ret;
	assemble(p, &b);
	rc = ms_pkcs7_parse(b.data, b.len, ret);
	if (rc < 0)
		assert_memory_equal(ret, &poison, sizeof(poison));
	return rc;
}

#define WITH(field, text)                           \
	({                                          \
		struct parts _p = good;             \
		struct ms_pkcs7 _m;                 \
		_p.field = (struct part)TEXT(text); \
		parse(&_p, &_m);                    \
	})

static void test_sign_file(void **state)
{
	_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(DATA_MAX);
	_cleanup_buf_ struct ms_buf der = MS_BUF_INIT(DATA_MAX);
	struct ms_cert *cert = NULL;
	struct ms_pkcs7_signer *s;
	struct ms_pkcs7 m;

	data_read("pkcs7/rsa2048.der", &der);
	assert_int_equal(ms_cert_parse(der.data, der.len, &cert), 0);
	data_read("pkcs7/rsa2048-sha512.p7s", &b);
	assert_int_equal(ms_pkcs7_parse(b.data, b.len, &m), 0);
	assert_int_equal(m.version, 1);
	assert_int_equal(m.n_signers, 1);
	assert_int_equal(m.n_certs, 0);
	assert_true(m.detached);
	assert_false(m.has_crls);
	assert_int_equal(m.trailing, 0);
	s = &m.signers[0];
	assert_int_equal(s->version, 1);
	assert_int_equal(s->hash, MS_HASH_SHA512);
	assert_null(s->skid);
	assert_null(s->signed_attrs);
	assert_null(s->unsigned_attrs);
	assert_int_equal(s->issuer_len, cert->issuer_len);
	assert_memory_equal(s->issuer, cert->issuer, cert->issuer_len);
	assert_int_equal(s->serial_len, cert->serial_len);
	assert_memory_equal(s->serial, cert->serial, cert->serial_len);
	assert_int_equal(s->sig_len, 256);
	assert_int_equal(s->sig_oid_len, 11);
	assert_memory_equal(s->sig_oid, OID_RSA, 11);

	ms_buf_clear(&b);
	data_read("pkcs7/p384-sha384-keyid.p7s", &b);
	ms_buf_clear(&der);
	ms_cert_free(cert);
	data_read("pkcs7/p384.der", &der);
	assert_int_equal(ms_cert_parse(der.data, der.len, &cert), 0);
	assert_int_equal(ms_pkcs7_parse(b.data, b.len, &m), 0);
	assert_int_equal(m.version, 3);
	assert_int_equal(s->version, 3);
	assert_null(s->issuer);
	assert_null(s->serial);
	assert_int_equal(s->skid_len, cert->ski_len);
	assert_memory_equal(s->skid, cert->ski, cert->ski_len);
	ms_cert_free(cert);
}

static void test_good(void **state)
{
	struct ms_pkcs7 m;

	assert_int_equal(parse(&good, &m), 0);
	assert_int_equal(m.signers[0].sig_len, 3);
}

static void test_signers(void **state)
{
	struct parts p = good;
	struct ms_pkcs7 m;

	for (p.signers = 0; p.signers <= MS_PKCS7_SIGNERS_MAX; p.signers++) {
		assert_int_equal(parse(&p, &m), 0);
		assert_int_equal(m.n_signers, p.signers);
	}
	assert_int_equal(parse(&p, &m), -EBADMSG);
}

static void test_versions(void **state)
{
	struct parts p = good;
	struct ms_pkcs7 m;

	assert_int_equal(WITH(version, "\x02\x01\x03"), 0);
	assert_int_equal(WITH(version, "\x02\x01\x04"), -ENOPKG);
	assert_int_equal(WITH(version, "\x02\x01\x05"), -ENOPKG);
	assert_int_equal(WITH(version, "\x02\x01\x00"), -EBADMSG);
	assert_int_equal(WITH(version, "\x02\x01\x02"), -EBADMSG);
	assert_int_equal(WITH(version, "\x02\x02\x01\x01"), -EBADMSG);
	assert_int_equal(WITH(version, "\x02\x01\xff"), -EBADMSG);
	assert_int_equal(WITH(version, ""), -EBADMSG);
	/* sid and version of the signer go together, and with that of the message */
	assert_int_equal(WITH(signer_version, "\x02\x01\x03"), -EBADMSG);
	assert_int_equal(WITH(signer_version, "\x02\x01\x02"), -EBADMSG);
	assert_int_equal(WITH(sid, SKID), -EBADMSG);
	p.sid = (struct part)TEXT(SKID);
	p.signer_version = (struct part)TEXT("\x02\x01\x03");
	assert_int_equal(parse(&p, &m), -EBADMSG);
	p.version = p.signer_version;
	assert_int_equal(parse(&p, &m), 0);
	assert_int_equal(m.signers[0].skid_len, 2);
	p.sid = (struct part)TEXT("\x80\x00");
	assert_int_equal(parse(&p, &m), -EBADMSG);
}

static void test_types(void **state)
{
	/* enveloped-data, and something that only begins like SignedData */
	assert_int_equal(WITH(outer_oid, "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03"),
			 -ENOPKG);
	assert_int_equal(
		WITH(outer_oid, "\x06\x0a\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02\x01"),
		-ENOPKG);
	/* a time-stamp token's content type */
	assert_int_equal(WITH(content,
			      "\x30\x0d\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10"
			      "\x01\x04"),
			 -ENOPKG);
}

static void test_content(void **state)
{
	struct parts p = good;
	struct ms_pkcs7 m;

	p.content = (struct part)TEXT("\x30\x11" OID_DATA "\xa0\x04\x04\x02xy");
	assert_int_equal(parse(&p, &m), 0);
	assert_false(m.detached);
	assert_int_equal(WITH(content, "\x30\x0f" OID_DATA "\xa0\x02\x05\x00"), -EBADMSG);
	assert_int_equal(WITH(content, "\x30\x0d" OID_DATA "\x04\x00"), -EBADMSG);
	assert_int_equal(WITH(content, "\x30\x0d" OID_DATA "\xa0\x00"), -EBADMSG);
	assert_int_equal(WITH(content, "\x30\x11" OID_DATA "\xa0\x02\x04\x00\x05\x00"),
			 -EBADMSG);
}

static void test_algorithms(void **state)
{
	struct parts p = good;
	struct ms_pkcs7 m;

	/* NULL is as good as no parameters; anything else is not. */
	assert_int_equal(WITH(signer_digest, "\x30\x0d" OID_SHA256 "\x05\x00"), 0);
	assert_int_equal(WITH(signer_digest, "\x30\x0d" OID_SHA256 "\x04\x00"), -EBADMSG);
	assert_int_equal(WITH(signer_digest, "\x30\x0e" OID_SHA256 "\x05\x01\x00"),
			 -EBADMSG);
	assert_int_equal(WITH(signer_digest, "\x30\x0f" OID_SHA256 "\x05\x00\x05\x00"),
			 -EBADMSG);
	assert_int_equal(WITH(signer_digest, "\x30\x00"), -EBADMSG);
	assert_int_equal(WITH(signer_digest, "\x30\x03\x02\x01\x01"), -EBADMSG);
	assert_int_equal(WITH(digests, "\x31\x00"), 0);
	assert_int_equal(WITH(digests, "\x31\x02\x05\x00"), -EBADMSG);
	assert_int_equal(WITH(digests, "\x30\x0d" ALG_SHA256), -EBADMSG);
	assert_int_equal(WITH(digests, ""), -EBADMSG);
	/* A signer's digest is in the list at the front: here the last octet differs. */
	assert_int_equal(WITH(digests, "\x31\x0d\x30\x0b\x06\x09\x60\x86\x48\x01\x65"
				       "\x03\x04\x02\x03"),
			 -EBADMSG);
	/* rsaEncryption with NULL, whose tag may not be another. */
	assert_int_equal(WITH(signer_alg, "\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01"
					  "\x01\x01\x05\x00"),
			 0);
	assert_int_equal(WITH(signer_alg, "\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01"
					  "\x01\x01\x04\x00"),
			 -EBADMSG);
	assert_int_equal(WITH(signer_alg, "\x30\x0e\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01"
					  "\x01\x01\x05\x01\x00"),
			 -EBADMSG);
	/* What is not known is named, not refused: here 1.2.3.4 for both. */
	p.digests = (struct part)TEXT("\x31\x07\x30\x05\x06\x03\x2a\x03\x04");
	p.signer_digest = (struct part)TEXT("\x30\x05\x06\x03\x2a\x03\x04");
	p.signer_alg = p.signer_digest;
	assert_int_equal(parse(&p, &m), 0);
	assert_int_equal(m.signers[0].hash, MS_HASH_NONE);
	assert_int_equal(m.signers[0].digest_oid_len, 5);
	assert_int_equal(m.signers[0].sig_oid_len, 5);
}

static void test_attributes(void **state)
{
	struct parts p = good;
	struct ms_pkcs7 m;

	p.signed_attrs = (struct part)TEXT("\xa0\x09" ATTR);
	p.unsigned_attrs = (struct part)TEXT("\xa1\x12" ATTR ATTR);
	assert_int_equal(parse(&p, &m), 0);
	assert_int_equal(m.signers[0].signed_attrs_len, 11);
	assert_int_equal(m.signers[0].unsigned_attrs_len, 20);
	assert_int_equal(WITH(signed_attrs, "\xa0\x00"), -EBADMSG);
	assert_int_equal(WITH(signed_attrs, "\xa1\x09" ATTR), -EBADMSG);
	assert_int_equal(WITH(unsigned_attrs, "\xa0\x09" ATTR), -EBADMSG);
	assert_int_equal(WITH(unsigned_attrs, "\xa1\x02\x30\x00"), -EBADMSG);
	assert_int_equal(WITH(unsigned_attrs,
			      "\xa1\x0b\x30\x09\x06\x03\x2a\x03\x04\x31\x02\x04\x05"),
			 -EBADMSG);
	assert_int_equal(WITH(unsigned_attrs, "\xa1\x09" ATTR "\xa1\x09" ATTR), -EBADMSG);
}

static void test_signer_fields(void **state)
{
	assert_int_equal(WITH(sid, "\x30\x03\x02\x01\x01"), -EBADMSG);
	assert_int_equal(WITH(sid, "\x30\x02\x30\x00"), -EBADMSG);
	assert_int_equal(WITH(sid, "\x30\x07\x30\x00\x02\x01\x01\x05\x00"), -EBADMSG);
	assert_int_equal(WITH(sid, "\x30\x06\x30\x00\x02\x02\x00\x01"), -EBADMSG);
	assert_int_equal(WITH(sig, "\x04\x00"), -EBADMSG);
	assert_int_equal(WITH(sig, "\x03\x03sig"), -EBADMSG);
	assert_int_equal(WITH(sig, "\x24\x05\x04\x03sig"), -EBADMSG); /* constructed */
	assert_int_equal(WITH(sig, ""), -EBADMSG);
	assert_int_equal(WITH(after_signer, "\x05\x00"), -EBADMSG);
	assert_int_equal(WITH(after_signers, "\x05\x00"), -EBADMSG);
	assert_int_equal(WITH(after_data, "\x05\x00"), -EBADMSG);
}

static void test_certificates(void **state)
{
	struct parts p = good;
	struct ms_pkcs7 m;
	char many[2 + 2 * (MS_PKCS7_CERTS_MAX + 1)];

	p.certs = (struct part)TEXT("\xa0\x06\x30\x02\x05\x00\x30\x00");
	p.crls = (struct part)TEXT("\xa1\x02\x30\x00");
	assert_int_equal(parse(&p, &m), 0);
	assert_int_equal(m.n_certs, 2);
	assert_int_equal(m.certs[0].len, 4);
	assert_int_equal(m.certs[1].len, 2);
	assert_true(m.has_crls);
	assert_int_equal(WITH(certs, "\xa0\x02\xa2\x00"), -ENOPKG); /* attribute cert. */
	assert_int_equal(WITH(certs, "\xa0\x02\x30\x01"), -EBADMSG);
	assert_int_equal(WITH(certs, "\xa0\x00"), 0);
	assert_int_equal(WITH(crls, "\xa1\x01\x30"), -EBADMSG);
	assert_int_equal(WITH(crls, "\xa2\x00"), -EBADMSG);

	many[0] = (char)0xa0;
	for (unsigned int n = MS_PKCS7_CERTS_MAX; n <= MS_PKCS7_CERTS_MAX + 1; n++) {
		many[1] = (char)(2 * n);
		for (unsigned int i = 0; i < n; i++)
			memcpy(many + 2 + 2 * i, "\x30", 2);
		p.certs = (struct part){many, 2 + 2 * n};
		assert_int_equal(parse(&p, &m), n == MS_PKCS7_CERTS_MAX ? 0 : -EBADMSG);
	}
}

static void test_trailing_bytes(void **state)
{
	_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(DATA_MAX);
	struct ms_pkcs7 m;

	assemble(&good, &b);
	ms_buf_put(&b, "\0\0\0\0\0", 5);
	assert_int_equal(ms_pkcs7_parse(b.data, b.len, &m), 0);
	assert_int_equal(m.trailing, 5);
}

/* Every cut is refused; every flipped byte gets an answer. */
static void test_damage(void **state)
{
	static const char *const names[] = {"pkcs7/rsa2048-sha256.p7s",
					    "pkcs7/p256-sha256-keyid.p7s"};

	for (size_t k = 0; k < ARRAY_SIZE(names); k++) {
		_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(DATA_MAX);
		struct ms_pkcs7 m;

		data_read(names[k], &b);
		for (size_t n = 0; n < b.len; n++) {
			_cleanup_free_ uint8_t *cut = malloc(n ? n : 1);

			memcpy(cut, b.data, n);
			assert_int_equal(ms_pkcs7_parse(cut, n, &m), -EBADMSG);
		}
		for (size_t i = 0; i < b.len * 8; i++) {
			int rc;

			b.data[i / 8] ^= (uint8_t)(1 << i % 8);
			rc = ms_pkcs7_parse(b.data, b.len, &m);
			assert_true(rc == 0 || rc == -EBADMSG || rc == -ENOPKG);
			if (i / 8 < 4)
				assert_int_equal(rc, -EBADMSG);
			b.data[i / 8] ^= (uint8_t)(1 << i % 8);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sign_file),
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_signers),
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_content),
		cmocka_unit_test(test_algorithms),
		cmocka_unit_test(test_attributes),
		cmocka_unit_test(test_signer_fields),
		cmocka_unit_test(test_certificates),
		cmocka_unit_test(test_trailing_bytes),
		cmocka_unit_test(test_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
