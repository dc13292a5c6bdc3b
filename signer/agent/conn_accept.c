/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where connections come from, and which of them go when there are too many. */
#include "signer/agent/conn_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <syslog.h>

#include "signer/agent/identity.h"
#include "signer/agent/log.h"
#include "signer/agent/tls.h"

#define SHAKE_S 10u
#define TELL_AGAIN_S 60
#define OWN_FDS 64u /* the store, the key process, ... */
#define SPARE_BYTES (256u << 20)

/* ---------------------------------------------------------------------- room */

/* The oldest that has not even asked for anything. Return: false: there is none. */
static bool evict(struct ms_share *h)
{
	struct ms_conn *c = h ? TAILQ_FIRST(&h->idle) : NULL;

	if (!c)
		return false;
	ms_conn_end(c);
	return true;
}

/* Return: false when it cannot stay. */
static bool make_room(struct ms_conn *c)
{
	struct ms_share *h = ms_share_crowded(c->share);

	return !h || evict(h);
}

int ms_conn_set_identity(struct ms_conn *c)
{
	struct ms_share *h = ms_share_join(c->all->shares, c->who.id);

	if (!h)
		return -ENOMEM;
	ms_conn_line_up(c, NULL);
	ms_share_leave(c->share);
	c->share = h;
	if (!make_room(c))
		return -EAGAIN;
	ms_conn_enter(c, MS_CONN_IDLE, MS_CONN_IDLE_S);
	ms_conn_line_up(c, &h->idle);
	return 0;
}

/* -------------------------------------------------------------------- accept */

/* Owns @fd. */
static struct ms_conn *conn_new(struct ms_conns *s, int fd)
{
	struct ms_conn *c = calloc(1, sizeof(*c));

	if (c) {
		c->timer = evtimer_new(s->front->base, ms_conn_on_timer, c);
		c->share = c->timer ? ms_share_join(s->shares, "") : NULL;
	}
	if (!c || !c->share) {
		if (c && c->timer)
			event_free(c->timer);
		free(c);
		close(fd);
		return NULL;
	}
	c->all = s;
	TAILQ_INSERT_TAIL(&s->every, c, every);
	return c;
}

static void on_accept_unix(struct evconnlistener *l, evutil_socket_t fd,
			   struct sockaddr *sa, int len, void *arg)
{
	struct ms_conns *s = arg;
	struct ms_conn *c = conn_new(s, fd);

	if (!c)
		return;
	c->bev = bufferevent_socket_new(s->front->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (!c->bev) {
		close(fd);
		ms_conn_end(c);
		return;
	}
	if (ms_identity_of_peer(fd, &c->who) < 0 || ms_conn_set_identity(c) < 0) {
		ms_conn_end(c);
		return;
	}
	ms_conn_start(c);
}

static void address_text(const struct sockaddr *sa, char *dst, size_t size)
{
	char text[INET6_ADDRSTRLEN] = "?";

	if (sa->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const void *)sa;

		inet_ntop(AF_INET, &in->sin_addr, text, sizeof(text));
		snprintf(dst, size, "%s:%u", text, ntohs(in->sin_port));
	} else if (sa->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in = (const void *)sa;

		inet_ntop(AF_INET6, &in->sin6_addr, text, sizeof(text));
		snprintf(dst, size, "[%s]:%u", text, ntohs(in->sin6_port));
	}
}

static void on_accept_tls(struct evconnlistener *l, evutil_socket_t fd,
			  struct sockaddr *sa, int len, void *arg)
{
	struct ms_conns *s = arg;
	struct ms_conn *c = conn_new(s, fd);
	const int one = 1;

