/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/fsverity.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

/* struct fsverity_formatted_digest (include/uapi/linux/fsverity.h) */
static void formatted(void **state)
{
	uint8_t digest[64], out[MS_FSVERITY_FORMATTED_MAX];
	size_t len = 0;

	memset(digest, 0x5a, sizeof(digest));
	assert_int_equal(ms_fsverity_format(MS_HASH_SHA256, digest, out, &len), 0);
	assert_int_equal(len, 44);
	assert_memory_equal(out, "FSVerity\1\0\x20\0\x5a\x5a", 14);
	assert_memory_equal(out + 12, digest, 32);
	assert_int_equal(ms_fsverity_format(MS_HASH_SHA512, digest, out, &len), 0);
	assert_int_equal(len, 76);
	assert_memory_equal(out, "FSVerity\2\0\x40\0\x5a\x5a", 14);
}

static void other_hashes(void **state)
{
	uint8_t digest[64] = {0}, out[MS_FSVERITY_FORMATTED_MAX] = {7};
	size_t len = 9;

	assert_int_equal(ms_fsverity_format(MS_HASH_SHA384, digest, out, &len), -ENOPKG);
	assert_int_equal(ms_fsverity_format(MS_HASH_SHA3_256, digest, out, &len),
			 -ENOPKG);
	assert_int_equal(ms_fsverity_format(MS_HASH_NONE, digest, out, &len), -ENOPKG);
	assert_int_equal(len, 9);
	assert_int_equal(out[0], 7);
}

/* As `fsverity digest` of fsverity-utils says, of bytes (i * 7 + (i >> 8) * 13) % 256. */
static const struct {
	size_t len;
	const char *sha256, *sha512;
} known[] = {
	{0, "3d248ca542a24fc62d1c43b916eae5016878e2533c88238480b26128a1f1af95",
	 "ccf9e5aea1c2a64efa2f2354a6024b90dffde6bbc017825045dce374474e13d1"
	 "0adb9dadcc6ca8e17a3c075fbd31336e8f266ae6fa93a6c3bed66f9e784e5abf"},
	{1, "b803429503d95915829b29fdbc8bbad142f3abfd11b1cadf5526582e685c0551",
	 "9fcf5172b085b1c8f9365eecb37a1869e193a4705654a5829f11939cd01d5c0f"
	 "d97276be8cd9d49f76cfc8dcfeb80f8128e3548a1de50b56912b9e3fc7bde27b"},
	{4096, "dc1f8bf5ee9d486c0d4585878ee812d42a1ff6987b43bcf1b76198cb639fc60e",
	 "cf39db87a59be086a45916875414d528bb92ec272be1d6a40553d71193725b5a"
	 "57a86c519a865c4d930731e3930150b28557c5c5ae64f7d1c9da4e11c2cf007e"},
	{4097, "77966aa2f22bdae9c614f267b9675ca9880f44bd5c6e5a07cde4e1920716b679",
	 "474c079380a1e7d1d379f659cf9c191cdd05bc48d3c845ab675466e3d233dce4"
	 "4efd3aa207c82dd6a5bf4c4223faa1d66d1fbff8fc2478a30f9da5cff5b20917"},
	{524288, "09accdec26404e56e25e36f3c992fbba7c7016de60a0895ad90226cf5ed3a79a",
	 "0443e864c3f66ac1502c60cb22e9b828c31244e0d820a1b0863865e9b53d5221"
	 "a19139bdd1755ba6893955911ce3bb47e1f7c9aa573d3e138faf81ba57f3334e"},
	{524289, "c5fe191c8dd350f27c8ae3ca178b10ec3f38bb8ff91b73a9d939a6ca1305bb24",
	 "cbde30f1c5fc7ce73711116506a41a516750540abc4c309e553ceeb8db547505"
	 "daf02c5f3a4ed7a17b2be7bdc01000c500fde91088ebff705b612b88c9cc03d6"},
	{1572869, "8113a2083df93f6adf910e1f9d1ead8c8a847a09429f8ade58be8342005351bc",
	 "094f86d5f1ccf8bb97db594d6ab81a9285edc49cfd7fa008686dfcd2a2936066"
	 "b168c47871c5108e4c500bd6c634e71bf47ec3d73b39f5a36c8f47d4dd7532e2"},
};

static void check(enum ms_hash h, const uint8_t *p, size_t len, size_t piece,
		  const char *want)
{
	struct ms_fsverity *v = test_malloc(sizeof(*v));
	uint8_t digest[MS_DIGEST_MAX];
	char hex[2 * MS_DIGEST_MAX + 1];

	assert_int_equal(ms_fsverity_init(v, h), 0);
	for (size_t at = 0; at < len; at += piece)
		assert_int_equal(ms_fsverity_update(v, p + at, MS_MIN(piece, len - at)),
				 0);
	assert_int_equal(ms_fsverity_final(v, digest), 0);
	assert_string_equal(ms_hex(digest, ms_hash_size(h), hex), want);
	test_free(v);
}

static void known_answers(void **state)
{
	static const size_t pieces[] = {1 << 20, 4096, 4095, 1000};
	size_t max = known[sizeof(known) / sizeof(*known) - 1].len;
	uint8_t *p = test_malloc(max);

	for (size_t i = 0; i < max; i++)
		p[i] = (uint8_t)(i * 7 + (i >> 8) * 13);
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		for (size_t k = 0; k < sizeof(pieces) / sizeof(*pieces); k++) {
			check(MS_HASH_SHA256, p, known[i].len, pieces[k],
			      known[i].sha256);
			check(MS_HASH_SHA512, p, known[i].len, pieces[k],
			      known[i].sha512);
		}
	}
	test_free(p);
}

static void no_such_hash(void **state)
{
	struct ms_fsverity *v = test_malloc(sizeof(*v));

	assert_int_equal(ms_fsverity_init(v, MS_HASH_SHA384), -ENOPKG);
	assert_int_equal(ms_fsverity_init(v, MS_HASH_SHA1), -ENOPKG);
	test_free(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(formatted),
		cmocka_unit_test(other_hashes),
		cmocka_unit_test(known_answers),
		cmocka_unit_test(no_such_hash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
