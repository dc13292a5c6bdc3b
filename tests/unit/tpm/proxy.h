/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Someone between processor and TPM: a thread that hands each command on to the swtpm of
 * the test, unless the test's hook does something else with it.
 */
#ifndef MS_TEST_PROXY_H
#define MS_TEST_PROXY_H

#include <poll.h>
#include <pthread.h>
#include "tests/unit/tpm/swtpm.h"

#define PROXY_PASS 0u
#define PROXY_HANG_UP                                                    \
	0xffffffffu /* anything else is the response code to answer with \
		     */

struct proxy {
	char tcti[160];
	char path[100];
	const struct swtpm *tpm;
	int listener;
	pthread_t thread;

	/* called for each command, in the proxy's thread; @server leads to the TPM */
	uint32_t (*hook)(struct proxy *p, uint32_t cc, int server);
	int counter; /* the hook's */

	/* called with each answer of the TPM, which it may change; or NULL */
	void (*alter)(struct proxy *p, uint32_t cc, uint8_t *answer, size_t *len);
};

static inline bool proxy_read(int fd, uint8_t *p, size_t n)
{
	while (n > 0) {
		ssize_t r = read(fd, p, n);

		if (r <= 0)
			return false;
		p += r;
		n -= (size_t)r;
	}
	return true;
}

/* A command or an answer: tag, size, code, the rest. */
static inline size_t proxy_message(int fd, uint8_t buf[4096])
{
	size_t len;

	if (!proxy_read(fd, buf, 10))
		return 0;
	len = ms_get_be32(buf + 2);
	return len >= 10 && len <= 4096 && proxy_read(fd, buf + 10, len - 10) ? len : 0;
}

static inline bool proxy_ask(int server, const uint8_t *cmd, size_t len, uint8_t *answer)
{
	return write(server, cmd, len) == (ssize_t)len && proxy_message(server, answer);
}

static inline int proxy_connect(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0)
		return fd;
	close(fd);
	return -1;
}

static inline void proxy_serve(struct proxy *p, int client, int server)
{
	uint8_t buf[4096];
	size_t len;

	while ((len = proxy_message(client, buf)) > 0) {
		uint32_t cc = ms_get_be32(buf + 6);
		uint32_t what = p->hook ? p->hook(p, cc, server) : PROXY_PASS;

		if (what == PROXY_HANG_UP)
			return;
		if (what != PROXY_PASS) {
			const uint8_t head[6] = {0x80, 0x01, 0, 0, 0, 10};

			memcpy(buf, head, sizeof(head));
			ms_put_be32(buf + 6, what);
			len = 10;
		} else if (write(server, buf, len) != (ssize_t)len ||
			   (len = proxy_message(server, buf)) == 0) {
			return;
		} else if (p->alter) {
			p->alter(p, cc, buf, &len);
		}
		if (write(client, buf, len) != (ssize_t)len)
			return;
	}
}

static inline void *proxy_main(void *arg)
{
	struct proxy *p = arg;

	for (;;) {
		int client = accept(p->listener, NULL, NULL), server;

		if (client < 0)
			return NULL;
		server = proxy_connect(p->tpm->sock);
		if (server >= 0) {
			proxy_serve(p, client, server);
			close(server);
		}
		close(client);
	}
}

static inline void proxy_start(struct proxy *p, const struct swtpm *tpm)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	char ctrl[160], real[160];

	p->tpm = tpm;
	snprintf(p->path, sizeof(p->path), "%s/proxy", tpm->dir);
	snprintf(p->tcti, sizeof(p->tcti), "swtpm:path=%s", p->path);
	snprintf(ctrl, sizeof(ctrl), "%s.ctrl", p->path);
	snprintf(real, sizeof(real), "%s.ctrl", tpm->sock);
	snprintf(a.sun_path, sizeof(a.sun_path), "%s", p->path);
	unlink(p->path);
	unlink(ctrl);
	assert_int_equal(symlink(real, ctrl), 0);
	p->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(p->listener, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(p->listener, 8), 0);
	assert_int_equal(pthread_create(&p->thread, NULL, proxy_main, p), 0);
}

/* Close the connections to it first. */
static inline void proxy_end(struct proxy *p)
{
	shutdown(p->listener, SHUT_RDWR);
	pthread_join(p->thread, NULL);
	close(p->listener);
}

#endif
