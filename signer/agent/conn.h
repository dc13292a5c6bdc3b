/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connections: HTTP/1.1 over the Unix socket and over TLS, one request after the other.
 * What a client has not finished saying never costs another client anything: every wait
 * has a deadline, and connections and bodies are counted (shares.h).
 */
#ifndef MS_AGENT_CONN_H
#define MS_AGENT_CONN_H

#include "signer/agent/front.h"
#include "signer/agent/http_request.h"
#include "signer/agent/policy.h"

struct ms_conn;
struct ms_conns;

/**
 * ms_conns_new() - serve on listening sockets
 * @unix_fd: the Unix socket
 * @tls_fd: a TCP socket for f->tls, or -1
 */
int ms_conns_new(struct ms_front *f, int unix_fd, int tls_fd,
		 struct ms_conns **ret) _must_check_;
/** ms_conns_stop() - accept no more connections, and after open requests no more */
void ms_conns_stop(struct ms_conns *s);
/** ms_conns_reloaded() - configuration or certificates have changed: connections whose
 * certificate is no longer good end */
void ms_conns_reloaded(struct ms_conns *s);

/** ms_conn_request(), ms_conn_identity() - what is asked, and who asks */
const struct ms_http_request *ms_conn_request(const struct ms_conn *c);
const struct ms_identity *ms_conn_identity(const struct ms_conn *c);

/**
 * ms_conn_body() - the whole body, until the answer or ms_conn_drop_body()
 * Return: NULL if there is none, or if it was not read as it is too large.
 */
uint8_t *ms_conn_body(const struct ms_conn *c, size_t *ret_len);
/** ms_conn_drop_body() - the body is not needed any more */
void ms_conn_drop_body(struct ms_conn *c);

/**
 * ms_conn_answer() - answer the request that was handed to ms_web_request()
 * @status: 200 to 599
 * @fields: header fields, each with its CRLF; without Content-Length and Connection
 *
 * @c is not to be used any more.
 */
void ms_conn_answer(struct ms_conn *c, unsigned int status, const char *fields,
		    const void *body, size_t n);

#endif
