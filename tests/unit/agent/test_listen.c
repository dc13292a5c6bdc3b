/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "signer/agent/identity.h"
#include "signer/agent/listen.h"

static char dir[] = "/tmp/ms-listen.XXXXXX";
static char path[64];

static int group_setup(void **state)
{
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/sub/agent.sock", dir);
	return 0;
}

static int group_teardown(void **state)
{
	char sub[64];

	(void)unlink(path);
	snprintf(sub, sizeof(sub), "%s/sub", dir);
	(void)rmdir(sub);
	return rmdir(dir);
}

static int connect_to(const char *p)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", p);
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0) {
		close(fd);
		return -errno;
	}
	return fd;
}

static void test_listen(void **state)
{
	struct ms_error err = {0};
	struct ms_identity who;
	char want[24];
	struct stat st;
	int fd, again = -1, client, server;

	assert_int_equal(ms_listen_unix(path, 0660, &fd, &err), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);

	/* Somebody answers there: refused, and the other one goes on. */
	assert_int_equal(ms_listen_unix(path, 0660, &again, &err), -EADDRINUSE);
	assert_int_equal(again, -1);
	assert_non_null(strstr(err.msg, "another agent"));

	client = connect_to(path);
	assert_true(client >= 0);
	server = accept(fd, NULL, NULL);
	assert_true(server >= 0);
	assert_int_equal(ms_identity_of_peer(server, &who), 0);
	snprintf(want, sizeof(want), "uid:%u", getuid());
	assert_string_equal(who.id, want);
	assert_int_equal(who.pid, getpid());
	close(server);
	close(client);

	/* A socket that nobody answers on is left over: replaced. */
	close(fd);
	assert_int_equal(connect_to(path), -ECONNREFUSED);
	assert_int_equal(ms_listen_unix(path, 0600, &fd, &err), 0);
	ms_listen_remove(path, fd);
	assert_int_equal(stat(path, &st), -1);
	close(fd);
}

static void test_refusals(void **state)
{
	struct ms_error err = {0};
	char longer[200];
	int fd = -1, file;

	memset(longer, 'x', sizeof(longer));
	longer[0] = '/';
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(ms_listen_unix(longer, 0600, &fd, &err), -ENAMETOOLONG);
	assert_int_equal(ms_listen_unix("/nonexistent/a/b.sock", 0600, &fd, &err),
			 -ENOENT);

	/* Another kind of file is never removed. */
	file = open(path, O_CREAT | O_WRONLY | O_EXCL, 0600);
	assert_true(file >= 0);
	close(file);
	assert_int_equal(ms_listen_unix(path, 0600, &fd, &err), -EEXIST);
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(fd, -1);
	assert_int_equal(unlink(path), 0);
}

static void test_identity_refuses(void **state)
{
	struct ms_identity who = {.id = "poison"};
	int p[2];

	assert_int_equal(pipe(p), 0);
	assert_int_equal(ms_identity_of_peer(p[0], &who), -ENOTSOCK);
	assert_string_equal(who.id, "poison");
	close(p[0]);
	close(p[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_listen),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_identity_refuses),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
