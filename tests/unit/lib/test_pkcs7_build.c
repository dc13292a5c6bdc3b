/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Known answers: tests/data/pkcs7 holds what the kernel's sign-file made of these keys.
 */
#include "data.h"
#include <openssl/cms.h>
#include <openssl/pem.h>
#include "lib/pkcs7.h"

static struct ms_cert *load_cert(const char *key)
{
	_cleanup_buf_ struct ms_buf der = MS_BUF_INIT(DATA_MAX);
	struct ms_cert *c = NULL;
	char name[64];

	snprintf(name, sizeof(name), "pkcs7/%s.der", key);
	data_read(name, &der);
	assert_int_equal(ms_cert_parse(der.data, der.len, &c), 0);
	return c;
}

static EVP_PKEY *load_key(const char *key)
{
	_cleanup_buf_ struct ms_buf pem = MS_BUF_INIT(DATA_MAX);
	char name[64];
	EVP_PKEY *pkey;
	BIO *bio;

	snprintf(name, sizeof(name), "pkcs7/%s.key", key);
	data_read(name, &pem);
	bio = BIO_new_mem_buf(pem.data, (int)pem.len);
	pkey = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	BIO_free(bio);
	assert_non_null(pkey);
	return pkey;
}

static void payload_digest(enum ms_hash hash, uint8_t *ret)
{
	_cleanup_buf_ struct ms_buf payload = MS_BUF_INIT(DATA_MAX);

	data_read("pkcs7/payload", &payload);
	assert_int_equal(ms_digest(hash, payload.data, payload.len, ret), 0);
}

/* The raw signature: fresh for RSA, which is deterministic; sign-file's own for ECDSA. */
static size_t signature(const char *key, enum ms_hash hash, const struct ms_buf *expected,
			uint8_t *ret)
{
	uint8_t digest[MS_DIGEST_MAX];
	EVP_PKEY *pkey = load_key(key);
	size_t len = 0;

	payload_digest(hash, digest);
	if (ms_alg_is_rsa(ms_key_alg(pkey))) {
		assert_int_equal(ms_key_sign_digest(pkey, hash, digest, ret, &len), 0);
	} else {
		struct ms_pkcs7 m;

		assert_int_equal(ms_pkcs7_parse(expected->data, expected->len, &m), 0);
		len = m.signers[0].sig_len;
		memcpy(ret, m.signers[0].sig, len);
	}
	assert_int_equal(ms_key_verify_digest(pkey, hash, digest, ret, len), 0);
	EVP_PKEY_free(pkey);
	return len;
}

static void check_same(const char *key, enum ms_hash hash, bool keyid)
{
	_cleanup_buf_ struct ms_buf expected = MS_BUF_INIT(DATA_MAX);
	_cleanup_buf_ struct ms_buf out = MS_BUF_INIT(MS_MESSAGE_MAX);
	_cleanup_cert_ struct ms_cert *cert = load_cert(key);
	uint8_t sig[MS_SIG_MAX];
	char name[96];

	snprintf(name, sizeof(name), "pkcs7/%s-%s%s.p7s", key, ms_hash_name(hash),
		 keyid ? "-keyid" : "");
	data_read(name, &expected);
	assert_int_equal(ms_pkcs7_build(
				 &(struct ms_pkcs7_request){
					 .cert = cert,
					 .use_keyid = keyid,
					 .hash = hash,
					 .sig = sig,
					 .sig_len = signature(key, hash, &expected, sig),
				 },
				 &out),
			 0);
	assert_int_equal(out.len, expected.len);
	assert_memory_equal(out.data, expected.data, out.len);
}

static void test_same_as_sign_file(void **state)
{
	static const char *const keys[] = { "rsa2048", "rsa4096", "p256", "p384" };
	static const enum ms_hash hashes[] = { MS_HASH_SHA256, MS_HASH_SHA384,
					       MS_HASH_SHA512 };

	for (size_t k = 0; k < ARRAY_SIZE(keys); k++) {
		for (size_t h = 0; h < ARRAY_SIZE(hashes); h++) {
			check_same(keys[k], hashes[h], false);
			check_same(keys[k], hashes[h], true);
		}
	}
	check_same("rsa2048", MS_HASH_SHA3_256, false);
}

static void test_embedded(void **state)
{
	_cleanup_buf_ struct ms_buf plain = MS_BUF_INIT(MS_MESSAGE_MAX);
	_cleanup_buf_ struct ms_buf with = MS_BUF_INIT(MS_MESSAGE_MAX);
	_cleanup_cert_ struct ms_cert *cert = load_cert("rsa2048");
	const uint8_t sig[256] = { 1, 2, 3 };
	struct ms_pkcs7_request req = {
		.cert = cert, .hash = MS_HASH_SHA256, .sig = sig, .sig_len = sizeof(sig)
	};
	struct ms_pkcs7 m;

	assert_int_equal(ms_pkcs7_build(&req, &plain), 0);
	req.embed = true;
	assert_int_equal(ms_pkcs7_build(&req, &with), 0);
	assert_true(with.len > plain.len + cert->der_len);
	assert_int_equal(ms_pkcs7_parse(with.data, with.len, &m), 0);
	assert_int_equal(m.n_certs, 1);
	assert_int_equal(m.certs[0].len, cert->der_len);
	assert_memory_equal(m.certs[0].der, cert->der, cert->der_len);
	assert_int_equal(m.trailing, 0);
	assert_int_equal(m.version, 1);
}

