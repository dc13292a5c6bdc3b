/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One connection: heads, bodies, answers, deadlines. */
#include "signer/agent/conn_internal.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include "lib/secmem.h"
#include "signer/agent/tls.h"
#include "signer/agent/web.h"

#define WAIT_S 30u  /* for memory */
#define LINGER_S 5u /* for a client that is answered before it has said everything */
#define BODY_S 30u  /* for a body, and a second more for each ... */
#define BODY_RATE (1u << 20)
#define TURN (1u << 20) /* bytes of a body, then it is somebody else's turn */
#define WIPE_MAX (64u << 10)
#define SMALL (64u << 10)     /* an answer that is not counted */
#define READ_MIN (256u << 10) /* of an answer, in MS_CONN_IDLE_S */

/* ------------------------------------------------------------------- its end */

void ms_conn_line_up(struct ms_conn *c, struct ms_conn_list *list)
{
	if (c->in_line)
		TAILQ_REMOVE(c->in_line, c, line);
	if (list)
		TAILQ_INSERT_TAIL(list, c, line);
	c->in_line = list;
}

void ms_conn_enter(struct ms_conn *c, enum ms_conn_state state, unsigned int seconds)
{
	const struct timeval tv = {.tv_sec = seconds};

	c->state = state;
	if (seconds)
		evtimer_add(c->timer, &tv);
	else
		evtimer_del(c->timer);
}

static void start_waiting(struct ms_conns *s);

static void drop_request(struct ms_conn *c)
{
	struct ms_conns *s = c->all;
	size_t taken = c->taken;

	/* It may have been a PIN or a private key. */
	if (c->body && c->body_len <= WIPE_MAX)
		ms_wipe(c->body, c->body_len);
	free(c->body);
	c->body = NULL;
	c->body_len = c->got = c->taken = 0;
	if (taken) {
		ms_share_give(c->share, taken);
		if (!TAILQ_EMPTY(&s->waiting))
			start_waiting(s);
	}
}

/* TLS's own end of the connection. */
static void say_goodbye(struct ms_conn *c)
{
	if (!c->ssl || !SSL_is_init_finished(c->ssl))
		return;
	(void)SSL_shutdown(c->ssl);
	ERR_clear_error();
}

static void close_bev(struct ms_conn *c)
{
	if (!c->bev)
		return;
	say_goodbye(c);
	bufferevent_free(c->bev);
	c->bev = NULL;
	c->ssl = NULL;
}

static void settle(struct ms_conn *c)
{
	ms_share_settle(c->share, c->owed);
	c->owed = c->left = 0;
}

static void conn_free(struct ms_conn *c)
{
	settle(c);
	ms_conn_line_up(c, NULL);
	TAILQ_REMOVE(&c->all->every, c, every);
	drop_request(c);
	close_bev(c);
	if (c->timer)
		event_free(c->timer);
	ms_share_leave(c->share);
	free(c->head);
	free(c);
}

void ms_conn_end(struct ms_conn *c)
{
	if (c->state == MS_CONN_BUSY) {
		c->gone = true;
		close_bev(c);
	} else if (c->inside) {
		c->doomed = true;
	} else {
		conn_free(c);
	}
}

/* The last answer is sent: end, as soon as the client has had a chance to read it. */
static void finish(struct ms_conn *c)
{
	if (!c->linger || c->eof) {
		ms_conn_end(c);
		return;
	}
	say_goodbye(c);
	(void)!shutdown(bufferevent_getfd(c->bev), SHUT_WR);
	ms_conn_enter(c, MS_CONN_LINGER, LINGER_S);
	evbuffer_drain(bufferevent_get_input(c->bev),
		       evbuffer_get_length(bufferevent_get_input(c->bev)));
	bufferevent_enable(c->bev, EV_READ);
}

/* ------------------------------------------------------------------- requests */

static void refuse(struct ms_conn *c, int rc, const char *code, const char *text)
{
	struct ms_error err = {0};

	ms_error_set(&err, rc, code, "%s", text);
	c->close = c->linger = true;
	ms_conn_line_up(c, NULL);
	ms_conn_enter(c, MS_CONN_BUSY, 0);
	ms_web_refuse(c->all->front, c, rc, &err);
}

