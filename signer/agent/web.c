/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/web.h"

#include <errno.h>
#include <syslog.h>
#include <openssl/rand.h>

#include "lib/agent_client.h"
#include "lib/escape.h"
#include "lib/hash.h"
#include "signer/agent/conn.h"
#include "signer/agent/log.h"
#include "signer/agent/metrics.h"
#include "signer/agent/watch.h"

#define BODY_MAX (16u << 20)
#define STRANGERS_BODY_MAX (64u << 10)

struct route {
	const char *method;
	const char *path; /* {key} stands for one path segment, * for all that follows */
	void (*handler)(struct ms_web *w);
};

static const struct route routes[] = {
#ifdef MS_BREAK_IN
	{"POST", "/break-in", ms_api_break_in},
#endif
	{"GET", "/healthz", ms_api_health},
	{"GET", "/readyz", ms_api_ready},
	{"GET", "/metrics", ms_api_metrics},
	{"GET", "/v1/whoami", ms_api_whoami},
	{"GET", "/v1/status", ms_api_status},
	{"GET", "/v1/pcrs", ms_api_pcrs},
	{"GET", "/v1/keys", ms_api_keys},
	{"POST", "/v1/keys", ms_api_create},
	{"GET", "/v1/keys/{key}", ms_api_key},
	{"GET", "/v1/keys/{key}/certificate", ms_api_certificate},
	{"POST", "/v1/keys/{key}/sign", ms_api_sign},
	{"POST", "/v1/keys/{key}/sign-digests", ms_api_sign_digests},
	{"POST", "/v1/keys/{key}/unlock", ms_api_unlock},
	{"POST", "/v1/keys/{key}/import", ms_api_import},
	{"POST", "/v1/keys/{key}/reseal", ms_api_reseal},
	{"POST", "/v1/keys/{key}/csr", ms_api_csr},
	{"POST", "/v1/keys/{key}/install-certificate", ms_api_install_cert},
	{"POST", "/v1/keys/{key}/backup", ms_api_backup},
	{"POST", "/v1/keys/{key}/attest", ms_api_attest},
	{"POST", "/v1/keys/{key}/provision", ms_api_provision},
	{"POST", "/v1/keys/{key}/take-provisioned", ms_api_take_provisioned},
	{"POST", "/v1/tpm/identity", ms_api_identity},
	{"POST", "/v1/tpm/enroll", ms_api_enroll_ak},
	{"POST", "/v1/keys/{key}/retire", ms_api_retire},
	{"POST", "/v1/keys/{key}/revoke", ms_api_revoke_key},
	{"POST", "/v1/keys/{key}/rotate", ms_api_rotate},
	{"POST", "/v1/keys/{key}/sign-efi", ms_api_sign_efi},
	{"GET", "/v1/log/checkpoint", ms_api_log_checkpoint},
	{"POST", "/v1/log/checkpoint", ms_api_log_make_checkpoint},
	{"GET", "/v1/log/vkey", ms_api_log_vkey},
	{"GET", "/v1/log/counter", ms_api_log_counter},
	{"GET", "/v1/log/entries", ms_api_log_entries},
	{"GET", "/v1/log/proof", ms_api_log_proof},
	{"GET", "/v1/log/consistency", ms_api_log_consistency},
	{"GET", "/v1/log/tile/*", ms_api_log_tile},
	{"GET", "/v1/builds", ms_api_builds},
	{"POST", "/v1/builds", ms_api_build_open},
	{"GET", "/v1/builds/{id}", ms_api_build},
	{"GET", "/v1/builds/{id}/modules", ms_api_build_modules},
	{"GET", "/v1/builds/{id}/manifest", ms_api_build_manifest},
	{"POST", "/v1/builds/{id}/approve", ms_api_build_approve},
	{"POST", "/v1/builds/{id}/reject", ms_api_build_reject},
	{"POST", "/v1/builds/{id}/close", ms_api_build_close},
	{"POST", "/v1/policy/check", ms_api_policy_check},
	{"GET", "/v1/policy/explain", ms_api_policy_explain},
	{"POST", "/v1/policy/explain", ms_api_policy_explain},
	{"POST", "/v1/reload", ms_api_reload},
	{"GET", "/v1/revocations", ms_api_revocations},
	{"POST", "/v1/revocations", ms_api_revoke},
	{"POST", "/v1/revocations/list", ms_api_revocation_list},
};

