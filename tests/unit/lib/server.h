/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For the unit tests of the HTTP client: a server in a thread that follows a script.
 */
#ifndef MS_TESTS_SERVER_H
#define MS_TESTS_SERVER_H

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <cmocka.h>
#include "lib/buf.h"

#define OK_HEAD "HTTP/1.1 200 OK\r\nContent-Length: "
#define STEPS_MAX 8

/* One request on one connection. */
struct step {
	const char *reply; /* NULL: nothing */
	size_t reply_len;  /* 0: as a string */
	void (*first)(void); /* called before it answers; may be NULL */
	bool unread;	   /* answers before it has read anything */
	bool hang_up; /* closes afterwards; the next step is on the next connection */
	bool stall;   /* then does nothing until the client has gone */
};

struct server {
	char dir[32], path[64];
	int fd;
	pthread_t thread;
	const struct step *steps;
	size_t n_steps;
	/* what happened; to be read after server_stop() */
	unsigned int connections, requests;
	struct ms_buf last; /* the last request, head and body */
};

static inline bool server_read_request(int fd, struct ms_buf *in)
{
	size_t want = 0;

	in->len = 0;
	for (;;) {
		const char *end, *field;
		ssize_t n;

		if (want && in->len >= want)
			return true;
		if (ms_buf_reserve(in, 65536) < 0)
			return false;
		n = recv(fd, in->data + in->len, 65536, 0);
		if (n <= 0)
			return false;
		in->len += (size_t)n;
		end = memmem(in->data, in->len, "\r\n\r\n", 4);
		if (!end || want)
			continue;
		want = (size_t)(end + 4 - (const char *)in->data);
		field = memmem(in->data, want, "Content-Length: ", 16);
		if (field)
			want += strtoul(field + 16, NULL, 10);
	}
}

static inline void *server_run(void *arg)
{
	struct server *s = arg;
	int conn = -1;
	char c;

	for (size_t i = 0; i < s->n_steps; i++) {
		const struct step *step = &s->steps[i];
		size_t len = step->reply_len;

		if (conn < 0) {
			conn = accept(s->fd, NULL, NULL);
			if (conn < 0)
				return NULL;
			s->connections++;
		}
		if (!step->unread) {
			if (!server_read_request(conn, &s->last)) {
				/* the client came back on a connection of its own */
				close(conn);
				conn = -1;
				i--;
				continue;
			}
			s->requests++;
		}
		if (step->first)
			step->first();
		if (step->reply && !len)
			len = strlen(step->reply);
		if (len)
			(void)!send(conn, step->reply, len, MSG_NOSIGNAL);
		if (step->stall)
			while (recv(conn, &c, 1, 0) > 0 && step->unread == false)
				;
		if (step->hang_up) {
			close(conn);
			conn = -1;
		}
	}
	if (conn >= 0) {
		while (recv(conn, &c, 1, 0) > 0)
			;
		close(conn);
	}
	return NULL;
}

static inline void server_start(struct server *s, const struct step *steps, size_t n)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};

	memset(s, 0, sizeof(*s));
	memcpy(s->dir, "/tmp/ms-http.XXXXXX", 20);
	assert_non_null(mkdtemp(s->dir));
	snprintf(s->path, sizeof(s->path), "%s/s", s->dir);
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", s->path);
	s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(s->fd >= 0);
	assert_int_equal(bind(s->fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(listen(s->fd, 8), 0);
	s->last = MS_BUF_INIT(64u << 20);
	s->steps = steps;
	s->n_steps = n;
	assert_int_equal(pthread_create(&s->thread, NULL, server_run, s), 0);
}

/* After ms_http_close(): what was not asked for any more is not waited for. */
static inline void server_stop(struct server *s)
{
	shutdown(s->fd, SHUT_RDWR);
	assert_int_equal(pthread_join(s->thread, NULL), 0);
	close(s->fd);
	unlink(s->path);
	rmdir(s->dir);
}

#endif
