/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/systemd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>

#define LISTEN_FDS_START 3

/* A decimal number, all of the text. */
static bool number(const char *text, uint64_t *ret)
{
	char *end;

	if (!text || *text < '0' || *text > '9')
		return false;
	errno = 0;
	*ret = strtoull(text, &end, 10);
	return !errno && !*end;
}

static bool is_listening_unix(int fd)
{
	int type = 0, listening = 0;
	struct sockaddr_un sa;
	socklen_t tlen = sizeof(type), llen = sizeof(listening), len = sizeof(sa);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &tlen) == 0 &&
	       getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &llen) == 0 &&
	       getsockname(fd, (struct sockaddr *)&sa, &len) == 0 &&
	       type == SOCK_STREAM && listening && sa.sun_family == AF_UNIX;
}

int ms_sd_listen_fd(int *ret, struct ms_error *err)
{
	const char *pid_text = getenv("LISTEN_PID"), *fds_text = getenv("LISTEN_FDS");
	uint64_t pid = 0, n = 0;
	bool ours = number(pid_text, &pid) && pid == (uint64_t)getpid();
	bool counted = number(fds_text, &n);
	int fd = LISTEN_FDS_START, flags;

	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	if (!ours || !counted || n == 0) {
		*ret = 0;
		return 0;
	}
	flags = fcntl(fd, F_GETFL);
	if (n != 1 || !is_listening_unix(fd) || flags < 0 ||
	    fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ||
	    fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return ms_error_set(
			err, -EINVAL, "socket",
			"the service manager handed over something else than one "
			"listening Unix socket: see ListenStream= of the socket "
			"unit");
	*ret = fd;
	return 0;
}

void ms_sd_notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	_cleanup_close_ int fd = -1;
	size_t len;

	if (!path || (path[0] != '/' && path[0] != '@') ||
	    strlen(path) >= sizeof(sa.sun_path))
		return;
	len = strlen(path);
	memcpy(sa.sun_path, path, len);
	if (path[0] == '@')
		sa.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	(void)!sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&sa,
		      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
}

int64_t ms_sd_watchdog_ms(void)
{
	uint64_t usec, pid;

	if (!number(getenv("WATCHDOG_USEC"), &usec) || usec > UINT64_C(86400000000))
		return 0;
	if (getenv("WATCHDOG_PID") &&
	    (!number(getenv("WATCHDOG_PID"), &pid) || pid != (uint64_t)getpid()))
		return 0;
	return MS_MAX((int64_t)(usec / 2000), 1);
}
