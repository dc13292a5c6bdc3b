/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "server.h"
#include "lib/agent_client.h"

static struct ms_error err;

/* One call against an agent that answers so; the request's head is left in @req. */
static int call(const char *reply, const char *accept, struct ms_buf *out,
		struct ms_buf *req)
{
	const struct step steps[] = {{.reply = reply}};
	struct ms_client_config c = {0};
	struct server s;
	struct ms_http h;
	int r;

	memset(&err, 0, sizeof(err));
	server_start(&s, steps, 1);
	snprintf(c.agent, sizeof(c.agent), "unix:%s", s.path);
	assert_int_equal(ms_agent_open(&h, &c, &err), 0);
	r = ms_agent_call(&h, "GET", "/x", accept, NULL, NULL, 0, out, &err);
	ms_http_close(&h);
	server_stop(&s);
	if (req)
		ms_buf_put(req, s.last.data, s.last.len);
	ms_buf_clear(&s.last);
	return r;
}

static void test_good(void **state)
{
	_cleanup_buf_ struct ms_buf out = MS_BUF_INIT(100), req = MS_BUF_INIT(1000);

	assert_int_equal(call(OK_HEAD "2\r\n\r\nhi", "application/x", &out, &req), 0);
	assert_string_equal(ms_buf_cstr(&out), "hi");
	assert_non_null(
		strstr(ms_buf_cstr(&req), "\r\nAccept: application/x, text/plain\r\n"));
	req.len = out.len = 0;
	assert_int_equal(call("HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n", NULL,
			      &out, &req),
			 0);
	assert_non_null(strstr(ms_buf_cstr(&req), "\r\nAccept: text/plain\r\n"));
}

static void test_status(void **state)
{
	static const struct {
		unsigned int status;
		int want;
	} cases[] = {
		{400, -EINVAL}, {401, -EACCES}, {403, -EACCES}, {404, -ENOENT},
		{405, -EIO},	{409, -EEXIST}, {413, -EFBIG},	{415, -EINVAL},
		{422, -EINVAL}, {429, -EIO},	{500, -EIO},	{503, -EAGAIN},
		{301, -EIO},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_buf_ struct ms_buf out = MS_BUF_INIT(100);
		char reply[200];

		ms_buf_put(&out, "keep", 4);
		snprintf(reply, sizeof(reply),
			 "HTTP/1.1 %u X\r\nContent-Type: text/plain; charset=utf-8\r\n"
			 "Content-Length: 21\r\n\r\nthe-code\nwhy, what do\n",
			 cases[i].status);
		assert_int_equal(call(reply, NULL, &out, NULL), cases[i].want);
		assert_string_equal(err.code, "the-code");
		assert_string_equal(err.msg, "why, what do");
		assert_int_equal(out.len, 4);
	}
}

static void test_odd_problems(void **state)
{
	static const struct {
		const char *type, *body, *code, *say;
	} cases[] = {
		{"text/plain", "x\n\x1b[31mred\nmore\n", "x", "\\x1b[31mred\\x0amore"},
		{"application/problem+json", "{}", "agent-error",
		 "the agent refused with status 403 and gave no reason: see its log for "
		 "request r-1"},
		{"text/html", "x\ny\n", "agent-error",
		 "the agent refused with status 403"},
		{"text/plain", "", "agent-error", "the agent refused with status 403"},
		{"text/plain", "no newline", "agent-error", "the agent refused"},
		{"text/plain", "Not A Code\nx\n", "agent-error", "the agent refused"},
		{"text/plain", "a-code-that-is-longer-than-any-code\nx\n", "agent-error",
		 "the agent refused"},
		{"text/plain", "code\n\n\r\n", "code", ""},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_buf_ struct ms_buf out = MS_BUF_INIT(100);
		char reply[300];

		snprintf(reply, sizeof(reply),
			 "HTTP/1.1 403 X\r\nContent-Type: %s\r\nX-Request-Id: r-1\r\n"
			 "Content-Length: %zu\r\n\r\n%s",
			 cases[i].type, strlen(cases[i].body), cases[i].body);
		assert_int_equal(call(reply, NULL, &out, NULL), -EACCES);
		assert_string_equal(err.code, cases[i].code);
		if (strncmp(err.msg, cases[i].say, strlen(cases[i].say)) != 0)
			fail_msg("'%s' says '%s'", cases[i].body, err.msg);
		assert_null(strchr(err.msg, '\n'));
	}
}

static void test_address(void **state)
{
	struct ms_client_config c = {.agent = "https://h:1"};
	struct ms_http h;

	/* Nothing for https here. */
	assert_true(ms_agent_is_remote(&c));
	assert_int_equal(ms_agent_open(&h, &c, &err), -EINVAL);
	ms_http_close(&h);
	memcpy(c.agent, "unix:/no", 9);
	assert_int_equal(ms_agent_open(&h, &c, &err), -ENOENT);
	ms_http_close(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_odd_problems),
		cmocka_unit_test(test_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
