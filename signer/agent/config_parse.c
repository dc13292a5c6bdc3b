/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The text of a configuration file. inih takes lines apart; the reader that feeds it
 * counts them and refuses what inih would cut, join or skip without a word: long lines,
 * long section names, indented lines (which inih adds to the setting before), sections
 * without settings.
 */
#include "signer/agent/config_parse.h"

#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <sys/un.h>

#include "signer/agent/identity.h"

#define NAME_MAX_LEN                                                       \
	40u /* of a rule or group; inih keeps 49 bytes of a section's name \
	     */

/**
 * struct section - one valid [SECTION] or [SECTION NAME]
 * @begin: for a section with a name
 * @settings: NULL: not supported by this version
 */
struct section {
	const char *name;
	bool named;
	int (*begin)(struct ms_cfg_parser *p, const char *name);
	const struct ms_cfg_setting *settings;
	size_t n;
};

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

/* ---------------------------------------------------------------- values */

int ms_cfg_set_string(struct ms_cfg_parser *p, char **dst, const char *value)
{
	char *copy = strdup(value);

	if (!copy)
		return ms_cfg_no_memory(p);
	free(*dst);
	*dst = copy;
	return 0;
}

/* A decimal number; @ret_end: what follows it. */
bool ms_cfg_number(const char *s, uint64_t max, uint64_t *ret, const char **ret_end)
{
	uint64_t v = 0;

	if (!isdigit((unsigned char)*s))
		return false;
	for (; isdigit((unsigned char)*s); s++) {
		v = v * 10 + (uint64_t)(*s - '0');
		if (v > max)
			return false;
	}
	*ret = v;
	*ret_end = s;
	return true;
}

bool ms_cfg_is_name(const char *s, size_t len)
{
	if (len == 0 || len > NAME_MAX_LEN || *s == '-' || *s == '.')
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!isalnum((unsigned char)s[i]) && !strchr("._-", s[i]))
			return false;
	}
	return true;
}

static int check_identity(struct ms_cfg_parser *p, const char *word, bool groups)
{
	char hint[64] = "";
	uint64_t v;
	const char *end;

	if (strncmp(word, "uid:", 4) == 0) {
		/* one spelling only, as identities are compared as text */
		if (ms_cfg_number(word + 4, UINT32_MAX - 1, &v, &end) && !*end &&
		    (word[4] != '0' || !word[5]))
			return 0;
		return ms_cfg_fail(p, p->line, "%s is not a user id: write uid:NUMBER",
				   word);
	}
	if (strncmp(word, "user:", 5) == 0) {
		if (word[5] && strlen(word) < 80)
			return 0;
		return ms_cfg_fail(p, p->line, "%s is not a user: write user:NAME", word);
	}
	if (strncmp(word, "group:", 6) == 0) {
		if (!groups)
			return ms_cfg_fail(
				p, p->line,
				"%s: a group cannot contain a group: list its members",
				word);
		if (ms_cfg_is_name(word + 6, strlen(word + 6)))
			return 0;
		return ms_cfg_fail(p, p->line, "%s is not a group: write group:NAME",
				   word);
	}
	if (strncmp(word, "cert:", 5) == 0) {
		if (ms_identity_text_is_cert(word))
			return 0;
		return ms_cfg_fail(p, p->line,
				   "%s is not a name of a certificate: write "
				   "cert:CN=NAME, cert:SAN=URI:NAME, cert:SAN=DNS:NAME "
				   "or cert:SAN=email:NAME",
				   word);
	}
	if (!strchr(word, ':') && ms_cfg_is_name(word, strlen(word)))
		snprintf(hint, sizeof(hint), "; did you mean user:%s?", word);
	return ms_cfg_fail(p, p->line,
			   "%s is not an identity: write uid:NUMBER, user:NAME, "
			   "cert:CN=NAME%s%s",
			   word, groups ? " or group:NAME" : "", hint);
}

int ms_cfg_add_identities(struct ms_cfg_parser *p, struct ms_strv *dst, const char *value,
			  bool groups)
{
	const char *w;
	size_t len;

	while ((w = ms_word_next(&value, &len))) {
		if (ms_strv_add(dst, w, len) < 0)
			return ms_cfg_no_memory(p);
		if (check_identity(p, dst->v[dst->n - 1], groups) < 0)
			return p->rc;
	}
	return 0;
}

