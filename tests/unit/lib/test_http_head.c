/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <errno.h>
#include <cmocka.h>
#include "lib/http.h"
#include "lib/limits.h"

static int parse(const char *text, struct ms_http_head *h, size_t *used)
{
	return ms_http_head_parse((const uint8_t *)text, strlen(text), h, used);
}

static void test_everything(void **state)
{
	static const char text[] = "HTTP/1.1 403 Not For You\r\n"
				   "Date: Sat, 22 Nov 2025 00:00:00 GMT\r\n"
				   "content-type:\tText/Plain; charset=utf-8\r\n"
				   "X-REQUEST-ID: 0f-9A_b.c  \r\n"
				   "Content-Length:  42\r\n"
				   "X-Empty:\r\n"
				   "\r\nbody";
	struct ms_http_head h;
	size_t used;

	assert_int_equal(parse(text, &h, &used), 0);
	assert_int_equal(used, sizeof(text) - 1 - 4);
	assert_int_equal(h.status, 403);
	assert_int_equal(h.content_length, 42);
	assert_true(h.keep_alive);
	assert_string_equal(h.content_type, "text/plain");
	assert_string_equal(h.request_id, "0f-9A_b.c");
}

static void test_expectation_met(void **state)
{
	static const struct {
		const char *field;
		bool met;
	} cases[] = {
		{"Expectation-Met: certificate\r\n", true},
		{"expectation-met:certificate \r\n", true},
		{"Expectation-Met: certificates\r\n", false},
		{"Expectation-Met:\r\n", false},
		{"Expectation-Met: certificate, x\r\n", false},
		{"X-Expectation-Met: certificate\r\n", false},
		{"", false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ms_http_head h;
		size_t used;
		char text[200];
		int n = snprintf(text, sizeof(text),
				 "HTTP/1.1 200 OK\r\n%sContent-Length: 0\r\n\r\n",
				 cases[i].field);

		assert_int_equal(
			ms_http_head_parse((const uint8_t *)text, (size_t)n, &h, &used),
			0);
		assert_int_equal(h.certificate, cases[i].met);
	}
}

static void test_keep_alive(void **state)
{
	static const struct {
		const char *text;
		bool keep;
	} cases[] = {
		{"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", true},
		{"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
		 false},
		{"HTTP/1.1 200 OK\r\nConnection: keep-alive , CLOSE\r\nContent-Length: "
		 "0\r\n\r\n",
		 false},
		{"HTTP/1.1 200 OK\r\nConnection: closed\r\nContent-Length: 0\r\n\r\n",
		 true},
		{"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ms_http_head h;
		size_t used;

		assert_int_equal(parse(cases[i].text, &h, &used), 0);
		assert_int_equal(h.keep_alive, cases[i].keep);
	}
}

static void test_refused(void **state)
{
	static const char *const bad[] = {
		"SSH-2.0-x",
		"HTTP/2",
		"HTTP/1.2 200 OK\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 600 OK\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1  200 OK\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 O\x01K\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 0x10\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1 1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1234567890123456789\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\nContent-Length: 1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length : 1\r\n\r\n",
		"HTTP/1.1 200 OK\r\n Content-Length: 1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n more\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n: x\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nword\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nA: b\x7f\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nA: b\nB: c\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nA: b\rB: c\r\n\r\n",
		"HTTP/1.1 204 None\r\nContent-Length: 5\r\n\r\n",
		"HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct ms_http_head h, poison;
		size_t used = 77;

		memset(&h, 0xa5, sizeof(h));
		memset(&poison, 0xa5, sizeof(poison));
		if (parse(bad[i], &h, &used) != -EBADMSG)
			fail_msg("taken: %s", bad[i]);
		assert_memory_equal(&h, &poison, sizeof(h));
		assert_int_equal(used, 77);
	}
}

static void test_nul(void **state)
{
	static const char text[] =
		"HTTP/1.1 200 OK\r\nA: b\0c\r\nContent-Length: 0\r\n\r\n";
	static const char name[] =
		"HTTP/1.1 200 OK\r\nA\0: b\r\nContent-Length: 0\r\n\r\n";
	struct ms_http_head h;
	size_t used;

	assert_int_equal(
		ms_http_head_parse((const uint8_t *)text, sizeof(text) - 1, &h, &used),
		-EBADMSG);
	assert_int_equal(
		ms_http_head_parse((const uint8_t *)name, sizeof(name) - 1, &h, &used),
		-EBADMSG);
}

static void test_unfinished(void **state)
{
	static const char text[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
	struct ms_http_head h;
	size_t used;

	for (size_t i = 0; i < sizeof(text) - 1; i++)
		assert_int_equal(ms_http_head_parse((const uint8_t *)text, i, &h, &used),
				 -EAGAIN);
	assert_int_equal(parse(text, &h, &used), 0);
}

static void test_without_body(void **state)
{
	struct ms_http_head h;
	size_t used;

	assert_int_equal(parse("HTTP/1.1 204 No Content\r\n\r\n", &h, &used), 0);
	assert_int_equal(h.content_length, 0);
	assert_int_equal(parse("HTTP/1.1 100 Continue\r\n\r\n", &h, &used), 0);
	assert_int_equal(h.status, 100);
}

static void test_size(void **state)
{
	static char text[MS_HTTP_HEAD_MAX + 100];
	const char *start = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: ";
	struct ms_http_head h;
	size_t used, n = strlen(start);

	memset(text, 'x', sizeof(text));
	memcpy(text, start, n);
	assert_int_equal(ms_http_head_parse((uint8_t *)text, sizeof(text), &h, &used),
			 -EFBIG);
	memcpy(text + MS_HTTP_HEAD_MAX - 4, "\r\n\r\n", 4);
	assert_int_equal(ms_http_head_parse((uint8_t *)text, sizeof(text), &h, &used), 0);
	assert_int_equal(used, MS_HTTP_HEAD_MAX);
	memcpy(text + MS_HTTP_HEAD_MAX - 4, "x\r\n\r\n", 5);
	assert_int_equal(ms_http_head_parse((uint8_t *)text, sizeof(text), &h, &used),
			 -EFBIG);
}

static void test_odd_values(void **state)
{
	char text[400], type[65];
	struct ms_http_head h;
	size_t used;

	assert_int_equal(parse("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"
			       "X-Request-Id: \x1b[31m\r\n\r\n",
			       &h, &used),
			 -EBADMSG);
	assert_int_equal(parse("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"
			       "X-Request-Id: a b\r\n\r\n",
			       &h, &used),
			 0);
	assert_string_equal(h.request_id, "");
	memset(type, 'A', 64);
	type[64] = '\0';
	snprintf(text, sizeof(text),
		 "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Type: %s\r\n"
		 "X-Request-Id: %s\r\n\r\n",
		 type, type);
	assert_int_equal(parse(text, &h, &used), 0);
	assert_string_equal(h.content_type, "");
	assert_string_equal(h.request_id, "");
	snprintf(text, sizeof(text),
		 "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Type: %s\r\n\r\n",
		 type + 1);
	assert_int_equal(parse(text, &h, &used), 0);
	assert_int_equal(strlen(h.content_type), 63);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_everything),
		cmocka_unit_test(test_expectation_met),
		cmocka_unit_test(test_keep_alive),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_nul),
		cmocka_unit_test(test_unfinished),
		cmocka_unit_test(test_without_body),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_odd_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
