/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/error.h"
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>

/* Marks a cut with "..." without leaving half a UTF-8 character before it. */
static void mark_cut(char *s, size_t size)
{
	size_t at = size - 4;

	while (at && ((uint8_t)s[at] & 0xc0) == 0x80)
		at--;
	memcpy(s + at, "...", 4);
}

int ms_error_set(struct ms_error *err, int rc, const char *code, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (!err)
		return rc;
	snprintf(err->code, sizeof(err->code), "%s", code ? code : "");
	va_start(ap, fmt);
	n = vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
	va_end(ap);
	if (n < 0)
		err->msg[0] = '\0';
	else if ((size_t)n >= sizeof(err->msg))
		mark_cut(err->msg, sizeof(err->msg));
	return rc;
}

void ms_error_prefix(struct ms_error *err, const char *fmt, ...)
{
	char old[sizeof(err->msg)];
	size_t used, rest;
	va_list ap;
	int n;

	if (!err)
		return;
	memcpy(old, err->msg, sizeof(old));
	va_start(ap, fmt);
	n = vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
	va_end(ap);
	if (n < 0) {
		memcpy(err->msg, old, sizeof(old));
		return;
	}
	if ((size_t)n >= sizeof(err->msg)) {
		mark_cut(err->msg, sizeof(err->msg));
		return;
	}
	used = (size_t)n;
	rest = sizeof(err->msg) - used;
	n = snprintf(err->msg + used, rest, "%s%s", used ? ": " : "", old);
	if (n >= 0 && (size_t)n >= rest)
		mark_cut(err->msg, sizeof(err->msg));
}

const char *ms_strerror(int rc)
{
	const char *s;

#ifdef __GLIBC__
	/* strerrordesc_np() is not translated and needs no buffer. */
	s = rc == INT_MIN ? NULL : strerrordesc_np(rc < 0 ? -rc : rc);
#else
	/* What a damaged file system says, and musl has no text for. */
	if (rc == EUCLEAN || rc == -EUCLEAN)
		return "Structure needs cleaning";
	/* musl's needs none either, and is translated only after setlocale(). */
	s = rc == INT_MIN ? NULL : strerror(rc < 0 ? -rc : rc);
#endif
	return s ? s : "Unknown error";
}
