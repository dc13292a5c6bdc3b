/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "signer/agent/http_request.h"

static char text[1 << 16];

static int parse(const char *head, size_t len, struct ms_http_request *ret)
{
	memcpy(text, head, len);
	return ms_http_request_parse(text, len, ret);
}

static void test_good(void **state)
{
	static const char head[] =
		"POST /v1/keys/a%20b/sign?name=x%2By+z&hash= HTTP/1.1\r\nhOst: "
		"modseal\r\n"
		"Content-length:\t 12 \r\nContent-Type: Application/JSON; charset=x\r\n"
		"Accept: text/plain\r\nIdempotency-Key: build-1:7.a_b\r\nX-Other: "
		"\xc3\xa4\r\n"
		"Expect: 100-Continue\r\nConnection: keep-alive, TE\r\n\r\n";
	struct ms_http_request r;

	assert_int_equal(parse(head, sizeof(head) - 1, &r), 0);
	assert_string_equal(r.method, "POST");
	assert_string_equal(r.path, "/v1/keys/a%20b/sign");
	assert_string_equal(ms_http_request_param(&r, "name"), "x+y z");
	assert_string_equal(ms_http_request_param(&r, "hash"), "");
	assert_null(ms_http_request_param(&r, "Name"));
	assert_int_equal(r.content_length, 12);
	assert_string_equal(r.content_type, "application/json");
	assert_string_equal(r.accept, "text/plain");
	assert_string_equal(r.idempotency_key, "build-1:7.a_b");
	assert_true(r.expect && r.keep_alive);
	assert_string_equal(r.certificate, "");

	assert_int_equal(parse("GET / HTTP/1.0\r\n\r\n", 18, &r), 0);
	assert_false(r.keep_alive);
	assert_int_equal(r.content_length, 0);
	assert_string_equal(r.accept, "");
	assert_int_equal(r.n_params, 0);
	assert_int_equal(
		parse("GET / HTTP/1.1\r\nHost:\r\nConnection: a,Close\r\n\r\n", 46, &r),
		0);
	assert_false(r.keep_alive);
}

/* RFC 9110: what is expected and not understood ends the request. */
static void test_expectations(void **state)
{
#define EXPECT(what) "GET / HTTP/1.1\r\nHost: a\r\nExpect: " what "\r\n\r\n"
	static const char good[] = EXPECT("Certificate=\"MAMCAQE=\"");
	static const char *const bad[] = {
		EXPECT(""),
		EXPECT("certificate"),
		EXPECT("certificate="),
		EXPECT("certificate=\""),
		EXPECT("certificate=\"\""),
		EXPECT("certificate=\"MAMCAQE="),
		EXPECT("certificate=MAMCAQE="),
		EXPECT("certificates=\"MAMCAQE=\""),
		EXPECT("100-continue, certificate=\"MAMCAQE=\""),
		EXPECT("certificate=\"MAMCAQE=\"\r\nExpect: 100-continue"),
	};
	struct ms_http_request r;

	assert_int_equal(parse(good, sizeof(good) - 1, &r), 0);
	assert_string_equal(r.certificate, "MAMCAQE=");
	assert_false(r.expect);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(parse(bad[i], strlen(bad[i]), &r), -EBADMSG);
#undef EXPECT
}