static void refuse_head(struct ms_conn *c, int rc)
{
	c->req = (struct ms_http_request){.method = "",
					  .path = "",
					  .accept = "",
					  .idempotency_key = "",
					  .certificate = ""};
	switch (rc) {
	case -ENOTSUP:
		refuse(c, rc, "length-required",
		       "the request has a Transfer-Encoding: send its body with a "
		       "Content-Length");
		break;
	case -EPROTONOSUPPORT:
		refuse(c, rc, "bad-version", "this is not HTTP/1.1");
		break;
	case -EINVAL:
		refuse(c, rc, "bad-request", "the query cannot be read");
		break;
	case -EFBIG:
		refuse(c, rc, "head-too-large", "the request's head is too large");
		break;
	default:
		refuse(c, rc, "bad-request", "the request cannot be read");
	}
}

static void dispatch(struct ms_conn *c)
{
	ms_conn_line_up(c, NULL);
	ms_conn_enter(c, MS_CONN_BUSY, 0);
	ms_web_request(c->all->front, c);
}

static void begin_body(struct ms_conn *c)
{
	static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
	size_t len = (size_t)c->req.content_length;

	c->taken = len;
	c->body = malloc(len);
	if (!c->body) {
		/* Its deadline says so, as others are being looked after here. */
		ms_share_give(c->share, c->taken);
		c->taken = 0;
		ms_conn_enter(c, MS_CONN_WAIT, 1);
		return;
	}
	c->body_len = len;
	ms_conn_line_up(c, &c->share->idle);
	ms_conn_enter(c, MS_CONN_BODY, BODY_S + (unsigned int)(len / BODY_RATE));
	if (c->req.expect)
		bufferevent_write(c->bev, go_on, sizeof(go_on) - 1);
}

static struct ms_conn *next_waiting(struct ms_conns *s)
{
	struct ms_conn *c;

	TAILQ_FOREACH(c, &s->waiting, line)
	{
		if (ms_share_take(c->share, (size_t)c->req.content_length))
			return c;
	}
	return NULL;
}

/* Some memory is free again. */
static void start_waiting(struct ms_conns *s)
{
	static bool running;
	struct ms_conn *c;

	if (running)
		return;
	running = true;
	while ((c = next_waiting(s))) {
		ms_conn_line_up(c, NULL);
		bufferevent_enable(c->bev, EV_READ);
		/* What is there already is processed from the event loop. */
		bufferevent_trigger(c->bev, EV_READ, BEV_TRIG_DEFER_CALLBACKS);
		begin_body(c);
	}
	running = false;
}

/* A whole head is there. */
static void on_head(struct ms_conn *c, size_t len)
{
	struct ms_front *f = c->all->front;
	int r = ms_http_request_parse(c->head, len, &c->req);

	ms_conn_line_up(c, NULL);
	if (r < 0) {
		refuse_head(c, r);
		return;
	}
	c->close = !c->req.keep_alive || f->stopping;
	if (c->ssl && c->not_after <= time(NULL)) {
		c->doomed = true;
	} else if (c->req.content_length == 0) {
		dispatch(c);
	} else if (c->req.content_length > ms_web_body_max(f, &c->who, &c->req)) {
		/* Answered at once; the body is not even read. */
		c->close = c->linger = true;
		dispatch(c);
	} else if (ms_share_take(c->share, (size_t)c->req.content_length)) {
		begin_body(c);
	} else {
		ms_conn_enter(c, MS_CONN_WAIT, WAIT_S);
		ms_conn_line_up(c, &c->all->waiting);
		bufferevent_disable(c->bev, EV_READ);
	}
}

/* Return: false when there is nothing more to do now. */
static bool take_head(struct ms_conn *c, struct evbuffer *in)
{
	size_t have = evbuffer_get_length(in), n = MS_MIN(have, (size_t)MS_HTTP_HEAD_MAX);
	size_t skip = c->scanned > 3 ? c->scanned - 3 : 0, used;
	const uint8_t *p, *end;

	if (!have)
		return false;
	/* One deadline for the whole head, however it trickles in. */
	if (c->state == MS_CONN_IDLE)
		ms_conn_enter(c, MS_CONN_HEAD, MS_CONN_HEAD_S);
	p = evbuffer_pullup(in, (ev_ssize_t)n);
	if (!p) {
		c->doomed = true;
		return false;
	}
	end = memmem(p + skip, n - skip, "\r\n\r\n", 4);
	if (!end) {
		c->scanned = n;
		if (n < MS_HTTP_HEAD_MAX)
			return false;
		refuse_head(c, -EFBIG);
		return true;
	}
	used = (size_t)(end - p) + 4;
	c->scanned = 0;
	free(c->head);
	c->head = malloc(used);
	if (!c->head) {
		c->doomed = true;
		return false;
	}
	evbuffer_remove(in, c->head, used);
	on_head(c, used);
	return true;
}

