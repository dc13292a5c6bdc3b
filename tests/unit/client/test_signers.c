/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tests/data/pkcs7 holds what the kernel's sign-file made of these keys and the payload.
 */
#include "lib/limits.h"
#include "lib/pkcs7.h"
#include "lib/trailer.h"
#include "signer/client/signers.h"
#include "tests/unit/lib/data.h"

static struct ms_signer signer_of(const char *key)
{
	_cleanup_buf_ struct ms_buf der = MS_BUF_INIT(DATA_MAX);
	struct ms_signer s = {0};
	char name[64];

	snprintf(name, sizeof(name), "pkcs7/%s.der", key);
	data_read(name, &der);
	assert_int_equal(ms_cert_parse(der.data, der.len, &s.cert), 0);
	return s;
}

static void add_signature(struct ms_buf *mod, const char *p7s)
{
	uint8_t trailer[MS_TRAILER_LEN];
	size_t before = mod->len;
	char name[64];

	snprintf(name, sizeof(name), "pkcs7/%s.p7s", p7s);
	data_read(name, mod);
	ms_trailer_build((uint32_t)(mod->len - before), trailer);
	ms_buf_put(mod, trailer, sizeof(trailer));
}

static void module_of(struct ms_buf *mod, const char *p7s)
{
	mod->len = 0;
	data_read("pkcs7/payload", mod);
	if (p7s)
		add_signature(mod, p7s);
}

static void test_by_whom(void **state)
{
	static const char *const keys[] = {"rsa2048", "rsa4096", "p256", "p384"};
	static const char *const hashes[] = {"sha256", "sha384", "sha512"};
	_cleanup_buf_ struct ms_buf mod = MS_BUF_INIT(DATA_MAX);
	struct ms_signer s[ARRAY_SIZE(keys)];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(keys); i++)
		s[i] = signer_of(keys[i]);
	for (size_t k = 0; k < ARRAY_SIZE(keys); k++)
		for (size_t h = 0; h < 2 * ARRAY_SIZE(hashes); h++) {
			char name[64];

			snprintf(name, sizeof(name), "%s-%s%s", keys[k], hashes[h / 2],
				 h % 2 ? "-keyid" : "");
			module_of(&mod, name);
			i = 99;
			assert_int_equal(ms_signers_find(s, ARRAY_SIZE(keys), mod.data,
							 mod.len, &i),
					 MS_SIGNED_BY);
			assert_int_equal(i, k);
			i = 99;
			assert_int_equal(ms_signers_find(s, k, mod.data, mod.len, &i),
					 MS_SIGNED_ELSE);
			assert_int_equal(i, 99);
		}
	for (i = 0; i < ARRAY_SIZE(keys); i++)
		ms_signer_clear(&s[i]);
}

static enum ms_signed find(const struct ms_signer *s, const struct ms_buf *mod)
{
	size_t i = 99;
	enum ms_signed r = ms_signers_find(s, 1, mod->data, mod->len, &i);

	assert_int_equal(i, r == MS_SIGNED_BY ? 0 : 99);
	return r;
}

static void test_strict(void **state)
{
	_cleanup_buf_ struct ms_buf mod = MS_BUF_INIT(DATA_MAX);
	struct ms_signer s = signer_of("rsa2048");

	module_of(&mod, NULL);
	assert_int_equal(find(&s, &mod), MS_SIGNED_NOT);
	module_of(&mod, "rsa2048-sha512");
	s.hash = MS_HASH_SHA256;
	assert_int_equal(find(&s, &mod), MS_SIGNED_ELSE);
	s.hash = MS_HASH_SHA512;
	assert_int_equal(find(&s, &mod), MS_SIGNED_BY);
	s.strict_sid = true;
	assert_int_equal(find(&s, &mod), MS_SIGNED_BY);
	s.keyid = true;
	assert_int_equal(find(&s, &mod), MS_SIGNED_ELSE);
	module_of(&mod, "rsa2048-sha512-keyid");
	assert_int_equal(find(&s, &mod), MS_SIGNED_BY);
	s.issues = true;
	assert_int_equal(find(&s, &mod), MS_SIGNED_ELSE);
	s.either = true;
	assert_int_equal(find(&s, &mod), MS_SIGNED_BY);
	ms_signer_clear(&s);
}

/* Each byte of the module, and of what is behind it. */
static void test_every_byte(void **state)
{
	_cleanup_buf_ struct ms_buf mod = MS_BUF_INIT(DATA_MAX);
	struct ms_signer s = signer_of("rsa2048");

	module_of(&mod, "rsa2048-sha256");
	for (size_t i = 0; i < mod.len; i++) {
		mod.data[i] ^= 1;
		assert_int_not_equal(find(&s, &mod), MS_SIGNED_BY);
		mod.data[i] ^= 1;
	}
	assert_int_equal(find(&s, &mod), MS_SIGNED_BY);
	ms_signer_clear(&s);
}

