/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Certificates that openssl(1) made (tests/data/certs), and damaged ones.
 */
#include "data.h"
#include "lib/cert.h"
#include "lib/limits.h"

static void read_der(const char *name, struct ms_buf *der)
{
	char path[64];

	*der = MS_BUF_INIT(DATA_MAX);
	snprintf(path, sizeof(path), "certs/%s.der", name);
	data_read(path, der);
}

static struct ms_cert *load(const char *name)
{
	_cleanup_buf_ struct ms_buf der;
	struct ms_cert *c = NULL;

	read_der(name, &der);
	assert_int_equal(ms_cert_parse(der.data, der.len, &c), 0);
	assert_int_equal(c->der_len, der.len);
	assert_memory_equal(c->der, der.data, der.len);
	return c;
}

static void test_leaf(void **state)
{
	static const uint8_t serial[] = { 0x02, 0x08, 0x00, 0xc0, 0xff,
					  0xee, 0x00, 0xc0, 0xff, 0xee };
	_cleanup_cert_ struct ms_cert *c = load("leaf"), *ca = load("ca");

	assert_string_equal(c->subject_cn, "Example leaf");
	assert_int_equal(c->alg, MS_ALG_P384);
	assert_int_equal(c->hash, MS_HASH_SHA256);
	assert_non_null(c->pkey);
	assert_int_equal(c->not_before, 1577934245); /* 2020-01-02T03:04:05Z */
	assert_int_equal(c->not_after, 2569738150);  /* 2051-06-07T08:09:10Z */
	assert_false(c->is_ca);
	assert_true(c->has_key_usage);
	assert_true(c->may_sign);
	assert_true(c->has_eku);
	assert_true(c->eku_code_signing);
	assert_false(c->module_only);
	assert_int_equal(c->serial_len, sizeof(serial));
	assert_memory_equal(c->serial, serial, sizeof(serial));
	/* It was issued by the CA: names and key identifiers match byte for byte. */
	assert_int_equal(c->issuer_len, ca->subject_len);
	assert_memory_equal(c->issuer, ca->subject, ca->subject_len);
	assert_int_equal(c->akid_len, 20);
	assert_int_equal(ca->ski_len, 20);
	assert_memory_equal(c->akid, ca->ski, 20);
	assert_int_equal(c->ski_len, 20);
	assert_memory_not_equal(c->ski, ca->ski, 20);
	/* Pointers point into the certificate. */
	assert_in_range((uintptr_t)c->akid, (uintptr_t)c->der,
			(uintptr_t)c->der + c->der_len - 20);
	assert_ptr_equal(c->tbs, c->der + 4);
	assert_int_equal(c->tbs_len, 4 + ((size_t)c->tbs[2] << 8 | c->tbs[3]));
}

/* The very bytes of tbs are what the issuer signed. */
static void test_tbs(void **state)
{
	_cleanup_cert_ struct ms_cert *c = load("leaf"), *ca = load("ca");
	uint8_t digest[MS_DIGEST_MAX];
	const uint8_t *sig;

	assert_int_equal(ms_digest(MS_HASH_SHA256, c->tbs, c->tbs_len, digest), 0);
	/* signatureAlgorithm is 12 bytes, the BIT STRING has a head of 3 */
	sig = c->tbs + c->tbs_len + 12 + 3;
	assert_int_equal(ms_key_verify_digest(ca->pkey, MS_HASH_SHA256, digest, sig,
					      (size_t)(c->der + c->der_len - sig)),
			 0);
}

static void test_ca(void **state)
{
	_cleanup_cert_ struct ms_cert *c = load("ca");

	assert_string_equal(c->subject_cn, "Example module CA");
	assert_true(c->is_ca);
	assert_true(c->has_key_usage);
	assert_false(c->may_sign);
	assert_false(c->has_eku);
	assert_false(c->eku_code_signing);
	assert_null(c->akid);
	assert_int_equal(c->akid_len, 0);
	assert_int_equal(c->hash, MS_HASH_SHA384);
	assert_int_equal(c->serial_len, 4); /* 0x80 needs a zero in front */
	assert_memory_equal(c->serial, "\x02\x02\x00\x80", 4);
}

static void test_other_uses(void **state)
{
	_cleanup_cert_ struct ms_cert *c = load("server"), *bare = load("bare");

	assert_true(c->has_key_usage);
	assert_false(c->may_sign);
	assert_true(c->has_eku);
	assert_false(c->eku_code_signing);
	assert_null(bare->ski);
	assert_null(bare->akid);
	assert_false(bare->is_ca);
	assert_false(bare->has_key_usage);
	assert_true(bare->may_sign);
	assert_false(bare->has_eku);
	assert_int_equal(bare->hash, MS_HASH_SHA512);
}

/* A key usage that cannot be read must not count as none. */
static void test_unreadable_usage(void **state)
{
	_cleanup_cert_ struct ms_cert *c = NULL;
	_cleanup_buf_ struct ms_buf der;
	uint8_t *p;

	read_der("leaf", &der);
	p = memmem(der.data, der.len, "\x06\x03\x55\x1d\x0f\x01\x01\xff\x04\x04\x03", 11);
	assert_non_null(p);
	p[10] = 0x02; /* an INTEGER where the BIT STRING was */
	assert_int_equal(ms_cert_parse(der.data, der.len, &c), 0);
	assert_true(c->has_key_usage);
	assert_false(c->may_sign);
	assert_true(c->has_eku);
	assert_false(c->eku_code_signing);
	assert_false(c->module_only);
	assert_false(c->is_ca);
}

