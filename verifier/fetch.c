/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verifier/fetch.h"

#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <strings.h>

#include "lib/escape.h"
#include "lib/file.h"

#define CONNECT_MS 20000L
#define WHOLE_MS 120000L
#define REDIRECTS_MAX 5L
#define FILE_SCHEME "file://"
#define HTTPS_SCHEME "https://"

/* What is used of libcurl. */
static struct {
	CURLcode (*global_init)(long flags);
	CURL *(*easy_init)(void);
	CURLcode (*easy_setopt)(CURL *curl, CURLoption option, ...);
	CURLcode (*easy_perform)(CURL *curl);
	CURLcode (*easy_getinfo)(CURL *curl, CURLINFO info, ...);
	void (*easy_cleanup)(CURL *curl);
	const char *(*easy_strerror)(CURLcode code);
} api;

/**
 * struct fetching - one document on its way
 */
struct fetching {
	CURL *curl;
	struct ms_buf *out;
	char why[CURL_ERROR_SIZE];
	bool too_large;
};

static bool load(void)
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
	};
	static bool loaded;
	void *library;

	if (loaded)
		return true;
	library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
	for (size_t i = 0; library && i < ARRAY_SIZE(symbols); i++) {
		void *p = dlsym(library, symbols[i].name);

		if (!p)
			return false;
		memcpy(symbols[i].to, &p, sizeof(p));
	}
	loaded = library && api.global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
	return loaded;
}

static bool begins(const char *s, const char *with)
{
	return strncasecmp(s, with, strlen(with)) == 0;
}

int ms_fetch_check(const char *url, struct ms_error *err)
{
	const char *host = url + strlen(HTTPS_SCHEME);
	char shown[256];

	ms_escape_str(url, shown, sizeof(shown));
	if (strlen(url) >= MS_FETCH_URL_MAX)
		return ms_error_set(err, -EINVAL, "bad-url", "%s: too long", shown);
	for (const char *p = url; *p; p++)
		if ((unsigned char)*p <= ' ' || (unsigned char)*p >= 0x7f)
			return ms_error_set(err, -EINVAL, "bad-url",
					    "%s: a URL has no blanks and only ASCII",
					    shown);
	if (begins(url, FILE_SCHEME "/"))
		return 0;
	if (!begins(url, HTTPS_SCHEME))
		return ms_error_set(err, -EINVAL, "bad-url",
				    "%s: must begin with https:// or, for a file, "
				    "file:///",
				    shown);
	if (!host[strcspn(host, "/?#")] && !*host)
		return ms_error_set(err, -EINVAL, "bad-url", "%s: names no host", shown);
	if (memchr(host, '@', strcspn(host, "/?#")))
		return ms_error_set(err, -EINVAL, "bad-url",
				    "a URL with a user name or a password would show it "
				    "to everybody");
	return 0;
}

static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
	struct fetching *f = arg;

	if (ms_buf_reserve(f->out, n) < 0) {
		f->too_large = f->out->err == -EFBIG;
		return 0;
	}
	ms_buf_put(f->out, p, n);
	return n;
}

/* A setting that this libcurl does not have must not be left out without a word. */
static int set_up(struct fetching *f, const char *url, const char *cacert)
{
	CURLcode rc = CURLE_OK;
	CURL *h = f->curl;

#define SET(option, value) (rc = rc ? rc : api.easy_setopt(h, option, value))
	SET(CURLOPT_ERRORBUFFER, f->why);
	SET(CURLOPT_URL, url);
	SET(CURLOPT_PROTOCOLS_STR, "https");
	SET(CURLOPT_REDIR_PROTOCOLS_STR, "https");
	SET(CURLOPT_FOLLOWLOCATION, 1L);
	SET(CURLOPT_MAXREDIRS, REDIRECTS_MAX);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	SET(CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
	SET(CURLOPT_TIMEOUT_MS, WHOLE_MS);
	SET(CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)(f->out->max - f->out->len));
	SET(CURLOPT_USERAGENT, "modseal-verify/" MS_VERSION);
	SET(CURLOPT_WRITEFUNCTION, on_body);
	SET(CURLOPT_WRITEDATA, f);
	if (cacert) {
		SET(CURLOPT_CAPATH, NULL);
		SET(CURLOPT_CAINFO, cacert);
	}
#undef SET
	return rc == CURLE_OK ? 0 : -ENOPKG;
}