/* libevent reads 4 KB at a time; a module is read past it. Return: false at the end. */
static bool receive(struct ms_conn *c)
{
	size_t turn = 0;

	while (c->got < c->body_len && turn < TURN) {
		ssize_t n = recv(bufferevent_getfd(c->bev), c->body + c->got,
				 MS_MIN(c->body_len - c->got, TURN - turn), MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN || errno == EWOULDBLOCK;
		if (n == 0)
			return false;
		c->got += (size_t)n;
		turn += (size_t)n;
	}
	return true;
}

static bool take_body(struct ms_conn *c, struct evbuffer *in)
{
	int n = evbuffer_remove(in, c->body + c->got, c->body_len - c->got);

	if (n > 0)
		c->got += (size_t)n;
	if (!c->ssl && !receive(c)) {
		c->doomed = true;
		return false;
	}
	if (c->got < c->body_len)
		return false;
	dispatch(c);
	return true;
}

static void process(struct ms_conn *c)
{
	struct evbuffer *in = bufferevent_get_input(c->bev);
	bool more = !c->inside;

	if (c->inside)
		return;
	c->inside = true;
	while (more && !c->doomed && c->bev) {
		if (c->state == MS_CONN_IDLE || c->state == MS_CONN_HEAD)
			/* A client that does not read its answers gets no more. */
			more = evbuffer_get_length(bufferevent_get_output(c->bev)) == 0 &&
			       take_head(c, in);
		else if (c->state == MS_CONN_BODY)
			more = take_body(c, in);
		else
			more = false;
	}
	c->inside = false;
	if (c->state == MS_CONN_LINGER && c->bev)
		evbuffer_drain(in, evbuffer_get_length(in));
	if (c->doomed)
		ms_conn_end(c);
}

/* -------------------------------------------------------------------- answers */

static const char *reason_of(unsigned int status)
{
	return status < 300 ? "OK" : status < 500 ? "Refused" : "Failed";
}

static void date_field(char *dst, size_t size)
{
	static char text[64];
	static time_t when;
	time_t now = time(NULL);
	struct tm tm;

	if (now != when) {
		gmtime_r(&now, &tm);
		strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &tm);
		when = now;
	}
	snprintf(dst, size, "%s", text);
}

/* Straight to the socket, as there is nearly always room; the rest through libevent. */
static int send_now(struct ms_conn *c, const char *head, size_t head_len,
		    const void *body, size_t n)
{
	struct iovec iov[2] = {
		{(void *)(uintptr_t)head, head_len},
		{(void *)(uintptr_t)body, n},
	};
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = n ? 2 : 1};
	struct evbuffer *out = bufferevent_get_output(c->bev);
	size_t sent = 0;

	if (!c->ssl && evbuffer_get_length(out) == 0) {
		ssize_t did = sendmsg(bufferevent_getfd(c->bev), &msg,
				      MSG_NOSIGNAL | MSG_DONTWAIT);

		if (did > 0)
			sent = (size_t)did;
		else if (did < 0 && errno != EAGAIN && errno != EWOULDBLOCK &&
			 errno != EINTR)
			return -errno;
	}
	if (sent < head_len) {
		if (evbuffer_add(out, head + sent, head_len - sent) < 0)
			return -ENOMEM;
		sent = head_len;
	}
	sent -= head_len;
	return sent == n || evbuffer_add(out, (const char *)body + sent, n - sent) == 0
		       ? 0
		       : -ENOMEM;
}

/* Answers that nobody reads take memory. Return: false: too much is unread already. */
static bool owe(struct ms_conn *c)
{
	size_t n = evbuffer_get_length(bufferevent_get_output(c->bev));

	if (n <= SMALL)
		return true;
	if (!ms_share_owe(c->share, n))
		return false;
	c->owed = c->left = n;
	return true;
}

/* A slow reader of a long answer may go on as long as it does read. */
static bool still_reads(struct ms_conn *c)
{
	size_t n = c->owed ? evbuffer_get_length(bufferevent_get_output(c->bev)) : 0;

	if (n == 0 || n + READ_MIN > c->left)
		return false;
	c->left = n;
	return true;
}

