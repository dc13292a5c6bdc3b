/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <errno.h>
#include <cmocka.h>
#include "kbuild-hooks/x509_file.h"

/* Three "certificates": any DER SEQUENCE will do, as only bytes are compared. */
#define A "\x30\x03\x02\x01\x01"
#define B "\x30\x03\x02\x01\x02"
#define PEM_A "-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n"
#define PEM_B "-----BEGIN CERTIFICATE-----\nMAMCAQI=\n-----END CERTIFICATE-----\n"

static int holds_bytes(const char *file, size_t len)
{
	return ms_x509_file_holds((const uint8_t *)file, len, (const uint8_t *)B, 5);
}

#define holds(text) holds_bytes(text, sizeof(text) - 1)

static void test_found(void **state)
{
	assert_int_equal(holds(B), 0);
	assert_int_equal(holds(A B), 0);
	assert_int_equal(holds(B A), 0);
	assert_int_equal(holds(PEM_B), 0);
	assert_int_equal(holds("text\n" PEM_A "more\n" PEM_B), 0);
	assert_int_equal(holds("-----BEGIN PRIVATE KEY-----\nMAMCAQE=\n"
			       "-----END PRIVATE KEY-----\n" PEM_B),
			 0);
}

static void test_others(void **state)
{
	assert_int_equal(holds(A), -ENOKEY);
	assert_int_equal(holds(A A), -ENOKEY);
	assert_int_equal(holds(PEM_A PEM_A), -ENOKEY);
	/* B as a part of something else is not B */
	assert_int_equal(holds("\x30\x07\x30\x03\x02\x01\x02\x05\x00"), -ENOKEY);
}

static void test_none(void **state)
{
	assert_int_equal(holds(""), -ENODATA);
	assert_int_equal(holds("hello"), -ENODATA);
	assert_int_equal(holds("\177ELF"), -ENODATA);
	assert_int_equal(holds("-----BEGIN PRIVATE KEY-----\nMAMCAQI=\n"
			       "-----END PRIVATE KEY-----\n"),
			 -ENODATA);
}

static void test_damaged(void **state)
{
	assert_int_equal(holds("\x30"), -EBADMSG);
	assert_int_equal(holds("\x30\x04\x02\x01\x02"), -EBADMSG);
	assert_int_equal(holds("\x30\x80\x02\x01\x02"), -EBADMSG);
	assert_int_equal(holds("\x30\x84\xff\xff\xff\xff"), -EBADMSG);
	assert_int_equal(holds(A "junk"), -EBADMSG);
	assert_int_equal(holds("-----BEGIN CERTIFICATE-----\nMAMC!\n"
			       "-----END CERTIFICATE-----\n"),
			 -EBADMSG);
	assert_int_equal(holds(PEM_A "-----BEGIN CERTIFICATE-----\nMAMCAQI=\n"),
			 -EBADMSG);
}

static void test_too_large(void **state)
{
	static char text[40000] = "-----BEGIN CERTIFICATE-----\n";
	static const char end[] = "\n-----END CERTIFICATE-----\n";
	size_t at = strlen(text);

	memset(text + at, 'A', 32000);
	memcpy(text + at + 32000, end, sizeof(end));
	assert_int_equal(holds_bytes(text, at + 32000 + sizeof(end) - 1), -EFBIG);
}

static int only_bytes(const char *file, size_t len)
{
	_cleanup_buf_ struct ms_buf out = MS_BUF_INIT(8);
	int r = ms_x509_file_only((const uint8_t *)file, len, &out);

	if (r == 0) {
		assert_int_equal(out.len, 5);
		assert_memory_equal(out.data, B, 5);
	}
	return r;
}

#define only(text) only_bytes(text, sizeof(text) - 1)

static void test_only(void **state)
{
	assert_int_equal(only(B), 0);
	assert_int_equal(only(PEM_B), 0);
	assert_int_equal(only("text\n" PEM_B "more\n"), 0);
	assert_int_equal(only(B A), -ENOTUNIQ);
	assert_int_equal(only(B "\n"), -ENOTUNIQ);
	assert_int_equal(only(PEM_B PEM_A), -ENOTUNIQ);
	assert_int_equal(only(PEM_B "-----BEGIN CERTIFICATE-----\n"), -ENOTUNIQ);
	assert_int_equal(only(""), -ENODATA);
	assert_int_equal(only("hello"), -ENODATA);
	assert_int_equal(only("\x30\x04\x02\x01\x02"), -EBADMSG);
	assert_int_equal(only("-----BEGIN CERTIFICATE-----\nMAMC!\n"
			      "-----END CERTIFICATE-----\n"),
			 -EBADMSG);
	assert_int_equal(only("\x30\x07\x30\x05\x02\x03\x01\x01\x02"), -EFBIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_found),	  cmocka_unit_test(test_others),
		cmocka_unit_test(test_none),	  cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_too_large), cmocka_unit_test(test_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
