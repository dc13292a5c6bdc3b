/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/web.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http_struct.h>
#include <event2/listener.h>
#include <openssl/rand.h>
#include <sys/queue.h>
#include <syslog.h>
#include <time.h>

#include "lib/agent_client.h"
#include "lib/escape.h"
#include "lib/hash.h"
#include "signer/agent/identity.h"
#include "signer/agent/log.h"

#define REQUEST_TIMEOUT_S 60
#define TELL_AGAIN_S 60

struct route {
	enum evhttp_cmd_type method;
	const char *path; /* {key} stands for one path segment, * for all that follows */
	void (*handler)(struct ms_web *w);
};

static const struct route routes[] = {
	{EVHTTP_REQ_GET, "/healthz", ms_api_health},
	{EVHTTP_REQ_GET, "/readyz", ms_api_ready},
	{EVHTTP_REQ_GET, "/v1/whoami", ms_api_whoami},
	{EVHTTP_REQ_GET, "/v1/status", ms_api_status},
	{EVHTTP_REQ_GET, "/v1/keys", ms_api_keys},
	{EVHTTP_REQ_POST, "/v1/keys", ms_api_create},
	{EVHTTP_REQ_GET, "/v1/keys/{key}", ms_api_key},
	{EVHTTP_REQ_GET, "/v1/keys/{key}/certificate", ms_api_certificate},
	{EVHTTP_REQ_POST, "/v1/keys/{key}/sign", ms_api_sign},
	{EVHTTP_REQ_POST, "/v1/keys/{key}/sign-digests", ms_api_sign_digests},
	{EVHTTP_REQ_POST, "/v1/keys/{key}/unlock", ms_api_unlock},
	{EVHTTP_REQ_POST, "/v1/keys/{key}/import", ms_api_import},
	{EVHTTP_REQ_POST, "/v1/keys/{key}/csr", ms_api_csr},
	{EVHTTP_REQ_POST, "/v1/keys/{key}/install-certificate", ms_api_install_cert},
	{EVHTTP_REQ_POST, "/v1/keys/{key}/backup", ms_api_backup},
	{EVHTTP_REQ_POST, "/v1/keys/{key}/retire", ms_api_retire},
	{EVHTTP_REQ_POST, "/v1/keys/{key}/revoke", ms_api_revoke_key},
	{EVHTTP_REQ_POST, "/v1/keys/{key}/sign-efi", ms_api_sign_efi},
	{EVHTTP_REQ_GET, "/v1/log/checkpoint", ms_api_log_checkpoint},
	{EVHTTP_REQ_POST, "/v1/log/checkpoint", ms_api_log_make_checkpoint},
	{EVHTTP_REQ_GET, "/v1/log/vkey", ms_api_log_vkey},
	{EVHTTP_REQ_GET, "/v1/log/counter", ms_api_log_counter},
	{EVHTTP_REQ_GET, "/v1/log/entries", ms_api_log_entries},
	{EVHTTP_REQ_GET, "/v1/log/proof", ms_api_log_proof},
	{EVHTTP_REQ_GET, "/v1/log/consistency", ms_api_log_consistency},
	{EVHTTP_REQ_GET, "/v1/log/tile/*", ms_api_log_tile},
	{EVHTTP_REQ_GET, "/v1/builds", ms_api_builds},
	{EVHTTP_REQ_POST, "/v1/builds", ms_api_build_open},
	{EVHTTP_REQ_GET, "/v1/builds/{id}", ms_api_build},
	{EVHTTP_REQ_GET, "/v1/builds/{id}/modules", ms_api_build_modules},
	{EVHTTP_REQ_GET, "/v1/builds/{id}/manifest", ms_api_build_manifest},
	{EVHTTP_REQ_POST, "/v1/builds/{id}/approve", ms_api_build_approve},
	{EVHTTP_REQ_POST, "/v1/builds/{id}/reject", ms_api_build_reject},
	{EVHTTP_REQ_POST, "/v1/builds/{id}/close", ms_api_build_close},
	{EVHTTP_REQ_POST, "/v1/policy/check", ms_api_policy_check},
	{EVHTTP_REQ_GET, "/v1/policy/explain", ms_api_policy_explain},
	{EVHTTP_REQ_POST, "/v1/policy/explain", ms_api_policy_explain},
	{EVHTTP_REQ_POST, "/v1/reload", ms_api_reload},
	{EVHTTP_REQ_GET, "/v1/revocations", ms_api_revocations},
	{EVHTTP_REQ_POST, "/v1/revocations", ms_api_revoke},
};

