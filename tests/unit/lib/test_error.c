/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data.h"
#include <limits.h>
#include "lib/error.h"

static void test_set(void **state)
{
	struct ms_error e;

	memset(&e, 0xa5, sizeof(e));
	assert_int_equal(ms_error_set(&e, -EACCES, "denied", "no rule for %s", "x"),
			 -EACCES);
	assert_string_equal(e.code, "denied");
	assert_string_equal(e.msg, "no rule for x");
	assert_int_equal(ms_error_set(&e, -EIO, NULL, "short"), -EIO);
	assert_string_equal(e.code, "");
	assert_string_equal(e.msg, "short");
	assert_int_equal(ms_error_set(NULL, -EIO, "code", "to nobody"), -EIO);
}

static void test_prefix(void **state)
{
	struct ms_error e = { 0 };

	assert_int_equal(ms_error_set(&e, -1, "code", "no such key"), -1);
	ms_error_prefix(&e, "%s", "foo.ko");
	assert_string_equal(e.msg, "foo.ko: no such key");
	ms_error_prefix(&e, "sign %d", 2);
	assert_string_equal(e.msg, "sign 2: foo.ko: no such key");
	assert_string_equal(e.code, "code");
	ms_error_prefix(NULL, "to nobody");
}

/* A cut is marked, and leaves no half character. */
static void test_cuts(void **state)
{
	char text[3 * sizeof(((struct ms_error *)0)->msg)];
	struct ms_error e;

	for (size_t shift = 0; shift < 4; shift++) {
		size_t n;

		memset(text, 'a', shift);
		for (n = shift; n + 3 < sizeof(text) - 1; n += 3)
			memcpy(text + n, "\xe2\x82\xac", 3);
		text[n] = '\0';
		assert_int_equal(ms_error_set(&e, -1, NULL, "%s", text), -1);
		n = strlen(e.msg);
		assert_in_range(n, sizeof(e.msg) - 6, sizeof(e.msg) - 1);
		assert_string_equal(e.msg + n - 3, "...");
		assert_int_equal((n - 3 - shift) % 3, 0);
		ms_error_prefix(&e, "what");
		assert_memory_equal(e.msg, "what: ", 6);
		assert_string_equal(e.msg + strlen(e.msg) - 3, "...");
		ms_error_prefix(&e, "%s", text);
		assert_string_equal(e.msg + strlen(e.msg) - 3, "...");
	}
	assert_int_equal(ms_error_set(&e, -1, text, "x"), -1);
	assert_int_equal(strlen(e.code), sizeof(e.code) - 1);
}

static void test_exact_fit(void **state)
{
	char text[sizeof(((struct ms_error *)0)->msg)];
	struct ms_error e;

	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(ms_error_set(&e, 0, NULL, "%s", text), 0);
	assert_string_equal(e.msg, text);
}

static void test_strerror(void **state)
{
	assert_string_equal(ms_strerror(-ENOENT), "No such file or directory");
	assert_string_equal(ms_strerror(ENOENT), "No such file or directory");
	assert_non_null(ms_strerror(0));
	assert_string_equal(ms_strerror(-123456), "Unknown error");
	assert_string_equal(ms_strerror(INT_MIN), "Unknown error");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set),	 cmocka_unit_test(test_prefix),
		cmocka_unit_test(test_cuts),	 cmocka_unit_test(test_exact_fit),
		cmocka_unit_test(test_strerror),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
