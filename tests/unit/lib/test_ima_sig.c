/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/ima_sig.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

/* As evmctl writes it: type, version, hash, key id and size in big endian */
static const uint8_t good[] = {3, 2, 4, 0xde, 0xad, 0xbe, 0xef, 0, 4, 9, 8, 7, 6};

static int parse(size_t at, uint8_t value, size_t len)
{
	uint8_t copy[sizeof(good) + 1] = {0};
	struct ms_ima_sig s = {.keyid = 77};
	int r;

	memcpy(copy, good, sizeof(good));
	copy[at] = value;
	r = ms_ima_sig_parse(copy, len, &s);
	if (r < 0)
		assert_int_equal(s.keyid, 77);
	return r;
}

static void parses(void **state)
{
	struct ms_ima_sig s;

	assert_int_equal(ms_ima_sig_parse(good, sizeof(good), &s), 0);
	assert_int_equal(s.hash, MS_HASH_SHA256);
	assert_int_equal(s.keyid, 0xdeadbeef);
	assert_ptr_equal(s.sig, good + 9);
	assert_int_equal(s.sig_len, 4);
}

static void refuses(void **state)
{
	for (size_t len = 0; len < sizeof(good); len++)
		assert_int_equal(parse(0, 3, len), -EBADMSG);
	assert_int_equal(parse(0, 3, sizeof(good) + 1), -EBADMSG);
	assert_int_equal(parse(8, 3, sizeof(good)), -EBADMSG);
	assert_int_equal(parse(8, 5, sizeof(good)), -EBADMSG);
	assert_int_equal(parse(8, 0, 9), -EBADMSG);
	assert_int_equal(parse(0, 1, sizeof(good)), -ENOPKG); /* a digest */
	assert_int_equal(parse(0, 4, sizeof(good)), -ENOPKG);
	assert_int_equal(parse(1, 1, sizeof(good)), -ENOPKG);
	assert_int_equal(parse(1, 3, sizeof(good)), -ENOPKG); /* of fs-verity digests */
	assert_int_equal(parse(2, 3, sizeof(good)), -ENOPKG); /* RIPEMD-160 */
	assert_int_equal(parse(2, 255, sizeof(good)), -ENOPKG);
}

static void builds(void **state)
{
	static const enum ms_hash hashes[] = {MS_HASH_SHA256,	MS_HASH_SHA384,
					      MS_HASH_SHA512,	MS_HASH_SHA3_256,
					      MS_HASH_SHA3_384, MS_HASH_SHA3_512};
	static const uint8_t numbers[] = {4, 5, 6, 20, 21, 22};
	struct ms_ima_sig s = {.keyid = 0xdeadbeef, .sig = good + 9, .sig_len = 4}, back;

	for (size_t i = 0; i < ARRAY_SIZE(hashes); i++) {
		_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(MS_IMA_SIG_MAX);

		s.hash = hashes[i];
		assert_int_equal(ms_ima_sig_put(&s, &b), 0);
		assert_int_equal(b.len, sizeof(good));
		assert_int_equal(b.data[2], numbers[i]);
		assert_int_equal(ms_ima_sig_parse(b.data, b.len, &back), 0);
		assert_int_equal(back.hash, hashes[i]);
		b.data[2] = 4;
		assert_memory_equal(b.data, good, sizeof(good));
	}
}

static void builds_not(void **state)
{
	_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(MS_IMA_SIG_MAX);
	struct ms_ima_sig s = {.hash = MS_HASH_NONE, .sig = good, .sig_len = 4};

	assert_int_equal(ms_ima_sig_put(&s, &b), -ENOPKG);
	s.hash = MS_HASH_SHA256;
	s.sig_len = MS_SIG_MAX + 1;
	assert_int_equal(ms_ima_sig_put(&s, &b), -EFBIG);
	assert_int_equal(b.len, 0);
}

static void keyid(void **state)
{
	static const uint8_t ski[] = {1, 2, 3, 4, 5, 6, 7, 8};
	struct ms_cert c = {.ski = ski, .ski_len = sizeof(ski)};
	uint32_t id = 1;

	assert_int_equal(ms_ima_keyid(&c, &id), 0);
	assert_int_equal(id, 0x05060708);
	/* too short for one, and no certificate to make another from */
	c.ski_len = 3;
	assert_int_equal(ms_ima_keyid(&c, &id), -EINVAL);
	assert_int_equal(id, 0x05060708);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parses), cmocka_unit_test(refuses),
		cmocka_unit_test(builds), cmocka_unit_test(builds_not),
		cmocka_unit_test(keyid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
