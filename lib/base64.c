/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include "lib/base64.h"

/* What each character is worth, and one more; 0: nothing. */
static const uint8_t worth[256] = {
	['A'] = 1,  ['B'] = 2,	['C'] = 3,  ['D'] = 4,	['E'] = 5,  ['F'] = 6,
	['G'] = 7,  ['H'] = 8,	['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12,
	['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16, ['Q'] = 17, ['R'] = 18,
	['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
	['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30,
	['e'] = 31, ['f'] = 32, ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36,
	['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40, ['o'] = 41, ['p'] = 42,
	['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
	['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54,
	['2'] = 55, ['3'] = 56, ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60,
	['8'] = 61, ['9'] = 62, ['+'] = 63, ['/'] = 64,
};

static int digit_value(char c)
{
	return worth[(uint8_t)c] - 1;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static int decode(const char *p, size_t len, bool blanks, struct ms_buf *out)
{
	uint32_t bits = 0;
	unsigned int have = 0, pad = 0;

	for (size_t i = 0; i < len; i++) {
		int v;

		if (blanks && is_blank(p[i]))
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

int ms_base64_decode(const char *text, size_t len, bool blanks, struct ms_buf *out)
{
	size_t had = out->len;
	int r = ms_buf_error(out);

	if (r < 0)
		return r;
	r = ms_buf_reserve(out, len / 4 * 3 + 3);
	if (r == -EFBIG) /* may be blanks only that would not fit: let the puts decide */
		out->err = 0;
	else if (r < 0)
		return r;
	r = decode(text, len, blanks, out);
	if (r == 0)
		r = ms_buf_error(out);
	if (r == 0 && out->len == had)
		r = -EBADMSG;
	if (r < 0)
		out->len = had;
	return r;
}

void ms_base64_put(struct ms_buf *out, const uint8_t *p, size_t len, unsigned int line)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	unsigned int column = 0;

	for (size_t i = 0; i < len; i += 3) {
		size_t n = MS_MIN(len - i, (size_t)3);
		uint32_t v = (uint32_t)p[i] << 16 |
			     (n > 1 ? (uint32_t)p[i + 1] << 8 : 0) |
			     (n > 2 ? p[i + 2] : 0);
		char quad[4] = {alphabet[v >> 18], alphabet[v >> 12 & 63],
				n > 1 ? alphabet[v >> 6 & 63] : '=',
				n > 2 ? alphabet[v & 63] : '='};

		ms_buf_put(out, quad, sizeof(quad));
		column += 4;
		if (line && column >= line) {
			ms_buf_put_u8(out, '\n');
			column = 0;
		}
	}
	if (line && column)
		ms_buf_put_u8(out, '\n');
}