void ms_conn_answer(struct ms_conn *c, unsigned int status, const char *fields,
		    const void *body, size_t n)
{
	char head[1024], date[64];
	int len, r;

	drop_request(c);
	c->state = MS_CONN_LAST;
	if (c->gone) {
		ms_conn_end(c);
		return;
	}
	c->close |= c->all->front->stopping || c->eof;
	date_field(date, sizeof(date));
	len = snprintf(head, sizeof(head),
		       "HTTP/1.1 %u %s\r\nDate: %s\r\n%sContent-Length: %zu\r\n%s\r\n",
		       status, reason_of(status), date, fields, n,
		       c->close ? "Connection: close\r\n" : "");
	r = len >= (int)sizeof(head) ? -ENOSPC : send_now(c, head, (size_t)len, body, n);
	if (r < 0 || !owe(c)) {
		ms_conn_end(c);
		return;
	}
	if (c->close) {
		ms_conn_enter(c, MS_CONN_LAST, MS_CONN_IDLE_S);
		if (evbuffer_get_length(bufferevent_get_output(c->bev)) == 0)
			finish(c);
		return;
	}
	ms_conn_enter(c, MS_CONN_IDLE, MS_CONN_IDLE_S);
	ms_conn_line_up(c, &c->share->idle);
	if (!c->inside && evbuffer_get_length(bufferevent_get_input(c->bev)) > 0)
		bufferevent_trigger(c->bev, EV_READ, BEV_TRIG_DEFER_CALLBACKS);
}

/* -------------------------------------------------------------------- events */

void ms_conn_on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct ms_conn *c = arg;

	if (c->state == MS_CONN_HEAD)
		refuse(c, -ETIMEDOUT, "request-timeout",
		       "the request's head did not come in time");
	else if (c->state == MS_CONN_BODY)
		refuse(c, -ETIMEDOUT, "request-timeout",
		       "the request's body did not come in time");
	else if (c->state == MS_CONN_WAIT)
		refuse(c, -EAGAIN, "busy",
		       "too many large requests are on their way: try again");
	else if (still_reads(c))
		ms_conn_enter(c, c->state, MS_CONN_IDLE_S);
	else
		ms_conn_end(c);
}

static void on_read(struct bufferevent *bev, void *arg)
{
	process(arg);
}

static void on_write(struct bufferevent *bev, void *arg)
{
	struct ms_conn *c = arg;

	if (evbuffer_get_length(bufferevent_get_output(bev)) > 0)
		return;
	settle(c);
	if (c->state == MS_CONN_LAST)
		finish(c);
	else
		process(c);
}

static void on_end(struct ms_conn *c, short what)
{
	c->eof |= what & BEV_EVENT_EOF;
	/* Who says no more may still read the answer. */
	if (what & BEV_EVENT_EOF &&
	    (c->state == MS_CONN_BUSY || c->state == MS_CONN_LAST))
		return;
	ms_conn_end(c);
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
	struct ms_conn *c = arg;

	if (what & BEV_EVENT_CONNECTED) {
		c->state = MS_CONN_IDLE;
		if (ms_tls_identity(c->ssl, &c->who, &c->not_after) < 0 ||
		    ms_conn_set_identity(c) < 0)
			ms_conn_end(c);
		return;
	}
	on_end(c, what);
}

void ms_conn_start(struct ms_conn *c)
{
	const struct timeval write_timeout = {.tv_sec = MS_CONN_IDLE_S};

	bufferevent_setcb(c->bev, on_read, on_write, on_event, c);
	bufferevent_setwatermark(c->bev, EV_READ, 0, 4 * MS_HTTP_HEAD_MAX);
	bufferevent_set_timeouts(c->bev, NULL, &write_timeout);
	bufferevent_enable(c->bev, EV_READ | EV_WRITE);
}

/* ------------------------------------------------------------ for handlers */

const struct ms_http_request *ms_conn_request(const struct ms_conn *c)
{
	return &c->req;
}

const struct ms_identity *ms_conn_identity(const struct ms_conn *c)
{
	return &c->who;
}

uint8_t *ms_conn_body(const struct ms_conn *c, size_t *ret_len)
{
	*ret_len = c->body ? c->body_len : 0;
	return c->body;
}

void ms_conn_drop_body(struct ms_conn *c)
{
	drop_request(c);
}
