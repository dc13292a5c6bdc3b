/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <openssl/x509v3.h>
#include "tests/unit/verifier/fixture.h"
#include "verifier/chain.h"

/* A certificate for @subject_key, issued by @issuer_key. */
static struct ms_cert *issue(const char *subject, EVP_PKEY *subject_key,
			     const char *issuer, EVP_PKEY *issuer_key,
			     const struct ms_cert *akid_of)
{
	X509 *x = X509_new();
	unsigned char *der = NULL;
	struct ms_cert *c = NULL;
	X509_NAME *name;
	int len;

	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), subject[0]);
	X509_gmtime_adj(X509_getm_notBefore(x), -60);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	name = X509_NAME_new();
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *)subject, -1,
				   -1, 0);
	X509_set_subject_name(x, name);
	X509_NAME_free(name);
	name = X509_NAME_new();
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *)issuer, -1,
				   -1, 0);
	X509_set_issuer_name(x, name);
	X509_NAME_free(name);
	X509_set_pubkey(x, subject_key);
	ASN1_OCTET_STRING *ski = ASN1_OCTET_STRING_new();
	ASN1_OCTET_STRING_set(ski, (const uint8_t *)subject, (int)strlen(subject));
	X509_add1_ext_i2d(x, NID_subject_key_identifier, ski, 0, X509V3_ADD_DEFAULT);
	ASN1_OCTET_STRING_free(ski);
	if (akid_of) {
		AUTHORITY_KEYID *akid = AUTHORITY_KEYID_new();

		akid->keyid = ASN1_OCTET_STRING_new();
		ASN1_OCTET_STRING_set(akid->keyid, akid_of->ski, (int)akid_of->ski_len);
		X509_add1_ext_i2d(x, NID_authority_key_identifier, akid, 0,
				  X509V3_ADD_DEFAULT);
		AUTHORITY_KEYID_free(akid);
	}
	assert_true(X509_sign(x, issuer_key, EVP_sha256()) > 0);
	len = i2d_X509(x, &der);
	assert_true(len > 0);
	assert_int_equal(ms_cert_parse(der, (size_t)len, &c), 0);
	OPENSSL_free(der);
	X509_free(x);
	return c;
}

static void message_of(struct ms_pkcs7 *m, struct ms_cert *const *certs, size_t n)
{
	*m = (struct ms_pkcs7){.n_certs = n};
	for (size_t i = 0; i < n; i++) {
		m->certs[i].der = certs[i]->der;
		m->certs[i].len = certs[i]->der_len;
	}
}

static void test_links(void **state)
{
	EVP_PKEY *root_key = fixture_key("rsa2048"), *mid_key = fixture_key("p256"),
		 *leaf_key = fixture_key("p384");
	_cleanup_cert_ struct ms_cert *root =
		issue("root", root_key, "root", root_key, NULL);
	_cleanup_cert_ struct ms_cert *mid =
		issue("mid", mid_key, "root", root_key, root);
	_cleanup_cert_ struct ms_cert *leaf =
		issue("leaf", leaf_key, "mid", mid_key, mid);
	_cleanup_cert_ struct ms_cert *forged =
		issue("forged", leaf_key, "mid", leaf_key, mid);
	struct ms_cert *const certs[] = {leaf, root, forged, mid};
	_cleanup_anchors_ struct ms_anchors anchors = {0};
	const struct ms_chain *c, *again;
	struct ms_cert *anchor;
	struct ms_pkcs7 m;
	struct ms_intern t;

	assert_int_equal(ms_cert_parse(root->der, root->der_len, &anchor), 0);
	assert_int_equal(ms_anchors_add(&anchors, anchor, "root"), 0);
	ms_intern_init(&t, ms_chain_free);
	message_of(&m, certs, 4);
	assert_int_equal(ms_chain_get(&t, &anchors, &m, &c), 0);
	assert_int_equal(ms_chain_get(&t, &anchors, &m, &again), 0);
	assert_ptr_equal(again, c);
	assert_int_equal(c->n, 4);

	assert_int_equal(c->v[0].issuer, 3);
	assert_int_equal(c->v[0].issuer_rc, 0);
	assert_null(c->v[0].authority);
	assert_int_equal(c->v[1].issuer, 1);
	assert_ptr_equal(c->v[1].same, &anchors.v[0]);
	assert_int_equal(c->v[2].issuer, 3);
	assert_int_equal(c->v[2].issuer_rc, -EKEYREJECTED);
	assert_int_equal(c->v[3].issuer, 1);
	assert_ptr_equal(c->v[3].authority, &anchors.v[0]);
	assert_int_equal(c->v[3].authority_rc, 0);
	assert_string_equal(c->v[0].ski, "6c656166");

	m.signers[0].issuer = leaf->issuer;
	m.signers[0].issuer_len = leaf->issuer_len;
	m.signers[0].serial = leaf->serial;
	m.signers[0].serial_len = leaf->serial_len;
	assert_int_equal(ms_chain_find(c, &m.signers[0]), 0);
	m.signers[0].serial = root->serial;
	m.signers[0].serial_len = root->serial_len;
	assert_int_equal(ms_chain_find(c, &m.signers[0]), -1);
	assert_int_equal(ms_chain_find(NULL, &m.signers[0]), -1);
	ms_intern_clear(&t);
	EVP_PKEY_free(root_key);
	EVP_PKEY_free(mid_key);
	EVP_PKEY_free(leaf_key);
}

/* An anchor with the right key id that did not sign it. */
static void test_impostor(void **state)
{
	EVP_PKEY *a = fixture_key("rsa2048"), *b = fixture_key("p256");
	_cleanup_cert_ struct ms_cert *root = issue("root", a, "root", a, NULL);
	_cleanup_cert_ struct ms_cert *leaf = issue("leaf", b, "root", b, root);
	_cleanup_anchors_ struct ms_anchors anchors = {0};
	struct ms_cert *const certs[] = {leaf};
	const struct ms_chain *c;
	struct ms_pkcs7 m;
	struct ms_intern t;

	assert_int_equal(ms_anchors_add(&anchors, TAKE_PTR(root), "root"), 0);
	ms_intern_init(&t, ms_chain_free);
	message_of(&m, certs, 1);
	assert_int_equal(ms_chain_get(&t, &anchors, &m, &c), 0);
	assert_ptr_equal(c->v[0].authority, &anchors.v[0]);
	assert_int_equal(c->v[0].authority_rc, -EKEYREJECTED);
	assert_int_equal(c->v[0].issuer, -1);
	ms_intern_clear(&t);
	EVP_PKEY_free(a);
	EVP_PKEY_free(b);
}

static void test_damaged(void **state)
{
	static const uint8_t junk[] = {0x30, 3, 2, 1, 5};
	const struct ms_anchors none = {0};
	const struct ms_chain *c;
	struct ms_pkcs7 m = {.n_certs = 1};
	struct ms_intern t;

	m.certs[0].der = junk;
	m.certs[0].len = sizeof(junk);
	ms_intern_init(&t, ms_chain_free);
	assert_int_equal(ms_chain_get(&t, &none, &m, &c), 0);
	assert_null(c->v[0].cert);
	assert_int_equal(ms_chain_find(c, &m.signers[0]), -1);
	ms_intern_clear(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_links),
		cmocka_unit_test(test_impostor),
		cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
