/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <errno.h>
#include <cmocka.h>
#include "pkcs11/mechanism.h"

/* RFC 8017, 9.2, note 1. */
static const uint8_t sha256_info[19] = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60,
					0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,
					0x01, 0x05, 0x00, 0x04, 0x20};

static void test_table(void **state)
{
	size_t n = 0;

	while (ms_p11_mechanism_at(n))
		n++;
	assert_int_equal(n, 8);
	assert_int_equal(ms_p11_mechanism(CKM_RSA_PKCS)->hash, MS_HASH_NONE);
	assert_int_equal(ms_p11_mechanism(CKM_SHA384_RSA_PKCS)->hash, MS_HASH_SHA384);
	assert_int_equal(ms_p11_mechanism(CKM_ECDSA_SHA512)->key_type, CKK_EC);
	assert_null(ms_p11_mechanism(CKM_SHA1_RSA_PKCS));
	assert_null(ms_p11_mechanism(CKM_RSA_X_509));
	assert_null(ms_p11_mechanism(CKM_RSA_PKCS_PSS));
	assert_null(ms_p11_mechanism(CKM_ECDSA_SHA1));
}

static void test_digest_info(void **state)
{
	uint8_t info[19 + 32];
	const uint8_t *digest = NULL;
	enum ms_hash hash = MS_HASH_NONE;

	memcpy(info, sha256_info, sizeof(sha256_info));
	memset(info + 19, 0xab, 32);
	assert_int_equal(ms_p11_digest_info(info, sizeof(info), &hash, &digest), 0);
	assert_int_equal(hash, MS_HASH_SHA256);
	assert_ptr_equal(digest, info + 19);
}

/* Whatever byte is not what it should be, nothing comes of it. */
static void test_damaged(void **state)
{
	uint8_t info[19 + 32 + 1] = {0};
	const uint8_t *digest = info;
	enum ms_hash hash = MS_HASH_SHA512;

	memcpy(info, sha256_info, sizeof(sha256_info));
	for (size_t i = 0; i < sizeof(sha256_info); i++) {
		for (unsigned int bit = 1; bit < 256; bit <<= 1) {
			info[i] ^= (uint8_t)bit;
			assert_true(ms_p11_digest_info(info, 51, &hash, &digest) < 0);
			info[i] ^= (uint8_t)bit;
		}
	}
	for (size_t len = 0; len < 51; len++)
		assert_int_equal(ms_p11_digest_info(info, len, &hash, &digest), -EBADMSG);
	assert_int_equal(ms_p11_digest_info(info, 52, &hash, &digest), -EBADMSG);
	assert_int_equal(hash, MS_HASH_SHA512);
	assert_ptr_equal(digest, info);
}

/* Well-formed DER, but not as EMSA-PKCS1-v1_5 has it. */
static void test_other_forms(void **state)
{
	static const char *const heads[] = {
		"302f300b0609608648016503040201", /* no parameters */
		"3032300e06096086480165030402010501"
		"00", /* NULL that is not empty */
		"3033300f0609608648016503040201050005"
		"00",					  /* one more */
		"3033300d060960864801650304020105000500", /* beside the algorithm */
		"3031300d06096086480165030402010400",	  /* OCTET STRING for NULL */
	};

	for (size_t i = 0; i < ARRAY_SIZE(heads); i++) {
		uint8_t info[64] = {0};
		size_t n = strlen(heads[i]) / 2;
		const uint8_t *digest;
		enum ms_hash hash;

		assert_int_equal(ms_unhex(heads[i], info, n), 0);
		info[n] = 0x04;
		info[n + 1] = 0x20;
		/* the lengths are right: what is wrong is the form */
		assert_int_equal(info[1] + 2u, n + 2 + 32);
		assert_int_equal(ms_p11_digest_info(info, n + 34, &hash, &digest),
				 -EBADMSG);
	}
}

static void test_other_hashes(void **state)
{
	/* SHA-1, MD5, SHA-224 of the same note, and a digest that is none. */
	static const uint8_t sha1[35] = {0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e,
					 0x03, 0x02, 0x1a, 0x05, 0x00, 0x04, 0x14};
	static const uint8_t md5[34] = {0x30, 0x20, 0x30, 0x0c, 0x06, 0x08,
					0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d,
					0x02, 0x05, 0x05, 0x00, 0x04, 0x10};
	static const uint8_t sha224[47] = {0x30, 0x2d, 0x30, 0x0d, 0x06, 0x09, 0x60,
					   0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,
					   0x04, 0x05, 0x00, 0x04, 0x1c};
	static const uint8_t bare[32] = {1};
	const uint8_t *digest;
	enum ms_hash hash;

	assert_int_equal(ms_p11_digest_info(sha1, sizeof(sha1), &hash, &digest), -ENOPKG);
	assert_int_equal(ms_p11_digest_info(md5, sizeof(md5), &hash, &digest), -ENOPKG);
	assert_int_equal(ms_p11_digest_info(sha224, sizeof(sha224), &hash, &digest),
			 -ENOPKG);
	assert_int_equal(ms_p11_digest_info(bare, sizeof(bare), &hash, &digest),
			 -EBADMSG);
}

static void test_sizes(void **state)
{
	enum ms_hash hash = MS_HASH_MD5;

	assert_int_equal(ms_p11_digest_of_size(20, &hash), -ENOPKG);
	assert_int_equal(ms_p11_digest_of_size(0, &hash), -ENOPKG);
	assert_int_equal(ms_p11_digest_of_size(33, &hash), -ENOPKG);
	assert_int_equal(hash, MS_HASH_MD5);
	assert_int_equal(ms_p11_digest_of_size(48, &hash), 0);
	assert_int_equal(hash, MS_HASH_SHA384);
}

static void test_ecdsa(void **state)
{
	static const uint8_t der[] = {0x30, 0x08, 0x02, 0x01, 0x07,
				      0x02, 0x03, 0x00, 0x80, 0x01};
	static const uint8_t plain[] = {0, 0, 7, 0, 0x80, 1};
	static const struct {
		uint8_t len, der[12];
	} bad[] = {
		{8, {0x30, 6, 2, 1, 0x87, 2, 1, 7}},	    /* negative */
		{8, {0x30, 6, 2, 1, 0, 2, 1, 7}},	    /* zero */
		{9, {0x30, 6, 2, 1, 7, 2, 1, 7, 0}},	    /* a byte behind it */
		{9, {0x30, 7, 2, 1, 7, 2, 1, 7, 0}},	    /* and in it */
		{5, {0x30, 3, 2, 1, 7}},		    /* one number */
		{11, {0x30, 9, 2, 1, 7, 2, 4, 1, 2, 3, 4}}, /* too large */
		{9, {0x30, 7, 2, 2, 0, 7, 2, 1, 7}},	    /* not minimal */
		{2, {0x30, 0}},
		{0, {0}},
	};
	uint8_t out[6];

	assert_int_equal(ms_p11_ecdsa_plain(der, sizeof(der), 3, out), 0);
	assert_memory_equal(out, plain, sizeof(plain));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(ms_p11_ecdsa_plain(bad[i].der, bad[i].len, 3, out),
				 -EBADMSG);
	assert_memory_equal(out, plain, sizeof(plain));
	assert_int_equal(ms_p11_ecdsa_plain(der, sizeof(der), 1000, out), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),	     cmocka_unit_test(test_digest_info),
		cmocka_unit_test(test_damaged),	     cmocka_unit_test(test_other_forms),
		cmocka_unit_test(test_other_hashes), cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_ecdsa),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
