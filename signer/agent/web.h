/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * HTTP for the front, above connections (conn.h): routes, request ids, and answers (JSON,
 * bytes, RFC 9457 problems).
 */
#ifndef MS_AGENT_WEB_H
#define MS_AGENT_WEB_H

#include <jansson.h>
#include "signer/agent/front.h"
#include "signer/agent/identity.h"
#include "signer/agent/policy.h"

/**
 * struct ms_web - one request on its way through
 * @id: request id, 32 hex digits: in the answer's X-Request-Id, in logs and audit records
 * @key: what the path has in place of {key}: a key's name, or a build's id; or ""
 * @code: of the problem that is the answer, or ""
 *
 * Freed by the function that answers; every request is answered exactly once.
 */
struct ms_web {
	struct ms_front *front;
	struct ms_conn *conn;
	struct ms_identity who;
	char id[33];
	char key[MS_KEY_NAME_MAX + 1];
	char code[sizeof(((struct ms_error *)NULL)->code)];
};

struct ms_conn;
struct ms_http_request;

/** ms_web_request() - a whole request has come in on @c */
void ms_web_request(struct ms_front *f, struct ms_conn *c);
/** ms_web_refuse() - what came in is no request; as ms_web_problem() */
void ms_web_refuse(struct ms_front *f, struct ms_conn *c, int rc,
		   const struct ms_error *err);
/** ms_web_body_max() - how large a body is read for a request; what announces more is
 * handed to ms_web_request() without one */
size_t ms_web_body_max(const struct ms_front *f, const struct ms_identity *who,
		       const struct ms_http_request *req);

/** ms_web_path() - as it was asked for */
const char *ms_web_path(const struct ms_web *w);
/** ms_web_body_announced() - bytes that the client wants to send */
uint64_t ms_web_body_announced(const struct ms_web *w);

/** ms_web_param() - a query parameter, decoded; NULL if it is not there */
const char *ms_web_param(const struct ms_web *w, const char *name);
/**
 * ms_web_body() - the whole body, in one piece, valid until the request is answered
 * Return: NULL when it is empty (or memory is short).
 */
const uint8_t *ms_web_body(struct ms_web *w, size_t *ret_len);
/** ms_web_drop_body() - the body is not needed any more */
void ms_web_drop_body(struct ms_web *w);

/** ms_web_json() - answer with JSON; takes over @j */
void ms_web_json(struct ms_web *w, int status, json_t *j);
/** ms_web_text() - a JSON string; a text that is not UTF-8 is escaped rather than lost */
json_t *ms_web_text(const char *text);
/** ms_web_bytes() - answer with bytes */
void ms_web_bytes(struct ms_web *w, int status, const char *type, const void *p,
		  size_t n);
/**
 * ms_web_problem() - answer with a problem (RFC 9457), or "code\nsentence\n" if the
 * client accepts text/plain
 * @rc: -EACCES 403, -ENOENT 404, -EEXIST 409, -EFBIG 413, -EINVAL and -EBADMSG and
 * -ENOEXEC and -ENODATA and -ENOPKG 422 (with code "bad-request" 400), -EAGAIN and
 * -ENODEV and -ETIMEDOUT and -ENOSPC and -EROFS 503, others 500
 */
void ms_web_problem(struct ms_web *w, int rc, const struct ms_error *err);

/* Handlers, by subject; api_*.c. */
void ms_api_health(struct ms_web *w);
void ms_api_ready(struct ms_web *w);
void ms_api_metrics(struct ms_web *w);
void ms_api_break_in(struct ms_web *w); /* only in the test's: tests/break-in */
void ms_api_whoami(struct ms_web *w);
void ms_api_status(struct ms_web *w);
void ms_api_keys(struct ms_web *w);
void ms_api_key(struct ms_web *w);
void ms_api_certificate(struct ms_web *w);
void ms_api_create(struct ms_web *w);
void ms_api_unlock(struct ms_web *w);
void ms_api_import(struct ms_web *w);
void ms_api_csr(struct ms_web *w);
void ms_api_install_cert(struct ms_web *w);
void ms_api_backup(struct ms_web *w);
void ms_api_attest(struct ms_web *w);
void ms_api_provision(struct ms_web *w);
void ms_api_take_provisioned(struct ms_web *w);
void ms_api_identity(struct ms_web *w);
void ms_api_enroll_ak(struct ms_web *w);
void ms_api_retire(struct ms_web *w);
void ms_api_revoke_key(struct ms_web *w);
void ms_api_rotate(struct ms_web *w);
void ms_api_pcrs(struct ms_web *w);
void ms_api_reseal(struct ms_web *w);
void ms_api_sign_efi(struct ms_web *w);
void ms_api_sign(struct ms_web *w);
void ms_api_sign_digests(struct ms_web *w);
void ms_api_log_checkpoint(struct ms_web *w);
void ms_api_log_make_checkpoint(struct ms_web *w);
void ms_api_log_vkey(struct ms_web *w);
void ms_api_log_counter(struct ms_web *w);
void ms_api_log_entries(struct ms_web *w);
void ms_api_log_proof(struct ms_web *w);
void ms_api_log_consistency(struct ms_web *w);
void ms_api_log_tile(struct ms_web *w);
void ms_api_builds(struct ms_web *w);
void ms_api_build_open(struct ms_web *w);
void ms_api_build(struct ms_web *w);
void ms_api_build_manifest(struct ms_web *w);
void ms_api_build_modules(struct ms_web *w);
/** ms_api_build_of() - the build of the path; NULL: the request has been answered */
struct ms_build *ms_api_build_of(struct ms_web *w);
void ms_api_build_approve(struct ms_web *w);
void ms_api_build_reject(struct ms_web *w);
void ms_api_build_close(struct ms_web *w);
/** ms_api_builds_tick() - once a second: what has expired */
void ms_api_builds_tick(struct ms_front *f);
void ms_api_policy_check(struct ms_web *w);
void ms_api_policy_explain(struct ms_web *w);
void ms_api_reload(struct ms_web *w);
void ms_api_revocations(struct ms_web *w);
void ms_api_revoke(struct ms_web *w);
void ms_api_revocation_list(struct ms_web *w);

#endif
