/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verifier/fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <strings.h>

#include "https/transfer.h"
#include "lib/escape.h"
#include "lib/file.h"

#define CONNECT_MS 20000u
#define WHOLE_MS 120000u
#define REDIRECTS_MAX 5u
#define WHY_MAX 512
#define FILE_SCHEME "file://"
#define HTTPS_SCHEME "https://"

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

static int fetch_error(const struct ms_transfer *t, int r, size_t max,
		       struct ms_error *err)
{
	char shown[WHY_MAX];

	ms_escape_str(ms_transfer_why(t), shown, sizeof(shown));
	switch (r) {
	case -EFBIG:
		return ms_error_set(err, r, "too-large", "larger than %zu MiB",
				    max >> 20);
	case -ENOMEM:
		return ms_error_set(err, r, NULL, "out of memory");
	case -ENETUNREACH:
		return ms_error_set(err, r, "no-connection",
				    "no connection: %s: is the network up?", shown);
	case -ETIMEDOUT:
		return ms_error_set(err, r, "timeout", "no whole answer in time: %s",
				    shown);
	case -EACCES:
		return ms_error_set(err, r, "tls",
				    "TLS: the server is not who it should be: %s: see "
				    "--cacert",
				    shown);
	case -EINVAL:
		return ms_error_set(err, r, "tls",
				    "TLS: cannot use the certificates of --cacert: %s",
				    shown);
	case -EPROTO:
		return ms_error_set(err, -EACCES, "tls", "TLS: %s", shown);
	case -EPROTONOSUPPORT:
		return ms_error_set(err, -EACCES, "redirect",
				    "redirected to something that is not https: %s",
				    shown);
	case -ELOOP:
		return ms_error_set(err, -EIO, "redirect",
				    "redirected more than five times");
	default:
		return ms_error_set(err, -EIO, "transfer", "the transfer failed: %s",
				    shown);
	}
}

static int fetch_https(const char *url, const char *cacert, struct ms_buf *out,
		       struct ms_error *err)
{
	const struct ms_transfer_options options = {.ca = cacert,
						    .proxy = true,
						    .redirects = REDIRECTS_MAX,
						    .user_agent =
							    "modseal-verify/" MS_VERSION,
						    .connect_ms = CONNECT_MS,
						    .whole_ms = WHOLE_MS};
	const struct ms_transfer_request q = {.url = url, .max = out->max - out->len};
	struct ms_transfer_answer answer;
	struct ms_transfer *t;
	int r = ms_transfer_new(&options, &t, err);

	if (r < 0)
		return r;
	r = ms_transfer_run(t, &q, out, &answer);
	if (r < 0)
		r = fetch_error(t, r, out->max, err);
	else if (answer.status != 200)
		r = ms_error_set(err, -ENOENT, "http-status",
				 "the server answered with status %u, not 200",
				 answer.status);
	ms_transfer_free(t);
	return r;
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
