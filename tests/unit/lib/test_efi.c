/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include "lib/efi.h"

/* The lists and updates are held against efitools in tests/shell/54-enroll.t. */

static const uint8_t guid[16] = {0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11,
				 0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c};

static void test_guid(void **state)
{
	static const char *const bad[] = {"",
					  "8be4df61",
					  "8be4df6193ca11d2aa0d00e098032b8c",
					  "8be4df61-93ca-11d2-aa0d-00e098032b8",
					  "8be4df61-93ca-11d2-aa0d-00e098032b8cc",
					  "8be4df61-93ca-11d2-aa0d-00e098032b8g",
					  "8be4df61x93ca-11d2-aa0d-00e098032b8c"};
	struct ms_guid g = {{7}};

	assert_int_equal(ms_guid_parse("8be4df61-93ca-11d2-aa0d-00e098032b8c", &g), 0);
	assert_memory_equal(g.b, guid, 16);
	assert_int_equal(ms_guid_parse("8BE4DF61-93CA-11D2-AA0D-00E098032B8C", &g), 0);
	memset(&g, 7, sizeof(g));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(ms_guid_parse(bad[i], &g), -EINVAL);
	assert_int_equal(g.b[0], 7);
}

static void test_lists(void **state)
{
	_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(4096);
	const struct ms_guid owner = {{1}};
	const uint8_t data[32] = {9};
	size_t n = 7;

	assert_int_equal(ms_esl_check(NULL, 0, &n), -ENODATA);
	ms_esl_put_hash(&b, &owner, data);
	assert_int_equal(b.len, 28 + 16 + 32);
	assert_int_equal(ms_esl_check(b.data, b.len, &n), 0);
	assert_int_equal(n, 1);
	ms_esl_put_tbs(&b, &owner, data, 0);
	ms_esl_put_cert(&b, &owner, data, 31);
	assert_int_equal(ms_esl_check(b.data, b.len, &n), 0);
	assert_int_equal(n, 3);
	n = 7;
	for (size_t i = 1; i < 28 + 16 + 32; i++)
		assert_int_equal(ms_esl_check(b.data, i, &n), -EBADMSG);
	/* Sizes that lead out of it, and around the end of numbers. */
	for (size_t i = 16; i < 28; i++) {
		uint8_t was = b.data[i];

		b.data[i] = 0xff;
		assert_int_equal(ms_esl_check(b.data, b.len, &n), -EBADMSG);
		b.data[i] = was;
	}
	b.data[24] = 0;
	assert_int_equal(ms_esl_check(b.data, b.len, &n), -EBADMSG);
	assert_int_equal(n, 7);
}

static void test_bundle(void **state)
{
	_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(4096);
	const uint8_t list[] = {1, 2, 3};
	struct ms_efi_update u = {
		.variable = "KEK", .time = 1767323045, .data = list, .len = sizeof(list)};
	const uint8_t tail[] = {0x27, 0, 0, 0, 0xea, 7, 1, 2, 3, 4, 5, 0,
				0,    0, 0, 0, 0,    0, 0, 0, 1, 2, 3};

	assert_int_equal(ms_efi_bundle(&u, &b), 0);
	assert_int_equal(b.len, 6 + 16 + sizeof(tail));
	assert_memory_equal(b.data, "K\0E\0K\0", 6);
	assert_memory_equal(b.data + 6, guid, 16);
	assert_memory_equal(b.data + 22, tail, sizeof(tail));
	u.append = true;
	b.len = 0;
	assert_int_equal(ms_efi_bundle(&u, &b), 0);
	assert_int_equal(b.data[22], 0x67);
	u.variable = "dbt";
	assert_int_equal(ms_efi_bundle(&u, &b), -EINVAL);
	u.variable = "db";
	u.time = INT64_C(253402300800); /* the year 10000 */
	assert_int_equal(ms_efi_bundle(&u, &b), -EINVAL);
	assert_int_equal(ms_efi_auth(&u, list, 3, &b), -EINVAL);
}

static void test_unwrap(void **state)
{
	const uint8_t wrapped[] = {0x30, 0x09, 0x06, 0x01, 0x2a, 0xa0,
				   0x04, 0x30, 0x02, 0x05, 0x00};
	const uint8_t bare[] = {0x30, 0x03, 0x02, 0x01, 0x01};
	const uint8_t *p = NULL;
	size_t n = 0;

	assert_int_equal(ms_efi_unwrap(wrapped, sizeof(wrapped), &p, &n), 0);
	assert_ptr_equal(p, wrapped + 7);
	assert_int_equal(n, 4);
	assert_int_equal(ms_efi_unwrap(bare, sizeof(bare), &p, &n), 0);
	assert_ptr_equal(p, bare);
	for (size_t i = 0; i < sizeof(wrapped); i++)
		assert_int_equal(ms_efi_unwrap(wrapped, i, &p, &n), -EBADMSG);
	assert_ptr_equal(p, bare);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_guid),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_bundle),
		cmocka_unit_test(test_unwrap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