/* ------------------------------------------------------------------- answers */

/* What went on, for who reads the system's log: by its id it is found in the audit log.
 */
static void log_request(const struct ms_web *w, int status)
{
	const struct ms_config *c = w->front->config;
	const char *uri = ms_web_path(w);
	char code[12], path[256];
	const struct ms_log_field fields[] = {{"request", w->id},
					      {"identity", w->who.id},
					      {"status", code},
					      {"code", w->code},
					      {"path", path}};

	if (c->log_requests == MS_LOG_REQUESTS_NONE ||
	    (status < 400 && c->log_requests != MS_LOG_REQUESTS_ALL) ||
	    strcmp(uri, "/readyz") == 0)
		return;
	snprintf(code, sizeof(code), "%d", status);
	ms_escape(uri, strcspn(uri, "?"), path, sizeof(path));
	ms_log_with(status >= 500 ? LOG_WARNING : LOG_INFO, fields, ARRAY_SIZE(fields),
		    "%s", status < 400 ? "answered" : "not done");
}

void ms_web_bytes(struct ms_web *w, int status, const char *type, const void *p, size_t n)
{
	char fields[512];

	snprintf(
		fields, sizeof(fields),
		"Content-Type: %s\r\nX-Request-Id: %s\r\nCache-Control: no-store\r\n%s%s",
		type, w->id, status == 503 ? "Retry-After: 1\r\n" : "",
		status == 200 && ms_conn_request(w->conn)->certificate[0]
			? "Expectation-Met: certificate\r\n"
			: "");
	ms_metrics_answer(w->front->metrics, status);
	log_request(w, status);
	w->front->open--;
	ms_conn_answer(w->conn, (unsigned int)status, fields, p, n);
	free(w);
}

void ms_web_json(struct ms_web *w, int status, json_t *j)
{
	_cleanup_free_ char *text =
		j ? json_dumps(j, JSON_COMPACT | JSON_SORT_KEYS) : NULL;

	json_decref(j);
	if (text)
		ms_web_bytes(w, status, "application/json", text, strlen(text));
	else
		ms_web_bytes(w, 500, "application/json", "{}", 2);
}

json_t *ms_web_text(const char *text)
{
	char escaped[4 * sizeof(((struct ms_error *)NULL)->msg)];
	json_t *j = json_string(text);

	return j ? j : json_string(ms_escape_str(text, escaped, sizeof(escaped)));
}

static int status_of(int rc, const char *code)
{
	if (strcmp(code, "bad-request") == 0)
		return 400;
	if (strcmp(code, "no-route") == 0)
		return 404;
	if (strcmp(code, "bad-method") == 0)
		return 405;
	if (strcmp(code, "request-timeout") == 0)
		return 408;
	if (strcmp(code, "length-required") == 0)
		return 411;
	if (strcmp(code, "bad-content-type") == 0)
		return 415;
	if (strcmp(code, "wrong-certificate") == 0 ||
	    strcmp(code, "bad-expectation") == 0)
		return 417;
	if (strcmp(code, "head-too-large") == 0)
		return 431;
	if (strcmp(code, "bad-version") == 0)
		return 505;
	switch (-rc) {
	case EACCES:
	case EPERM:
		return 403;
	case ENOENT:
		return 404;
	case EEXIST:
		return 409;
	case EFBIG:
		return 413;
	case EINVAL:
	case EBADMSG:
	case ENOEXEC:
	case ENODATA:
	case ENOPKG:
		return 422;
	case EAGAIN:
	case ENODEV:
	case ETIMEDOUT:
	case ENOSPC:
	case EROFS:
	case ESTALE:
		return 503;
	default:
		return 500;
	}
}

