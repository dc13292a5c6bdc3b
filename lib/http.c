/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include "lib/base64.h"
#include "lib/http.h"
#include "lib/limits.h"

#define PIECES_MAX 15
#define CHUNK 4096u

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Return: events, or -ETIMEDOUT, or another negative errno. */
static int wait_for(int fd, short events, int64_t deadline)
{
	for (;;) {
		struct pollfd p = {.fd = fd, .events = events};
		int64_t left = deadline - now_ms();
		int n = poll(&p, 1, left > 0 ? (int)MS_MIN(left, (int64_t)INT32_MAX) : 0);

		if (n > 0)
			return p.revents;
		if (n == 0 && left <= 0)
			return -ETIMEDOUT;
		if (n < 0 && errno != EINTR)
			return -errno;
	}
}

static int64_t deadline_of(const struct ms_http *h)
{
	return now_ms() + h->timeout_ms;
}

static void disconnect(struct ms_http *h)
{
	if (h->fd >= 0)
		close(h->fd);
	h->fd = -1;
	h->used = false;
	h->in.len = 0;
}

static int connect_error(const char *path, int e, struct ms_error *err)
{
	switch (e) {
	case ENOENT:
	case ECONNREFUSED:
		return ms_error_set(
			err, -e, "no-agent",
			"no agent at %s: %s: start modseald, or say where it is "
			"with MODSEAL_AGENT or MODSEAL_CONFIG",
			path, ms_strerror(e));
	case EACCES:
	case EPERM:
		return ms_error_set(
			err, -e, "no-agent",
			"no access to the agent at %s: %s: join the group that "
			"owns the socket",
			path, ms_strerror(e));
	case EAGAIN:
		return ms_error_set(err, -ETIMEDOUT, "no-agent",
				    "the agent at %s accepts no connections: it is "
				    "overloaded or stopped",
				    path);
	default:
		return ms_error_set(err, -e, "no-agent", "no agent at %s: %s", path,
				    ms_strerror(e));
	}
}

