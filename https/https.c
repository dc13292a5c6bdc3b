/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "https/https.h"

#include <ctype.h>
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <strings.h>

#include "lib/escape.h"

#define CONNECT_MS 10000L

/* What is used of libcurl. */
static struct {
	CURLcode (*global_init)(long flags);
	CURL *(*easy_init)(void);
	CURLcode (*easy_setopt)(CURL *curl, CURLoption option, ...);
	CURLcode (*easy_perform)(CURL *curl);
	CURLcode (*easy_getinfo)(CURL *curl, CURLINFO info, ...);
	void (*easy_cleanup)(CURL *curl);
	const char *(*easy_strerror)(CURLcode code);
	struct curl_slist *(*slist_append)(struct curl_slist *list, const char *text);
	void (*slist_free_all)(struct curl_slist *list);
} api;

static bool loaded;

/**
 * struct via - one connection
 * @head: of the answer that is coming; @out: where its body goes
 */
struct via {
	CURL *curl;
	char base[MS_PATH_MAX];
	char why[CURL_ERROR_SIZE];
	struct ms_http_head head;
	struct ms_buf *out;
	bool too_large;
};

static void load(void)
{
	static const struct {
		const char *name;
		void *to;
	} symbols[] = {
		{"curl_global_init", &api.global_init},
		{"curl_easy_init", &api.easy_init},
		{"curl_easy_setopt", &api.easy_setopt},
		{"curl_easy_perform", &api.easy_perform},
		{"curl_easy_getinfo", &api.easy_getinfo},
		{"curl_easy_cleanup", &api.easy_cleanup},
		{"curl_easy_strerror", &api.easy_strerror},
		{"curl_slist_append", &api.slist_append},
		{"curl_slist_free_all", &api.slist_free_all},
	};
	void *library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);

	if (!library)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(symbols); i++) {
		void *p = dlsym(library, symbols[i].name);

		if (!p)
			return;
		memcpy(symbols[i].to, &p, sizeof(p));
	}
	loaded = api.global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
	struct via *v = arg;

	if (v->out->len + n > MS_HTTP_ANSWER_MAX || ms_buf_reserve(v->out, n) < 0) {
		v->too_large = true;
		return 0;
	}
	ms_buf_put(v->out, p, n);
	return n;
}

/* As lib/http_head.c takes it: what goes into messages is plain. */
static size_t on_field(char *p, size_t size, size_t n, void *arg)
{
	static const char name[] = "X-Request-Id:";
	struct via *v = arg;
	size_t i = sizeof(name) - 1, len = 0;

	if (n <= i || strncasecmp(p, name, i) != 0)
		return n;
	while (i < n && p[i] == ' ')
		i++;
	while (i < n && len < sizeof(v->head.request_id) - 1 &&
	       (isalnum((unsigned char)p[i]) || p[i] == '-'))
		v->head.request_id[len++] = p[i++];
	v->head.request_id[len] = '\0';
	return n;
}

/* A setting that this libcurl does not have must not be left out without a word. */
static int set_up(struct via *v, const struct ms_client_config *c, unsigned int timeout)
{
	CURLcode rc = CURLE_OK;
	CURL *h = v->curl;

#define SET(option, value) (rc = rc ? rc : api.easy_setopt(h, option, value))
	SET(CURLOPT_ERRORBUFFER, v->why);
	SET(CURLOPT_PROTOCOLS_STR, "https");
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_PROXY, "");
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_3);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	SET(CURLOPT_CAPATH, NULL);
	SET(CURLOPT_CAINFO, c->tls_ca);
	SET(CURLOPT_SSLCERT, c->tls_cert);
	SET(CURLOPT_SSLKEY, c->tls_key);
	SET(CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
	SET(CURLOPT_TIMEOUT_MS, (long)timeout);
	SET(CURLOPT_WRITEFUNCTION, on_body);
	SET(CURLOPT_WRITEDATA, v);
	SET(CURLOPT_HEADERFUNCTION, on_field);
	SET(CURLOPT_HEADERDATA, v);
#undef SET
	return rc == CURLE_OK ? 0 : -ENOPKG;
}

static int call_error(const struct via *v, CURLcode rc, struct ms_error *err)
{
	const char *why = v->why[0] ? v->why : api.easy_strerror(rc);
	char shown[CURL_ERROR_SIZE + 64];

	ms_escape_str(why, shown, sizeof(shown));
	if (v->too_large)
		return ms_error_set(err, -EFBIG, "bad-answer",
				    "the agent's answer is larger than expected");
	switch (rc) {
	case CURLE_COULDNT_CONNECT:
	case CURLE_COULDNT_RESOLVE_HOST:
		return ms_error_set(err, -ECONNREFUSED, "no-agent",
				    "no agent at %s: %s: is [tls] on there?", v->base,
				    shown);
	case CURLE_OPERATION_TIMEDOUT:
		return ms_error_set(err, -ETIMEDOUT, "agent-timeout",
				    "the agent at %s did not answer in time: %s", v->base,
				    shown);
	case CURLE_PEER_FAILED_VERIFICATION:
		return ms_error_set(err, -EACCES, "tls-agent",
				    "what answers at %s is not the agent: %s: see tls-ca "
				    "in modseal.conf",
				    v->base, shown);
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CACERT_BADFILE:
		return ms_error_set(err, -EINVAL, "tls-files",
				    "cannot use tls-ca, tls-cert and tls-key: %s", shown);
	case CURLE_GOT_NOTHING:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
		if (strcasestr(why, "alert"))
			return ms_error_set(err, -EACCES, "tls-refused",
					    "the agent at %s refused our certificate: %s",
					    v->base, shown);
		return ms_error_set(err, -EPIPE, "agent-gone",
				    "the agent at %s hung up without an answer: it takes "
				    "our certificate no more, or was ended: its log has "
				    "the reason",
				    v->base);
	default:
		return ms_error_set(err, -EIO, "tls",
				    "no answer from the agent at %s: %s", v->base, shown);
	}
}

