/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data.h"
#include <openssl/x509v3.h>
#include "lib/cert.h"

static const enum ms_alg algs[] = { MS_ALG_RSA2048, MS_ALG_P256, MS_ALG_P384,
				    MS_ALG_P521 };

/* The extensions, in order: critical or not, and the value's bytes (less the SKI's). */
static void check_extensions(X509 *x, const struct ms_cert *c)
{
	static const struct extension {
		int nid, critical;
		const char *value;
		int len;
	} module_only = { NID_ext_key_usage, 0,
			  "\x30\x16\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x03"
			  "\x06\x0a\x2b\x06\x01\x04\x01\x92\x08\x10\x01\x02", 24 },
	  all[] = {
		{ NID_basic_constraints, 1, "\x30\x00", 2 },
		{ NID_key_usage, 1, "\x03\x02\x07\x80", 4 },
		{ NID_ext_key_usage, 0,
		  "\x30\x0a\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x03", 12 },
		{ NID_subject_key_identifier, 0, "\x04\x14", 2 },
		{ NID_authority_key_identifier, 0, "\x30\x16\x80\x14", 4 },
	};

	assert_int_equal(X509_get_ext_count(x), ARRAY_SIZE(all));
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		const struct extension *want =
			i == 2 && c->module_only ? &module_only : &all[i];
		X509_EXTENSION *e = X509_get_ext(x, (int)i);
		const ASN1_OCTET_STRING *v = X509_EXTENSION_get_data(e);

		assert_int_equal(OBJ_obj2nid(X509_EXTENSION_get_object(e)), want->nid);
		assert_int_equal(X509_EXTENSION_get_critical(e), want->critical);
		assert_memory_equal(ASN1_STRING_get0_data(v), want->value, want->len);
		assert_int_equal(ASN1_STRING_length(v), want->len + (i < 3 ? 0 : 20));
	}
	assert_int_equal(c->ski_len, 20);
	assert_int_equal(c->akid_len, 20);
	assert_memory_equal(c->ski, c->akid, 20);
}

static void check_certificate(EVP_PKEY *key, enum ms_alg alg, bool module_only)
{
	const struct ms_cert_request req = { .common_name = "distro-2026 K\xc3\xb6ln",
					     .days = 365,
					     .module_only = module_only };
	_cleanup_cert_ struct ms_cert *c = NULL;
	_cleanup_free_ uint8_t *der = NULL;
	const unsigned char *p;
	time_t before = time(NULL), after;
	size_t len = 0;
	X509 *x;

	assert_int_equal(ms_cert_self_sign(key, &req, &der, &len), 0);
	after = time(NULL);
	assert_int_equal(ms_cert_parse(der, len, &c), 0);
	assert_string_equal(c->subject_cn, req.common_name);
	assert_int_equal(c->alg, alg);
	assert_int_equal(c->hash, MS_HASH_SHA256);
	assert_false(c->is_ca);
	assert_true(c->has_key_usage && c->may_sign && c->has_eku && c->eku_code_signing);
	assert_int_equal(c->module_only, module_only);
	assert_in_range(c->not_before, before - 3600, after - 3600);
	assert_int_equal(c->not_after - c->not_before, 365 * 86400);
	assert_int_equal(c->issuer_len, c->subject_len);
	assert_memory_equal(c->issuer, c->subject, c->issuer_len);
	assert_int_equal(EVP_PKEY_eq(c->pkey, key), 1);

	p = der;
	x = d2i_X509(NULL, &p, (long)len);
	assert_non_null(x);
	assert_int_equal(X509_get_version(x), X509_VERSION_3);
	assert_int_equal(X509_verify(x, key), 1);
	check_extensions(x, c);
	X509_free(x);
}

static void test_self_signed(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(algs); i++) {
		EVP_PKEY *key = NULL;

		assert_int_equal(ms_key_generate(algs[i], &key), 0);
		assert_int_equal(ms_key_alg(key), algs[i]);
		check_certificate(key, algs[i], false);
		check_certificate(key, algs[i], true);
		EVP_PKEY_free(key);
	}
}

/* Random, positive, minimal, and about as long as promised. */
static void test_serials(void **state)
{
	const struct ms_cert_request req = { .common_name = "x", .days = 1 };
	uint8_t last[32] = { 0 };
	unsigned int top = 0;
	EVP_PKEY *key = NULL;

	assert_int_equal(ms_key_generate(MS_ALG_P256, &key), 0);
	for (int i = 0; i < 64; i++) {
		_cleanup_cert_ struct ms_cert *c = NULL;
		_cleanup_free_ uint8_t *der = NULL;
		size_t len;

		assert_int_equal(ms_cert_self_sign(key, &req, &der, &len), 0);
		assert_int_equal(ms_cert_parse(der, len, &c), 0);
		assert_in_range(c->serial_len, 2 + 13, 2 + 17);
		assert_int_equal(c->serial[2] & 0x80, 0);
		top += c->serial_len == 2 + 17;
		assert_true(memcmp(last, c->serial, c->serial_len));
		memcpy(last, c->serial, c->serial_len);
	}
	assert_in_range(top, 8, 56); /* the 128th bit is random too */
	EVP_PKEY_free(key);
}

static void test_refusals(void **state)
{
	static const char *const bad[] = { "",	   "new\nline", "esc\x1b[0m",
					   "\x7f", "\xff\xfe",	NULL };
	uint8_t *const poison = (uint8_t *)(uintptr_t)0xa5a5;
	char longest[66] = "";
	struct ms_cert_request req = { .common_name = longest, .days = 10 };
	uint8_t *der = poison;
	size_t len = 4711;
	EVP_PKEY *key = NULL;

	assert_int_equal(ms_key_generate(MS_ALG_P256, &key), 0);
	memset(longest, 'x', 65);
	assert_int_equal(ms_cert_self_sign(key, &req, &der, &len), -EINVAL);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		req.common_name = bad[i];
		assert_int_equal(ms_cert_self_sign(key, &req, &der, &len), -EINVAL);
	}
	req.common_name = "x";
	req.days = 0;
	assert_int_equal(ms_cert_self_sign(key, &req, &der, &len), -EINVAL);
	req.days = 36501;
	assert_int_equal(ms_cert_self_sign(key, &req, &der, &len), -EINVAL);
	assert_ptr_equal(der, poison);
	assert_int_equal(len, 4711);
	req.days = 36500;
	longest[64] = '\0';
	req.common_name = longest;
	assert_int_equal(ms_cert_self_sign(key, &req, &der, &len), 0);
	free(der);
	EVP_PKEY_free(key);
}

static void test_generate_refuses(void **state)
{
	EVP_PKEY *key = NULL;

	assert_int_equal(ms_key_generate(MS_ALG_NONE, &key), -EINVAL);
	assert_int_equal(ms_key_generate(MS_ALG_OTHER, &key), -EINVAL);
	assert_null(key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_self_signed),
		cmocka_unit_test(test_serials),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_generate_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
