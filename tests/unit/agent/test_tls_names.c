/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <openssl/x509v3.h>

#include "signer/agent/tls.h"

/* A certificate with these names only; lengths may cover a NUL. */
static X509 *with(const char *cn, int cn_len, const char *cn2)
{
	X509 *x = X509_new();
	X509_NAME *n = X509_get_subject_name(x);

	if (cn)
		X509_NAME_add_entry_by_NID(n, NID_commonName, MBSTRING_UTF8,
					   (const unsigned char *)cn, cn_len, -1, 0);
	if (cn2)
		X509_NAME_add_entry_by_NID(n, NID_commonName, MBSTRING_UTF8,
					   (const unsigned char *)cn2, -1, -1, 0);
	return x;
}

static void add_san(X509 *x, int type, const char *text, int len)
{
	GENERAL_NAMES *all = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	GENERAL_NAME *g = GENERAL_NAME_new();
	ASN1_IA5STRING *s = ASN1_IA5STRING_new();

	if (!all)
		all = GENERAL_NAMES_new();
	ASN1_STRING_set(s, text, len);
	GENERAL_NAME_set0_value(g, type, s);
	sk_GENERAL_NAME_push(all, g);
	X509_add1_ext_i2d(x, NID_subject_alt_name, all, 0, X509V3_ADD_REPLACE);
	GENERAL_NAMES_free(all);
}

static void test_names(void **state)
{
	struct ms_identity who = {.id = "poison"};
	X509 *x = with("builder-1", -1, NULL);

	assert_int_equal(ms_tls_names(x, &who), 0);
	assert_string_equal(who.id, "cert:CN=builder-1");
	assert_string_equal(who.user, "");
	add_san(x, GEN_URI, "spiffe://a/b", 12);
	add_san(x, GEN_DNS, "b.test", 6);
	add_san(x, GEN_EMAIL, "b@b.test", 8);
	assert_int_equal(ms_tls_names(x, &who), 0);
	assert_string_equal(who.id, "cert:CN=builder-1");
	assert_string_equal(who.user, "cert:SAN=URI:spiffe://a/b");
	assert_string_equal(who.more, "cert:SAN=DNS:b.test\ncert:SAN=email:b@b.test\n");
	X509_free(x);
}

static void test_no_names(void **state)
{
	static const struct {
		const char *cn;
		int len;
		const char *cn2;
	} bad[] = {
		{NULL, 0, NULL},
		{"a\0b", 3, NULL},
		{"a\nb", 3, NULL},
		{"\xc3\xa4", 2, NULL},
		{"a\x7f", 2, NULL},
		{" a", 2, NULL},
		{"builder-1", -1, "admin"},
	};
	struct ms_identity who;
	char longest[MS_IDENTITY_MAX];
	X509 *x;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		x = with(bad[i].cn, bad[i].len, bad[i].cn2);
		assert_int_equal(ms_tls_names(x, &who), -ENOKEY);
		assert_string_equal(who.id, "");
		/* Another name of it may still be good. */
		add_san(x, GEN_URI, "u\0:x", 4);
		assert_int_equal(ms_tls_names(x, &who), -ENOKEY);
		add_san(x, GEN_URI, "u:x", 3);
		assert_int_equal(ms_tls_names(x, &who), 0);
		assert_string_equal(who.id, "cert:SAN=URI:u:x");
		X509_free(x);
	}
	memset(longest, 'a', sizeof(longest));
	x = with(NULL, 0, NULL);
	add_san(x, GEN_DNS, longest, (int)(MS_IDENTITY_MAX - strlen("cert:SAN=DNS:")));
	assert_int_equal(ms_tls_names(x, &who), -ENOKEY);
	add_san(x, GEN_DNS, longest,
		(int)(MS_IDENTITY_MAX - strlen("cert:SAN=DNS:") - 1));
	assert_int_equal(ms_tls_names(x, &who), 0);
	X509_free(x);
}

/* More names than there is room for: the first ones count. */
static void test_many(void **state)
{
	struct ms_identity who;
	X509 *x = with("a", 1, NULL);
	char name[100];

	memset(name, 'x', sizeof(name));
	for (int i = 0; i < 50; i++)
		add_san(x, GEN_DNS, name, sizeof(name));
	assert_int_equal(ms_tls_names(x, &who), 0);
	assert_true(strlen(who.more) < sizeof(who.more));
	assert_int_equal(who.more[strlen(who.more) - 1], '\n');
	X509_free(x);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_no_names),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests_name("tls_names", tests, NULL, NULL);
}