static bool wants_text(const struct ms_web *w)
{
	return strstr(ms_conn_request(w->conn)->accept, "text/plain");
}

void ms_web_problem(struct ms_web *w, int rc, const struct ms_error *err)
{
	const char *code = err->code[0] ? err->code : "internal";
	const char *msg = err->msg[0] ? err->msg : ms_strerror(rc);
	int status = status_of(rc, code);
	char text[sizeof(*err) + 4];
	_cleanup_free_ char *json = NULL;
	json_t *j;

	snprintf(w->code, sizeof(w->code), "%s", code);
	/* Refused signatures are counted where they are recorded. */
	if (status == 403 && strncmp(code, "not-", 4) == 0) {
		ms_metrics_refusal(w->front->metrics, code);
		ms_watch_refused(w->front->watch, &w->who, w->key, code, w->id);
	}
	if (wants_text(w)) {
		snprintf(text, sizeof(text), "%s\n%s\n", code, msg);
		ms_web_bytes(w, status, "text/plain; charset=utf-8", text, strlen(text));
		return;
	}
	j = json_pack("{s:s, s:s, s:i, s:o, s:s, s:s}", "type", "about:blank", "title",
		      code, "status", status, "detail", ms_web_text(msg), "code", code,
		      "request_id", w->id);
	json = j ? json_dumps(j, JSON_COMPACT) : NULL;
	json_decref(j);
	ms_web_bytes(w, status, "application/problem+json", json ? json : "{}",
		     json ? strlen(json) : 2);
}

/* ------------------------------------------------------------------ requests */

const char *ms_web_param(const struct ms_web *w, const char *name)
{
	return ms_http_request_param(ms_conn_request(w->conn), name);
}

const char *ms_web_path(const struct ms_web *w)
{
	return ms_conn_request(w->conn)->path;
}

const uint8_t *ms_web_body(struct ms_web *w, size_t *ret_len)
{
	return ms_conn_body(w->conn, ret_len);
}

uint64_t ms_web_body_announced(const struct ms_web *w)
{
	return ms_conn_request(w->conn)->content_length;
}

void ms_web_drop_body(struct ms_web *w)
{
	ms_conn_drop_body(w->conn);
}

/* Matches a path against a route; {key} is put into @key. */
static bool match(const char *pattern, const char *path, char key[MS_KEY_NAME_MAX + 1])
{
	while (*pattern && *path) {
		if (*pattern == '{') {
			size_t n = strcspn(path, "/");

			if (n == 0 || n > MS_KEY_NAME_MAX)
				return false;
			memcpy(key, path, n);
			key[n] = '\0';
			path += n;
			pattern = strchr(pattern, '}') + 1;
		} else if (*pattern == '*') {
			return true;
		} else if (*pattern++ != *path++) {
			return false;
		}
	}
	return !*pattern && !*path;
}

static void no_route(struct ms_web *w, bool other_method)
{
	struct ms_error err = {0};

	if (other_method)
		ms_error_set(&err, -EINVAL, "bad-method", "this path has no such method");
	else
		ms_error_set(
			&err, -ENOENT, "no-route",
			"there is nothing at this path: see modseald(8) for the API");
	ms_web_problem(w, -EINVAL, &err);
}

/* Return: NULL: no such path, or (@ret_other) no such method there. */
static const struct route *find_route(const struct ms_http_request *req,
				      char key[MS_KEY_NAME_MAX + 1], bool *ret_other)
{
	*ret_other = false;
	for (size_t i = 0; i < ARRAY_SIZE(routes); i++) {
		key[0] = '\0';
		if (!match(routes[i].path, req->path, key))
			continue;
		if (strcmp(routes[i].method, req->method) != 0)
			*ret_other = true;
		else
			return key[0] && !ms_key_name_valid(key) ? NULL : &routes[i];
	}
	return NULL;
}

static void too_large(struct ms_web *w, size_t max)
{
	struct ms_error err = {0};

	ms_error_set(&err, -EFBIG, "too-large",
		     "the request has %llu bytes, more than the %zu that are taken here",
		     (unsigned long long)ms_web_body_announced(w), max);
	ms_web_problem(w, -EFBIG, &err);
}

