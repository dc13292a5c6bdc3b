/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "server.h"
#include "lib/http.h"
#include "lib/limits.h"

#define LONG 20000u /* a deadline that is never reached */
#define SHORT 60u   /* one that is */

static struct ms_error err;

static void open_to(struct ms_http *h, const struct server *s, unsigned int timeout)
{
	assert_int_equal(ms_http_open(h, s->path, timeout, &err), 0);
}

static int get(struct ms_http *h, struct ms_buf *out, struct ms_http_head *head)
{
	return ms_http_call(h, "GET", "/x", NULL, NULL, NULL, 0, head, out, &err);
}

/* A call that fails leaves head and body as they were. */
static int get_failing(struct ms_http *h)
{
	_cleanup_buf_ struct ms_buf out = MS_BUF_INIT(1000);
	struct ms_http_head head, poison;
	int r;

	ms_buf_put(&out, "keep", 4);
	memset(&head, 0xa5, sizeof(head));
	memset(&poison, 0xa5, sizeof(poison));
	memset(&err, 0, sizeof(err));
	r = get(h, &out, &head);
	assert_true(r < 0);
	assert_memory_equal(&head, &poison, sizeof(head));
	assert_int_equal(out.len, 4);
	assert_true(strlen(err.msg) > 10);
	return r;
}

static void test_keeps_the_connection(void **state)
{
	const struct step steps[] = {
		{.reply = OK_HEAD "5\r\nX-Request-Id: r1\r\n\r\nfirst"},
		{.reply = "HTTP/1.1 404 No\r\nContent-Length: 6\r\n\r\nsecond"},
		{.reply = OK_HEAD "0\r\n\r\n"},
	};
	_cleanup_buf_ struct ms_buf out = MS_BUF_INIT(1000);
	struct ms_http_head head;
	struct server s;
	struct ms_http h;

	server_start(&s, steps, ARRAY_SIZE(steps));
	open_to(&h, &s, LONG);
	assert_int_equal(get(&h, &out, &head), 0);
	assert_int_equal(head.status, 200);
	assert_string_equal(head.request_id, "r1");
	assert_int_equal(get(&h, &out, &head), 0);
	assert_int_equal(head.status, 404);
	assert_int_equal(get(&h, &out, &head), 0);
	assert_int_equal(out.len, 11);
	assert_memory_equal(out.data, "firstsecond", 11);
	ms_http_close(&h);
	server_stop(&s);
	assert_int_equal(s.connections, 1);
	assert_int_equal(s.requests, 3);
	ms_buf_clear(&s.last);
}

static void test_request(void **state)
{
	static const char want[] = "POST /v1/x?y=z HTTP/1.1\r\nHost: modseal\r\n"
				   "Accept: a/b\r\nContent-Type: c/d\r\n"
				   "Content-Length: 6\r\n\r\nabcdef";
	char ab[] = "ab", cde[] = "cde", f[] = "f";
	const struct iovec body[] = {{ab, 2}, {NULL, 0}, {cde, 3}, {f, 1}, {f, 0}};
	const struct step steps[] = {{.reply = OK_HEAD "0\r\n\r\n"}};
	_cleanup_buf_ struct ms_buf out = MS_BUF_INIT(1000);
	struct ms_http_head head;
	struct server s;
	struct ms_http h;

	server_start(&s, steps, ARRAY_SIZE(steps));
	open_to(&h, &s, LONG);
	assert_int_equal(ms_http_call(&h, "POST", "/v1/x?y=z", "a/b", "c/d", body,
				      ARRAY_SIZE(body), &head, &out, &err),
			 0);
	ms_http_close(&h);
	server_stop(&s);
	assert_int_equal(s.last.len, sizeof(want) - 1);
	assert_memory_equal(s.last.data, want, sizeof(want) - 1);
	ms_buf_clear(&s.last);
}

static void test_large_body(void **state)
{
	const struct step steps[] = {{.reply = OK_HEAD "0\r\n\r\n"}};
	size_t size = 7u << 20;
	_cleanup_free_ uint8_t *bytes = malloc(size);
	struct iovec body[2] = {{bytes, 1234567}, {bytes + 1234567, size - 1234567}};
	_cleanup_buf_ struct ms_buf out = MS_BUF_INIT(1000);
	struct ms_http_head head;
	struct server s;
	struct ms_http h;

	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)(i * 2654435761u >> 13);
	server_start(&s, steps, ARRAY_SIZE(steps));
	open_to(&h, &s, LONG);
	assert_int_equal(
		ms_http_call(&h, "POST", "/", NULL, NULL, body, 2, &head, &out, &err), 0);
	ms_http_close(&h);
	server_stop(&s);
	assert_true(s.last.len > size);
	assert_memory_equal(s.last.data + s.last.len - size, bytes, size);
	ms_buf_clear(&s.last);
}

