/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <errno.h>
#include <cmocka.h>
#include "lib/pem.h"

static int find(const char *text, struct ms_buf *out, size_t *used)
{
	return ms_pem_find(text, strlen(text), "CERTIFICATE", out, used);
}

#define BEGIN "-----BEGIN CERTIFICATE-----\n"
#define END "-----END CERTIFICATE-----\n"

static void test_known(void **state)
{
	/* RFC 4648, section 10 */
	static const struct {
		const char *text, *want;
	} cases[] = {
		{BEGIN "Zg==\n" END, "f"},
		{BEGIN "Zm8=\n" END, "fo"},
		{BEGIN "Zm9v\n" END, "foo"},
		{BEGIN "Zm9vYg==\n" END, "foob"},
		{BEGIN "Zm9vYmE=\n" END, "fooba"},
		{BEGIN "Zm9vYmFy\n" END, "foobar"},
		{BEGIN "  Zm 9v\tYm\n\nFy\n" END, "foobar"},
		{"-----BEGIN CERTIFICATE-----\r\nZm9v\r\n-----END CERTIFICATE-----\r\n",
		 "foo"},
		{"-----BEGIN CERTIFICATE-----\rZm9v\r-----END CERTIFICATE-----\r", "foo"},
		{"-----BEGIN CERTIFICATE----- \t\nZm9v\n-----END CERTIFICATE-----",
		 "foo"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_buf_ struct ms_buf out = MS_BUF_INIT(100);
		size_t used;

		assert_int_equal(find(cases[i].text, &out, &used), 0);
		assert_int_equal(used, strlen(cases[i].text));
		assert_string_equal(ms_buf_cstr(&out), cases[i].want);
	}
}

static void test_several(void **state)
{
	static const char text[] =
		"subject=CN = x\n" BEGIN "Zm9v\n" END
		"-----BEGIN PRIVATE KEY-----\nAAAA\n"
		"-----END PRIVATE KEY-----\n" BEGIN "YmFy\n" END "rest";
	_cleanup_buf_ struct ms_buf out = MS_BUF_INIT(100);
	size_t used, pos;

	assert_int_equal(find(text, &out, &pos), 0);
	assert_int_equal(find(text + pos, &out, &used), 0);
	assert_string_equal(ms_buf_cstr(&out), "foobar"); /* appended */
	pos += used;
	assert_string_equal(text + pos, "rest");
	assert_int_equal(find(text + pos, &out, &used), -ENODATA);
}

static void test_refused(void **state)
{
	static const struct {
		const char *text;
		int want;
	} cases[] = {
		{"", -ENODATA},
		{"no PEM at all", -ENODATA},
		{"-----BEGIN CERTIFICATE REQUEST-----\nZm9v\n"
		 "-----END CERTIFICATE REQUEST-----\n",
		 -ENODATA},
		{" " BEGIN "Zm9v\n" END, -ENODATA}, /* not at the line's start */
		{"-----BEGIN CERTIFICATE-----x\nZm9v\n" END, -ENODATA},
		{BEGIN "Zm9v\n", -EBADMSG}, /* no end */
		{BEGIN "Zm9v\n " END, -EBADMSG},
		{BEGIN END, -EBADMSG},	       /* nothing in it */
		{BEGIN "Zm9\n" END, -EBADMSG}, /* padding is missing */
		{BEGIN "Zg=\n" END, -EBADMSG},
		{BEGIN "Z===\n" END, -EBADMSG},
		{BEGIN "====\n" END, -EBADMSG},
		{BEGIN "Zg===\n" END, -EBADMSG},
		{BEGIN "Zg==Zg==\n" END, -EBADMSG}, /* padding in the middle */
		{BEGIN "Zm9v=\n" END, -EBADMSG},
		{BEGIN "Zh==\n" END, -EBADMSG}, /* unused bits are set */
		{BEGIN "Zm9=\n" END, -EBADMSG},
		{BEGIN "Zm9v-_==\n" END, -EBADMSG}, /* another alphabet */
		{BEGIN "Proc-Type: 4,ENCRYPTED\n\nZm9v\n" END, -EBADMSG},
		{BEGIN BEGIN "Zm9v\n" END, -EBADMSG},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_buf_ struct ms_buf out = MS_BUF_INIT(100);
		size_t used = 77;

		ms_buf_put(&out, "keep", 4);
		if (find(cases[i].text, &out, &used) != cases[i].want)
			fail_msg("wrong: %s", cases[i].text);
		assert_int_equal(out.len, 4);
		assert_int_equal(used, 77);
	}
}

static void test_ceiling(void **state)
{
	_cleanup_buf_ struct ms_buf small = MS_BUF_INIT(5), fits = MS_BUF_INIT(6);
	size_t used;

	assert_int_equal(find(BEGIN "Zm9vYmFy\n" END, &small, &used), -EFBIG);
	assert_int_equal(small.len, 0);
	/* blanks do not count */
	assert_int_equal(
		find(BEGIN "Zm9v\n\n\n\n\n\n\n\n\n\n\n\n\n\n\nYmFy\n" END, &fits, &used),
		0);
	assert_int_equal(fits.len, 6);
	small.len = 0;
	small.err = -ENOMEM;
	assert_int_equal(find(BEGIN "Zm9v\n" END, &small, &used), -ENOMEM);
}

static void test_put(void **state)
{
	_cleanup_buf_ struct ms_buf out = MS_BUF_INIT(1000);
	uint8_t bytes[49];

	memset(bytes, 0xff, sizeof(bytes));
	ms_pem_put(&out, "X Y", bytes, 49);
	assert_string_equal(ms_buf_cstr(&out), "-----BEGIN X Y-----\n"
					       "////////////////////////////////"
					       "////////////////////////////////\n"
					       "/w==\n"
					       "-----END X Y-----\n");
	out.len = 0;
	ms_pem_put(&out, "X", bytes, 48);
	assert_string_equal(ms_buf_cstr(&out), "-----BEGIN X-----\n"
					       "////////////////////////////////"
					       "////////////////////////////////\n"
					       "-----END X-----\n");
}

static void test_round_trip(void **state)
{
	for (size_t n = 1; n < 200; n++) {
		_cleanup_buf_ struct ms_buf text = MS_BUF_INIT(1000),
					    out = MS_BUF_INIT(200);
		uint8_t bytes[200];
		size_t used;

		for (size_t i = 0; i < n; i++)
			bytes[i] = (uint8_t)(i * 37 + n);
		ms_pem_put(&text, "CERTIFICATE", bytes, n);
		assert_int_equal(find(ms_buf_cstr(&text), &out, &used), 0);
		assert_int_equal(out.len, n);
		assert_memory_equal(out.data, bytes, n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known),	cmocka_unit_test(test_several),
		cmocka_unit_test(test_refused), cmocka_unit_test(test_ceiling),
		cmocka_unit_test(test_put),	cmocka_unit_test(test_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
