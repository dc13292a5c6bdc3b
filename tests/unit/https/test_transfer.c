/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What goes wrong before TLS is up. Whole transfers, and what a server may do after that,
 * are in tests/shell/48-verify-update.t and 55-https-clients.t.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>
#include "https/transfer.h"

static struct ms_error err;

static struct ms_transfer *transfer_of(const struct ms_transfer_options *o)
{
	struct ms_transfer *t;
	int r = ms_transfer_new(o, &t, &err);

	if (r == -ENOPKG)
		skip();
	assert_int_equal(r, 0);
	return t;
}

/* One request, which fails. Return: why */
static int run(const struct ms_transfer_options *o, const char *url)
{
	struct ms_transfer *t = transfer_of(o);
	struct ms_transfer_request q = {.url = url, .max = 100};
	struct ms_transfer_answer answer = {.status = 77};
	_cleanup_buf_ struct ms_buf out = MS_BUF_INIT(1000);
	int r;

	ms_buf_printf(&out, "before");
	r = ms_transfer_run(t, &q, &out, &answer);
	assert_int_equal(out.len, 6);
	assert_int_equal(answer.status, 77);
	assert_true(ms_transfer_why(t)[0]);
	ms_transfer_free(t);
	return r;
}

/* A socket of the loopback; its URL in @url. Nobody answers unless somebody accepts. */
static int listening(char url[64])
{
	struct sockaddr_in a = {.sin_family = AF_INET,
				.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	snprintf(url, 64, "https://127.0.0.1:%u/x", ntohs(a.sin_port));
	return fd;
}

static void test_only_https(void **state)
{
	const struct ms_transfer_options o = {.connect_ms = 5000, .whole_ms = 5000};

	assert_int_equal(run(&o, "http://127.0.0.1:1/"), -EPROTONOSUPPORT);
	assert_int_equal(run(&o, "file:///etc/passwd"), -EPROTONOSUPPORT);
	assert_int_equal(run(&o, "ftp://127.0.0.1:1/"), -EPROTONOSUPPORT);
}

static void test_nobody(void **state)
{
	const struct ms_transfer_options o = {.connect_ms = 5000, .whole_ms = 5000};
	char url[64];

	close(listening(url));
	assert_int_equal(run(&o, url), -ENETUNREACH);
}

static void test_silence(void **state)
{
	const struct ms_transfer_options connect = {.connect_ms = 50, .whole_ms = 600000};
	const struct ms_transfer_options whole = {.connect_ms = 600000, .whole_ms = 50};
	char url[64];
	int fd = listening(url);

	assert_int_equal(run(&connect, url), -ETIMEDOUT);
	assert_int_equal(run(&whole, url), -ETIMEDOUT);
	close(fd);
}

static void test_no_files(void **state)
{
	const struct ms_transfer_options ca = {
		.ca = "/nonexistent/ca.pem", .connect_ms = 5000, .whole_ms = 5000};
	const struct ms_transfer_options cert = {.cert = "/nonexistent/c.pem",
						 .key = "/nonexistent/k.pem",
						 .connect_ms = 5000,
						 .whole_ms = 5000};
	char url[64];
	int fd = listening(url);

	assert_int_equal(run(&ca, url), -EINVAL);
	assert_int_equal(run(&cert, url), -EINVAL);
	close(fd);
}

static void *talk_nonsense(void *arg)
{
	static const char text[] = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx";
	int fd = accept(*(int *)arg, NULL, NULL);
	char in[1000];

	if (fd >= 0 && recv(fd, in, sizeof(in), 0) > 0)
		(void)!send(fd, text, sizeof(text) - 1, MSG_NOSIGNAL);
	close(fd);
	return NULL;
}

static void test_no_tls(void **state)
{
	const struct ms_transfer_options o = {.connect_ms = 5000, .whole_ms = 5000};
	char url[64];
	int fd = listening(url);
	pthread_t server;

	assert_int_equal(pthread_create(&server, NULL, talk_nonsense, &fd), 0);
	assert_int_equal(run(&o, url), -EPROTO);
	pthread_join(server, NULL);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_only_https), cmocka_unit_test(test_nobody),
		cmocka_unit_test(test_silence),	   cmocka_unit_test(test_no_files),
		cmocka_unit_test(test_no_tls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