static void test_twice(void **state)
{
	_cleanup_buf_ struct ms_buf mod = MS_BUF_INIT(DATA_MAX);
	struct ms_signer s = signer_of("rsa2048");

	module_of(&mod, "rsa2048-sha256");
	add_signature(&mod, "rsa2048-sha256");
	assert_int_equal(find(&s, &mod), MS_SIGNED_ELSE);
	ms_signer_clear(&s);
}

/* ----------------------------------------------------------------------- leaves */

static int by_key(void *arg, const uint8_t digest[32], uint8_t *ret, size_t *ret_len)
{
	return ms_key_sign_digest(arg, MS_HASH_SHA256, digest, ret, ret_len);
}

static struct ms_cert *issue(EVP_PKEY *key, const char *cn, enum ms_cert_profile profile,
			     const struct ms_cert *issuer, EVP_PKEY *issuer_key)
{
	const struct ms_cert_request req = {
		.common_name = cn, .days = 1, .profile = profile};
	struct ms_cert *c = NULL;
	uint8_t *der = NULL;
	size_t len;

	assert_int_equal(ms_cert_issue(key, &req, issuer, by_key, issuer_key, &der, &len),
			 0);
	assert_int_equal(ms_cert_parse(der, len, &c), 0);
	free(der);
	return c;
}

static void sign_by_leaf(EVP_PKEY *key, const struct ms_cert *leaf, struct ms_buf *mod)
{
	_cleanup_buf_ struct ms_buf msg = MS_BUF_INIT(MS_MESSAGE_MAX);
	uint8_t digest[MS_DIGEST_MAX], sig[MS_SIG_MAX], trailer[MS_TRAILER_LEN];
	struct ms_pkcs7_request req = {
		.cert = leaf, .embed = true, .hash = MS_HASH_SHA256, .sig = sig};

	module_of(mod, NULL);
	assert_int_equal(ms_digest(MS_HASH_SHA256, mod->data, mod->len, digest), 0);
	assert_int_equal(
		ms_key_sign_digest(key, MS_HASH_SHA256, digest, sig, &req.sig_len), 0);
	assert_int_equal(ms_pkcs7_build(&req, &msg), 0);
	ms_trailer_build((uint32_t)msg.len, trailer);
	ms_buf_put(mod, msg.data, msg.len);
	ms_buf_put(mod, trailer, sizeof(trailer));
}

static void test_leaf(void **state)
{
	_cleanup_buf_ struct ms_buf mod = MS_BUF_INIT(DATA_MAX);
	static const char *const others[] = {"abd", "ab", "abcd", ""};
	_cleanup_cert_ struct ms_cert *leaf = NULL, *forged = NULL;
	EVP_PKEY *ca_key = NULL, *leaf_key = NULL;
	struct ms_signer s = {.issues = true}, other = signer_of("p256");

	assert_int_equal(ms_key_generate(MS_ALG_P256, &ca_key), 0);
	assert_int_equal(ms_key_generate(MS_ALG_P256, &leaf_key), 0);
	s.cert = issue(ca_key, "issuer", MS_CERT_ISSUER, NULL, ca_key);
	leaf = issue(leaf_key, "build abc for 6.1", MS_CERT_SIGNER, s.cert, ca_key);
	sign_by_leaf(leaf_key, leaf, &mod);
	assert_int_equal(find(&s, &mod), MS_SIGNED_BY);
	s.build = "abc";
	assert_int_equal(find(&s, &mod), MS_SIGNED_BY);
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		s.build = others[i];
		assert_int_equal(find(&s, &mod), MS_SIGNED_ELSE);
	}
	s.build = NULL;
	other.issues = true;
	assert_int_equal(find(&other, &mod), MS_SIGNED_ELSE);
	/* The issuer's name, but not its signature. */
	ms_cert_free(leaf);
	EVP_PKEY_free(ca_key);
	ca_key = NULL;
	assert_int_equal(ms_key_generate(MS_ALG_P256, &ca_key), 0);
	forged = issue(ca_key, "issuer", MS_CERT_ISSUER, NULL, ca_key);
	leaf = issue(leaf_key, "build abc for 6.1", MS_CERT_SIGNER, forged, ca_key);
	sign_by_leaf(leaf_key, leaf, &mod);
	assert_int_equal(find(&s, &mod), MS_SIGNED_ELSE);
	EVP_PKEY_free(ca_key);
	EVP_PKEY_free(leaf_key);
	ms_signer_clear(&s);
	ms_signer_clear(&other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_by_whom),	   cmocka_unit_test(test_strict),
		cmocka_unit_test(test_every_byte), cmocka_unit_test(test_twice),
		cmocka_unit_test(test_leaf),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