static void test_refusals(void **state)
{
	static const struct {
		const char *head;
		int rc;
	} bad[] = {
		{"\r\n\r\n", -EBADMSG},
		{"GET / HTTP/1.1\r\n\r\n", -EBADMSG}, /* no Host */
		{"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", -EBADMSG},
		{"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", -EBADMSG},
		{"GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", -EBADMSG},
		{"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", -EBADMSG},
		{"GET /\xc3\xa4 HTTP/1.1\r\nHost: a\r\n\r\n", -EBADMSG},
		{"GET /#x HTTP/1.1\r\nHost: a\r\n\r\n", -EBADMSG},
		{"G(T / HTTP/1.1\r\nHost: a\r\n\r\n", -EBADMSG},
		{"GET / HTTP/2.0\r\nHost: a\r\n\r\n", -EPROTONOSUPPORT},
		{"GET / HTTP/1.1\r\nHost : a\r\n\r\n", -EBADMSG},
		{"GET / HTTP/1.1\r\nHost: a\r\n b: c\r\n\r\n", -EBADMSG},
		{"GET / HTTP/1.1\r\nHost: a\nb: c\r\n\r\n", -EBADMSG},
		{"GET / HTTP/1.1\r\nHost: a\x01\r\n\r\n", -EBADMSG},
		{"GET / HTTP/1.1\r\nHost: a\r\n:x\r\n\r\n", -EBADMSG},
		{"GET / HTTP/1.1\r\nHost: a\r\nnothing\r\n\r\n", -EBADMSG},
		{"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1"
		 "\r\n\r\n",
		 -EBADMSG},
		{"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n", -EBADMSG},
		{"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\n", -EBADMSG},
		{"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: "
		 "1000000000000000000\r\n\r\n",
		 -EBADMSG},
		{"GET / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", -EBADMSG},
		{"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
		 -ENOTSUP},
		{"GET / HTTP/1.1\r\nHost: a\r\nExpect: magic\r\n\r\n", -EBADMSG},
		{"GET / HTTP/1.1\r\nHost: a\r\nIdempotency-Key: a b\r\n\r\n", -EBADMSG},
		{"GET / HTTP/1.1\r\nHost: a\r\nIdempotency-Key:\r\n\r\n", -EBADMSG},
		{"GET / HTTP/1.1\r\nHost: a\r\nContent-Type: a\r\nContent-Type: "
		 "b\r\n\r\n",
		 -EBADMSG},
		{"GET /?a=1&A=2 HTTP/1.1\r\nHost: a\r\n\r\n", -EINVAL},
		{"GET /?a=%00 HTTP/1.1\r\nHost: a\r\n\r\n", -EINVAL},
		{"GET /?a=%4 HTTP/1.1\r\nHost: a\r\n\r\n", -EINVAL},
		{"GET /?a=%g1 HTTP/1.1\r\nHost: a\r\n\r\n", -EINVAL},
		{"GET /?a HTTP/1.1\r\nHost: a\r\n\r\n", -EINVAL},
		{"GET /?=b HTTP/1.1\r\nHost: a\r\n\r\n", -EINVAL},
		{"GET / HTTP/1.1\r\nHost: a\r\n", -EBADMSG},
	};
	struct ms_http_request r = {.content_length = 77};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		int rc = parse(bad[i].head, strlen(bad[i].head), &r);

		if (rc != bad[i].rc)
			fail_msg("%s: %d", bad[i].head, rc);
	}
	assert_int_equal(parse("GET / HTTP/1.1\r\nHost: a\0\r\n\r\n", 28, &r), -EBADMSG);
	assert_int_equal(r.content_length, 77);
}

static void test_caps(void **state)
{
	struct ms_http_request r;
	char head[8192];
	int n = snprintf(head, sizeof(head), "GET /?");

	for (unsigned int i = 0; i <= MS_HTTP_PARAMS_MAX; i++)
		n += snprintf(head + n, sizeof(head) - (size_t)n, "%sp%u=", i ? "&" : "",
			      i);
	n += snprintf(head + n, sizeof(head) - (size_t)n, " HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_int_equal(parse(head, (size_t)n, &r), -EINVAL);
	n = snprintf(head, sizeof(head), "GET / HTTP/1.1\r\nHost: a\r\n");
	for (unsigned int i = 0; i < MS_HTTP_FIELDS_MAX; i++)
		n += snprintf(head + n, sizeof(head) - (size_t)n, "f%u: x\r\n", i);
	n += snprintf(head + n, sizeof(head) - (size_t)n, "\r\n");
	assert_int_equal(parse(head, (size_t)n, &r), -EBADMSG);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_expectations),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_caps),
	};

	return cmocka_run_group_tests_name("http_request", tests, NULL, NULL);
}
