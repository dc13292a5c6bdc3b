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

/* Return: the family of a listening stream socket, else AF_UNSPEC. */
static int listening_family(int fd)
{
	int type = 0, listening = 0;
	struct sockaddr_storage sa;
	socklen_t tlen = sizeof(type), llen = sizeof(listening), len = sizeof(sa);

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &tlen) < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &llen) < 0 ||
	    getsockname(fd, (struct sockaddr *)&sa, &len) < 0 || type != SOCK_STREAM ||
	    !listening)
		return AF_UNSPEC;
	return sa.ss_family;
}

/* Each kind once. */
static bool take_fd(int fd, int *unix_fd, int *tcp_fd)
{
	int family = listening_family(fd), flags = fcntl(fd, F_GETFL);
	int *to = family == AF_UNIX ? unix_fd : tcp_fd;

	if ((family != AF_UNIX && family != AF_INET && family != AF_INET6) || *to >= 0 ||
	    flags < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ||
	    fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return false;
	*to = fd;
	return true;
}

int ms_sd_listen_fds(int *ret_unix, int *ret_tcp, struct ms_error *err)
{
	const char *pid_text = getenv("LISTEN_PID"), *fds_text = getenv("LISTEN_FDS");
	uint64_t pid = 0, n = 0;
	bool ours = number(pid_text, &pid) && pid == (uint64_t)getpid();
	bool counted = number(fds_text, &n);
	int unix_fd = -1, tcp_fd = -1;

	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	if (!ours || !counted)
		n = 0;
	for (uint64_t i = 0; i < n; i++)
		if (!take_fd(LISTEN_FDS_START + (int)i, &unix_fd, &tcp_fd))
			return ms_error_set(
				err, -EINVAL, "socket",
				"the service manager handed over something else than "
				"one listening Unix socket, and one TCP socket for "
				"[tls]: see ListenStream= of the socket units");
	*ret_unix = unix_fd;
	*ret_tcp = tcp_fd;
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
