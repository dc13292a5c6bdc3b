/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/client/log_line.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>

#include "lib/limits.h"

struct rest {
	char *p;
	size_t len;
};

static bool take(struct rest *r, const char *text)
{
	size_t n = strlen(text);

	if (r->len < n || memcmp(r->p, text, n) != 0)
		return false;
	r->p += n;
	r->len -= n;
	return true;
}

static bool drop_end(struct rest *r, const char *text)
{
	size_t n = strlen(text);

	if (r->len < n || memcmp(r->p + r->len - n, text, n) != 0)
		return false;
	r->len -= n;
	return true;
}

static bool take_number(struct rest *r, uint64_t *ret)
{
	uint64_t v = 0;
	size_t n = 0;

	for (; n < r->len && n < 19 && isdigit((unsigned char)r->p[n]); n++)
		v = v * 10 + (uint64_t)(r->p[n] - '0');
	if (n == 0 || r->p[0] == '0')
		return false;
	r->p += n;
	r->len -= n;
	*ret = v;
	return true;
}

static int nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool decode_hex(struct rest *r)
{
	if (r->len % 2)
		return false;
	for (size_t i = 0; i < r->len; i += 2) {
		int hi = nibble(r->p[i]), lo = nibble(r->p[i + 1]);

		if (hi < 0 || lo < 0)
			return false;
		r->p[i / 2] = (char)(hi << 4 | lo);
	}
	r->len /= 2;
	return true;
}

int ms_log_line_parse(char *line, size_t len, struct ms_log_line *ret)
{
	struct rest r = {.p = line, .len = len};
	uint64_t seq;

	if (!take(&r, "{\"seq\":") || !take_number(&r, &seq))
		return -EBADMSG;
	if (take(&r, ",\"hex\":\"")) {
		if (!drop_end(&r, "\"}") || !decode_hex(&r))
			return -EBADMSG;
	} else if (!take(&r, ",\"entry\":") || !drop_end(&r, "}")) {
		return -EBADMSG;
	}
	if (r.len > MS_RECORD_MAX)
		return -EBADMSG;
	*ret = (struct ms_log_line){.seq = seq, .bytes = r.p, .len = r.len};
	return 0;
}
