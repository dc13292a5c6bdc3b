/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/log.h"

#include <stdarg.h>
#include <sys/prctl.h>
#include <time.h>

/* A line goes out in one write of less than PIPE_BUF, so that those of several processes
 * do not mix. */
#define LINE_MAX_LEN 3072u
#define MESSAGE_MAX 1024u

static const char *log_role = "main";
static bool json;

void ms_log_role(const char *role)
{
	char name[16];

	log_role = role;
	snprintf(name, sizeof(name), "modseald-%s", role);
	(void)prctl(PR_SET_NAME, name, 0, 0, 0);
}

void ms_log_json(bool on)
{
	json = on;
}

/* --------------------------------------------------------------- formatting */

/** struct line - where we are; @end leaves room for what closes a JSON object */
struct line {
	char *p, *end;
};

static void put(struct line *l, const char *text)
{
	while (*text && l->p < l->end)
		*l->p++ = *text++;
	*l->p = '\0';
}

/* Length of the UTF-8 character that @s begins with, 0 if there is none. */
static size_t utf8(const unsigned char *s)
{
	size_t n = s[0] < 0x80			 ? 1
		   : s[0] >= 0xc2 && s[0] < 0xe0 ? 2
		   : s[0] >= 0xe0 && s[0] < 0xf0 ? 3
		   : s[0] >= 0xf0 && s[0] < 0xf5 ? 4
						 : 0;

	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

/* A JSON string; when it is cut, then before a character, never within one. */
static void put_json(struct line *l, const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	char *end = l->end - 1; /* for the quotation mark that ends it */

	if (l->p >= end)
		return;
	*l->p++ = '"';
	while (*s) {
		size_t n = utf8(s);
		char one[8];

		if (n == 0)
			snprintf(one, sizeof(one), "\\ufffd");
		else if (*s < 0x20 || *s == 0x7f)
			snprintf(one, sizeof(one), "\\u%04x", *s);
		else if (*s == '"' || *s == '\\')
			snprintf(one, sizeof(one), "\\%c", *s);
		else
			snprintf(one, sizeof(one), "%.*s", (int)n, (const char *)s);
		if (l->p + strlen(one) > end)
			break;
		put(l, one);
		s += n ? n : 1;
	}
	*l->p++ = '"';
	*l->p = '\0';
}

static const char *level_name(int level)
{
	static const char *const names[] = {"emerg",   "alert",	 "crit", "err",
					    "warning", "notice", "info", "debug"};

	return names[level & 7];
}

static void put_time(struct line *l)
{
	char text[64];
	struct timespec t;
	struct tm tm;
	size_t n;

	clock_gettime(CLOCK_REALTIME, &t);
	if (!gmtime_r(&t.tv_sec, &tm))
		return;
	n = strftime(text, sizeof(text), "{\"time\":\"%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + n, sizeof(text) - n, ".%06uZ\"",
		 (unsigned int)(t.tv_nsec / 1000));
	put(l, text);
}

static void format_json(struct line *l, int level, const struct ms_log_field *f, size_t n,
			const char *message)
{
	char pid[32];

	put_time(l);
	put(l, ",\"level\":\"");
	put(l, level_name(level));
	put(l, "\",\"process\":\"");
	put(l, log_role);
	snprintf(pid, sizeof(pid), "\",\"pid\":%d", (int)getpid());
	put(l, pid);
	put(l, ",\"message\":");
	put_json(l, message);
	for (size_t i = 0; i < n; i++) {
		size_t room = (size_t)(l->end - l->p);

		if (!f[i].value || !f[i].value[0] || strlen(f[i].name) + 8 > room)
			continue;
		put(l, ",\"");
		put(l, f[i].name);
		put(l, "\":");
		put_json(l, f[i].value);
	}
	/* there is room: see ms_log_format() */
	*l->p++ = '}';
	*l->p = '\0';
}

void ms_log_format(int level, const struct ms_log_field *fields, size_t n,
		   const char *message, char *dst, size_t size)
{
	struct line l = {.p = dst, .end = dst + size - 2};

	if (json) {
		format_json(&l, level, fields, n, message);
		return;
	}
	put(&l, "modseald[");
	put(&l, log_role);
	put(&l, "]: ");
	put(&l, message);
	for (size_t i = 0; i < n; i++) {
		if (!fields[i].value || !fields[i].value[0])
			continue;
		put(&l, " ");
		put(&l, fields[i].name);
		put(&l, "=");
		put(&l, fields[i].value);
	}
}

/* ------------------------------------------------------------------ writing */

static void write_line(int level, const struct ms_log_field *fields, size_t n,
		       const char *message)
{
	char line[LINE_MAX_LEN];
	size_t len = 0;

	if (getenv("JOURNAL_STREAM"))
		len = (size_t)snprintf(line, sizeof(line), "<%d>", level & 7);
	ms_log_format(level, fields, n, message, line + len, sizeof(line) - len - 1);
	len = strlen(line);
	line[len++] = '\n';
	if (write(STDERR_FILENO, line, len) < 0)
		return;
}

void ms_log(int level, const char *fmt, ...)
{
	char message[MESSAGE_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	write_line(level, NULL, 0, message);
}

void ms_log_with(int level, const struct ms_log_field *fields, size_t n, const char *fmt,
		 ...)
{
	char message[MESSAGE_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	write_line(level, fields, n, message);
}
