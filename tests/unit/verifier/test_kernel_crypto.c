/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Good signatures by OpenSSL's keys, and the errno of each kind of bad one. */
#include "tests/unit/verifier/fixture.h"
#include "verifier/kernel_crypto.h"

static const struct ms_kernel_profile *profile;

struct bench {
	struct ms_cert *cert;
	struct ms_kernel_cert k;
	uint8_t digest[MS_DIGEST_MAX], bytes[MS_SIG_MAX];
	struct ms_kernel_sig sig;
};

static void setup(struct bench *b, const char *name, enum ms_hash hash)
{
	EVP_PKEY *key = fixture_key(name);
	size_t len;

	profile = ms_kernel_profile_find("6.12");
	b->cert = fixture_cert(name);
	assert_int_equal(
		ms_kernel_cert_parse(profile, b->cert->der, b->cert->der_len, &b->k), 0);
	assert_int_equal(ms_digest(hash, "data", 4, b->digest), 0);
	assert_int_equal(ms_key_sign_digest(key, hash, b->digest, b->bytes, &len), 0);
	b->sig = (struct ms_kernel_sig){
		.kind = b->k.key_kind,
		.hash = hash,
		.digest = b->digest,
		.sig = {b->bytes, len},
	};
	EVP_PKEY_free(key);
}

static int verify(const struct bench *b)
{
	return ms_kernel_key_verify(profile, &b->k, &b->sig);
}

static void test_rsa(void **state)
{
	struct bench b;

	setup(&b, "rsa2048", MS_HASH_SHA512);
	assert_int_equal(verify(&b), 0);
	b.digest[0] ^= 1;
	assert_int_equal(verify(&b), -EKEYREJECTED);
	b.digest[0] ^= 1;
	b.sig.hash = MS_HASH_SHA384;
	assert_int_equal(verify(&b), -EBADMSG);
	b.sig.hash = MS_HASH_MD4;
	assert_int_equal(verify(&b), -ENOENT);
	b.sig.hash = MS_HASH_SHA512;
	b.sig.sig.len--;
	assert_int_equal(verify(&b), -EINVAL);
	b.sig.sig.len++;
	b.sig.digest = NULL;
	assert_int_equal(verify(&b), -EINVAL);
	b.sig.digest = b.digest;
	b.sig.kind = MS_SIG_ECDSA;
	assert_int_equal(verify(&b), -EKEYREJECTED);
	b.sig.kind = MS_SIG_RSA;
	/* One opens to one, which is no padding; newer kernels do not even try. */
	memset(b.bytes, 0, sizeof(b.bytes));
	b.bytes[255] = 1;
	assert_int_equal(verify(&b), -EINVAL);
	profile = ms_kernel_profile_find("6.1");
	assert_int_equal(verify(&b), -EBADMSG);
	memset(b.bytes, 0xff, sizeof(b.bytes));
	assert_int_equal(verify(&b), -EINVAL);
	b.k.key.len = 0;
	assert_int_equal(verify(&b), -EBADMSG);
	ms_cert_free(b.cert);
}

static void test_rsa_known_good(void **state)
{
	struct bench b;

	setup(&b, "rsa2048", MS_HASH_SHA256);
	memset(b.bytes, 0, sizeof(b.bytes));
	b.sig.good = true;
	assert_int_equal(verify(&b), 0);
	b.k.key.len--;
	assert_int_equal(verify(&b), -EBADMSG);
	ms_cert_free(b.cert);
}

static void test_ec(void **state)
{
	struct bench b;
	uint8_t copy[MS_SIG_MAX];

	setup(&b, "p256", MS_HASH_SHA384);
	assert_int_equal(verify(&b), 0);
	memcpy(copy, b.bytes, sizeof(copy));
	b.digest[0] ^= 1;
	assert_int_equal(verify(&b), -EKEYREJECTED);
	b.digest[0] ^= 1;
	b.bytes[0] = 0x31;
	assert_int_equal(verify(&b), -EBADMSG);
	memcpy(b.bytes, "\x30\x06\x02\x01\x00\x02\x01\x01", 8);
	b.sig.sig.len = 8;
	assert_int_equal(verify(&b), -EBADMSG);
	memcpy(b.bytes, "\x30\x06\x02\x01\x01\x02\x01\x01", 8);
	assert_int_equal(verify(&b), -EKEYREJECTED);
	memcpy(b.bytes, "\x30\x05\x02\x00\x02\x01\x01", 7);
	b.sig.sig.len = 7;
	assert_int_equal(verify(&b), -EINVAL);
	memset(b.bytes, 0, sizeof(b.bytes));
	memcpy(b.bytes, "\x30\x27\x02\x22", 4);
	memcpy(b.bytes + 38, "\x02\x01\x01", 3);
	b.sig.sig.len = 41;
	assert_int_equal(verify(&b), -EINVAL);
	b.sig.hash = MS_HASH_MD5;
	assert_int_equal(verify(&b), -EINVAL);
	b.sig.hash = MS_HASH_SHA384;
	profile = ms_kernel_profile_find("6.1");
	assert_int_equal(verify(&b), -ENOENT);
	ms_cert_free(b.cert);
}

/* Points that are no keys. */
static void test_ec_keys(void **state)
{
	struct bench b;
	uint8_t point[97];

	setup(&b, "p384", MS_HASH_SHA384);
	assert_int_equal(verify(&b), 0);
	assert_int_equal(b.k.key.len, sizeof(point));
	memcpy(point, b.k.key.p, sizeof(point));
	b.k.key.p = point;
	assert_int_equal(verify(&b), 0);
	point[96] ^= 1;
	assert_int_equal(verify(&b), -EINVAL);
	point[96] ^= 1;
	point[0] = 2;
	assert_int_equal(verify(&b), -EINVAL);
	point[0] = 4;
	b.k.key.len = 96;
	assert_int_equal(verify(&b), -EINVAL);
	b.k.key.len = 65;
	assert_int_equal(verify(&b), -EINVAL);
	b.k.key.len = 0;
	assert_int_equal(verify(&b), -EINVAL);
	ms_cert_free(b.cert);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rsa),
		cmocka_unit_test(test_rsa_known_good),
		cmocka_unit_test(test_ec),
		cmocka_unit_test(test_ec_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
