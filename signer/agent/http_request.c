/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/http_request.h"

#include <ctype.h>
#include <errno.h>
#include <strings.h>

struct seen {
	bool http11, host, length, type, accept, expect, key;
};

static bool is_token_char(unsigned char c)
{
	return isalnum(c) || (c && strchr("!#$%&'*+-.^_`|~", c));
}

static bool is_token(const char *s)
{
	if (!*s)
		return false;
	for (; *s; s++)
		if (!is_token_char((unsigned char)*s))
			return false;
	return true;
}

/* ----------------------------------------------------------------------- query */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* In place; it only gets shorter. */
static int decode(char *s)
{
	char *out = s;

	for (; *s; s++) {
		if (*s == '+') {
			*out++ = ' ';
		} else if (*s == '%') {
			int hi = hex_digit(s[1]), lo = hi < 0 ? -1 : hex_digit(s[2]);

			if (lo < 0 || (hi | lo) == 0)
				return -EINVAL;
			*out++ = (char)(hi << 4 | lo);
			s += 2;
		} else {
			*out++ = *s;
		}
	}
	*out = '\0';
	return 0;
}

static int add_param(struct ms_http_request *r, char *name)
{
	char *value = strchr(name, '=');

	if (!value || value == name || r->n_params == MS_HTTP_PARAMS_MAX)
		return -EINVAL;
	*value++ = '\0';
	if (decode(name) < 0 || decode(value) < 0)
		return -EINVAL;
	/* Of two parameters with one name somebody else may look at the other one. */
	for (size_t i = 0; i < r->n_params; i++)
		if (strcasecmp(r->param[i].name, name) == 0)
			return -EINVAL;
	r->param[r->n_params++] = (struct ms_http_param){name, value};
	return 0;
}

static int parse_query(struct ms_http_request *r, char *query)
{
	while (query) {
		char *next = strchr(query, '&');

		if (next)
			*next++ = '\0';
		if (add_param(r, query) < 0)
			return -EINVAL;
		query = next;
	}
	return 0;
}

const char *ms_http_request_param(const struct ms_http_request *r, const char *name)
{
	for (size_t i = 0; i < r->n_params; i++)
		if (strcmp(r->param[i].name, name) == 0)
			return r->param[i].value;
	return NULL;
}

/* ----------------------------------------------------------------- first line */

static int parse_first(struct ms_http_request *r, char *line, struct seen *seen,
		       char **ret_query)
{
	char *target = strchr(line, ' ');
	char *version = target ? strchr(target + 1, ' ') : NULL;

	if (!version)
		return -EBADMSG;
	*target++ = '\0';
	*version++ = '\0';
	if (!is_token(line) || *target != '/' || strncmp(version, "HTTP/", 5) != 0)
		return -EBADMSG;
	if (strcmp(version, "HTTP/1.1") != 0 && strcmp(version, "HTTP/1.0") != 0)
		return -EPROTONOSUPPORT;
	for (const char *s = target; *s; s++)
		if ((unsigned char)*s <= 0x20 || (unsigned char)*s >= 0x7f || *s == '#')
			return -EBADMSG;
	r->method = line;
	r->path = target;
	r->keep_alive = seen->http11 = version[7] == '1';
	*ret_query = strchr(target, '?');
	if (*ret_query)
		*(*ret_query)++ = '\0';
	return 0;
}

/* --------------------------------------------------------------------- fields */

static int once(bool *seen)
{
	if (*seen)
		return -EBADMSG;
	*seen = true;
	return 0;
}

static int parse_length(struct ms_http_request *r, const char *v)
{
	size_t n = strlen(v);

	if (n == 0 || n > 18 || strspn(v, "0123456789") != n)
		return -EBADMSG;
	r->content_length = strtoull(v, NULL, 10);
	return 0;
}

/* Words of a list; only these two matter. */
static void parse_connection(struct ms_http_request *r, const char *v)
{
	while (*v) {
		size_t n = strcspn(v, ", \t");

		if (n == 5 && strncasecmp(v, "close", n) == 0)
			r->keep_alive = false;
		v += n + strspn(v + n, ", \t");
	}
}

