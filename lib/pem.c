/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include "lib/pem.h"

static const char alphabet[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static int digit_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/*
 * A line "-----BEGIN label-----" from @from on: *ret_start is its first byte, *ret_end
 * the byte after the line. Only blanks may follow the marker.
 */
static bool find_line(const char *text, size_t len, size_t from, const char *word,
		      const char *label, size_t *ret_start, size_t *ret_end)
{
	char marker[96];
	int n = snprintf(marker, sizeof(marker), "-----%s %s-----", word, label);
	size_t m = (size_t)n;

	if (n < 0 || m >= sizeof(marker))
		return false;
	while (from < len && len - from >= m) {
		const char *hit = memmem(text + from, len - from, marker, m);
		size_t start, end;

		if (!hit)
			return false;
		start = (size_t)(hit - text);
		end = start + m;
		while (end < len && text[end] != '\n' && is_blank(text[end]))
			end++;
		if ((start == 0 || text[start - 1] == '\n' || text[start - 1] == '\r') &&
		    (end == len || text[end] == '\n' || text[end - 1] == '\r')) {
			*ret_start = start;
			*ret_end = end < len && text[end] == '\n' ? end + 1 : end;
			return true;
		}
		from = start + m;
	}
	return false;
}

/* RFC 4648 section 4: padding where it belongs, unused bits zero; blanks are skipped. */
static int decode(const char *p, size_t len, struct ms_buf *out)
{
	uint32_t bits = 0;
	unsigned int have = 0, pad = 0;

	for (size_t i = 0; i < len; i++) {
		int v;

		if (is_blank(p[i]))
			continue;
		if (p[i] == '=') {
			if (have + pad >= 4 || have < 2)
				return -EBADMSG;
			pad++;
			continue;
		}
		v = digit_value(p[i]);
		if (v < 0 || pad)
			return -EBADMSG;
		bits = bits << 6 | (uint32_t)v;
		if (++have == 4) {
			ms_buf_put_u8(out, (uint8_t)(bits >> 16));
			ms_buf_put_u8(out, (uint8_t)(bits >> 8));
			ms_buf_put_u8(out, (uint8_t)bits);
			bits = 0;
			have = 0;
		}
	}
	if (have == 0)
		return pad ? -EBADMSG : 0;
	if (have + pad != 4)
		return -EBADMSG;
	if (have == 2) {
		if (bits & 0xf)
			return -EBADMSG;
		ms_buf_put_u8(out, (uint8_t)(bits >> 4));
	} else {
		if (bits & 3)
			return -EBADMSG;
		ms_buf_put_u8(out, (uint8_t)(bits >> 10));
		ms_buf_put_u8(out, (uint8_t)(bits >> 2));
	}
	return 0;
}

int ms_pem_find(const char *text, size_t len, const char *label, struct ms_buf *out,
		size_t *ret_used)
{
	size_t begin, body, end, after, had = out->len;
	int r;

	if (!find_line(text, len, 0, "BEGIN", label, &begin, &body))
		return -ENODATA;
	if (!find_line(text, len, body, "END", label, &end, &after))
		return -EBADMSG;
	r = ms_buf_error(out);
	if (r < 0)
		return r;
	r = ms_buf_reserve(out, (end - body) / 4 * 3 + 3);
	if (r == -EFBIG) /* may be blanks only that would not fit: let the puts decide */
		out->err = 0;
	else if (r < 0)
		return r;
	r = decode(text + body, end - body, out);
	if (r == 0)
		r = ms_buf_error(out);
	if (r == 0 && out->len == had)
		r = -EBADMSG;
	if (r < 0) {
		out->len = had;
		return r;
	}
	*ret_used = after;
	return 0;
}

void ms_pem_put(struct ms_buf *out, const char *label, const uint8_t *der, size_t len)
{
	unsigned int column = 0;

	ms_buf_printf(out, "-----BEGIN %s-----\n", label);
	for (size_t i = 0; i < len; i += 3) {
		size_t n = MS_MIN(len - i, (size_t)3);
		uint32_t v = (uint32_t)der[i] << 16 |
			     (n > 1 ? (uint32_t)der[i + 1] << 8 : 0) |
			     (n > 2 ? der[i + 2] : 0);
		char quad[4] = {alphabet[v >> 18], alphabet[v >> 12 & 63],
				n > 1 ? alphabet[v >> 6 & 63] : '=',
				n > 2 ? alphabet[v & 63] : '='};

		ms_buf_put(out, quad, sizeof(quad));
		column += 4;
		if (column == 64) {
			ms_buf_put_u8(out, '\n');
			column = 0;
		}
	}
	if (column)
		ms_buf_put_u8(out, '\n');
	ms_buf_printf(out, "-----END %s-----\n", label);
}