static void test_algorithms(void **state)
{
	static const struct {
		const char *name;
		enum ms_alg alg;
		enum ms_hash hash;
	} cases[] = {
		{ "p521", MS_ALG_P521, MS_HASH_SHA256 },
		{ "rsa2560", MS_ALG_OTHER, MS_HASH_SHA256 },
		{ "sha1", MS_ALG_OTHER, MS_HASH_SHA1 },
		{ "pss", MS_ALG_RSA2048, MS_HASH_SHA256 },
		{ "ed25519", MS_ALG_OTHER, MS_HASH_NONE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_cert_ struct ms_cert *c = load(cases[i].name);

		assert_int_equal(c->alg, cases[i].alg);
		assert_int_equal(c->hash, cases[i].hash);
		assert_non_null(c->pkey);
	}
}

static void test_names(void **state)
{
	_cleanup_cert_ struct ms_cert *names = load("names"), *nocn = load("nocn"),
				      *nameless = load("nameless"), *l = load("long");
	size_t n;

	assert_string_equal(names->subject_cn, "K\xc3\xa4se \xe2\x82\xac");
	assert_string_equal(nocn->subject_cn, "Only an Organisation");
	assert_string_equal(nameless->subject_cn, "");
	n = strlen(l->subject_cn);
	assert_int_equal(n, 127);
	assert_string_equal(l->subject_cn + n - 5, "\xc3\xa4...");
}

/* Neither a NUL nor a control character hides the rest of a name. */
static void test_hostile_name(void **state)
{
	_cleanup_cert_ struct ms_cert *c = NULL;
	_cleanup_buf_ struct ms_buf der;
	uint8_t *p;

	read_der("ca", &der);
	for (uint8_t *end = der.data + der.len;
	     (p = memmem(der.data, (size_t)(end - der.data), "Example module CA", 17));)
		memcpy(p, "Exam\0le\n\x1bodule CA", 17);
	assert_int_equal(ms_cert_parse(der.data, der.len, &c), 0);
	assert_string_equal(c->subject_cn, "Exam?le\n\x1bodule CA");
}

static void test_unknown_key(void **state)
{
	_cleanup_cert_ struct ms_cert *c = NULL;
	_cleanup_buf_ struct ms_buf der;
	uint8_t *p;

	/* id-ecPublicKey becomes an OID that nobody knows */
	read_der("bare", &der);
	p = memmem(der.data, der.len, "\x2a\x86\x48\xce\x3d\x02\x01", 7);
	assert_non_null(p);
	p[6] = 0x7f;
	assert_int_equal(ms_cert_parse(der.data, der.len, &c), 0);
	assert_null(c->pkey);
	assert_int_equal(c->alg, MS_ALG_OTHER);
	assert_string_equal(c->subject_cn, "bare");
}

static void refuse(const uint8_t *der, size_t len, int rc)
{
	struct ms_cert *const poison = (struct ms_cert *)(uintptr_t)0xa5a5;
	struct ms_cert *c = poison;

	assert_int_equal(ms_cert_parse(der, len, &c), rc);
	assert_ptr_equal(c, poison);
}

static void test_refusals(void **state)
{
	_cleanup_buf_ struct ms_buf der;
	_cleanup_free_ uint8_t *big = calloc(1, MS_CERT_MAX + 1);

	read_der("leaf", &der);
	refuse(der.data, 0, -EBADMSG);
	ms_buf_put_u8(&der, 0);
	refuse(der.data, der.len, -EBADMSG); /* something after it */
	der.len--;
	memcpy(big, der.data, der.len);
	refuse(big, MS_CERT_MAX + 1, -EFBIG);
	refuse(big, MS_CERT_MAX, -EBADMSG);
	refuse((const uint8_t *)"-----BEGIN CERTIFICATE-----", 27, -EBADMSG);
	for (size_t n = 0; n < der.len; n++) {
		_cleanup_free_ uint8_t *cut = malloc(n ? n : 1);

		memcpy(cut, der.data, n);
		refuse(cut, n, -EBADMSG);
	}
}

/* Two subject key identifiers: which one would a verifier take? */
static void test_duplicate_key_identifier(void **state)
{
	_cleanup_buf_ struct ms_buf der;
	uint8_t *p;

	/* The AKID extension (2.5.29.35) of the leaf becomes a second SKI. */
	read_der("leaf", &der);
	p = memmem(der.data, der.len, "\x06\x03\x55\x1d\x23", 5);
	assert_non_null(p);
	p[4] = 0x0e;
	refuse(der.data, der.len, -EBADMSG);
	p[4] = 0x23;
	p = memmem(der.data, der.len, "\x06\x03\x55\x1d\x0e", 5);
	p[4] = 0x23;
	refuse(der.data, der.len, -EBADMSG);
}

static void test_damage(void **state)
{
	_cleanup_buf_ struct ms_buf der;
	unsigned int good = 0;

	read_der("leaf", &der);
	for (size_t i = 0; i < der.len; i++) {
		struct ms_cert *c = NULL;
		int rc;

		der.data[i] ^= 0xff;
		rc = ms_cert_parse(der.data, der.len, &c);
		assert_true(rc == 0 || rc == -EBADMSG);
		good += rc == 0;
		ms_cert_free(c);
		der.data[i] ^= 0xff;
	}
	assert_in_range(good, 1, der.len - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_leaf),
		cmocka_unit_test(test_tbs),
		cmocka_unit_test(test_ca),
		cmocka_unit_test(test_other_uses),
		cmocka_unit_test(test_unreadable_usage),
		cmocka_unit_test(test_algorithms),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_hostile_name),
		cmocka_unit_test(test_unknown_key),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_duplicate_key_identifier),
		cmocka_unit_test(test_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
