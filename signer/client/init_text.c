/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "lib/macro.h"
#include "signer/client/init_text.h"

#define SPDX "# SPDX-"
#define PLAIN_MAX 150

/* struct line - @p without the blanks at both ends */
struct line {
	const char *p;
	size_t len;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static struct line trim(const char *p, size_t len)
{
	while (len && is_blank(p[0]))
		p++, len--;
	while (len && is_blank(p[len - 1]))
		len--;
	return (struct line){p, len};
}

static bool line_is(struct line l, const char *text)
{
	return l.len == strlen(text) && !memcmp(l.p, text, l.len);
}

/* Is @l "[SECTION]", and which? */
static bool section_of(struct line l, struct line *ret)
{
	if (l.len < 2 || l.p[0] != '[' || l.p[l.len - 1] != ']')
		return false;
	*ret = trim(l.p + 1, l.len - 2);
	return true;
}

static bool in_section(struct line section, const char *name)
{
	return name ? line_is(section, name) : section.len == 0;
}

/* "NAME = VALUE"; false if it is anything else. */
static bool setting_of(struct line l, struct line *ret_name, struct line *ret_value)
{
	const char *eq = memchr(l.p, '=', l.len);

	if (!eq)
		return false;
	*ret_name = trim(l.p, (size_t)(eq - l.p));
	*ret_value = trim(eq + 1, l.len - (size_t)(eq + 1 - l.p));
	return true;
}

/* The setting that takes the place of @l, or NULL. */
static const struct ms_setting *taken(struct line l, struct line section,
				      const struct ms_setting *set, size_t n)
{
	struct line name, value;

	if (l.len < 2 || l.p[0] != '#' || is_blank(l.p[1]) ||
	    !setting_of((struct line){l.p + 1, l.len - 1}, &name, &value))
		return NULL;
	for (size_t i = 0; i < n; i++)
		if (set[i].value && in_section(section, set[i].section) &&
		    line_is(name, set[i].name))
			return &set[i];
	return NULL;
}

int ms_init_fill(const char *text, const struct ms_setting *set, size_t n,
		 struct ms_buf *out)
{
	struct line section = {"", 0};
	size_t left = 0;

	for (size_t i = 0; i < n; i++)
		left += set[i].value ? 1 : 0;
	if (!strncmp(text, SPDX, strlen(SPDX)))
		text += strcspn(text, "\n") + 1;
	while (*text) {
		size_t len = strcspn(text, "\n");
		struct line l = {text, len};
		const struct ms_setting *s;

		(void)section_of(trim(text, len), &section);
		s = taken(l, section, set, n);
		if (s) {
			ms_buf_printf(out, "%s = %s\n", s->name, s->value);
			left--;
		} else {
			ms_buf_printf(out, "%.*s\n", (int)len, text);
		}
		text += len + (text[len] == '\n');
	}
	return left ? -ENOENT : ms_buf_error(out);
}

bool ms_init_has(const char *text, size_t len, const struct ms_setting *s)
{
	struct line section = {"", 0}, name, value;
	bool has = false;

	for (size_t pos = 0; pos < len;) {
		const char *eol = memchr(text + pos, '\n', len - pos);
		size_t n = eol ? (size_t)(eol - (text + pos)) : len - pos;
		struct line l = trim(text + pos, n);

		if (!section_of(l, &section) && in_section(section, s->section) &&
		    setting_of(l, &name, &value) && line_is(name, s->name))
			has = line_is(value, s->value);
		pos += n + 1;
	}
	return has;
}

bool ms_init_plain(const char *value)
{
	size_t len = 0;

	for (; value[len]; len++)
		if (len >= PLAIN_MAX || value[len] <= ' ' || value[len] > '~' ||
		    value[len] == ';' || value[len] == '#')
			return false;
	return len > 0;
}