static void test_reopens_once(void **state)
{
	const struct step steps[] = {
		{.reply = OK_HEAD "1\r\n\r\na", .hang_up = true},
		{.reply = OK_HEAD "1\r\n\r\nb"},
		{.hang_up = true},
		{.hang_up = true},
	};
	_cleanup_buf_ struct ms_buf out = MS_BUF_INIT(1000);
	struct ms_http_head head;
	struct server s;
	struct ms_http h;

	server_start(&s, steps, ARRAY_SIZE(steps));
	open_to(&h, &s, LONG);
	assert_int_equal(get(&h, &out, &head), 0);
	assert_int_equal(get(&h, &out, &head), 0);
	assert_int_equal(out.len, 2);
	assert_memory_equal(out.data, "ab", 2);
	assert_int_equal(get_failing(&h), -EPIPE);
	ms_http_close(&h);
	server_stop(&s);
	assert_int_equal(s.connections, 3);
	assert_int_equal(s.requests, 4);
	ms_buf_clear(&s.last);
}

static void test_fresh_is_not_reopened(void **state)
{
	const struct step steps[] = {{.hang_up = true}, {.reply = OK_HEAD "0\r\n\r\n"}};
	struct server s;
	struct ms_http h;

	server_start(&s, steps, ARRAY_SIZE(steps));
	open_to(&h, &s, LONG);
	assert_int_equal(get_failing(&h), -EPIPE);
	assert_string_equal(err.code, "agent-gone");
	ms_http_close(&h);
	server_stop(&s);
	assert_int_equal(s.requests, 1);
	ms_buf_clear(&s.last);
}

/* What was not asked for must never be taken for the answer to the next request. */
static void test_answers_never_shift(void **state)
{
	const struct step steps[] = {
		{.reply = OK_HEAD "1\r\n\r\na" OK_HEAD "1\r\n\r\nX"},
		{.reply = OK_HEAD "1\r\n\r\nb"},
		{.reply = OK_HEAD "1\r\nConnection: close\r\n\r\nc"},
		{.reply = OK_HEAD "1\r\n\r\nd"},
	};
	_cleanup_buf_ struct ms_buf out = MS_BUF_INIT(1000);
	struct ms_http_head head;
	struct server s;
	struct ms_http h;

	server_start(&s, steps, ARRAY_SIZE(steps));
	open_to(&h, &s, LONG);
	for (int i = 0; i < 4; i++)
		assert_int_equal(get(&h, &out, &head), 0);
	ms_buf_put_u8(&out, 0);
	assert_string_equal((char *)out.data, "abcd");
	ms_http_close(&h);
	server_stop(&s);
	assert_int_equal(s.connections, 3);
	ms_buf_clear(&s.last);
}

static void wait_readable(const struct ms_http *h)
{
	struct pollfd p = {.fd = h->fd, .events = POLLIN};

	assert_int_equal(poll(&p, 1, 10000), 1);
}

static void test_unasked_bytes(void **state)
{
	/* the second reply leaves before anyone has asked */
	const struct step steps[] = {
		{.reply = OK_HEAD "1\r\n\r\na"},
		{.reply = OK_HEAD "1\r\n\r\nX", .unread = true},
		{.reply = OK_HEAD "1\r\n\r\nb"},
	};
	_cleanup_buf_ struct ms_buf out = MS_BUF_INIT(1000);
	struct ms_http_head head;
	struct server s;
	struct ms_http h;

	server_start(&s, steps, ARRAY_SIZE(steps));
	open_to(&h, &s, LONG);
	assert_int_equal(get(&h, &out, &head), 0);
	if (h.fd >= 0) /* else both came at once */
		wait_readable(&h);
	assert_int_equal(get(&h, &out, &head), 0);
	assert_memory_equal(out.data, "ab", 2);
	ms_http_close(&h);
	server_stop(&s);
	assert_int_equal(s.connections, 2);
	ms_buf_clear(&s.last);
}

static void test_early_answer(void **state)
{
	const struct step steps[] = {
		{.reply = "HTTP/1.1 413 Big\r\nContent-Length: 3\r\n\r\nbig",
		 .unread = true,
		 .hang_up = true},
		{.reply = OK_HEAD "2\r\n\r\nok"},
	};
	size_t size = 8u << 20;
	_cleanup_free_ uint8_t *bytes = calloc(1, size);
	struct iovec body = {bytes, size};
	_cleanup_buf_ struct ms_buf out = MS_BUF_INIT(1000);
	struct ms_http_head head;
	struct server s;
	struct ms_http h;

	server_start(&s, steps, ARRAY_SIZE(steps));
	open_to(&h, &s, LONG);
	assert_int_equal(
		ms_http_call(&h, "POST", "/", NULL, NULL, &body, 1, &head, &out, &err),
		0);
	assert_int_equal(head.status, 413);
	assert_int_equal(get(&h, &out, &head), 0);
	assert_memory_equal(out.data, "bigok", 5);
	ms_http_close(&h);
	server_stop(&s);
	ms_buf_clear(&s.last);
}

static void test_deadlines(void **state)
{
	const struct step mute[] = {{.stall = true}};
	const struct step stuck[] = {{.reply = OK_HEAD "10\r\n\r\nhalf", .stall = true}};
	const struct step half[] = {{.reply = OK_HEAD, .stall = true}};
	const struct step *const cases[] = {mute, stuck, half};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct server s;
		struct ms_http h;

		server_start(&s, cases[i], 1);
		open_to(&h, &s, SHORT);
		assert_int_equal(get_failing(&h), -ETIMEDOUT);
		assert_string_equal(err.code, "agent-timeout");
		assert_int_equal(h.fd, -1);
		ms_http_close(&h);
		server_stop(&s);
		ms_buf_clear(&s.last);
	}
}