/* ------------------------------------------------------------------- answers */

static void web_free(struct ms_web *w)
{
	w->front->open--;
	evhttp_clear_headers(&w->query);
	free(w);
}

static void add_header(struct ms_web *w, const char *name, const char *value)
{
	evhttp_add_header(evhttp_request_get_output_headers(w->req), name, value);
}

void ms_web_bytes(struct ms_web *w, int status, const char *type, const void *p, size_t n)
{
	struct evbuffer *out = evhttp_request_get_output_buffer(w->req);

	add_header(w, "Content-Type", type);
	add_header(w, "X-Request-Id", w->id);
	add_header(w, "Cache-Control", "no-store");
	if (evbuffer_add(out, p, n) < 0) {
		/* An answer cut short would be worse than none. */
		evbuffer_drain(out, evbuffer_get_length(out));
		status = 500;
	}
	ms_web_drop_body(w);
	evhttp_send_reply(w->req, status, NULL, NULL);
	web_free(w);
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

static bool wants_text(struct ms_web *w)
{
	const char *accept =
		evhttp_find_header(evhttp_request_get_input_headers(w->req), "Accept");

	return accept && strstr(accept, "text/plain");
}

void ms_web_problem(struct ms_web *w, int rc, const struct ms_error *err)
{
	const char *code = err->code[0] ? err->code : "internal";
	const char *msg = err->msg[0] ? err->msg : ms_strerror(rc);
	int status = status_of(rc, code);
	char text[sizeof(*err) + 4];
	_cleanup_free_ char *json = NULL;
	json_t *j;

	if (status == 503)
		add_header(w, "Retry-After", "1");
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
	return evhttp_find_header(&w->query, name);
}

const uint8_t *ms_web_body(struct ms_web *w, size_t *ret_len)
{
	struct evbuffer *in = evhttp_request_get_input_buffer(w->req);

	*ret_len = evbuffer_get_length(in);
	return *ret_len ? evbuffer_pullup(in, -1) : NULL;
}

void ms_web_drop_body(struct ms_web *w)
{
	struct evbuffer *in = evhttp_request_get_input_buffer(w->req);

	evbuffer_drain(in, evbuffer_get_length(in));
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

static void route(struct ms_web *w, const char *path)
{
	enum evhttp_cmd_type method = evhttp_request_get_command(w->req);
	bool other_method = false;

	for (size_t i = 0; i < ARRAY_SIZE(routes); i++) {
		if (!match(routes[i].path, path, w->key))
			continue;
		if (routes[i].method != method) {
			other_method = true;
			continue;
		}
		if (w->key[0] && !ms_key_name_valid(w->key))
			break;
		routes[i].handler(w);
		return;
	}
	no_route(w, other_method);
}

static int peer_fd(struct evhttp_request *req)
{
	struct evhttp_connection *con = evhttp_request_get_connection(req);

	return bufferevent_getfd(evhttp_connection_get_bufferevent(con));
}

static struct ms_web *web_new(struct ms_front *f, struct evhttp_request *req)
{
	struct ms_web *w = calloc(1, sizeof(*w));
	uint8_t id[16];

	if (!w)
		return NULL;
	TAILQ_INIT(&w->query);
	w->front = f;
	w->req = req;
	if (RAND_bytes(id, sizeof(id)) != 1 ||
	    ms_identity_of_peer(peer_fd(req), &w->who) < 0) {
		free(w);
		return NULL;
	}
	ms_hex(id, sizeof(id), w->id);
	f->requests++;
	f->open++;
	return w;
}

/* Of two parameters with one name somebody else may look at the other one. */
static bool has_twins(const struct evkeyvalq *query)
{
	const struct evkeyval *a, *b;

	TAILQ_FOREACH(a, query, next)
	{
		for (b = TAILQ_NEXT(a, next); b; b = TAILQ_NEXT(b, next))
			if (evutil_ascii_strcasecmp(a->key, b->key) == 0)
				return true;
	}
	return false;
}

static void on_request(struct evhttp_request *req, void *arg)
{
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(req);
	const char *path = uri ? evhttp_uri_get_path(uri) : NULL;
	const char *query = uri ? evhttp_uri_get_query(uri) : NULL;
	struct ms_web *w = web_new(arg, req);
	struct ms_error err = {0};

	if (!w) {
		evhttp_send_error(req, 503, NULL);
		return;
	}
	if (query && (evhttp_parse_query_str(query, &w->query) < 0 ||
		      strstr(query, "%00") || has_twins(&w->query))) {
		ms_error_set(&err, -EINVAL, "bad-request", "the query cannot be read");
		ms_web_problem(w, -EINVAL, &err);
		return;
	}
	route(w, path ? path : "");
}

/* -------------------------------------------------------------------- server */

/* Not of struct ms_front, as the listener's argument is evhttp's. */
static struct event *accept_again;

static void on_accept_again(evutil_socket_t fd, short what, void *arg)
{
	struct ms_front *f = arg;

	if (f->bound)
		evconnlistener_enable(evhttp_bound_socket_get_listener(f->bound));
}

/* Who waits to be accepted goes on waiting: to try at once would fail again, for ever. */
static void on_accept_error(struct evconnlistener *l, void *arg)
{
	static const struct timeval pause = {.tv_usec = 200 * 1000};
	static time_t told;
	struct timespec now;
	int e = errno;

	evconnlistener_disable(l);
	evtimer_add(accept_again, &pause);
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (told && now.tv_sec - told < TELL_AGAIN_S)
		return;
	told = now.tv_sec;
	ms_log(LOG_WARNING,
	       "cannot accept connections: %s: if these are honest clients, raise the "
	       "limit "
	       "(LimitNOFILE=)",
	       ms_strerror(e));
}

int ms_web_start(struct ms_front *f, int listen_fd)
{
	struct evhttp *server = evhttp_new(f->base);
	struct evconnlistener *l;

	accept_again = evtimer_new(f->base, on_accept_again, f);
	if (!server || !accept_again)
		return -ENOMEM;
	f->http = server;
	evhttp_set_max_headers_size(server, MS_HTTP_HEAD_MAX);
	/* The handlers refuse what is over the configured size with a sentence. */
	evhttp_set_max_body_size(server, (ev_ssize_t)MS_MODULE_MAX + (1 << 20));
	evhttp_set_timeout(server, REQUEST_TIMEOUT_S);
	evhttp_set_allowed_methods(server, EVHTTP_REQ_GET | EVHTTP_REQ_POST);
	(void)evhttp_set_flags(server, EVHTTP_SERVER_LINGERING_CLOSE);
	evhttp_set_gencb(server, on_request, f);
	evutil_make_socket_nonblocking(listen_fd);
	l = evconnlistener_new(f->base, NULL, NULL,
			       LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_CLOSE_ON_FREE, 0,
			       listen_fd);
	if (!l)
		return -ENOMEM;
	evconnlistener_set_error_cb(l, on_accept_error);
	f->bound = evhttp_bind_listener(server, l);
	return f->bound ? 0 : -ENOMEM;
}

void ms_web_stop(struct ms_front *f)
{
	if (f->bound)
		evhttp_del_accept_socket(f->http, f->bound);
	f->bound = NULL;
}
