/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/efi.h"
#include "tests/unit/lib/data.h"
#include "verifier/efi_siglist.h"

static const struct ms_guid owner = {{1, 2, 3}};

static void put_three(struct ms_buf *b)
{
	uint8_t digest[32];

	memset(digest, 0xab, sizeof(digest));
	ms_esl_put_cert(b, &owner, (const uint8_t *)"certificate", 11);
	ms_esl_put_tbs(b, &owner, digest, 1577836800);
	ms_esl_put_hash(b, &owner, digest);
	assert_int_equal(ms_buf_error(b), 0);
}

static void test_good(void **state)
{
	_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(4096);
	struct ms_efi_signature s;
	struct ms_efi_siglist l;

	put_three(&b);
	ms_efi_siglist_parse(b.data, b.len, &l);
	assert_int_equal(ms_efi_siglist_next(&l, &s), 0);
	assert_int_equal(s.kind, MS_EFI_CERT);
	assert_int_equal(s.len, 11);
	assert_memory_equal(s.data, "certificate", 11);
	assert_int_equal(ms_efi_siglist_next(&l, &s), 0);
	assert_int_equal(s.kind, MS_EFI_TBS);
	assert_int_equal(s.hash, MS_HASH_SHA256);
	assert_int_equal(s.len, 32);
	assert_int_equal(s.since, 1577836800);
	assert_true(s.has_time);
	assert_int_equal(ms_efi_siglist_next(&l, &s), 0);
	assert_int_equal(s.kind, MS_EFI_FILE);
	assert_int_equal(s.len, 32);
	assert_int_equal(s.since, 0);
	assert_int_equal(ms_efi_siglist_next(&l, &s), -ENODATA);
	assert_int_equal(ms_efi_siglist_next(&l, &s), -ENODATA);
}

/* One field of the first list's head, little-endian. */
static void damaged(size_t at, uint8_t value)
{
	_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(4096);
	struct ms_efi_signature s = {.len = 4711};
	struct ms_efi_siglist l;

	put_three(&b);
	b.data[at] = value;
	ms_efi_siglist_parse(b.data, b.len, &l);
	assert_int_equal(ms_efi_siglist_next(&l, &s), -EBADMSG);
	assert_int_equal(s.len, 4711);
	assert_int_equal(ms_efi_siglist_next(&l, &s), -ENODATA);
}

static void test_damaged(void **state)
{
	_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(4096);
	struct ms_efi_signature s;
	struct ms_efi_siglist l;

	damaged(19, 0xff);
	damaged(16, 27);
	damaged(16, 54);
	damaged(20, 0xff);
	damaged(24, 16);
	damaged(24, 0);
	damaged(24, 26);
	damaged(27, 0x80);
	put_three(&b);
	for (size_t len = 1; len < b.len; len++) {
		int rc;

		ms_efi_siglist_parse(b.data, len, &l);
		while (!(rc = ms_efi_siglist_next(&l, &s)))
			;
		/* Between two lists nothing is missing. */
		assert_int_equal(rc, len == 55 || len == 147 ? -ENODATA : -EBADMSG);
	}
	ms_efi_siglist_parse(NULL, 0, &l);
	assert_int_equal(ms_efi_siglist_next(&l, &s), -ENODATA);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
