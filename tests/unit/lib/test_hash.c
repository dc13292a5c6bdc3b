/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Known answers: FIPS 180-4 and 202 examples ("abc"), RFC 1321, GB/T 32905, and the OIDs
 * as OpenSSL's own table of objects has them.
 */
#include "data.h"
#include <pthread.h>
#include <openssl/objects.h>
#include "lib/hash.h"

static const struct {
	enum ms_hash hash;
	const char *name;
	int nid;
	size_t size;
	bool may_sign;
	const char *abc; /* the digest's first 16 bytes */
} hashes[] = {
	{ MS_HASH_SHA256, "sha256", NID_sha256, 32, true,
	  "ba7816bf8f01cfea414140de5dae2223" },
	{ MS_HASH_SHA384, "sha384", NID_sha384, 48, true,
	  "cb00753f45a35e8bb5a03d699ac65007" },
	{ MS_HASH_SHA512, "sha512", NID_sha512, 64, true,
	  "ddaf35a193617abacc417349ae204131" },
	{ MS_HASH_SHA3_256, "sha3-256", NID_sha3_256, 32, true,
	  "3a985da74fe225b2045c172d6bd390bd" },
	{ MS_HASH_SHA3_384, "sha3-384", NID_sha3_384, 48, true,
	  "ec01498288516fc926459f58e2c6ad8d" },
	{ MS_HASH_SHA3_512, "sha3-512", NID_sha3_512, 64, true,
	  "b751850b1a57168a5693cd924b6b096e" },
	{ MS_HASH_SHA224, "sha224", NID_sha224, 28, false,
	  "23097d223405d8228642a477bda255b3" },
	{ MS_HASH_SHA1, "sha1", NID_sha1, 20, false, "a9993e364706816aba3e25717850c26c" },
	{ MS_HASH_MD5, "md5", NID_md5, 16, false, "900150983cd24fb0d6963f7d28e17f72" },
	{ MS_HASH_SM3, "sm3", NID_sm3, 32, false, "66c7f0f462eeedd9d1f2d46bdc10e4e2" },
	{ MS_HASH_MD4, "md4", NID_md4, 16, false, NULL }, /* OpenSSL keeps it elsewhere */
};

static void test_table(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(hashes); i++) {
		enum ms_hash h = MS_HASH_NONE;
		uint8_t want[32], *p = want;
		const uint8_t *oid;
		size_t len;
		int n;

		assert_int_equal(ms_hash_from_name(hashes[i].name, &h), 0);
		assert_int_equal(h, hashes[i].hash);
		assert_string_equal(ms_hash_name(h), hashes[i].name);
		assert_int_equal(ms_hash_size(h), hashes[i].size);
		assert_int_equal(ms_hash_may_sign(h), hashes[i].may_sign);
		n = i2d_ASN1_OBJECT(OBJ_nid2obj(hashes[i].nid), &p);
		oid = ms_hash_oid(h, &len);
		assert_int_equal(len, n);
		assert_memory_equal(oid, want, len);
		h = MS_HASH_NONE;
		assert_int_equal(ms_hash_from_oid(oid, len, &h), 0);
		assert_int_equal(h, hashes[i].hash);
	}
}

static void test_names(void **state)
{
	enum ms_hash h = MS_HASH_MD5;

	assert_int_equal(ms_hash_from_name("SHA-256", &h), 0);
	assert_int_equal(h, MS_HASH_SHA256);
	assert_int_equal(ms_hash_from_name("SHA3-512", &h), 0);
	assert_int_equal(h, MS_HASH_SHA3_512);
	assert_int_equal(ms_hash_from_name("", &h), -EINVAL);
	assert_int_equal(ms_hash_from_name("sha", &h), -EINVAL);
	assert_int_equal(ms_hash_from_name("sha2567", &h), -EINVAL);
	assert_int_equal(h, MS_HASH_SHA3_512);
	assert_string_equal(ms_hash_name(MS_HASH_NONE), "unknown");
}

static void test_refusals(void **state)
{
	uint8_t out[MS_DIGEST_MAX], oid[16];
	enum ms_hash h = MS_HASH_MD5;
	const uint8_t *p;
	size_t len = 1;

	assert_null(ms_hash_oid(MS_HASH_NONE, &len));
	assert_int_equal(len, 0);
	assert_int_equal(ms_hash_size(MS_HASH_NONE), 0);
	assert_false(ms_hash_may_sign(MS_HASH_NONE));
	assert_null(ms_hash_md(MS_HASH_NONE));
	assert_int_equal(ms_digest(MS_HASH_NONE, "abc", 3, out), -ENOPKG);
	assert_int_equal(ms_digest((enum ms_hash)7, "abc", 3, out), -ENOPKG);
	p = ms_hash_oid(MS_HASH_SHA256, &len);
	memcpy(oid, p, len);
	assert_int_equal(ms_hash_from_oid(oid, len - 1, &h), -ENOPKG);
	oid[len - 1] = 99;
	assert_int_equal(ms_hash_from_oid(oid, len, &h), -ENOPKG);
	assert_int_equal(ms_hash_from_oid(NULL, 0, &h), -ENOPKG);
	assert_int_equal(h, MS_HASH_MD5);
}

static void test_digests(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(hashes); i++) {
		uint8_t out[MS_DIGEST_MAX + 1];
		char hex[33];

		if (!hashes[i].abc)
			continue;
		memset(out, 0xa5, sizeof(out));
		assert_int_equal(ms_digest(hashes[i].hash, "abc", 3, out), 0);
		assert_string_equal(ms_hex(out, 16, hex), hashes[i].abc);
		assert_int_equal(out[hashes[i].size], 0xa5);
	}
}

static void test_empty_input(void **state)
{
	uint8_t out[MS_DIGEST_MAX];
	char hex[65];

	assert_int_equal(ms_digest(MS_HASH_SHA256, NULL, 0, out), 0);
	assert_string_equal(ms_hex(out, 32, hex), "e3b0c44298fc1c149afbf4c8996fb924"
						  "27ae41e4649b934ca495991b7852b855");
	assert_string_equal(ms_hex(out, 0, hex), "");
}

static void *fetch(void *arg)
{
	return (void *)(uintptr_t)ms_hash_md(MS_HASH_SHA3_384);
}

static void test_threads_share_one_method(void **state)
{
	pthread_t t[8];

	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		assert_int_equal(pthread_create(&t[i], NULL, fetch, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		void *md;

		assert_int_equal(pthread_join(t[i], &md), 0);
		assert_non_null(md);
		assert_ptr_equal(md, ms_hash_md(MS_HASH_SHA3_384));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_threads_share_one_method),
		cmocka_unit_test(test_digests),
		cmocka_unit_test(test_empty_input),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