static int put_fields(struct curl_slist **list, const struct ms_http *h,
		      const char *accept, const char *body_type)
{
	const char *const names[] = {"Accept", "Content-Type", "Idempotency-Key"};
	const char *const values[] = {accept, body_type, h->idempotency_key};
	struct curl_slist *l = api.slist_append(NULL, "Expect:"), *more;
	char field[300];

	for (size_t i = 0; i < ARRAY_SIZE(names) && l; i++) {
		snprintf(field, sizeof(field), "%s:%s%s", names[i], values[i] ? " " : "",
			 values[i] ? values[i] : "");
		more = api.slist_append(l, field);
		if (!more)
			api.slist_free_all(l);
		l = more;
	}
	*list = l;
	return l ? 0 : -ENOMEM;
}

static void take_head(struct via *v)
{
	char *type = NULL;
	long status = 0;
	size_t n;

	(void)api.easy_getinfo(v->curl, CURLINFO_RESPONSE_CODE, &status);
	(void)api.easy_getinfo(v->curl, CURLINFO_CONTENT_TYPE, &type);
	v->head.status = (unsigned int)status;
	v->head.content_length = v->out->len;
	v->head.keep_alive = true;
	n = type ? strcspn(type, "; \t") : 0;
	if (n < sizeof(v->head.content_type))
		for (size_t i = 0; i < n; i++)
			v->head.content_type[i] = (char)tolower((unsigned char)type[i]);
}

static int via_call(struct ms_http *h, const char *method, const char *target,
		    const char *accept, const char *body_type, const struct iovec *body,
		    int n, struct ms_http_head *ret_head, struct ms_buf *out,
		    struct ms_error *err)
{
	_cleanup_buf_ struct ms_buf all = MS_BUF_INIT(MS_MODULE_MAX);
	_cleanup_buf_ struct ms_buf url = MS_BUF_INIT(2 * MS_PATH_MAX);
	struct curl_slist *fields = NULL;
	struct via *v = h->via_arg;
	bool post = strcmp(method, "POST") == 0;
	size_t had = out->len;
	CURLcode rc;
	int r;

	for (int i = 0; i < n; i++)
		ms_buf_put(&all, body[i].iov_base, body[i].iov_len);
	ms_buf_printf(&url, "%s%s", v->base, target);
	r = ms_buf_error(&all);
	if (r == 0)
		r = ms_buf_cstr(&url) ? put_fields(&fields, h, accept, body_type)
				      : -ENOMEM;
	if (r < 0)
		return ms_error_set(err, r, NULL, "request: %s", ms_strerror(r));
	v->head = (struct ms_http_head){0};
	v->why[0] = '\0';
	v->too_large = false;
	v->out = out;
	api.easy_setopt(v->curl, CURLOPT_URL, ms_buf_cstr(&url));
	api.easy_setopt(v->curl, post ? CURLOPT_POST : CURLOPT_HTTPGET, 1L);
	if (post) {
		api.easy_setopt(v->curl, CURLOPT_POSTFIELDS,
				all.len ? (char *)all.data : "");
		api.easy_setopt(v->curl, CURLOPT_POSTFIELDSIZE_LARGE,
				(curl_off_t)all.len);
	}
	api.easy_setopt(v->curl, CURLOPT_HTTPHEADER, fields);
	rc = api.easy_perform(v->curl);
	api.easy_setopt(v->curl, CURLOPT_HTTPHEADER, NULL);
	api.slist_free_all(fields);
	if (rc != CURLE_OK) {
		out->len = had;
		return call_error(v, rc, err);
	}
	take_head(v);
	*ret_head = v->head;
	return 0;
}

static void via_close(struct ms_http *h)
{
	struct via *v = h->via_arg;

	if (v->curl)
		api.easy_cleanup(v->curl);
	free(v);
}

static const struct ms_http_via https = {via_call, via_close};

int ms_https_open(struct ms_http *h, const struct ms_client_config *c,
		  unsigned int timeout_ms, struct ms_error *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	char file[256];
	struct via *v;

	*h = (struct ms_http){.fd = -1, .timeout_ms = timeout_ms};
	if (!c->tls_ca[0] || !c->tls_cert[0] || !c->tls_key[0])
		return ms_error_set(err, -EINVAL, "tls-files",
				    "%s needs tls-ca, tls-cert and tls-key in %s",
				    c->agent, ms_client_config_path(file, sizeof(file)));
	pthread_once(&once, load);
	if (!loaded)
		return ms_error_set(err, -ENOPKG, "no-libcurl",
				    "https needs libcurl.so.4 of version 7.85 or later: "
				    "install it");
	v = calloc(1, sizeof(*v));
	if (!v)
		return ms_error_set(err, -ENOMEM, NULL, "out of memory");
	h->via = &https;
	h->via_arg = v;
	memcpy(v->base, c->agent, strlen(c->agent) + 1);
	v->curl = api.easy_init();
	if (!v->curl || set_up(v, c, timeout_ms) < 0) {
		ms_http_close(h);
		return ms_error_set(
			err, -ENOPKG, "no-libcurl",
			"this libcurl cannot do what https needs: use 7.85 or "
			"later, with OpenSSL");
	}
	return 0;
}