int ms_cfg_check_glob(struct ms_cfg_parser *p, const char *word)
{
	const char *open = strchr(word, '[');

	if (strlen(word) >= MS_FACT_MAX)
		return ms_cfg_fail(p, p->line, "pattern is too long");
	for (const char *s = word; *s; s++) {
		if (!isalnum((unsigned char)*s) && !strchr("._+~:@*?[]!^-", *s))
			return ms_cfg_fail(p, p->line,
					   "%s: a pattern cannot contain '%c'", word, *s);
	}
	if (open && !strchr(open + 1, ']'))
		return ms_cfg_fail(p, p->line, "%s: '[' without ']'", word);
	return 0;
}

int ms_cfg_add_globs(struct ms_cfg_parser *p, struct ms_strv *dst, const char *value)
{
	const char *w;
	size_t len;

	while ((w = ms_word_next(&value, &len))) {
		if (ms_strv_add(dst, w, len) < 0)
			return ms_cfg_no_memory(p);
		if (ms_cfg_check_glob(p, dst->v[dst->n - 1]) < 0)
			return p->rc;
	}
	return 0;
}

int ms_cfg_check_absolute(struct ms_cfg_parser *p, const char *value, size_t max)
{
	if (value[0] != '/')
		return ms_cfg_fail(p, p->line, "%s: %s is not an absolute path", p->key,
				   value);
	if (strlen(value) >= max)
		return ms_cfg_fail(p, p->line, "%s: the path is longer than %zu bytes",
				   p->key, max - 1);
	return 0;
}

/* --------------------------------------------------------------- settings */

static int agent_socket(struct ms_cfg_parser *p, const char *value)
{
	if (ms_cfg_check_absolute(p, value, sizeof(((struct sockaddr_un *)0)->sun_path)) <
	    0)
		return p->rc;
	return ms_cfg_set_string(p, &p->c->socket, value);
}

static int agent_socket_mode(struct ms_cfg_parser *p, const char *value)
{
	unsigned int mode = 0;
	size_t n = strspn(value, "01234567");

	if (n == 0 || n > 4 || value[n])
		return ms_cfg_fail(p, p->line,
				   "socket-mode: %s is not an octal mode such as 0660",
				   value);
	for (; *value; value++)
		mode = mode << 3 | (unsigned int)(*value - '0');
	if (mode & ~0777u)
		return ms_cfg_fail(p, p->line,
				   "socket-mode: only the bits 0777 can be set");
	p->c->socket_mode = mode;
	return 0;
}

static int agent_state(struct ms_cfg_parser *p, const char *value)
{
	if (ms_cfg_check_absolute(p, value, MS_PATH_MAX - MS_KEY_NAME_MAX - 32) < 0)
		return p->rc;
	return ms_cfg_set_string(p, &p->c->state, value);
}

static int agent_admins(struct ms_cfg_parser *p, const char *value)
{
	if (!p->c->admins_set)
		ms_strv_clear(&p->c->admins);
	p->c->admins_set = true;
	return ms_cfg_add_identities(p, &p->c->admins, value, true);
}

static int agent_max_module(struct ms_cfg_parser *p, const char *value)
{
	const char *end;
	uint64_t v;
	unsigned int shift = 0;

	if (!ms_cfg_number(value, MS_MODULE_MAX, &v, &end))
		goto bad;
	if (*end == 'K')
		shift = 10;
	else if (*end == 'M')
		shift = 20;
	else if (*end == 'G')
		shift = 30;
	if (end[shift ? 1 : 0] || v == 0 || v << shift > MS_MODULE_MAX)
		goto bad;
	p->c->max_module = (size_t)(v << shift);
	return 0;
bad:
	return ms_cfg_fail(p, p->line,
			   "max-module: %s is not a size from 1 to %uM such as 256M",
			   value, MS_MODULE_MAX >> 20);
}

static int agent_threads(struct ms_cfg_parser *p, const char *value)
{
	const char *end;
	uint64_t v;

	if (!ms_cfg_number(value, 256, &v, &end) || *end)
		return ms_cfg_fail(
			p, p->line,
			"threads: %s is not a number from 0 (one a processor) to 256",
			value);
	p->c->threads = (unsigned int)v;
	return 0;
}

