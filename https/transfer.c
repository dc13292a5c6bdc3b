/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "https/transfer.h"

#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>

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
 * struct ms_transfer - a handle
 * @q, @out: of the request that is under way
 * @failed: why no more of the answer was taken, or 0
 */
struct ms_transfer {
	CURL *curl;
	const struct ms_transfer_request *q;
	struct ms_buf *out;
	size_t got;
	int failed;
	char why[CURL_ERROR_SIZE];
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
	struct ms_transfer *t = arg;

	t->failed = n > t->q->max - t->got ? -EFBIG : ms_buf_reserve(t->out, n);
	if (t->failed)
		return 0;
	ms_buf_put(t->out, p, n);
	t->got += n;
	return n;
}

static size_t on_field(char *p, size_t size, size_t n, void *arg)
{
	const struct ms_transfer *t = arg;

	if (t->q->field)
		t->q->field(t->q->arg, p, n);
	return n;
}

/* A setting that this libcurl does not have must not be left out without a word. */
#define SET(option, value) (rc = rc ? rc : api.easy_setopt(t->curl, option, value))

static CURLcode set_up(struct ms_transfer *t, const struct ms_transfer_options *o)
{
	CURLcode rc = CURLE_OK;

	SET(CURLOPT_ERRORBUFFER, t->why);
	SET(CURLOPT_PROTOCOLS_STR, "https");
	SET(CURLOPT_REDIR_PROTOCOLS_STR, "https");
	SET(CURLOPT_FOLLOWLOCATION, o->redirects ? 1L : 0L);
	SET(CURLOPT_MAXREDIRS, (long)o->redirects);
	if (!o->proxy)
		SET(CURLOPT_PROXY, "");
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_SSLVERSION,
	    (long)(o->tls13 ? CURL_SSLVERSION_TLSv1_3 : CURL_SSLVERSION_TLSv1_2));
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	if (o->ca) {
		SET(CURLOPT_CAPATH, NULL);
		SET(CURLOPT_CAINFO, o->ca);
	}
	if (o->cert) {
		SET(CURLOPT_SSLCERT, o->cert);
		SET(CURLOPT_SSLKEY, o->key);
	}
	if (o->user_agent)
		SET(CURLOPT_USERAGENT, o->user_agent);
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long)o->connect_ms);
	SET(CURLOPT_TIMEOUT_MS, (long)o->whole_ms);
	SET(CURLOPT_WRITEFUNCTION, on_body);
	SET(CURLOPT_WRITEDATA, t);
	SET(CURLOPT_HEADERFUNCTION, on_field);
	SET(CURLOPT_HEADERDATA, t);
	return rc;
}

static int no_memory(struct ms_error *err)
{
	return ms_error_set(err, -ENOMEM, NULL, "out of memory");
}

int ms_transfer_new(const struct ms_transfer_options *o, struct ms_transfer **ret,
		    struct ms_error *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct ms_transfer *t;
	CURLcode rc;

	pthread_once(&once, load);
	if (!loaded)
		return ms_error_set(err, -ENOPKG, "no-libcurl",
				    "https needs libcurl.so.4 of version 7.85 or later: "
				    "install it");
	t = calloc(1, sizeof(*t));
	if (!t)
		return no_memory(err);
	t->curl = api.easy_init();
	rc = t->curl ? set_up(t, o) : CURLE_OUT_OF_MEMORY;
	if (rc == CURLE_OK) {
		*ret = t;
		return 0;
	}
	ms_transfer_free(t);
	if (rc == CURLE_OUT_OF_MEMORY)
		return no_memory(err);
	return ms_error_set(err, -ENOPKG, "no-libcurl",
			    "this libcurl cannot do what https needs: use 7.85 or "
			    "later, with OpenSSL");
}

void ms_transfer_free(struct ms_transfer *t)
{
	if (t && t->curl)
		api.easy_cleanup(t->curl);
	free(t);
}

static int put_fields(const struct ms_transfer_request *q, struct curl_slist **ret)
{
	struct curl_slist *list = api.slist_append(NULL, "Expect:"), *more;

	for (size_t i = 0; i < q->n_fields && list; i++) {
		more = api.slist_append(list, q->fields[i]);
		if (!more)
			api.slist_free_all(list);
		list = more;
	}
	if (!list)
		return -ENOMEM;
	*ret = list;
	return 0;
}

static CURLcode perform(struct ms_transfer *t, const struct curl_slist *fields)
{
	const struct ms_transfer_request *q = t->q;
	CURLcode rc = CURLE_OK;

	SET(CURLOPT_URL, q->url);
	SET(q->body ? CURLOPT_POST : CURLOPT_HTTPGET, 1L);
	if (q->body) {
		SET(CURLOPT_POSTFIELDS, q->body);
		SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)q->body_len);
	}
	SET(CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)q->max);
	SET(CURLOPT_HTTPHEADER, fields);
	if (rc == CURLE_OK)
		rc = api.easy_perform(t->curl);
	if (rc != CURLE_OK && !t->why[0])
		snprintf(t->why, sizeof(t->why), "%s", api.easy_strerror(rc));
	return rc;
}

static int as_errno(const struct ms_transfer *t, CURLcode rc)
{
	if (t->failed)
		return t->failed;
	switch (rc) {
	case CURLE_OK:
		return 0;
	case CURLE_FILESIZE_EXCEEDED:
		return -EFBIG;
	case CURLE_OUT_OF_MEMORY:
		return -ENOMEM;
	case CURLE_COULDNT_CONNECT:
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		return -ENETUNREACH;
	case CURLE_OPERATION_TIMEDOUT:
		return -ETIMEDOUT;
	case CURLE_PEER_FAILED_VERIFICATION:
		return -EACCES;
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CACERT_BADFILE:
		return -EINVAL;
	case CURLE_SSL_CONNECT_ERROR:
		return -EPROTO;
	case CURLE_GOT_NOTHING:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
		return -EPIPE;
	case CURLE_UNSUPPORTED_PROTOCOL:
		return -EPROTONOSUPPORT;
	case CURLE_TOO_MANY_REDIRECTS:
		return -ELOOP;
	default:
		return -EIO;
	}
}

int ms_transfer_run(struct ms_transfer *t, const struct ms_transfer_request *q,
		    struct ms_buf *out, struct ms_transfer_answer *ret)
{
	struct ms_transfer_answer answer = {0};
	struct curl_slist *fields;
	size_t had = out->len;
	long status = 0;
	char *type = NULL;
	int r = put_fields(q, &fields);

	t->why[0] = '\0';
	if (r < 0)
		return r;
	t->q = q;
	t->out = out;
	t->got = 0;
	t->failed = 0;
	r = as_errno(t, perform(t, fields));
	(void)api.easy_setopt(t->curl, CURLOPT_HTTPHEADER, NULL);
	api.slist_free_all(fields);
	t->q = NULL;
	if (r < 0) {
		out->len = had;
		return r;
	}
	(void)api.easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
	(void)api.easy_getinfo(t->curl, CURLINFO_CONTENT_TYPE, &type);
	answer.status = (unsigned int)status;
	answer.type = type;
	*ret = answer;
	return 0;
}

const char *ms_transfer_why(const struct ms_transfer *t)
{
	return t->why;
}
