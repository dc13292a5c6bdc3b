/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What conn.c and conn_accept.c share with each other and with nobody else. */
#ifndef MS_AGENT_CONN_INTERNAL_H
#define MS_AGENT_CONN_INTERNAL_H

#include <event2/event.h>
#include <event2/util.h>
#include <time.h>
#include "signer/agent/conn.h"
#include "signer/agent/shares.h"

struct bufferevent;
struct evconnlistener;
struct ssl_st;

enum ms_conn_state {
	MS_CONN_SHAKE,	/* TLS handshake */
	MS_CONN_IDLE,	/* nothing of a request yet */
	MS_CONN_HEAD,	/* part of a head */
	MS_CONN_WAIT,	/* for its share of memory */
	MS_CONN_BODY,	/* part of a body */
	MS_CONN_BUSY,	/* the handler has it */
	MS_CONN_LAST,	/* the last answer is on its way */
	MS_CONN_LINGER, /* that the client can read it, what it still sends is read too */
};

/**
 * struct ms_conn - one connection
 * @body_len, @got: announced, and read so far; @taken: of the share
 * @owed: of its share, what of an answer it has not read; @left: of that, lately
 * @scanned: bytes of a partial head without an empty line in them
 * @close: after the answer; @linger: the client has not sent everything
 * @gone: the client is, but a handler still has the request
 * @inside: its input is being processed; @doomed: free it when that is over
 */
struct ms_conn {
	struct ms_conns *all;
	struct bufferevent *bev;
	struct ssl_st *ssl;
	struct event *timer;
	struct ms_share *share;
	TAILQ_ENTRY(ms_conn) every, line;
	struct ms_conn_list *in_line; /* the list that @line is in */
	enum ms_conn_state state;
	char *head;
	uint8_t *body;
	size_t body_len, got, taken, owed, left, scanned;
	time_t not_after;
	bool close, linger, gone, inside, doomed, eof;
	struct ms_http_request req;
	struct ms_identity who;
};

/**
 * struct ms_conns - all of them
 * @waiting: for memory, in order
 * @doorbell: opens the listeners again after a pause
 */
struct ms_conns {
	struct ms_front *front;
	struct evconnlistener *listener[2];
	struct event *doorbell;
	struct ms_shares *shares;
	struct ms_conn_list every, waiting;
};

/** ms_conn_enter() - a new state, with a deadline (0: none) */
void ms_conn_enter(struct ms_conn *c, enum ms_conn_state state, unsigned int seconds);
void ms_conn_line_up(struct ms_conn *c, struct ms_conn_list *list);
/** ms_conn_end() - now, or as soon as nobody uses it */
void ms_conn_end(struct ms_conn *c);
/** ms_conn_start() - ready for the first request; sets the callbacks */
void ms_conn_start(struct ms_conn *c);
/** ms_conn_on_timer() - its deadline has come */
void ms_conn_on_timer(evutil_socket_t fd, short what, void *arg);
/** ms_conn_set_identity() - it is known now: joins its share. Return: 0 or -errno */
int ms_conn_set_identity(struct ms_conn *c) _must_check_;

#define MS_CONN_IDLE_S 60u
#define MS_CONN_HEAD_S 10u

#endif
