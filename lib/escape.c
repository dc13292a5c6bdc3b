/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/escape.h"
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/*
 * Decodes one character (RFC 3629: no overlong forms, no surrogates).
 * Returns its length in bytes, 0 if there is no valid one.
 */
static size_t utf8_decode(const uint8_t *p, size_t len, uint32_t *ret)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t n;
	uint32_t c;

	if (p[0] < 0x80)
		n = 1, c = p[0];
	else if ((p[0] & 0xe0) == 0xc0)
		n = 2, c = p[0] & 0x1f;
	else if ((p[0] & 0xf0) == 0xe0)
		n = 3, c = p[0] & 0x0f;
	else if ((p[0] & 0xf8) == 0xf0)
		n = 4, c = p[0] & 0x07;
	else
		return 0;
	if (n > len)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*ret = c;
	return n;
}

/* Characters that do something to a terminal or to the eye and do not show. */
static bool is_hostile(uint32_t c)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {
		{0x0000, 0x001f},   /* C0 */
		{0x007f, 0x009f},   /* DEL, C1 */
		{0x00ad, 0x00ad},   /* soft hyphen */
		{0x061c, 0x061c},   /* Arabic letter mark */
		{0x180e, 0x180e},   /* Mongolian vowel separator */
		{0x200b, 0x200f},   /* zero width, direction marks */
		{0x2028, 0x202e},   /* separators, embeddings, overrides */
		{0x2060, 0x206f},   /* invisible operators, isolates */
		{0xfeff, 0xfeff},   /* byte order mark */
		{0xfff9, 0xfffb},   /* interlinear annotation */
		{0xe0000, 0xe007f}, /* tags */
	};

	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++)
		if (c >= ranges[i].first && c <= ranges[i].last)
			return true;
	return false;
}

/* Writes what @src starts with into @out ; returns how much of @src that was. */
static size_t escape_one(const uint8_t *src, size_t len, char *out, size_t *ret_out)
{
	static const char hex[] = "0123456789abcdef";
	uint32_t c = 0;
	size_t n = utf8_decode(src, len, &c), o = 0;

	if (n && c == '\\') {
		out[o++] = '\\';
		out[o++] = '\\';
	} else if (n && !is_hostile(c)) {
		memcpy(out, src, n);
		o = n;
	} else {
		n = n ? n : 1;
		for (size_t i = 0; i < n; i++) {
			out[o++] = '\\';
			out[o++] = 'x';
			out[o++] = hex[src[i] >> 4];
			out[o++] = hex[src[i] & 15];
		}
	}
	*ret_out = o;
	return n;
}

char *ms_escape(const char *src, size_t len, char *dst, size_t size)
{
	const uint8_t *s = (const uint8_t *)src;
	size_t o = 0, cut = 0, n;
	char one[16];

	if (!size)
		return dst;
	while (len) {
		size_t used = escape_one(s, len, one, &n);

		if (n >= size - o) {
			/* @cut is the last place where dots still fit. */
			memcpy(dst + cut, "...", MS_MIN(size - 1 - cut, (size_t)3));
			o = cut + MS_MIN(size - 1 - cut, (size_t)3);
			break;
		}
		memcpy(dst + o, one, n);
		o += n;
		if (size - o > 3)
			cut = o;
		s += used;
		len -= used;
	}
	dst[o] = '\0';
	return dst;
}

char *ms_escape_str(const char *src, char *dst, size_t size)
{
	return ms_escape(src, strlen(src), dst, size);
}

/* ---------------------------------------------------------------------- for a shell */

static bool is_safe_to_print(const char *src)
{
	const uint8_t *s = (const uint8_t *)src;
	size_t len = strlen(src), n;
	uint32_t c;

	for (; len; s += n, len -= n) {
		n = utf8_decode(s, len, &c);
		if (!n || is_hostile(c))
			return false;
	}
	return true;
}

char *ms_escape_shell(const char *src, char *dst, size_t size)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_-./:,+@%=";
	bool safe = is_safe_to_print(src), bare = *src && !src[strspn(src, plain)];
	char *o = dst;

	if (size < 4 * strlen(src) + 4) {
		if (size)
			*dst = '\0';
		return dst;
	}
	if (!safe)
		*o++ = '$';
	if (!bare)
		*o++ = '\'';
	for (; *src; src++) {
		if (safe && *src == '\'')
			o = stpcpy(o, "'\\''");
		else if (!safe && !strchr(plain, *src))
			o += snprintf(o, 5, "\\%03o", (uint8_t)*src);
		else
			*o++ = *src;
	}
	if (!bare)
		*o++ = '\'';
	*o = '\0';
	return dst;
}
