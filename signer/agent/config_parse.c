/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The text of a configuration file. inih takes lines apart; the reader that feeds it
 * counts them and refuses what inih would cut, join or skip without a word: long lines,
 * long section names, indented lines (which inih adds to the setting before), sections
 * without settings.
 */
#include "signer/agent/config_parse.h"

#include <errno.h>
#include <ini.h>
#include <stdarg.h>

int ms_cfg_fail(struct ms_cfg_parser *p, unsigned int line, const char *fmt, ...)
{
	char msg[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	p->rc = ms_error_set(p->err, -EINVAL, "config", "%s:%u: %s", p->name, line, msg);
	return p->rc;
}

int ms_cfg_no_memory(struct ms_cfg_parser *p)
{
	p->rc = ms_error_set(p->err, -ENOMEM, NULL, "out of memory");
	return p->rc;
}

/* --------------------------------------------------------------- sections */

/* Sections of other versions. */
static const struct ms_cfg_section store_section = {.name = "store"};
static const struct ms_cfg_section key_section = {.name = "key", .named = true};

static const struct ms_cfg_section *const sections[] = {
	&ms_cfg_agent,	     &ms_cfg_tpm,   &ms_cfg_group,  &ms_cfg_person, &ms_cfg_rule,
	&ms_cfg_revocations, &ms_cfg_alert, &store_section, &ms_cfg_tls,    &key_section,
};

static int section_end(struct ms_cfg_parser *p)
{
	return p->section && p->section->end ? p->section->end(p) : 0;
}

static int unknown_section(struct ms_cfg_parser *p, const char *word)
{
	const char *names[ARRAY_SIZE(sections)], *near;

	for (size_t i = 0; i < ARRAY_SIZE(sections); i++)
		names[i] = sections[i]->settings ? sections[i]->name : NULL;
	near = ms_nearest(word, names, ARRAY_SIZE(names));
	if (near)
		return ms_cfg_fail(p, p->line, "unknown section [%s]; did you mean [%s]?",
				   word, near);
	return ms_cfg_fail(p, p->line,
			   "unknown section [%s]: there are [agent], [alert], "
			   "[tpm], [tls], [revocations], [group NAME], "
			   "[person NAME] and [rule NAME]",
			   word);
}

/* @s: "[rule release]", trimmed, printable. */
static int section_begin(struct ms_cfg_parser *p, const char *s, size_t len)
{
	const struct ms_cfg_section *sec = NULL;
	char word[64], *name;

	if (section_end(p) < 0)
		return p->rc;
	p->section = NULL;
	if (s[len - 1] != ']' || memchr(s, ']', len) != s + len - 1)
		return ms_cfg_fail(
			p, p->line,
			"a section is written [NAME], and nothing may follow it");
	s++;
	len -= 2;
	snprintf(word, sizeof(word), "%.*s", (int)MS_MIN(len, sizeof(word)), s);
	name = word + strcspn(word, " \t");
	if (*name)
		*name++ = '\0';
	name += strspn(name, " \t");

	for (size_t i = 0; i < ARRAY_SIZE(sections); i++) {
		if (strcmp(sections[i]->name, word) == 0)
			sec = sections[i];
	}
	if (!sec)
		return unknown_section(p, word);
	if (!sec->settings)
		return ms_cfg_fail(p, p->line,
				   "section [%s%s] is not supported by this version",
				   word, sec->named ? " NAME" : "");
	if (len >= sizeof(word) || (sec->named && !ms_cfg_is_name(name, strlen(name))))
		return ms_cfg_fail(
			p, p->line,
			"section [%s NAME] needs a name: 1 to %u letters, digits, "
			"'.', '_' "
			"or '-'",
			word, MS_CFG_NAME_MAX);
	if (!sec->named && *name)
		return ms_cfg_fail(p, p->line, "section [%s] has no name: write [%s]",
				   word, word);
	p->section = sec;
	p->section_line = p->line;
	p->seen = 0;
	return sec->begin ? sec->begin(p, name) : 0;
}

static int unknown_setting(struct ms_cfg_parser *p, const char *key)
{
	const char *names[24], *near;
	size_t n = 0;

	for (size_t i = 0; i < p->section->n && n < ARRAY_SIZE(names); i++) {
		if (p->section->settings[i].set)
			names[n++] = p->section->settings[i].name;
	}
	near = ms_nearest(key, names, n);
	if (near)
		return ms_cfg_fail(p, p->line,
				   "unknown setting %s in [%s]; did you mean %s?", key,
				   p->section->name, near);
	return ms_cfg_fail(p, p->line, "unknown setting %s in [%s]", key,
			   p->section->name);
}

/* inih: one KEY = VALUE. Return: 0 is a failure. */
static int handle(void *arg, const char *section, const char *key, const char *value)
{
	struct ms_cfg_parser *p = arg;
	const struct ms_cfg_setting *set = NULL;
	size_t i;

	if (p->rc < 0)
		return 0;
	if (!p->section)
		return ms_cfg_fail(p, p->line,
				   "setting %s stands before the first section",
				   key) == 0;
	for (i = 0; i < p->section->n && !set; i++) {
		if (strcmp(p->section->settings[i].name, key) == 0)
			set = &p->section->settings[i];
	}
	if (!set)
		return unknown_setting(p, key) == 0;
	if (!set->set)
		return ms_cfg_fail(p, p->line,
				   "setting %s in [%s] is not supported by this version",
				   key, p->section->name) == 0;
	/* "who = ," would be a list without members */
	if (!value[strspn(value, " \t,")])
		return ms_cfg_fail(p, p->line, "setting %s has no value", key) == 0;
	if (!set->list && (p->seen & UINT32_C(1) << i))
		return ms_cfg_fail(p, p->line, "setting %s is given twice in one section",
				   key) == 0;
	p->seen |= UINT32_C(1) << i;
	p->key = set->name;
	return set->set(p, value) == 0;
}

/* ------------------------------------------------------------------ lines */

/* Length of @s without comment and trailing blanks. */
static size_t trim(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if ((s[i] == '#' || s[i] == ';') &&
		    (i == 0 || s[i - 1] == ' ' || s[i - 1] == '\t')) {
			len = i;
			break;
		}
	}
	while (len > 0 && (s[len - 1] == ' ' || s[len - 1] == '\t' || s[len - 1] == '\r'))
		len--;
	return len;
}