static void test_never_reads(void **state)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	size_t size = 8u << 20;
	_cleanup_free_ uint8_t *bytes = calloc(1, size);
	struct iovec body = {bytes, size};
	_cleanup_buf_ struct ms_buf out = MS_BUF_INIT(1000);
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct ms_http_head head;
	struct ms_http h;

	snprintf(sa.sun_path, sizeof(sa.sun_path), "/tmp/ms-http-%d", (int)getpid());
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(ms_http_open(&h, sa.sun_path, SHORT, &err), 0);
	assert_int_equal(
		ms_http_call(&h, "POST", "/", NULL, NULL, &body, 1, &head, &out, &err),
		-ETIMEDOUT);
	ms_http_close(&h);
	unlink(sa.sun_path);
}

static void test_lies(void **state)
{
	static const struct {
		const char *reply;
		int want;
	} cases[] = {
		{OK_HEAD "10\r\n\r\nhalf", -ENODATA},
		{OK_HEAD, -ENODATA},
		{"220 mail.example ESMTP\r\n", -EBADMSG},
		{"HTTP/1.1 100 Continue\r\n\r\n", -EBADMSG},
		{OK_HEAD "99999999\r\n\r\n", -EFBIG},
		{OK_HEAD "1001\r\n\r\n", -EFBIG}, /* more than the caller has room for */
		{OK_HEAD "x\r\n\r\n", -EBADMSG},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct step steps[] = {{.reply = cases[i].reply, .hang_up = true}};
		struct server s;
		struct ms_http h;

		server_start(&s, steps, 1);
		open_to(&h, &s, LONG);
		assert_int_equal(get_failing(&h), cases[i].want);
		ms_http_close(&h);
		server_stop(&s);
		ms_buf_clear(&s.last);
	}
}

static void test_nobody_there(void **state)
{
	char path[200];
	struct ms_http h;

	assert_int_equal(ms_http_open(&h, "/nonexistent/sock", LONG, &err), -ENOENT);
	assert_string_equal(err.code, "no-agent");
	assert_non_null(strstr(err.msg, "start modseald"));
	ms_http_close(&h);
	assert_int_equal(ms_http_open(&h, "", LONG, &err), -EINVAL);
	ms_http_close(&h);
	memset(path, 'a', sizeof(path));
	path[108] = '\0';
	assert_int_equal(ms_http_open(&h, path, LONG, &err), -EINVAL);
	ms_http_close(&h);
	path[107] = '\0';
	assert_int_equal(ms_http_open(&h, path, LONG, &err), -ENOENT);
	ms_http_close(&h);
}

static void test_bad_calls(void **state)
{
	_cleanup_buf_ struct ms_buf out = MS_BUF_INIT(1000);
	_cleanup_free_ char *target = calloc(1, MS_HTTP_HEAD_MAX + 1);
	const struct step steps[] = {{.reply = OK_HEAD "0\r\n\r\n"}};
	struct iovec many[40] = {0};
	struct ms_http_head head;
	struct server s;
	struct ms_http h;

	server_start(&s, steps, 1);
	open_to(&h, &s, LONG);
	assert_int_equal(
		ms_http_call(&h, "GET", "/", NULL, NULL, many, 40, &head, &out, &err),
		-EINVAL);
	memset(target, 'a', MS_HTTP_HEAD_MAX);
	assert_int_equal(
		ms_http_call(&h, "GET", target, NULL, NULL, NULL, 0, &head, &out, &err),
		-EFBIG);
	out.err = -ENOMEM;
	assert_int_equal(get(&h, &out, &head), -ENOMEM);
	ms_http_close(&h);
	server_stop(&s);
	assert_int_equal(s.requests, 0);
	ms_buf_clear(&s.last);
}

static void test_encode(void **state)
{
	_cleanup_buf_ struct ms_buf out = MS_BUF_INIT(1000);

	ms_http_encode(&out, "aZ09-._~ /?&%+\xc3\xa9\n");
	assert_string_equal(ms_buf_cstr(&out), "aZ09-._~%20%2F%3F%26%25%2B%C3%A9%0A");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keeps_the_connection),
		cmocka_unit_test(test_request),
		cmocka_unit_test(test_large_body),
		cmocka_unit_test(test_reopens_once),
		cmocka_unit_test(test_fresh_is_not_reopened),
		cmocka_unit_test(test_answers_never_shift),
		cmocka_unit_test(test_unasked_bytes),
		cmocka_unit_test(test_early_answer),
		cmocka_unit_test(test_deadlines),
		cmocka_unit_test(test_never_reads),
		cmocka_unit_test(test_lies),
		cmocka_unit_test(test_nobody_there),
		cmocka_unit_test(test_bad_calls),
		cmocka_unit_test(test_encode),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
