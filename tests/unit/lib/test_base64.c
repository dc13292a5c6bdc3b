/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/base64.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static int decode(const char *text, bool blanks, struct ms_buf *out)
{
	return ms_base64_decode(text, strlen(text), blanks, out);
}

/* RFC 4648, section 10. */
static void test_vectors(void **state)
{
	static const char *const text[] = {"Zg==",     "Zm8=",	   "Zm9v",
					   "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"};

	for (size_t i = 0; i < ARRAY_SIZE(text); i++) {
		_cleanup_buf_ struct ms_buf out = MS_BUF_INIT(16);

		ms_buf_put(&out, "x", 1);
		assert_int_equal(decode(text[i], false, &out), 0);
		assert_int_equal(out.len, 2 + i);
		assert_memory_equal(out.data, "xfoobar", out.len);
	}
}

static void test_refused(void **state)
{
	static const char *const bad[] = {
		"",	  "=",	   "====",     "Z",
		"Zg",	  "Zg=",   "Zg===",    "Zh==" /* unused bits */,
		"Zm9=",	  "Zm9v=", "Zg==Zg==", "Zm-v",
		"Zm9v\n", "Zm 9v", "Zm9\xff",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		_cleanup_buf_ struct ms_buf out = MS_BUF_INIT(16);

		ms_buf_put(&out, "x", 1);
		assert_int_equal(decode(bad[i], false, &out), -EBADMSG);
		assert_int_equal(out.len, 1);
	}
}

static void test_blanks(void **state)
{
	_cleanup_buf_ struct ms_buf out = MS_BUF_INIT(3);

	assert_int_equal(decode(" Zm\r\n9v\t\n\n\n\n\n\n\n\n\n\n", true, &out), 0);
	assert_int_equal(out.len, 3);
	assert_memory_equal(out.data, "foo", 3);
	assert_int_equal(decode(" \n", true, &out), -EBADMSG);
}

static void test_too_much(void **state)
{
	_cleanup_buf_ struct ms_buf out = MS_BUF_INIT(2);

	assert_int_equal(decode("Zm9v", false, &out), -EFBIG);
	assert_int_equal(out.len, 0);
	assert_int_equal(decode("Zg==", false, &out), -EFBIG); /* it is sticky */
}

/* RFC 4648, section 10, and lines of eight. */
static void test_put(void **state)
{
	static const struct {
		const char *bytes, *text;
		unsigned int line;
	} cases[] = {
		{"", "", 0},
		{"f", "Zg==", 0},
		{"fo", "Zm8=", 0},
		{"foo", "Zm9v", 0},
		{"foob", "Zm9vYg==", 0},
		{"fooba", "Zm9vYmE=", 0},
		{"foobar", "Zm9vYmFy", 0},
		{"", "", 8},
		{"foo", "Zm9v\n", 8},
		{"foobar", "Zm9vYmFy\n", 8},
		{"foobarf", "Zm9vYmFy\nZg==\n", 8},
		{"\377\376\375", "//79", 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_buf_ struct ms_buf out = MS_BUF_INIT(100);

		ms_base64_put(&out, (const uint8_t *)cases[i].bytes,
			      strlen(cases[i].bytes), cases[i].line);
		assert_string_equal(ms_buf_cstr(&out), cases[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_blanks),	cmocka_unit_test(test_too_much),
		cmocka_unit_test(test_put),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