static int check_line(struct ms_cfg_parser *p, const char *s, size_t len, size_t max)
{
	size_t eq = 0;

	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)s[i] >= 0x7f ||
		    ((unsigned char)s[i] < 0x20 && s[i] != '\t'))
			return ms_cfg_fail(
				p, p->line,
				"byte 0x%02x is not allowed outside of comments",
				(unsigned char)s[i]);
	}
	if (len > max)
		return ms_cfg_fail(
			p, p->line,
			"the line is longer than %zu bytes: repeat the setting instead",
			max);
	if (s[len - 1] == '\\')
		return ms_cfg_fail(
			p, p->line,
			"a line cannot be continued with '\\': repeat the setting "
			"instead");
	if (s[0] == '[')
		return section_begin(p, s, len);
	while (eq < len && s[eq] != '=' && s[eq] != ':')
		eq++;
	if (eq == len || s[eq] == ':' || eq == 0)
		return ms_cfg_fail(p, p->line,
				   "not understood: write SETTING = VALUE or [SECTION]");
	return 0;
}

/* inih: like fgets(). Every call is a line of the file. */
static char *read_line(char *str, int size, void *arg)
{
	struct ms_cfg_parser *p = arg;
	const char *s = p->text + p->pos, *end;
	size_t len;

	if (p->rc < 0 || p->pos >= p->len)
		return NULL;
	end = memchr(s, '\n', p->len - p->pos);
	len = end ? (size_t)(end - s) : p->len - p->pos;
	p->pos += len + (end ? 1 : 0);
	p->line++;
	/* inih would take an indented line for more of the setting before */
	while (len > 0 && (*s == ' ' || *s == '\t')) {
		s++;
		len--;
	}
	len = trim(s, len);
	if (len > 0 && check_line(p, s, len, (size_t)size - 2) < 0)
		return NULL;
	memcpy(str, s, len);
	memcpy(str + len, "\n", 2);
	return str;
}

int ms_config_parse(const char *name, const char *text, size_t len, struct ms_config *c,
		    struct ms_error *err)
{
	struct ms_cfg_parser p = {
		.name = name, .text = text, .len = len, .c = c, .err = err};
	int rc;

	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		p.pos = 3;
	rc = ini_parse_stream(read_line, &p, handle, &p);
	if (p.rc < 0)
		return p.rc;
	if (rc == -2)
		return ms_cfg_no_memory(&p);
	if (rc != 0)
		return ms_cfg_fail(&p, rc > 0 ? (unsigned int)rc : p.line,
				   "not understood");
	return section_end(&p);
}
