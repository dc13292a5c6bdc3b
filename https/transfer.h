/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libcurl, which is loaded only here: one request over https, within limits. What it is
 * bound to, whoever uses it, is set in one place.
 */
#ifndef MS_TRANSFER_H
#define MS_TRANSFER_H

#include <stdbool.h>
#include "lib/buf.h"
#include "lib/error.h"

struct ms_transfer;

/**
 * struct ms_transfer_options - what a connection may do; copied
 * @ca: file with the issuers that are trusted, PEM; NULL: those that the system trusts
 * @cert, @key: files, PEM, of what is shown to the server; NULL: nothing
 * @tls13: TLS 1.3 only; else 1.2, too
 * @proxy: heed the environment's proxies (https_proxy)
 * @redirects: how many are followed, to https only; 0: none
 * @user_agent: or NULL
 * @connect_ms, @whole_ms: deadlines, of the connection and of all of a request
 */
struct ms_transfer_options {
	const char *ca, *cert, *key;
	bool tls13, proxy;
	unsigned int redirects;
	const char *user_agent;
	unsigned int connect_ms, whole_ms;
};

/**
 * ms_transfer_new() - load libcurl, if it is not yet, and make a handle
 *
 * https only; the server's certificate must be of a trusted issuer and name the host. For
 * one thread at a time. Connects with the first request, and keeps the connection.
 *
 * Return: 0; -ENOPKG (no libcurl, or one that cannot do this); -ENOMEM; with a sentence.
 */
int ms_transfer_new(const struct ms_transfer_options *o, struct ms_transfer **ret,
		    struct ms_error *err) _must_check_;
void ms_transfer_free(struct ms_transfer *t);

/**
 * struct ms_transfer_request - what is asked
 * @url: whole, percent-encoded
 * @fields, @n_fields: of the head: "Name: value", or "Name:" for none of that name
 * @body, @body_len: sent with POST; @body NULL: GET
 * @max: bytes; an answer with more is refused while it comes in
 * @field: called with each line of the answer's head, which has no NUL; or NULL
 * @arg: first argument of @field
 */
struct ms_transfer_request {
	const char *url;
	const char *const *fields;
	size_t n_fields;
	const void *body;
	size_t body_len, max;
	void (*field)(void *arg, const char *line, size_t len);
	void *arg;
};

/** struct ms_transfer_answer - @type: of the content, as it came, until the next request;
 * or NULL */
struct ms_transfer_answer {
	unsigned int status;
	const char *type;
};

/**
 * ms_transfer_run() - send a request, wait for the answer
 * @out: the answer's body is appended; unchanged on failure
 *
 * Return: 0, whatever the answer's status is; -ENETUNREACH (no connection); -ETIMEDOUT;
 * -EACCES (the server is not who it should be); -EINVAL (cannot use the files with
 * certificates and key); -EPROTO (TLS failed); -EPIPE (the server hung up);
 * -EPROTONOSUPPORT (redirected to what is not https); -ELOOP (too many redirects);
 * -EFBIG; -ENOMEM; -EIO. ms_transfer_why() says more.
 */
int ms_transfer_run(struct ms_transfer *t, const struct ms_transfer_request *q,
		    struct ms_buf *out, struct ms_transfer_answer *ret) _must_check_;

/** ms_transfer_why() - libcurl's words for the last failure, or "". May have bytes of the
 * server's. */
const char *ms_transfer_why(const struct ms_transfer *t);

#endif
