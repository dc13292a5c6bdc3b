/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data.h"

static void test_puts_are_big_endian(void **state)
{
	static const uint8_t want[] = { 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08,
					0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0,
					0,    0,    2,	  'h',	'i',  0,    0,	  0,
					0,    'n',  '=',  '4',	'2' };
	_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(1000);

	ms_buf_put_u8(&b, 0x01);
	ms_buf_put_u16(&b, 0x0203);
	ms_buf_put_u32(&b, 0x04050607);
	ms_buf_put_u64(&b, 0x08090a0b0c0d0e0f);
	ms_buf_put_str(&b, "hi");
	ms_buf_put_bytes(&b, NULL, 0);
	ms_buf_printf(&b, "n=%d", 42);
	assert_int_equal(ms_buf_error(&b), 0);
	assert_int_equal(b.len, sizeof(want));
	assert_memory_equal(b.data, want, sizeof(want));
}

static void test_gets(void **state)
{
	_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(1000);
	const uint8_t *p;
	struct ms_reader r;
	char s[3] = "xx";
	size_t n = 77;

	ms_buf_put_u8(&b, 0xfe);
	ms_buf_put_u16(&b, 0xfdfc);
	ms_buf_put_u32(&b, 0xfbfaf9f8);
	ms_buf_put_u64(&b, 0xf7f6f5f4f3f2f1f0);
	ms_buf_put_bytes(&b, "abc", 3);
	ms_buf_put_str(&b, "de");
	r = MS_READER(b.data, b.len);
	assert_int_equal(ms_reader_u8(&r), 0xfe);
	assert_int_equal(ms_reader_u16(&r), 0xfdfc);
	assert_int_equal(ms_reader_u32(&r), 0xfbfaf9f8);
	assert_true(ms_reader_u64(&r) == 0xf7f6f5f4f3f2f1f0);
	p = ms_reader_bytes(&r, 3, &n);
	assert_int_equal(n, 3);
	assert_memory_equal(p, "abc", 3);
	assert_int_equal(ms_reader_end(&r), -EBADMSG); /* something is left */
	assert_int_equal(ms_reader_error(&r), 0);
	ms_reader_str(&r, s, sizeof(s));
	assert_string_equal(s, "de");
	assert_int_equal(ms_reader_end(&r), 0);
}

/* After the first get beyond the end nothing is read any more. */
static void test_reader_errors_stick(void **state)
{
	static const uint8_t bytes[] = { 1, 2, 3 };
	struct ms_reader r = MS_READER(bytes, 3);
	char s[8] = "xxx";
	size_t n = 77;

	assert_int_equal(ms_reader_u32(&r), 0);
	assert_int_equal(ms_reader_error(&r), -EBADMSG);
	assert_int_equal(ms_reader_u8(&r), 0);
	assert_int_equal(ms_reader_u16(&r), 0);
	assert_true(ms_reader_u64(&r) == 0);
	assert_null(ms_reader_get(&r, 0));
	assert_null(ms_reader_bytes(&r, 10, &n));
	assert_int_equal(n, 0);
	ms_reader_str(&r, s, sizeof(s));
	assert_string_equal(s, "");
	assert_int_equal(ms_reader_end(&r), -EBADMSG);
}

