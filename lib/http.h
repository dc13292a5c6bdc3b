/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A small HTTP/1.1 client for the agent's Unix socket: libc only, blocking, kept alive.
 */
#ifndef MS_HTTP_H
#define MS_HTTP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>
#include "lib/buf.h"
#include "lib/error.h"

/**
 * struct ms_http_head - a parsed answer head
 * @status: 100 to 599
 * @content_length: bytes of the body; the agent always sends it (chunked is refused)
 * @keep_alive: the connection may be used again
 * @certificate: the agent has seen that the key has the certificate that was expected
 * @content_type: without parameters, lower case
 * @request_id: the agent's X-Request-Id, or ""
 */
struct ms_http_head {
	unsigned int status;
	uint64_t content_length;
	bool keep_alive, certificate;
	char content_type[64];
	char request_id[64];
};

/**
 * ms_http_head_parse() - parse an answer's head
 * @ret_used: bytes of the head with its empty line
 *
 * Return: 0, -EAGAIN (not complete yet), -EBADMSG (malformed), -EFBIG (over
 * MS_HTTP_HEAD_MAX).
 */
int ms_http_head_parse(const uint8_t *p, size_t len, struct ms_http_head *ret,
		       size_t *ret_used) _must_check_;

/** struct ms_http_via - another way to the agent than its Unix socket */
struct ms_http;
struct ms_http_via {
	/* as ms_http_call(); @h->via_arg is its own */
	int (*call)(struct ms_http *h, const char *method, const char *target,
		    const char *accept, const char *body_type, const struct iovec *body,
		    int n, struct ms_http_head *ret_head, struct ms_buf *out,
		    struct ms_error *err);
	void (*close)(struct ms_http *h);
};

/**
 * struct ms_http - a connection; zeroed by ms_http_open(), one thread at a time
 * @fd: -1 while closed; the next call opens it again
 * @via: how to get there instead, and what it needs; NULL: the Unix socket
 * @idempotency_key: sent with every request as long as it is set; borrowed
 * @certificate: DER; as long as it is set, the agent is told to expect the key to have
 *	this certificate, and else refuses; borrowed, of at most MS_EXPECT_CERT_MAX bytes.
 *	Over the Unix socket alone: -EOPNOTSUPP.
 * @used: a whole answer has come over @fd, so that the agent may have closed it since
 */
struct ms_http {
	int fd;
	bool used;
	unsigned int timeout_ms;
	char socket_path[108];
	const struct ms_http_via *via;
	void *via_arg;
	const char *idempotency_key;
	const struct ms_buf *certificate;
	struct ms_buf in; /* what was read beyond the last head */
};

/**
 * ms_http_open() - connect to a Unix socket
 * @h: on failure it is closed and may be passed to ms_http_close()
 * @timeout_ms: deadline of each later wait for the agent: for room to send, for the first
 *              byte of an answer, and for all the rest of it
 * Return: 0 or negative errno with a sentence ("no agent at /run/...: ...: start
 * modseald").
 */
int ms_http_open(struct ms_http *h, const char *socket_path, unsigned int timeout_ms,
		 struct ms_error *err) _must_check_;
void ms_http_close(struct ms_http *h);
/** ms_http_is_open() - false: the next call has to connect first */
bool ms_http_is_open(const struct ms_http *h);

/**
 * ms_http_call() - send a request, wait for the answer
 * @method, @target: "POST", "/v1/keys/x/sign?name=y" (already percent-encoded)
 * @accept: Accept header, or NULL
 * @body, @n: pieces of the body, sent with writev() as they are
 * @body_type: Content-Type, or NULL
 * @ret_head: the answer's head
 * @out: the answer's body is appended; unchanged on failure
 *
 * An idle connection that the agent has closed is opened again once, before anything of
 * the answer has arrived. If the agent answers before it has read the whole body (say
 * 413), that answer is what is returned. A peer that sends more than it announced is not
 * asked again on the same connection, so that answers never shift from one request to
 * another.
 *
 * Return: 0 whatever the status; a negative errno (with a sentence) when there was no
 * whole answer.
 */
int ms_http_call(struct ms_http *h, const char *method, const char *target,
		 const char *accept, const char *body_type, const struct iovec *body,
		 int n, struct ms_http_head *ret_head, struct ms_buf *out,
		 struct ms_error *err) _must_check_;

/** ms_http_encode() - percent-encode (RFC 3986 unreserved stay) @src into @out */
void ms_http_encode(struct ms_buf *out, const char *src);

#endif