static bool takes_json(const struct route *r)
{
	return r->handler == ms_api_create || r->handler == ms_api_sign_digests ||
	       r->handler == ms_api_reseal || r->handler == ms_api_build_open ||
	       r->handler == ms_api_build_reject || r->handler == ms_api_revoke;
}

/* What says that it is something else is not looked at; curl says that it is a form. */
static bool wrong_type(const struct ms_web *w, const struct route *r)
{
	static const char *const good[] = {"", "application/json",
					   "application/x-www-form-urlencoded"};
	const char *type = ms_conn_request(w->conn)->content_type;

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		if (strcmp(type, good[i]) == 0)
			return false;
	return takes_json(r) && ms_web_body_announced(w) > 0;
}

/* RFC 9110, section 10.1.1: not to be passed over. */
static void refuse_expectation(struct ms_web *w)
{
	struct ms_error err = {0};

	ms_error_set(&err, -EINVAL, "bad-expectation",
		     "a certificate can be expected of /v1/keys/{key}/sign alone");
	ms_web_problem(w, -EINVAL, &err);
}

static void refuse_type(struct ms_web *w)
{
	struct ms_error err = {0};

	ms_error_set(&err, -EINVAL, "bad-content-type",
		     "this path takes a JSON text: send it as application/json");
	ms_web_problem(w, -EINVAL, &err);
}

/* The body is a module, as large as the configuration allows. */
static bool takes_module(const struct route *r)
{
	return r->handler == ms_api_sign || r->handler == ms_api_policy_explain;
}

static size_t route_max(const struct ms_front *f, const struct ms_identity *who,
			const struct route *r)
{
	if (!ms_identity_is_known(f->config, who))
		return STRANGERS_BODY_MAX;
	return takes_module(r) ? f->config->max_module : BODY_MAX;
}

size_t ms_web_body_max(const struct ms_front *f, const struct ms_identity *who,
		       const struct ms_http_request *req)
{
	char key[MS_KEY_NAME_MAX + 1];
	bool other;
	const struct route *r = find_route(req, key, &other);

	return r ? route_max(f, who, r) : 0;
}

static struct ms_web *web_new(struct ms_front *f, struct ms_conn *c)
{
	static const char full[] = "Content-Type: text/plain\r\nRetry-After: 1\r\n";
	struct ms_web *w = calloc(1, sizeof(*w));
	uint8_t id[16];

	if (!w || RAND_bytes(id, sizeof(id)) != 1) {
		free(w);
		ms_conn_answer(c, 503, full, NULL, 0);
		return NULL;
	}
	w->front = f;
	w->conn = c;
	w->who = *ms_conn_identity(c);
	ms_hex(id, sizeof(id), w->id);
	f->requests++;
	f->open++;
	return w;
}

void ms_web_refuse(struct ms_front *f, struct ms_conn *c, int rc,
		   const struct ms_error *err)
{
	struct ms_web *w = web_new(f, c);

	if (w)
		ms_web_problem(w, rc, err);
}

/* Signing says and records it itself, and to strangers both say that they are. */
static bool says_itself(const struct ms_web *w, const struct route *r)
{
	return r->handler == ms_api_sign ||
	       (r->handler == ms_api_policy_explain &&
		!ms_identity_is_known(w->front->config, &w->who));
}

void ms_web_request(struct ms_front *f, struct ms_conn *c)
{
	struct ms_web *w = web_new(f, c);
	const struct route *r;
	size_t max;
	bool other;

	if (!w)
		return;
	r = find_route(ms_conn_request(c), w->key, &other);
	if (!r) {
		w->key[0] = '\0';
		no_route(w, other);
		return;
	}
	max = route_max(f, &w->who, r);
	if (ms_web_body_announced(w) > max && !says_itself(w, r))
		too_large(w, max);
	else if (wrong_type(w, r))
		refuse_type(w);
	else if (ms_conn_request(c)->certificate[0] && r->handler != ms_api_sign)
		refuse_expectation(w);
	else
		r->handler(w);
}