static int agent_auditors(struct ms_cfg_parser *p, const char *value)
{
	return ms_cfg_add_identities(p, &p->c->auditors, value, true);
}

static int tpm_nv_counter(struct ms_cfg_parser *p, const char *value)
{
	uint64_t v = 0;
	size_t n = strlen(value);

	if (n == 10 && value[0] == '0' && value[1] == 'x' &&
	    strspn(value + 2, "0123456789abcdefABCDEF") == 8)
		v = strtoull(value + 2, NULL, 16);
	if (v < 0x01800000 || v > 0x01bfffff)
		return ms_cfg_fail(
			p, p->line,
			"nv-counter: %s is not an NV index of the owner's, from "
			"0x01800000 to 0x01bfffff",
			value);
	p->c->nv_counter = (uint32_t)v;
	return 0;
}

static int tpm_tcti(struct ms_cfg_parser *p, const char *value)
{
	if (strlen(value) >= MS_PATH_MAX || !isalnum((unsigned char)value[0]))
		return ms_cfg_fail(p, p->line,
				   "tcti: %s is not NAME:CONF such as device:/dev/tpmrm0",
				   value);
	return ms_cfg_set_string(p, &p->c->tcti, value);
}

static int tpm_deadline(struct ms_cfg_parser *p, const char *value)
{
	const char *end;
	uint64_t v;

	if (ms_cfg_number(value, 3600000, &v, &end)) {
		bool ms = strcmp(end, "ms") == 0;

		if (!ms && (!*end || strcmp(end, "s") == 0))
			v *= 1000;
		else if (!ms)
			v = 0;
		if (v >= 100 && v <= 3600000) {
			p->c->tpm_deadline_ms = (unsigned int)v;
			return 0;
		}
	}
	return ms_cfg_fail(p, p->line,
			   "deadline: %s is not a time from 100ms to 3600 seconds",
			   value);
}

static int revocations_denied(struct ms_cfg_parser *p, const char *value)
{
	if (ms_cfg_check_absolute(p, value, MS_PATH_MAX) < 0)
		return p->rc;
	return ms_cfg_set_string(p, &p->c->denied_file, value);
}

static int group_members(struct ms_cfg_parser *p, const char *value)
{
	return ms_cfg_add_identities(p, &p->c->groups[p->c->n_groups - 1].members, value,
				     false);
}

static int person_is(struct ms_cfg_parser *p, const char *value)
{
	return ms_cfg_add_identities(p, &p->c->persons[p->c->n_persons - 1].members,
				     value, false);
}

/* --------------------------------------------------------------- sections */

static int add_group(struct ms_cfg_parser *p, struct ms_group **list, size_t *n,
		     const char *name)
{
	struct ms_group *g = *list;

	for (size_t i = 0; i < *n; i++) {
		if (strcmp(g[i].name, name) == 0)
			return ms_cfg_fail(p, p->line,
					   "%s %s is defined twice, first at %s:%u",
					   p->section->name, name, g[i].file, g[i].line);
	}
	g = reallocarray(g, *n + 1, sizeof(*g));
	if (!g)
		return ms_cfg_no_memory(p);
	*list = g;
	g += (*n)++;
	*g = (struct ms_group){
		.name = strdup(name), .file = strdup(p->name), .line = p->line};
	return g->name && g->file ? 0 : ms_cfg_no_memory(p);
}

static int group_begin(struct ms_cfg_parser *p, const char *name)
{
	return add_group(p, &p->c->groups, &p->c->n_groups, name);
}

static int person_begin(struct ms_cfg_parser *p, const char *name)
{
	return add_group(p, &p->c->persons, &p->c->n_persons, name);
}

static int rule_begin(struct ms_cfg_parser *p, const char *name)
{
	struct ms_config *c = p->c;
	struct ms_rule *r;

	for (size_t i = 0; i < c->n_rules; i++) {
		if (strcmp(c->rules[i].name, name) == 0)
			return ms_cfg_fail(p, p->line,
					   "rule %s is defined twice, first at %s:%u",
					   name, c->rules[i].file, c->rules[i].line);
	}
	r = reallocarray(c->rules, c->n_rules + 1, sizeof(*r));
	if (!r)
		return ms_cfg_no_memory(p);
	c->rules = r;
	r += c->n_rules++;
	*r = (struct ms_rule){.name = strdup(name),
			      .file = strdup(p->name),
			      .line = p->line,
			      .approval_valid_s = 86400};
	return r->name && r->file ? 0 : ms_cfg_no_memory(p);
}