static void test_reader_lengths(void **state)
{
	static const uint8_t huge[] = { 0xff, 0xff, 0xff, 0xff, 'a' };
	static const uint8_t four[] = { 0, 0, 0, 4, 'a', 'b', 'c', 'd' };
	static const uint8_t nul[] = { 0, 0, 0, 3, 'a', 0, 'c' };
	struct ms_reader r;
	char s[5] = "xxxx";
	size_t n;

	r = MS_READER(huge, sizeof(huge));
	assert_null(ms_reader_bytes(&r, SIZE_MAX, &n));
	assert_int_equal(ms_reader_error(&r), -EBADMSG);
	r = MS_READER(four, sizeof(four));
	assert_null(ms_reader_bytes(&r, 3, &n));
	assert_int_equal(ms_reader_error(&r), -EBADMSG);
	r = MS_READER(four, sizeof(four));
	ms_reader_str(&r, s, 4); /* no room for the NUL */
	assert_string_equal(s, "");
	assert_int_equal(ms_reader_error(&r), -EBADMSG);
	r = MS_READER(four, sizeof(four));
	ms_reader_str(&r, s, 5);
	assert_string_equal(s, "abcd");
	assert_int_equal(ms_reader_end(&r), 0);
	r = MS_READER(nul, sizeof(nul));
	ms_reader_str(&r, s, 5);
	assert_string_equal(s, "");
	assert_int_equal(ms_reader_error(&r), -EBADMSG);
	r = MS_READER(NULL, 0);
	assert_int_equal(ms_reader_end(&r), 0);
	assert_null(ms_reader_get(&r, 1));
	assert_int_equal(ms_reader_end(&r), -EBADMSG);
}

static void test_ceiling(void **state)
{
	_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(10);
	_cleanup_buf_ struct ms_buf none = { 0 };

	ms_buf_put(&b, "0123456789", 10);
	assert_int_equal(ms_buf_error(&b), 0);
	assert_string_equal(ms_buf_cstr(&b), "0123456789");
	ms_buf_put_u8(&b, 'x');
	assert_int_equal(ms_buf_error(&b), -EFBIG);
	assert_int_equal(b.len, 10);
	assert_null(ms_buf_cstr(&b));
	assert_int_equal(ms_buf_reserve(&b, 0), -EFBIG);
	ms_buf_clear(&b);
	assert_int_equal(ms_buf_error(&b), 0);
	ms_buf_put_bytes(&b, "0123456", 7); /* a length without its bytes is not put */
	assert_int_equal(ms_buf_error(&b), -EFBIG);
	assert_int_equal(b.len, 0);
	ms_buf_clear(&b);
	ms_buf_printf(&b, "%s", "0123456789a");
	assert_int_equal(ms_buf_error(&b), -EFBIG);
	assert_int_equal(b.len, 0);
	ms_buf_put_u8(&none, 1);
	assert_int_equal(ms_buf_error(&none), -EFBIG);
}

static void test_reserve_does_not_wrap(void **state)
{
	_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(SIZE_MAX);

	ms_buf_put_u8(&b, 1);
	assert_int_equal(ms_buf_reserve(&b, SIZE_MAX), -EFBIG);
	ms_buf_clear(&b);
	assert_int_equal(ms_buf_reserve(&b, SIZE_MAX), -ENOMEM);
	ms_buf_clear(&b);
	assert_int_equal(ms_buf_reserve(&b, SIZE_MAX / 2 + 2), -ENOMEM);
	assert_int_equal(ms_buf_error(&b), -ENOMEM);
}

static void test_grows(void **state)
{
	_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(1u << 20);
	struct ms_reader r;

	for (uint32_t i = 0; i < 100000; i++)
		ms_buf_put_u32(&b, i);
	assert_int_equal(ms_buf_error(&b), 0);
	assert_int_equal(b.len, 400000);
	r = MS_READER(b.data, b.len);
	for (uint32_t i = 0; i < 100000; i++)
		assert_int_equal(ms_reader_u32(&r), i);
	assert_int_equal(ms_reader_end(&r), 0);
}

static void test_cstr(void **state)
{
	_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(100);

	assert_string_equal(ms_buf_cstr(&b), "");
	ms_buf_put(&b, "ab", 2);
	assert_string_equal(ms_buf_cstr(&b), "ab");
	ms_buf_put(&b, "c", 1);
	assert_string_equal(ms_buf_cstr(&b), "abc");
	assert_int_equal(b.len, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_puts_are_big_endian),
		cmocka_unit_test(test_gets),
		cmocka_unit_test(test_reader_errors_stick),
		cmocka_unit_test(test_reader_lengths),
		cmocka_unit_test(test_ceiling),
		cmocka_unit_test(test_reserve_does_not_wrap),
		cmocka_unit_test(test_grows),
		cmocka_unit_test(test_cstr),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