/* OpenSSL takes the embedded certificate and accepts the signature, of this payload. */
static void check_cms(const char *name, enum ms_hash hash, bool keyid)
{
	_cleanup_buf_ struct ms_buf out = MS_BUF_INIT(MS_MESSAGE_MAX);
	_cleanup_buf_ struct ms_buf payload = MS_BUF_INIT(DATA_MAX);
	_cleanup_cert_ struct ms_cert *cert = load_cert(name);
	uint8_t digest[MS_DIGEST_MAX], sig[MS_SIG_MAX];
	struct ms_pkcs7_request req = {
		.cert = cert, .use_keyid = keyid, .embed = true, .hash = hash, .sig = sig
	};
	EVP_PKEY *key = load_key(name);
	const unsigned int flags = CMS_BINARY | CMS_NO_SIGNER_CERT_VERIFY;
	const unsigned char *p;
	CMS_ContentInfo *cms;

	data_read("pkcs7/payload", &payload);
	payload_digest(hash, digest);
	assert_int_equal(ms_key_sign_digest(key, hash, digest, sig, &req.sig_len), 0);
	assert_int_equal(ms_pkcs7_build(&req, &out), 0);
	p = out.data;
	cms = d2i_CMS_ContentInfo(NULL, &p, (long)out.len);
	assert_non_null(cms);
	assert_ptr_equal(p, out.data + out.len);
	for (int good = 1; good >= 0; good--) {
		BIO *bio = BIO_new_mem_buf(payload.data, (int)payload.len);

		assert_int_equal(CMS_verify(cms, NULL, NULL, bio, NULL, flags), good);
		BIO_free(bio);
		payload.data[0] ^= 1;
	}
	CMS_ContentInfo_free(cms);
	EVP_PKEY_free(key);
}

static void test_openssl_accepts(void **state)
{
	check_cms("rsa2048", MS_HASH_SHA256, false);
	check_cms("rsa4096", MS_HASH_SHA512, true);
	check_cms("rsa2048", MS_HASH_SHA3_384, false);
	check_cms("p256", MS_HASH_SHA256, true);
	check_cms("p384", MS_HASH_SHA384, false);
}

/* The message is appended to what is there, and its lengths are right for any size. */
static void test_appended(void **state)
{
	_cleanup_cert_ struct ms_cert *cert = load_cert("p256");
	uint8_t sig[MS_SIG_MAX];

	memset(sig, 0x5a, sizeof(sig));
	for (size_t n = 1; n <= sizeof(sig); n++) {
		_cleanup_buf_ struct ms_buf out = MS_BUF_INIT(MS_MESSAGE_MAX);
		struct ms_pkcs7_request req = {
			.cert = cert, .hash = MS_HASH_SHA384, .sig = sig, .sig_len = n
		};
		struct ms_pkcs7 m;

		ms_buf_put(&out, "head", 4);
		assert_int_equal(ms_pkcs7_build(&req, &out), 0);
		assert_memory_equal(out.data, "head", 4);
		assert_int_equal(ms_pkcs7_parse(out.data + 4, out.len - 4, &m), 0);
		assert_int_equal(m.trailing, 0);
		assert_int_equal(m.n_signers, 1);
		assert_int_equal(m.signers[0].sig_len, n);
		assert_memory_equal(m.signers[0].sig, sig, n);
	}
}

static void test_refusals(void **state)
{
	_cleanup_buf_ struct ms_buf out = MS_BUF_INIT(MS_MESSAGE_MAX);
	_cleanup_buf_ struct ms_buf small = MS_BUF_INIT(100);
	_cleanup_cert_ struct ms_cert *cert = load_cert("rsa2048");
	const uint8_t sig[MS_SIG_MAX + 1] = { 1 };
	const struct ms_pkcs7_request good = {
		.cert = cert, .hash = MS_HASH_SHA256, .sig = sig, .sig_len = 256
	};
	struct ms_pkcs7_request req;
	EVP_PKEY *pkey = cert->pkey;

	req = good;
	req.hash = MS_HASH_SHA1;
	assert_int_equal(ms_pkcs7_build(&req, &out), -ENOPKG);
	req.hash = MS_HASH_NONE;
	assert_int_equal(ms_pkcs7_build(&req, &out), -ENOPKG);
	req = good;
	req.sig_len = 0;
	assert_int_equal(ms_pkcs7_build(&req, &out), -EINVAL);
	req.sig_len = sizeof(sig);
	assert_int_equal(ms_pkcs7_build(&req, &out), -EINVAL);
	req = good;
	req.use_keyid = true;
	cert->ski = NULL;
	assert_int_equal(ms_pkcs7_build(&req, &out), -EINVAL);
	req = good;
	cert->pkey = NULL;
	assert_int_equal(ms_pkcs7_build(&req, &out), -ENOPKG);
	cert->pkey = pkey;
	assert_int_equal(out.len, 0);
	assert_int_equal(ms_buf_error(&out), 0);
	assert_int_equal(ms_pkcs7_build(&good, &small), -EFBIG);
	assert_int_equal(small.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_as_sign_file), cmocka_unit_test(test_embedded),
		cmocka_unit_test(test_openssl_accepts),	  cmocka_unit_test(test_appended),
		cmocka_unit_test(test_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