static int connect_to(struct ms_http *h, struct ms_error *err)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	struct timeval tv = {.tv_sec = h->timeout_ms / 1000,
			     .tv_usec = (suseconds_t)(h->timeout_ms % 1000) * 1000};
	int fd;

	disconnect(h);
	memcpy(sa.sun_path, h->socket_path, strlen(h->socket_path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return ms_error_set(err, -errno, NULL, "no socket: %s",
				    ms_strerror(errno));
	/* A full backlog makes connect() wait; this bounds the wait. */
	(void)!setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	while (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0) {
		int e = errno;

		if (e == EINTR)
			continue;
		close(fd);
		return connect_error(h->socket_path, e, err);
	}
	h->fd = fd;
	return 0;
}

int ms_http_open(struct ms_http *h, const char *socket_path, unsigned int timeout_ms,
		 struct ms_error *err)
{
	size_t len = strlen(socket_path);

	*h = (struct ms_http){.fd = -1,
			      .timeout_ms = timeout_ms,
			      .in = MS_BUF_INIT(MS_HTTP_HEAD_MAX + CHUNK)};
	if (len == 0 || len >= sizeof(h->socket_path))
		return ms_error_set(err, -EINVAL, "bad-socket-path",
				    "the agent's socket needs a path of 1 to %zu bytes",
				    sizeof(h->socket_path) - 1);
	memcpy(h->socket_path, socket_path, len + 1);
	return connect_to(h, err);
}

bool ms_http_is_open(const struct ms_http *h)
{
	return h->via || h->fd >= 0;
}

void ms_http_close(struct ms_http *h)
{
	if (h->via) {
		h->via->close(h);
		h->via = NULL;
		h->via_arg = NULL;
	}
	disconnect(h);
	ms_buf_clear(&h->in);
}

/* Between two calls nothing may arrive: what does is the end, or not an answer of ours.
 */
static bool still_idle(const struct ms_http *h)
{
	char c;

	return recv(h->fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
	       (errno == EAGAIN || errno == EWOULDBLOCK);
}

/*
 * Sends all pieces, or as many as the agent takes before it answers or hangs up; then
 * *ret_early is true and what it said is there to be read.
 */
static int send_all(struct ms_http *h, struct iovec *iov, int n, bool *ret_early)
{
	*ret_early = false;
	for (;;) {
		struct msghdr msg = {.msg_iov = iov, .msg_iovlen = (size_t)n};
		ssize_t done;
		int r;

		while (n > 0 && iov->iov_len == 0)
			iov++, n--;
		if (n == 0)
			return 0;
		msg.msg_iov = iov;
		msg.msg_iovlen = (size_t)n;
		done = sendmsg(h->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
			r = wait_for(h->fd, POLLIN | POLLOUT, deadline_of(h));
			if (r < 0)
				return r;
			if (!(r & (POLLIN | POLLHUP | POLLERR)))
				continue;
			*ret_early = true;
			return 0;
		}
		if (done < 0 && (errno == EPIPE || errno == ECONNRESET)) {
			*ret_early = true;
			return 0;
		}
		if (done < 0)
			return -errno;
		while (n > 0 && (size_t)done >= iov->iov_len) {
			done -= (ssize_t)iov->iov_len;
			iov++, n--;
		}
		if (n > 0) {
			iov->iov_base = (char *)iov->iov_base + done;
			iov->iov_len -= (size_t)done;
		}
	}
}

/* Return: bytes read, 0 at the end, or a negative errno. */
static ssize_t receive(struct ms_http *h, void *p, size_t len, int64_t deadline)
{
	for (;;) {
		ssize_t n;
		int r = wait_for(h->fd, POLLIN, deadline);

		if (r < 0)
			return r;
		n = recv(h->fd, p, len, MSG_DONTWAIT);
		if (n >= 0)
			return n;
		if (errno == ECONNRESET)
			return 0;
		if (errno != EINTR && errno != EAGAIN && errno != EWOULDBLOCK)
			return -errno;
	}
}

/* Return: 0; -EPIPE if not one byte came; other negative errno. */
static int read_head(struct ms_http *h, struct ms_http_head *ret, size_t *ret_used,
		     int64_t *ret_deadline)
{
	int64_t deadline = deadline_of(h);

	h->in.len = 0;
	for (;;) {
		ssize_t n;
		int r = ms_buf_reserve(&h->in, CHUNK);

		if (r < 0)
			return r;
		n = receive(h, h->in.data + h->in.len, CHUNK, deadline);
		if (n < 0)
			return (int)n;
		if (n == 0)
			return h->in.len ? -ENODATA : -EPIPE;
		if (h->in.len == 0)
			deadline = deadline_of(h);
		h->in.len += (size_t)n;
		r = ms_http_head_parse(h->in.data, h->in.len, ret, ret_used);
		if (r == 0)
			*ret_deadline = deadline;
		if (r != -EAGAIN)
			return r;
	}
}

static int read_body(struct ms_http *h, struct ms_http_head *head, size_t used,
		     int64_t deadline, struct ms_buf *out)
{
	size_t have = h->in.len - used, want, had = out->len;
	int r;

	if (head->status < 200)
		return -EBADMSG;
	if (head->content_length > MS_HTTP_ANSWER_MAX)
		return -EFBIG;
	want = (size_t)head->content_length;
	if (have > want) {
		have = want;
		head->keep_alive = false;
	}
	r = ms_buf_reserve(out, want);
	if (r < 0)
		return r;
	ms_buf_put(out, h->in.data + used, have);
	while (have < want) {
		ssize_t n = receive(h, out->data + out->len, want - have, deadline);

		if (n <= 0) {
			out->len = had;
			return n < 0 ? (int)n : -ENODATA;
		}
		out->len += (size_t)n;
		have += (size_t)n;
	}
	return ms_buf_error(out);
}

static int call_error(const struct ms_http *h, int r, struct ms_error *err)
{
	switch (r) {
	case -ETIMEDOUT:
		return ms_error_set(err, r, "agent-timeout",
				    "the agent did not answer within %u s: see its log",
				    (h->timeout_ms + 999) / 1000);
	case -EPIPE:
		return ms_error_set(err, r, "agent-gone",
				    "the agent hung up without an answer: see its log");
	case -ENODATA:
		return ms_error_set(
			err, r, "agent-gone",
			"the agent hung up in the middle of its answer: see its log");
	case -EBADMSG:
		return ms_error_set(
			err, r, "bad-answer",
			"what answers at %s does not speak the agent's protocol",
			h->socket_path);
	case -EFBIG:
		return ms_error_set(err, r, "bad-answer",
				    "the agent's answer is larger than expected");
	default:
		return ms_error_set(err, r, NULL, "no answer from the agent: %s",
				    ms_strerror(r));
	}
}

static int exchange(struct ms_http *h, const struct ms_buf *request,
		    const struct iovec *body, int n, struct ms_http_head *ret_head,
		    struct ms_buf *out)
{
	struct iovec iov[PIECES_MAX + 1];
	struct ms_http_head head;
	int64_t deadline = 0;
	size_t used = 0;
	bool early;
	int r;

	iov[0] = (struct iovec){request->data, request->len};
	if (n > 0)
		memcpy(iov + 1, body, (size_t)n * sizeof(*body));
	r = send_all(h, iov, n + 1, &early);
	if (r == 0)
		r = read_head(h, &head, &used, &deadline);
	if (r == 0)
		r = read_body(h, &head, used, deadline, out);
	if (r < 0)
		return r;
	h->used = true;
	if (early || !head.keep_alive)
		disconnect(h);
	*ret_head = head;
	return 0;
}

static int put_request(struct ms_buf *b, const struct ms_http *h, const char *method,
		       const char *target, const char *accept, const char *body_type,
		       uint64_t length)
{
	ms_buf_printf(b, "%s %s HTTP/1.1\r\nHost: modseal\r\n", method, target);
	if (accept)
		ms_buf_printf(b, "Accept: %s\r\n", accept);
	if (body_type)
		ms_buf_printf(b, "Content-Type: %s\r\n", body_type);
	if (h->idempotency_key)
		ms_buf_printf(b, "Idempotency-Key: %s\r\n", h->idempotency_key);
	if (h->certificate) {
		ms_buf_printf(b, "Expect: certificate=\"");
		ms_base64_put(b, h->certificate->data, h->certificate->len, 0);
		ms_buf_printf(b, "\"\r\n");
	}
	if (length || strcmp(method, "POST") == 0)
		ms_buf_printf(b, "Content-Length: %llu\r\n", (unsigned long long)length);
	ms_buf_put(b, "\r\n", 2);
	return ms_buf_error(b);
}

int ms_http_call(struct ms_http *h, const char *method, const char *target,
		 const char *accept, const char *body_type, const struct iovec *body,
		 int n, struct ms_http_head *ret_head, struct ms_buf *out,
		 struct ms_error *err)
{
	_cleanup_buf_ struct ms_buf request = MS_BUF_INIT(MS_HTTP_HEAD_MAX);
	uint64_t length = 0;
	int r;

	if (h->via && h->certificate)
		return ms_error_set(err, -EOPNOTSUPP, NULL,
				    "no certificate can be expected here");
	if (h->via)
		return h->via->call(h, method, target, accept, body_type, body, n,
				    ret_head, out, err);
	if (n < 0 || n > PIECES_MAX)
		return ms_error_set(err, -EINVAL, NULL, "request of too many pieces");
	r = ms_buf_error(out);
	if (r < 0)
		return ms_error_set(err, r, NULL, "no room for an answer: %s",
				    ms_strerror(r));
	for (int i = 0; i < n; i++)
		length += body[i].iov_len;
	r = put_request(&request, h, method, target, accept, body_type, length);
	if (r < 0)
		return ms_error_set(err, r, NULL, "request: %s", ms_strerror(r));

	if (h->fd >= 0 && h->used && !still_idle(h))
		disconnect(h);
	for (int tries = 0;; tries++) {
		bool used;

		if (h->fd < 0) {
			r = connect_to(h, err);
			if (r < 0)
				return r;
		}
		used = h->used;
		r = exchange(h, &request, body, n, ret_head, out);
		if (r == 0)
			return 0;
		disconnect(h);
		if (r != -EPIPE || !used || tries > 0)
			return call_error(h, r, err);
	}
}

void ms_http_encode(struct ms_buf *out, const char *src)
{
	static const char hex[] = "0123456789ABCDEF";

	for (; *src; src++) {
		unsigned char c = (unsigned char)*src;

		if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
		    (c >= 'A' && c <= 'Z') || strchr("-._~", c)) {
			ms_buf_put_u8(out, c);
		} else {
			ms_buf_put_u8(out, '%');
			ms_buf_put_u8(out, (uint8_t)hex[c >> 4]);
			ms_buf_put_u8(out, (uint8_t)hex[c & 15]);
		}
	}
}
