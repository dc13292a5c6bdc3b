/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include "lib/base64.h"
#include "lib/pem.h"

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

int ms_pem_find(const char *text, size_t len, const char *label, struct ms_buf *out,
		size_t *ret_used)
{
	size_t begin, body, end, after;
	int r;

	if (!find_line(text, len, 0, "BEGIN", label, &begin, &body))
		return -ENODATA;
	if (!find_line(text, len, body, "END", label, &end, &after))
		return -EBADMSG;
	r = ms_base64_decode(text + body, end - body, true, out);
	if (r < 0)
		return r;
	*ret_used = after;
	return 0;
}

void ms_pem_put(struct ms_buf *out, const char *label, const uint8_t *der, size_t len)
{
	ms_buf_printf(out, "-----BEGIN %s-----\n", label);
	ms_base64_put(out, der, len, 64);
	ms_buf_printf(out, "-----END %s-----\n", label);
}