static const struct ms_cfg_setting agent_settings[] = {
	{"socket", agent_socket, false},
	{"socket-mode", agent_socket_mode, false},
	{"state", agent_state, false},
	{"admins", agent_admins, true},
	{"max-module", agent_max_module, false},
	{"threads", agent_threads, false},
	{"auditors", agent_auditors, true},
	{"log-origin", ms_cfg_agent_log_origin, false},
	{"log-interval", ms_cfg_agent_log_interval, false},
	{"log-check", ms_cfg_agent_log_check, false},
	{"log-format", ms_cfg_agent_log_format, false},
	{"log-requests", ms_cfg_agent_log_requests, false},
	{"metrics", ms_cfg_agent_metrics, true},
	{"backup-recipients", ms_cfg_agent_backup_to, true},
	{"provision-to", ms_cfg_agent_provision_to, true},
};

static const struct ms_cfg_setting tpm_settings[] = {
	{"tcti", tpm_tcti, false},
	{"deadline", tpm_deadline, false},
	{"nv-counter", tpm_nv_counter, false},
};

static const struct ms_cfg_setting revocations_settings[] = {
	{"denied", revocations_denied, false},
};

static const struct ms_cfg_setting group_settings[] = {
	{"members", group_members, true},
};

static const struct ms_cfg_setting person_settings[] = {
	{"is", person_is, true},
};

static const struct section sections[] = {
	{"agent", false, NULL, agent_settings, ARRAY_SIZE(agent_settings)},
	{"tpm", false, NULL, tpm_settings, ARRAY_SIZE(tpm_settings)},
	{"group", true, group_begin, group_settings, ARRAY_SIZE(group_settings)},
	{"person", true, person_begin, person_settings, ARRAY_SIZE(person_settings)},
	{"rule", true, rule_begin, ms_cfg_rule_settings, MS_CFG_RULE_SETTINGS},
	{"revocations", false, NULL, revocations_settings,
	 ARRAY_SIZE(revocations_settings)},
	{"alert", false, NULL, ms_cfg_alert_settings, MS_CFG_ALERT_SETTINGS},
	{"store", false, NULL, NULL, 0},
	{"tls", false, NULL, ms_cfg_tls_settings, MS_CFG_TLS_SETTINGS},
	{"key", true, NULL, NULL, 0},
};

static int section_end(struct ms_cfg_parser *p)
{
	const struct ms_rule *r;

	if (!p->section)
		return 0;
	if (p->section->begin == group_begin &&
	    p->c->groups[p->c->n_groups - 1].members.n == 0)
		return ms_cfg_fail(p, p->section_line,
				   "group %s has no members: add members = ID...",
				   p->c->groups[p->c->n_groups - 1].name);
	if (p->section->begin == person_begin &&
	    p->c->persons[p->c->n_persons - 1].members.n < 2)
		return ms_cfg_fail(p, p->section_line,
				   "person %s needs two identities: add is = ID...",
				   p->c->persons[p->c->n_persons - 1].name);
	if (p->section->begin != rule_begin)
		return 0;
	r = &p->c->rules[p->c->n_rules - 1];
	if (r->who.n == 0)
		return ms_cfg_fail(p, p->section_line,
				   "rule %s does not say who: add who = ID...", r->name);
	if (r->n_tiers && r->build_optional)
		return ms_cfg_fail(
			p, p->section_line,
			"rule %s has approvals, so its builds cannot be optional: "
			"leave build = optional out",
			r->name);
	if (r->keys.n == 0)
		return ms_cfg_fail(p, p->section_line,
				   "rule %s names no key: add key = NAME", r->name);
	return ms_cfg_rule_check_types(p, r);
}

static int unknown_section(struct ms_cfg_parser *p, const char *word)
{
	const char *names[ARRAY_SIZE(sections)], *near;

	for (size_t i = 0; i < ARRAY_SIZE(sections); i++)
		names[i] = sections[i].settings ? sections[i].name : NULL;
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
	const struct section *sec = NULL;
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
		if (strcmp(sections[i].name, word) == 0)
			sec = &sections[i];
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
			word, NAME_MAX_LEN);
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
