/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The head of an HTTP/1.1 request (RFC 9112), parsed strictly: what two readers could
 * understand in two ways is refused.
 */
#ifndef MS_AGENT_HTTP_REQUEST_H
#define MS_AGENT_HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MS_HTTP_PARAMS_MAX 16u
#define MS_HTTP_FIELDS_MAX 64u
#define MS_IDEMPOTENCY_MAX 64u /* bytes of an Idempotency-Key, without NUL */

/** struct ms_http_param - one name=value of the query, decoded */
struct ms_http_param {
	const char *name, *value;
};

/**
 * struct ms_http_request - a parsed head; all texts point into its bytes
 * @path: of the target, as it is (not decoded)
 * @accept: or ""
 * @content_type: without parameters, lower case, or ""
 * @idempotency_key: 1 to 64 letters, digits, '.', '_', ':' and '-'; or ""
 * @certificate: base64 of the certificate that the client expects the key to have; or ""
 * @keep_alive: another request may follow on the connection
 * @expect: the client waits for "100 Continue"
 */
struct ms_http_request {
	const char *method, *path, *accept, *content_type, *idempotency_key;
	const char *certificate;
	struct ms_http_param param[MS_HTTP_PARAMS_MAX];
	size_t n_params;
	uint64_t content_length;
	bool keep_alive, expect;
};

/**
 * ms_http_request_parse() - parse a head
 * @p: the head with its empty line; is changed: the texts are cut out of it
 * @len: its size in bytes
 *
 * Does no I/O and takes no memory.
 *
 * Return: 0; -EBADMSG (malformed, a field twice, an unknown expectation); -EINVAL (the
 * query: malformed, a NUL, a parameter twice, too many); -ENOTSUP (a body whose length is
 * not told at its beginning); -EPROTONOSUPPORT (not HTTP/1.0 or 1.1).
 */
int ms_http_request_parse(char *p, size_t len, struct ms_http_request *ret)
	__attribute__((warn_unused_result));

/** ms_http_request_param() - a parameter's value, or NULL */
const char *ms_http_request_param(const struct ms_http_request *r, const char *name);

#endif
