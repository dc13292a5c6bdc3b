/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

static int make_address(const char *path, struct sockaddr_un *ret, struct ms_error *err)
{
	if (strlen(path) >= sizeof(ret->sun_path))
		return ms_error_set(
			err, -ENAMETOOLONG, "socket",
			"cannot listen on %s: the path is longer than %zu bytes: "
			"choose a shorter one",
			path, sizeof(ret->sun_path) - 1);
	memset(ret, 0, sizeof(*ret));
	ret->sun_family = AF_UNIX;
	memcpy(ret->sun_path, path, strlen(path) + 1);
	return 0;
}

static void make_parent(const char *path)
{
	char dir[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	char *slash;

	snprintf(dir, sizeof(dir), "%s", path);
	slash = strrchr(dir, '/');
	if (!slash || slash == dir)
		return;
	*slash = '\0';
	/* A failure shows when the socket is bound. */
	if (mkdir(dir, 0755) == 0)
		(void)!chmod(dir, 0755);
}

/* Whether a left-over socket may go: nobody answers on it. */
static int remove_stale(const struct sockaddr_un *sa, struct ms_error *err)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	if (lstat(sa->sun_path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return ms_error_set(
			err, -EEXIST, "socket",
			"cannot listen on %s: there is a file that is not a socket: "
			"move it away",
			sa->sun_path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)sa, sizeof(*sa)) == 0 || errno == EAGAIN)
		return ms_error_set(
			err, -EADDRINUSE, "socket",
			"cannot listen on %s: another agent answers there: stop it "
			"first",
			sa->sun_path);
	return unlink(sa->sun_path) < 0 ? -errno : 0;
}

int ms_listen_unix(const char *path, mode_t mode, int *ret_fd, struct ms_error *err)
{
	_cleanup_close_ int fd = -1;
	struct sockaddr_un sa;
	int r;

	r = make_address(path, &sa, err);
	if (r < 0)
		return r;
	make_parent(path);
	r = remove_stale(&sa, err);
	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 ||
	    chmod(path, mode) < 0 || listen(fd, 512) < 0)
		return ms_error_set(
			err, -errno, "socket",
			"cannot listen on %s: %s: does its directory exist, and may "
			"the agent write there?",
			path, ms_strerror(errno));
	*ret_fd = TAKE_FD(fd);
	return 0;
}

void ms_listen_remove(const char *path, int fd)
{
	struct sockaddr_un sa;
	socklen_t len = sizeof(sa);

	if (getsockname(fd, (struct sockaddr *)&sa, &len) == 0 &&
	    strncmp(sa.sun_path, path, sizeof(sa.sun_path)) == 0)
		(void)!unlink(path);
}

static int parse_port(const char *text, in_port_t *ret)
{
	unsigned long n;
	char *end;

	if (*text < '1' || *text > '9' || strlen(text) > 5)
		return -EINVAL;
	n = strtoul(text, &end, 10);
	if (*end || n > 65535)
		return -EINVAL;
	*ret = htons((uint16_t)n);
	return 0;
}

int ms_listen_address(const char *text, struct sockaddr_storage *ret, socklen_t *ret_len)
{
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
	struct sockaddr_in in = {.sin_family = AF_INET};
	const char *colon = strrchr(text, ':');
	bool six = text[0] == '[';
	char host[64];
	size_t len;

	if (!colon || (six && (colon < text + 2 || colon[-1] != ']')))
		return -EINVAL;
	len = (size_t)(colon - text) - (six ? 2 : 0);
	if (len >= sizeof(host))
		return -EINVAL;
	memcpy(host, text + (six ? 1 : 0), len);
	host[len] = '\0';
	memset(ret, 0, sizeof(*ret));
	if (six) {
		if (inet_pton(AF_INET6, host, &in6.sin6_addr) != 1 ||
		    parse_port(colon + 1, &in6.sin6_port) < 0)
			return -EINVAL;
		memcpy(ret, &in6, sizeof(in6));
		*ret_len = sizeof(in6);
		return 0;
	}
	if (inet_pton(AF_INET, host, &in.sin_addr) != 1 ||
	    parse_port(colon + 1, &in.sin_port) < 0)
		return -EINVAL;
	memcpy(ret, &in, sizeof(in));
	*ret_len = sizeof(in);
	return 0;
}

int ms_listen_tcp(const char *address, int *ret_fd, struct ms_error *err)
{
	_cleanup_close_ int fd = -1;
	struct sockaddr_storage sa;
	const int one = 1;
	socklen_t len;

	if (ms_listen_address(address, &sa, &len) < 0)
		return ms_error_set(err, -EINVAL, "socket", "%s is not ADDRESS:PORT",
				    address);
	fd = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
	    bind(fd, (struct sockaddr *)&sa, len) < 0 || listen(fd, 512) < 0)
		return ms_error_set(err, -errno, "socket",
				    "cannot listen on %s: %s: is it this machine's "
				    "address, and does nobody else use the port?",
				    address, ms_strerror(errno));
	*ret_fd = TAKE_FD(fd);
	return 0;
}
