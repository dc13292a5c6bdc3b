/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>
#include "signer/client/facts.h"

static json_t *parse(const char *text)
{
	json_t *j = json_loads(text, 0, NULL);

	assert_non_null(j);
	return j;
}

static void test_text(void **state)
{
	json_t *j =
		parse("{\"s\":\"a\\u001b[31m\\u202eb\",\"n\":4023,\"b\":true,\"z\":null,"
		      "\"e\":\"\",\"l\":[\"x\",7,\"y\"],\"o\":{\"i\":\"in\"},\"r\":1.5,"
		      "\"none\":[]}");
	char text[MS_FACT_TEXT];

	assert_string_equal(ms_fact_text(j, "s", text), "a\\x1b[31m\\xe2\\x80\\xaeb");
	assert_string_equal(ms_fact_text(j, "n", text), "4023");
	assert_string_equal(ms_fact_text(j, "b", text), "yes");
	assert_string_equal(ms_fact_text(j, "z", text), "-");
	assert_string_equal(ms_fact_text(j, "e", text), "-");
	assert_string_equal(ms_fact_text(j, "l", text), "x, 7, y");
	assert_string_equal(ms_fact_text(j, "none", text), "-");
	assert_string_equal(ms_fact_text(j, "o.i", text), "in");
	assert_string_equal(ms_fact_text(j, "o.j", text), "-");
	assert_string_equal(ms_fact_text(j, "s.i", text), "-");
	assert_string_equal(ms_fact_text(j, "r", text), "1.5");
	assert_string_equal(ms_fact_text(j, "missing", text), "-");
	assert_string_equal(ms_fact_text(NULL, "s", text), "-");
	json_decref(j);
}

/* However much an agent sends, a line has an end. */
static void test_long(void **state)
{
	json_t *list = json_array(), *j = json_pack("{s:o}", "l", list);
	char text[MS_FACT_TEXT];

	for (int i = 0; i < 1000; i++)
		json_array_append_new(list,
				      json_string("\033\033\033\033\033\033\033\033"));
	assert_true(strlen(ms_fact_text(j, "l", text)) < MS_FACT_TEXT);
	json_decref(j);
}

static void test_duration(void **state)
{
	char text[MS_FACT_TEXT];

	assert_string_equal(ms_fact_duration(0, text), "0 s");
	assert_string_equal(ms_fact_duration(-5, text), "0 s");
	assert_string_equal(ms_fact_duration(59.9, text), "59 s");
	assert_string_equal(ms_fact_duration(60, text), "1 min");
	assert_string_equal(ms_fact_duration(3660, text), "1 h 1 min");
	assert_string_equal(ms_fact_duration(90000, text), "1 d 1 h");
}

/* What is written by hand has to be what a JSON library reads. */
static void test_json_string(void **state)
{
	_cleanup_buf_ struct ms_buf out = MS_BUF_INIT(4096);
	char all[96] = "", *p = all;
	json_t *j;

	for (char c = ' '; c <= '~'; c++)
		*p++ = c;
	*p = '\0';
	ms_json_put_string(&out, all);
	assert_int_equal(ms_buf_error(&out), 0);
	j = json_loadb((const char *)out.data, out.len, JSON_DECODE_ANY, NULL);
	assert_string_equal(json_string_value(j), all);
	json_decref(j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_duration),
		cmocka_unit_test(test_json_string),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
