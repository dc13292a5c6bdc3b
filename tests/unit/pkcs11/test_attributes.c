/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <errno.h>
#include <cmocka.h>
#include "pkcs11/attributes.h"

/* A certificate of a fresh key. */
static struct ms_cert *make(enum ms_alg alg)
{
	const struct ms_cert_request req = {.common_name = "k", .days = 9};
	struct ms_cert *cert = NULL;
	EVP_PKEY *key = NULL;
	uint8_t *der = NULL;
	size_t len;

	assert_int_equal(ms_key_generate(alg, &key), 0);
	assert_int_equal(ms_cert_self_sign(key, &req, &der, &len), 0);
	assert_int_equal(ms_cert_parse(der, len, &cert), 0);
	EVP_PKEY_free(key);
	free(der);
	return cert;
}

/* The value of an attribute into @out. Return: its length. */
static size_t get(const struct ms_p11_attributes *a, ck_attribute_type_t type, void *out,
		  size_t size)
{
	struct ck_attribute t = {type, out, size};

	assert_int_equal(ms_p11_attributes_get(a, &t), CKR_OK);
	return t.value_len;
}

static bool flag(const struct ms_p11_attributes *a, ck_attribute_type_t type)
{
	unsigned char v = 9;

	assert_int_equal(get(a, type, &v, 1), 1);
	assert_true(v <= 1);
	return v;
}

static unsigned long number(const struct ms_p11_attributes *a, ck_attribute_type_t type)
{
	unsigned long v = 0;

	assert_int_equal(get(a, type, &v, sizeof(v)), sizeof(v));
	return v;
}

static void test_certificate(void **state)
{
	_cleanup_cert_ struct ms_cert *c = make(MS_ALG_RSA2048);
	struct ms_p11_attributes a;
	uint8_t value[MS_CERT_MAX];

	assert_int_equal(ms_p11_attributes_make(CKO_CERTIFICATE, "name", c, &a), 0);
	assert_int_equal(number(&a, CKA_CLASS), CKO_CERTIFICATE);
	assert_int_equal(number(&a, CKA_CERTIFICATE_TYPE), CKC_X_509);
	assert_int_equal(get(&a, CKA_VALUE, value, sizeof(value)), c->der_len);
	assert_memory_equal(value, c->der, c->der_len);
	assert_int_equal(get(&a, CKA_ISSUER, value, sizeof(value)), c->issuer_len);
	assert_memory_equal(value, c->issuer, c->issuer_len);
	assert_int_equal(get(&a, CKA_SERIAL_NUMBER, value, sizeof(value)), c->serial_len);
	assert_memory_equal(value, c->serial, c->serial_len);
	assert_int_equal(get(&a, CKA_LABEL, value, sizeof(value)), 4);
	assert_memory_equal(value, "name", 4);
	assert_int_equal(get(&a, CKA_ID, value, sizeof(value)), c->ski_len);
	assert_memory_equal(value, c->ski, c->ski_len);
	assert_false(flag(&a, CKA_PRIVATE));
	assert_false(flag(&a, CKA_TRUSTED));
	ms_p11_attributes_clear(&a);
}

static void test_rsa(void **state)
{
	_cleanup_cert_ struct ms_cert *c = make(MS_ALG_RSA2048);
	struct ms_p11_attributes pub, priv;
	uint8_t n[512], e[8], n2[512];
	size_t len;

	assert_int_equal(ms_p11_attributes_make(CKO_PUBLIC_KEY, "n", c, &pub), 0);
	assert_int_equal(ms_p11_attributes_make(CKO_PRIVATE_KEY, "n", c, &priv), 0);
	assert_int_equal(number(&pub, CKA_KEY_TYPE), CKK_RSA);
	assert_int_equal(number(&pub, CKA_MODULUS_BITS), 2048);
	len = get(&pub, CKA_MODULUS, n, sizeof(n));
	assert_int_equal(len, 256);
	/* The modulus is in the certificate as it is here. */
	assert_non_null(memmem(c->der, c->der_len, n, len));
	assert_int_equal(get(&priv, CKA_MODULUS, n2, sizeof(n2)), len);
	assert_memory_equal(n, n2, len);
	assert_int_equal(get(&priv, CKA_PUBLIC_EXPONENT, e, sizeof(e)), 3);
	assert_memory_equal(e, "\x01\x00\x01", 3);
	assert_true(flag(&pub, CKA_VERIFY));
	assert_true(flag(&priv, CKA_SIGN));
	assert_true(flag(&priv, CKA_SENSITIVE));
	assert_false(flag(&priv, CKA_EXTRACTABLE));
	assert_false(flag(&priv, CKA_DECRYPT));
	assert_false(flag(&priv, CKA_ALWAYS_AUTHENTICATE));
	ms_p11_attributes_clear(&pub);
	ms_p11_attributes_clear(&priv);
}

