/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <syslog.h>
#include <cmocka.h>
#include <jansson.h>

static const struct ms_log_field fields[] = {
	{"request", "0123"}, {"nothing", ""}, {"none", NULL}, {"key", "a\"b"}};

static json_t *load(const char *line)
{
	json_t *j = json_loads(line, JSON_REJECT_DUPLICATES, NULL);

	assert_non_null(j);
	return j;
}

static void as_text(void **state)
{
	char line[256];

	ms_log_json(false);
	ms_log_role("front");
	ms_log_format(LOG_WARNING, fields, ARRAY_SIZE(fields), "it broke", line,
		      sizeof(line));
	assert_string_equal(line, "modseald[front]: it broke request=0123 key=a\"b");
	ms_log_format(LOG_WARNING, NULL, 0, "it broke", line, 12);
	assert_string_equal(line, "modseald[f");
}

static void as_json(void **state)
{
	char line[512];
	json_t *j;

	ms_log_json(true);
	ms_log_role("key");
	ms_log_format(LOG_ERR, fields, ARRAY_SIZE(fields),
		      "tab\there, \\x0a \xc3\xa4 \xff", line, sizeof(line));
	assert_null(strchr(line, '\n'));
	j = load(line);
	assert_string_equal(json_string_value(json_object_get(j, "message")),
			    "tab\there, \\x0a \xc3\xa4 \xef\xbf\xbd");
	assert_string_equal(json_string_value(json_object_get(j, "level")), "err");
	assert_string_equal(json_string_value(json_object_get(j, "process")), "key");
	assert_string_equal(json_string_value(json_object_get(j, "key")), "a\"b");
	assert_string_equal(json_string_value(json_object_get(j, "request")), "0123");
	assert_int_equal(json_integer_value(json_object_get(j, "pid")), getpid());
	assert_int_equal(json_object_size(j), 7);
	assert_int_equal(strlen(json_string_value(json_object_get(j, "time"))),
			 strlen("2026-01-01T00:00:00.000000Z"));
	json_decref(j);
	ms_log_json(false);
}

/* Whatever is cut, what is left is JSON. */
static void cut_is_json(void **state)
{
	char message[600], line[1024];

	ms_log_json(true);
	for (size_t i = 0; i + 1 < sizeof(message); i++)
		message[i] = "\"\\\n\xc3\xa4x\x01"[i % 7];
	message[sizeof(message) - 1] = '\0';
	for (size_t size = 160; size < sizeof(line); size++) {
		memset(line, 'x', sizeof(line));
		ms_log_format(LOG_ERR, fields, ARRAY_SIZE(fields), message, line, size);
		assert_true(strlen(line) < size);
		assert_int_equal(line[size], 'x');
		json_decref(load(line));
	}
	ms_log_json(false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_text),
		cmocka_unit_test(as_json),
		cmocka_unit_test(cut_is_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