	if (!c)
		return;
	(void)!setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	c->ssl = ms_tls_accept(s->front->tls);
	if (c->ssl)
		c->bev = bufferevent_openssl_socket_new(s->front->base, fd, c->ssl,
							BUFFEREVENT_SSL_ACCEPTING,
							BEV_OPT_CLOSE_ON_FREE);
	if (!c->bev) {
		SSL_free(c->ssl);
		c->ssl = NULL;
		close(fd);
		ms_conn_end(c);
		return;
	}
	bufferevent_openssl_set_allow_dirty_shutdown(c->bev, 1);
	address_text(sa, c->who.address, sizeof(c->who.address));
	ms_conn_enter(c, MS_CONN_SHAKE, SHAKE_S);
	if (!make_room(c)) {
		ms_conn_end(c);
		return;
	}
	ms_conn_line_up(c, &c->share->idle);
	ms_conn_start(c);
}

static void open_listeners(struct ms_conns *s, bool open)
{
	for (size_t i = 0; i < ARRAY_SIZE(s->listener); i++) {
		if (s->listener[i] && open)
			evconnlistener_enable(s->listener[i]);
		else if (s->listener[i])
			evconnlistener_disable(s->listener[i]);
	}
}

static void on_doorbell(evutil_socket_t fd, short what, void *arg)
{
	open_listeners(arg, true);
}

/*
 * Out of descriptors. Somebody's idle connection goes; where there is none, who waits to
 * be accepted goes on waiting: to try at once would fail again, for ever.
 */
static void on_accept_error(struct evconnlistener *l, void *arg)
{
	static const struct timeval pause = {.tv_usec = 200 * 1000};
	static time_t told;
	struct ms_conns *s = arg;
	struct timespec now;
	int e = errno;
	bool room = false;

	/* More than one, as whoever waits now is not the only one. */
	for (int i = 0; i < 8; i++)
		room |= evict(ms_shares_largest(s->shares));
	if (!room) {
		open_listeners(s, false);
		evtimer_add(s->doorbell, &pause);
	}
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (told && now.tv_sec - told < TELL_AGAIN_S)
		return;
	told = now.tv_sec;
	ms_log(LOG_WARNING,
	       "cannot accept connections: %s: if these are honest clients, raise the "
	       "limit (LimitNOFILE=)",
	       ms_strerror(e));
}

/* --------------------------------------------------------------------- all */

static int listen_on(struct ms_conns *s, size_t i, int fd, evconnlistener_cb fn)
{
	evutil_make_socket_nonblocking(fd);
	s->listener[i] =
		evconnlistener_new(s->front->base, fn, s,
				   LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_CLOSE_ON_FREE, 0, fd);
	if (!s->listener[i])
		return -ENOMEM;
	evconnlistener_set_error_cb(s->listener[i], on_accept_error);
	return 0;
}

static size_t conns_max(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) < 0 || l.rlim_cur < 2 * OWN_FDS)
		return OWN_FDS;
	return (size_t)MS_MIN(l.rlim_cur, (rlim_t)1 << 20) - OWN_FDS;
}

int ms_conns_new(struct ms_front *f, int unix_fd, int tls_fd, struct ms_conns **ret)
{
	struct ms_conns *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	s->front = f;
	TAILQ_INIT(&s->every);
	TAILQ_INIT(&s->waiting);
	s->doorbell = evtimer_new(f->base, on_doorbell, s);
	r = s->doorbell ? ms_shares_new(conns_max(), f->config->max_module + SPARE_BYTES,
					&s->shares)
			: -ENOMEM;
	if (r == 0)
		r = listen_on(s, 0, unix_fd, on_accept_unix);
	if (r == 0 && tls_fd >= 0)
		r = listen_on(s, 1, tls_fd, on_accept_tls);
	/* Of no use without, and the front ends. */
	if (r == 0)
		*ret = s;
	return r;
}

void ms_conns_stop(struct ms_conns *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(s->listener); i++) {
		if (s->listener[i])
			evconnlistener_free(s->listener[i]);
		s->listener[i] = NULL;
	}
}

void ms_conns_reloaded(struct ms_conns *s)
{
	struct ms_conn *c, *next;

	ms_shares_resize(s->shares, s->front->config->max_module + SPARE_BYTES);
	for (c = TAILQ_FIRST(&s->every); c; c = next) {
		next = TAILQ_NEXT(c, every);
		if (c->ssl && !ms_tls_still_good(s->front->tls, c->ssl))
			ms_conn_end(c);
	}
}