static void test_ec(void **state)
{
	static const struct {
		enum ms_alg alg;
		size_t point;
		const char *params;
	} cases[] = {
		{MS_ALG_P256, 2 + 65, "06082a8648ce3d030107"},
		{MS_ALG_P384, 2 + 97, "06052b81040022"},
		{MS_ALG_P521, 3 + 133, "06052b81040023"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_cert_ struct ms_cert *c = make(cases[i].alg);
		struct ms_p11_attributes a;
		uint8_t v[256];
		char hex[2 * sizeof(v) + 1];
		size_t len;

		assert_int_equal(ms_p11_attributes_make(CKO_PUBLIC_KEY, "n", c, &a), 0);
		assert_int_equal(number(&a, CKA_KEY_TYPE), CKK_EC);
		len = get(&a, CKA_EC_PARAMS, v, sizeof(v));
		assert_string_equal(ms_hex(v, len, hex), cases[i].params);
		len = get(&a, CKA_EC_POINT, v, sizeof(v));
		assert_int_equal(len, cases[i].point);
		assert_int_equal(v[0], 0x04);
		/* The BIT STRING of the certificate ends in the same point. */
		assert_non_null(memmem(c->der, c->der_len, v + (len > 127 ? 3 : 2),
				       len - (len > 127 ? 3 : 2)));
		ms_p11_attributes_clear(&a);
	}
}

static void test_lengths(void **state)
{
	_cleanup_cert_ struct ms_cert *c = make(MS_ALG_P256);
	struct ms_p11_attributes a;
	char small[3] = "zz";
	struct ck_attribute t = {CKA_LABEL, NULL, 77};

	assert_int_equal(ms_p11_attributes_make(CKO_PRIVATE_KEY, "name", c, &a), 0);
	assert_int_equal(ms_p11_attributes_get(&a, &t), CKR_OK);
	assert_int_equal(t.value_len, 4);
	t.value = small;
	t.value_len = 3;
	assert_int_equal(ms_p11_attributes_get(&a, &t), CKR_BUFFER_TOO_SMALL);
	assert_true(t.value_len == CK_UNAVAILABLE_INFORMATION);
	assert_string_equal(small, "zz");
	t = (struct ck_attribute){CKA_PRIVATE_EXPONENT, small, 3};
	assert_int_equal(ms_p11_attributes_get(&a, &t), CKR_ATTRIBUTE_SENSITIVE);
	assert_true(t.value_len == CK_UNAVAILABLE_INFORMATION);
	t = (struct ck_attribute){CKA_VALUE, small, 3};
	assert_int_equal(ms_p11_attributes_get(&a, &t), CKR_ATTRIBUTE_SENSITIVE);
	t = (struct ck_attribute){CKA_URL, small, 3};
	assert_int_equal(ms_p11_attributes_get(&a, &t), CKR_ATTRIBUTE_TYPE_INVALID);
	ms_p11_attributes_clear(&a);
	assert_int_equal(ms_p11_attributes_make(CKO_PUBLIC_KEY, "name", c, &a), 0);
	t = (struct ck_attribute){CKA_PRIVATE_EXPONENT, small, 3};
	assert_int_equal(ms_p11_attributes_get(&a, &t), CKR_ATTRIBUTE_TYPE_INVALID);
	ms_p11_attributes_clear(&a);
}

static void test_match(void **state)
{
	_cleanup_cert_ struct ms_cert *c = make(MS_ALG_P256);
	ck_object_class_t class = CKO_PRIVATE_KEY;
	struct ms_p11_attributes a;
	char label[] = "name";
	struct ck_attribute t[] = {{CKA_CLASS, &class, sizeof(class)},
				   {CKA_LABEL, label, 4}};

	assert_int_equal(ms_p11_attributes_make(CKO_PRIVATE_KEY, "name", c, &a), 0);
	assert_true(ms_p11_attributes_match(&a, NULL, 0));
	assert_true(ms_p11_attributes_match(&a, t, 2));
	t[1].value_len = 3;
	assert_false(ms_p11_attributes_match(&a, t, 2));
	t[1].value_len = 4;
	label[3] = 'f';
	assert_false(ms_p11_attributes_match(&a, t, 2));
	t[1].type = CKA_MODULUS;
	assert_false(ms_p11_attributes_match(&a, t, 2));
	ms_p11_attributes_clear(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_certificate), cmocka_unit_test(test_rsa),
		cmocka_unit_test(test_ec),	    cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_match),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
