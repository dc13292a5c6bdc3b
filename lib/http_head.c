/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The head of an HTTP/1.1 answer (RFC 9112), parsed strictly: what two readers could
 * understand in two ways is refused.
 */
#include <ctype.h>
#include <errno.h>
#include <strings.h>
#include "lib/http.h"
#include "lib/limits.h"

struct piece {
	const char *p;
	size_t len;
};

struct seen {
	bool length, connection;
};

static bool is_token_char(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z') || (c && strchr("!#$%&'*+-.^_`|~", c));
}

static bool is_field_char(unsigned char c)
{
	return c == '\t' || (c >= 0x20 && c != 0x7f);
}

static bool name_is(struct piece name, const char *want)
{
	return name.len == strlen(want) && strncasecmp(name.p, want, name.len) == 0;
}

static int parse_status_line(struct piece line, struct ms_http_head *h)
{
	unsigned int status = 0;

	if (line.len < 12 || memcmp(line.p, "HTTP/1.", 7) != 0 ||
	    (line.p[7] != '0' && line.p[7] != '1') || line.p[8] != ' ')
		return -EBADMSG;
	for (int i = 9; i < 12; i++) {
		if (line.p[i] < '0' || line.p[i] > '9')
			return -EBADMSG;
		status = status * 10 + (unsigned int)(line.p[i] - '0');
	}
	if (status < 100 || status > 599 || (line.len > 12 && line.p[12] != ' '))
		return -EBADMSG;
	for (size_t i = 12; i < line.len; i++)
		if (!is_field_char((unsigned char)line.p[i]))
			return -EBADMSG;
	h->status = status;
	h->keep_alive = line.p[7] == '1';
	return 0;
}

static int parse_length(struct piece v, struct ms_http_head *h, struct seen *seen)
{
	uint64_t n = 0;

	if (v.len == 0 || v.len > 18 || seen->length)
		return -EBADMSG;
	for (size_t i = 0; i < v.len; i++) {
		if (v.p[i] < '0' || v.p[i] > '9')
			return -EBADMSG;
		n = n * 10 + (uint64_t)(v.p[i] - '0');
	}
	h->content_length = n;
	seen->length = true;
	return 0;
}

/* Words of a comma-separated list; only these two matter to a client. */
static void parse_connection(struct piece v, struct ms_http_head *h)
{
	size_t i = 0;

	while (i < v.len) {
		struct piece word = {v.p + i, 0};

		while (i < v.len && v.p[i] != ',')
			i++;
		word.len = (size_t)(v.p + i - word.p);
		while (word.len && (*word.p == ' ' || *word.p == '\t'))
			word.p++, word.len--;
		while (word.len &&
		       (word.p[word.len - 1] == ' ' || word.p[word.len - 1] == '\t'))
			word.len--;
		if (name_is(word, "close"))
			h->keep_alive = false;
		i++;
	}
}

static void parse_type(struct piece v, struct ms_http_head *h)
{
	size_t n = 0;

	while (n < v.len && v.p[n] != ';' && v.p[n] != ' ' && v.p[n] != '\t')
		n++;
	h->content_type[0] = '\0';
	if (n >= sizeof(h->content_type))
		return;
	for (size_t i = 0; i < n; i++)
		h->content_type[i] = (char)tolower((unsigned char)v.p[i]);
	h->content_type[n] = '\0';
}

/* It goes into messages, so only what is plain there is taken. */
static void parse_request_id(struct piece v, struct ms_http_head *h)
{
	h->request_id[0] = '\0';
	if (v.len >= sizeof(h->request_id))
		return;
	for (size_t i = 0; i < v.len; i++)
		if (!isalnum((unsigned char)v.p[i]) && v.p[i] != '-' && v.p[i] != '_' &&
		    v.p[i] != '.')
			return;
	memcpy(h->request_id, v.p, v.len);
	h->request_id[v.len] = '\0';
}

static int parse_field(struct piece line, struct ms_http_head *h, struct seen *seen)
{
	struct piece name = {line.p, 0}, value;

	while (name.len < line.len && is_token_char((unsigned char)line.p[name.len]))
		name.len++;
	if (name.len == 0 || name.len == line.len || line.p[name.len] != ':')
		return -EBADMSG;
	value = (struct piece){line.p + name.len + 1, line.len - name.len - 1};
	while (value.len && (*value.p == ' ' || *value.p == '\t'))
		value.p++, value.len--;
	while (value.len &&
	       (value.p[value.len - 1] == ' ' || value.p[value.len - 1] == '\t'))
		value.len--;
	for (size_t i = 0; i < value.len; i++)
		if (!is_field_char((unsigned char)value.p[i]))
			return -EBADMSG;

	if (name_is(name, "Content-Length"))
		return parse_length(value, h, seen);
	if (name_is(name, "Transfer-Encoding"))
		return -EBADMSG;
	if (name_is(name, "Connection"))
		parse_connection(value, h);
	else if (name_is(name, "Expectation-Met"))
		h->certificate = name_is(value, "certificate");
	else if (name_is(name, "Content-Type"))
		parse_type(value, h);
	else if (name_is(name, "X-Request-Id"))
		parse_request_id(value, h);
	return 0;
}

/* 204 and 304 have no body (RFC 9110, 6.4.1), and neither has an interim answer. */
static bool needs_length(unsigned int status)
{
	return status >= 200 && status != 204 && status != 304;
}

/* Not a whole head yet: what is there must at least look like the start of one. */
static int check_start(const uint8_t *p, size_t len)
{
	static const char start[] = "HTTP/1.";

	if (memcmp(p, start, MS_MIN(len, sizeof(start) - 1)) != 0)
		return -EBADMSG;
	return len >= MS_HTTP_HEAD_MAX ? -EFBIG : -EAGAIN;
}

int ms_http_head_parse(const uint8_t *p, size_t len, struct ms_http_head *ret,
		       size_t *ret_used)
{
	struct ms_http_head h = {0};
	struct seen seen = {0};
	const char *text = (const char *)p;
	const char *end;
	size_t pos = 0, used;

	if (!p || len == 0)
		return -EAGAIN;
	end = memmem(p, MS_MIN(len, (size_t)MS_HTTP_HEAD_MAX), "\r\n\r\n", 4);
	if (!end)
		return check_start(p, len);
	used = (size_t)(end - text) + 4;
	while (pos < used - 2) {
		const char *eol = memmem(text + pos, used - pos, "\r\n", 2);
		struct piece line = {text + pos, (size_t)(eol - (text + pos))};
		int r = pos == 0 ? parse_status_line(line, &h)
				 : parse_field(line, &h, &seen);

		if (r < 0)
			return r;
		pos += line.len + 2;
	}
	if (needs_length(h.status)) {
		if (!seen.length)
			return -EBADMSG;
	} else if (h.content_length) {
		return -EBADMSG;
	}
	*ret = h;
	*ret_used = used;
	return 0;
}