static void parse_type(struct ms_http_request *r, char *v)
{
	v[strcspn(v, "; \t")] = '\0';
	for (char *s = v; *s; s++)
		*s = (char)tolower((unsigned char)*s);
	r->content_type = v;
}

static int parse_key(struct ms_http_request *r, const char *v)
{
	size_t n = strlen(v);

	if (n == 0 || n > MS_IDEMPOTENCY_MAX)
		return -EBADMSG;
	for (const char *s = v; *s; s++)
		if (!isalnum((unsigned char)*s) && !strchr("._:-", *s))
			return -EBADMSG;
	r->idempotency_key = v;
	return 0;
}

/* RFC 9110, section 10.1.1: what is not understood must not be passed over. */
static int parse_expect(struct ms_http_request *r, char *v)
{
	static const char certificate[] = "certificate=\"";
	size_t n = sizeof(certificate) - 1, len = strlen(v);

	if (strcasecmp(v, "100-continue") == 0) {
		r->expect = true;
		return 0;
	}
	if (len < n + 2 || strncasecmp(v, certificate, n) != 0 || v[len - 1] != '"')
		return -EBADMSG;
	v[len - 1] = '\0';
	r->certificate = v + n;
	return 0;
}

static int take_field(struct ms_http_request *r, const char *name, char *v,
		      struct seen *seen)
{
	if (strcasecmp(name, "Host") == 0)
		return once(&seen->host);
	if (strcasecmp(name, "Content-Length") == 0)
		return once(&seen->length) < 0 ? -EBADMSG : parse_length(r, v);
	if (strcasecmp(name, "Transfer-Encoding") == 0)
		return -ENOTSUP;
	if (strcasecmp(name, "Idempotency-Key") == 0)
		return once(&seen->key) < 0 ? -EBADMSG : parse_key(r, v);
	if (strcasecmp(name, "Expect") == 0)
		return once(&seen->expect) < 0 ? -EBADMSG : parse_expect(r, v);
	if (strcasecmp(name, "Content-Type") == 0) {
		if (once(&seen->type) < 0)
			return -EBADMSG;
		parse_type(r, v);
	} else if (strcasecmp(name, "Accept") == 0) {
		if (once(&seen->accept) < 0)
			return -EBADMSG;
		r->accept = v;
	} else if (strcasecmp(name, "Connection") == 0) {
		parse_connection(r, v);
	}
	return 0;
}

static int parse_field(struct ms_http_request *r, char *line, struct seen *seen)
{
	char *v = strchr(line, ':');
	size_t n;

	if (!v)
		return -EBADMSG;
	*v++ = '\0';
	if (!is_token(line))
		return -EBADMSG;
	v += strspn(v, " \t");
	n = strlen(v);
	while (n && (v[n - 1] == ' ' || v[n - 1] == '\t'))
		v[--n] = '\0';
	for (const char *s = v; *s; s++)
		if (((unsigned char)*s < 0x20 && *s != '\t') || *s == 0x7f)
			return -EBADMSG;
	return take_field(r, line, v, seen);
}

int ms_http_request_parse(char *p, size_t len, struct ms_http_request *ret)
{
	struct ms_http_request r = {.accept = "",
				    .content_type = "",
				    .idempotency_key = "",
				    .certificate = ""};
	char *end = p + len, *query = NULL;
	struct seen seen = {0};
	size_t n = 0;
	int rc;

	if (len < 4 || memcmp(end - 4, "\r\n\r\n", 4) != 0 || memchr(p, '\0', len))
		return -EBADMSG;
	for (end -= 2; p < end; n++) {
		char *eol = memmem(p, (size_t)(end - p), "\r\n", 2);

		if (!eol || n > MS_HTTP_FIELDS_MAX)
			return -EBADMSG;
		*eol = '\0';
		rc = n == 0 ? parse_first(&r, p, &seen, &query)
			    : parse_field(&r, p, &seen);
		if (rc < 0)
			return rc;
		p = eol + 2;
	}
	if (n == 0 || (seen.http11 && !seen.host))
		return -EBADMSG;
	if (query && parse_query(&r, query) < 0)
		return -EINVAL;
	*ret = r;
	return 0;
}