static int too_large(const struct fetching *f, struct ms_error *err)
{
	return ms_error_set(err, -EFBIG, "too-large", "larger than %zu MiB",
			    f->out->max >> 20);
}

static int fetch_error(const struct fetching *f, CURLcode rc, struct ms_error *err)
{
	char shown[2 * CURL_ERROR_SIZE];

	ms_escape_str(f->why[0] ? f->why : api.easy_strerror(rc), shown, sizeof(shown));
	if (f->too_large || rc == CURLE_FILESIZE_EXCEEDED)
		return too_large(f, err);
	switch (rc) {
	case CURLE_OUT_OF_MEMORY:
		return ms_error_set(err, -ENOMEM, NULL, "out of memory");
	case CURLE_COULDNT_CONNECT:
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		return ms_error_set(err, -ENETUNREACH, "no-connection",
				    "no connection: %s: is the network up?", shown);
	case CURLE_OPERATION_TIMEDOUT:
		return ms_error_set(err, -ETIMEDOUT, "timeout",
				    "no whole answer in time: %s", shown);
	case CURLE_PEER_FAILED_VERIFICATION:
		return ms_error_set(err, -EACCES, "tls",
				    "TLS: the server is not who it should be: %s: see "
				    "--cacert",
				    shown);
	case CURLE_SSL_CACERT_BADFILE:
		return ms_error_set(err, -EINVAL, "tls",
				    "TLS: cannot use the certificates of --cacert: %s",
				    shown);
	case CURLE_SSL_CONNECT_ERROR:
		return ms_error_set(err, -EACCES, "tls", "TLS: %s", shown);
	case CURLE_UNSUPPORTED_PROTOCOL:
		return ms_error_set(err, -EACCES, "redirect",
				    "redirected to something that is not https: %s",
				    shown);
	case CURLE_TOO_MANY_REDIRECTS:
		return ms_error_set(err, -EIO, "redirect",
				    "redirected more than five times");
	default:
		return ms_error_set(err, -EIO, "transfer", "the transfer failed: %s",
				    shown);
	}
}

static int perform(struct fetching *f, struct ms_error *err)
{
	CURLcode rc = api.easy_perform(f->curl);
	long status = 0;

	if (rc != CURLE_OK)
		return fetch_error(f, rc, err);
	(void)api.easy_getinfo(f->curl, CURLINFO_RESPONSE_CODE, &status);
	if (status != 200)
		return ms_error_set(err, -ENOENT, "http-status",
				    "the server answered with status %ld, not 200",
				    status);
	return 0;
}

static int fetch_https(const char *url, const char *cacert, struct ms_buf *out,
		       struct ms_error *err)
{
	struct fetching f = {.out = out};
	int rc;

	if (!load())
		return ms_error_set(err, -ENOPKG, "no-libcurl",
				    "https needs libcurl.so.4 of version 7.85 or later: "
				    "install it");
	f.curl = api.easy_init();
	if (!f.curl)
		return ms_error_set(err, -ENOMEM, NULL, "out of memory");
	if (set_up(&f, url, cacert) < 0)
		rc = ms_error_set(err, -ENOPKG, "no-libcurl",
				  "this libcurl cannot do what https needs: use 7.85 or "
				  "later");
	else
		rc = perform(&f, err);
	api.easy_cleanup(f.curl);
	return rc;
}

static int fetch_file(const char *path, struct ms_buf *out, struct ms_error *err)
{
	_cleanup_file_ struct ms_file file = {0};
	int rc = ms_file_read(AT_FDCWD, path, out->max - out->len, 0, &file, err);

	if (rc < 0)
		return rc;
	ms_buf_put(out, file.data, file.len);
	rc = ms_buf_error(out);
	return rc ? ms_error_set(err, rc, NULL, "%s", ms_strerror(rc)) : 0;
}

int ms_fetch(const char *url, const char *cacert, struct ms_buf *out,
	     struct ms_error *err)
{
	int rc = ms_fetch_check(url, err);

	if (rc < 0)
		return rc;
	if (begins(url, FILE_SCHEME))
		return fetch_file(url + strlen(FILE_SCHEME), out, err);
	return fetch_https(url, cacert, out, err);
}
