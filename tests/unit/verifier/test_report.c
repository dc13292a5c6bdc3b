/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <jansson.h>
#include "tests/unit/verifier/fixture.h"
#include "verifier/report.h"

/* One trusted module and one that could not be read, with names nobody should print. */
struct scene {
	struct fixture_checker f;
	struct ms_result v[2];
	struct ms_results results;
	struct ms_report report;
};

static const char evil[] = "b\x1b[31m\n\xff\"\\.ko";

static int setup(void **state)
{
	_cleanup_buf_ struct ms_buf m = MS_BUF_INIT(FIXTURE_MAX);
	struct scene *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	fixture_checker_init(&s->f, "rsa2048");
	fixture_module(&m);
	fixture_sign(&m, "rsa2048", MS_HASH_SHA256);
	assert_int_equal(ms_check_bytes(&s->f.c, m.data, m.len, "a.ko", &s->v[0]), 0);
	assert_int_equal(
		ms_check_file(&s->f.c, AT_FDCWD, "/no/such/file", evil, &s->v[1]), 0);
	s->results = (struct ms_results){.v = s->v, .n = 2, .trusted = 1, .unchecked = 1};
	s->report = (struct ms_report){.anchors = &s->f.anchors, .results = &s->results};
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct scene *s = *state;

	ms_result_clear(&s->v[0]);
	ms_result_clear(&s->v[1]);
	fixture_checker_clear(&s->f);
	free(s);
	return 0;
}

static char *print(enum ms_format format, const struct ms_report *r)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	assert_non_null(f);
	assert_int_equal(ms_report_print(format, r, f), 0);
	fclose(f);
	for (size_t i = 0; i < len; i++)
		assert_true(text[i] == '\n' || (text[i] >= ' ' && text[i] <= '~'));
	return text;
}

static void test_table(void **state)
{
	struct scene *s = *state;
	char *text = print(MS_FORMAT_TABLE, &s->report);

	assert_ptr_equal(strstr(text, "?  b\\x1b[31m"), text);
	assert_null(strstr(text, "a.ko"));
	assert_non_null(strstr(text, "INCOMPLETE  2 modules: 1 trusted, 0 with findings, "
				     "1 not checked"));
	free(text);
	s->report.all = true;
	text = print(MS_FORMAT_TABLE, &s->report);
	assert_true(strstr(text, "ok a.ko") > strstr(text, "?  b"));
	free(text);
	s->report.all = false;
}

static void test_jsonl(void **state)
{
	struct scene *s = *state;
	char *text = print(MS_FORMAT_JSONL, &s->report), *second = strchr(text, '\n');
	json_t *j;

	assert_non_null(second);
	*second++ = 0;
	j = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(j);
	assert_string_equal(json_string_value(json_object_get(j, "path")), "a.ko");
	assert_string_equal(json_string_value(json_object_get(
				    json_object_get(j, "policy"), "verdict")),
			    "trusted");
	json_decref(j);
	j = json_loads(second, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(j);
	assert_true(json_is_null(json_object_get(j, "digest")));
	assert_true(
		json_is_null(json_object_get(json_object_get(j, "kernel"), "verdict")));
	assert_int_equal(json_array_size(json_object_get(j, "signers")), 0);
	json_decref(j);
	free(text);
}

static void test_json(void **state)
{
	struct scene *s = *state;
	char *text = print(MS_FORMAT_JSON, &s->report);
	json_t *j = json_loads(text, JSON_REJECT_DUPLICATES, NULL);

	assert_non_null(j);
	assert_int_equal(json_integer_value(json_object_get(j, "version")), 1);
	assert_int_equal(json_array_size(json_object_get(j, "modules")), 2);
	assert_int_equal(json_array_size(json_object_get(j, "anchors")), 1);
	assert_int_equal(json_integer_value(
				 json_object_get(json_object_get(j, "summary"), "exit")),
			 3);
	json_decref(j);
	free(text);
	s->report.failed_only = true;
	text = print(MS_FORMAT_JSON, &s->report);
	j = json_loads(text, 0, NULL);
	assert_int_equal(json_array_size(json_object_get(j, "modules")), 1);
	json_decref(j);
	free(text);
	s->report.failed_only = false;
}

static void test_empty(void **state)
{
	const struct ms_anchors none = {0};
	const struct ms_results results = {0};
	const struct ms_report r = {.anchors = &none, .results = &results};
	char *text = print(MS_FORMAT_JSON, &r);
	json_t *j = json_loads(text, 0, NULL);

	assert_non_null(j);
	json_decref(j);
	free(text);
	text = print(MS_FORMAT_JSONL, &r);
	assert_string_equal(text, "");
	free(text);
}

static void test_full_disk(void **state)
{
	struct scene *s = *state;
	FILE *f = fopen("/dev/full", "we");

	if (!f)
		skip();
	assert_int_equal(ms_report_print(MS_FORMAT_TABLE, &s->report, f), -EIO);
	fclose(f);
}

static void test_formats(void **state)
{
	enum ms_format f = MS_FORMAT_JSONL;

	assert_int_equal(ms_format_from_name("xml", &f), -EINVAL);
	assert_int_equal(ms_format_from_name("", &f), -EINVAL);
	assert_int_equal(f, MS_FORMAT_JSONL);
	assert_int_equal(ms_format_from_name("json", &f), 0);
	assert_int_equal(f, MS_FORMAT_JSON);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),	  cmocka_unit_test(test_jsonl),
		cmocka_unit_test(test_json),	  cmocka_unit_test(test_empty),
		cmocka_unit_test(test_full_disk), cmocka_unit_test(test_formats),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
