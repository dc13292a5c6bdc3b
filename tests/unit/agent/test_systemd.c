/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "signer/agent/systemd.h"

static char dir[] = "/tmp/ms-sd.XXXXXX";

static int setup(void **state)
{
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	return rmdir(dir);
}

static int bound(const char *name, int type, char *path, size_t size)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, type, 0);

	snprintf(path, size, "%s/%s", dir, name);
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	return fd;
}

static void test_notify(void **state)
{
	char path[64], got[64];
	int fd = bound("n", SOCK_DGRAM, path, sizeof(path));
	ssize_t n;

	unsetenv("NOTIFY_SOCKET");
	ms_sd_notify("READY=1"); /* nobody listens: no harm */
	setenv("NOTIFY_SOCKET", "relative", 1);
	ms_sd_notify("READY=1");
	setenv("NOTIFY_SOCKET", path, 1);
	ms_sd_notify("READY=1");
	n = recv(fd, got, sizeof(got), MSG_DONTWAIT);
	assert_int_equal(n, 7);
	assert_memory_equal(got, "READY=1", 7);
	unsetenv("NOTIFY_SOCKET");
	close(fd);
	unlink(path);
}

static void set_listen(pid_t pid, const char *fds)
{
	char text[32];

	snprintf(text, sizeof(text), "%d", pid);
	setenv("LISTEN_PID", text, 1);
	setenv("LISTEN_FDS", fds, 1);
}

/* Puts @fd where a service manager puts it, and what is there back afterwards. */
static int listen_fd_with(int fd, pid_t pid, const char *fds, int *ret)
{
	struct ms_error err = {0};
	int saved = dup(3), r, tcp = 77;

	assert_int_equal(dup2(fd, 3), 3);
	set_listen(pid, fds);
	r = ms_sd_listen_fds(ret, &tcp, &err);
	assert_null(getenv("LISTEN_PID"));
	assert_null(getenv("LISTEN_FDS"));
	if (r == 0 && *ret == 3)
		assert_true(fcntl(3, F_GETFD) & FD_CLOEXEC &&
			    fcntl(3, F_GETFL) & O_NONBLOCK);
	if (saved >= 0) {
		dup2(saved, 3);
		close(saved);
	} else {
		close(3);
	}
	return r;
}

static void test_listen(void **state)
{
	char path[64], path2[64];
	struct ms_error err = {0};
	int fd = fcntl(bound("l", SOCK_STREAM, path, sizeof(path)), F_DUPFD, 50);
	int dgram = fcntl(bound("d", SOCK_DGRAM, path2, sizeof(path2)), F_DUPFD, 50);
	int got = 77, tcp = 77;

	/* Not listening yet; not a stream; two; nothing for us. */
	assert_int_equal(listen_fd_with(fd, getpid(), "1", &got), -EINVAL);
	assert_int_equal(listen_fd_with(dgram, getpid(), "1", &got), -EINVAL);
	assert_int_equal(got, 77);
	assert_int_equal(listen(fd, 5), 0);
	assert_int_equal(listen_fd_with(fd, getpid(), "2", &got), -EINVAL);
	assert_int_equal(listen_fd_with(fd, getppid(), "1", &got), 0);
	assert_int_equal(got, -1);
	assert_int_equal(listen_fd_with(fd, getpid(), "1x", &got), 0);
	assert_int_equal(got, -1);
	assert_int_equal(listen_fd_with(fd, getpid(), "1", &got), 0);
	assert_int_equal(got, 3);
	assert_int_equal(ms_sd_listen_fds(&got, &tcp, &err), 0);
	assert_int_equal(got, -1);
	unlink(path);
	unlink(path2);
}

/* Also as modseald-tls.socket has it: beside the Unix socket, in any order. */
static void test_listen_tcp(void **state)
{
	struct sockaddr_in sa = {.sin_family = AF_INET,
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int saved3 = fcntl(3, F_DUPFD, 60), saved4 = fcntl(4, F_DUPFD, 61);
	struct ms_error err = {0};
	int fd[2], unix_fd, tcp_fd;
	char path[64];

	fd[0] = fcntl(bound("t", SOCK_STREAM, path, sizeof(path)), F_DUPFD, 50);
	fd[1] = fcntl(socket(AF_INET, SOCK_STREAM, 0), F_DUPFD, 51);
	assert_int_equal(bind(fd[1], (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(listen(fd[0], 5), 0);
	assert_int_equal(listen(fd[1], 5), 0);
	for (int turn = 0; turn < 2; turn++) {
		unix_fd = tcp_fd = 77;
		assert_int_equal(dup2(fd[turn], 3), 3);
		assert_int_equal(dup2(fd[!turn], 4), 4);
		set_listen(getpid(), "2");
		assert_int_equal(ms_sd_listen_fds(&unix_fd, &tcp_fd, &err), 0);
		assert_int_equal(unix_fd, 3 + turn);
		assert_int_equal(tcp_fd, 4 - turn);
		assert_true(fcntl(tcp_fd, F_GETFD) & FD_CLOEXEC);
		assert_true(fcntl(tcp_fd, F_GETFL) & O_NONBLOCK);
	}
	/* One of a kind is enough. */
	assert_int_equal(dup2(fd[1], 3), 3);
	assert_int_equal(dup2(fd[1], 4), 4);
	set_listen(getpid(), "2");
	assert_int_equal(ms_sd_listen_fds(&unix_fd, &tcp_fd, &err), -EINVAL);
	assert_string_equal(err.code, "socket");
	for (int i = 0; i < 2; i++) {
		int saved = i ? saved4 : saved3;

		if (saved >= 0) {
			dup2(saved, 3 + i);
			close(saved);
		} else {
			close(3 + i);
		}
		close(fd[i]);
	}
	unlink(path);
}

static void test_watchdog(void **state)
{
	char pid[32];

	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	assert_int_equal(ms_sd_watchdog_ms(), 0);
	setenv("WATCHDOG_USEC", "30000000", 1);
	assert_int_equal(ms_sd_watchdog_ms(), 15000);
	snprintf(pid, sizeof(pid), "%d", getpid());
	setenv("WATCHDOG_PID", pid, 1);
	assert_int_equal(ms_sd_watchdog_ms(), 15000);
	setenv("WATCHDOG_PID", "1", 1);
	assert_int_equal(ms_sd_watchdog_ms(), 0);
	unsetenv("WATCHDOG_PID");
	setenv("WATCHDOG_USEC", "-5", 1);
	assert_int_equal(ms_sd_watchdog_ms(), 0);
	unsetenv("WATCHDOG_USEC");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_notify),
		cmocka_unit_test(test_listen),
		cmocka_unit_test(test_listen_tcp),
		cmocka_unit_test(test_watchdog),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
