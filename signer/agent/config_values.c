/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values that settings of several sections have: names, identities, patterns, paths. */
#include "signer/agent/config_parse.h"

#include <ctype.h>

#include "signer/agent/identity.h"

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
	if (len == 0 || len > MS_CFG_NAME_MAX || *s == '-' || *s == '.')
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
