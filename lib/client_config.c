/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a client finds its agent and its key.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include "lib/agent_client.h"
#include "lib/escape.h"
#include "lib/file.h"

bool ms_key_name_valid(const char *name)
{
	size_t len = 0;

	if (*name == '.' || *name == '-')
		return false;
	for (; name[len]; len++) {
		unsigned char c = (unsigned char)name[len];

		if (len >= MS_KEY_NAME_MAX)
			return false;
		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
		    !(c >= '0' && c <= '9') && c != '.' && c != '_' && c != '-')
			return false;
	}
	return len > 0;
}

/* host:port, as it may stand in a URL: no user, path or anything else. */
static bool is_host_port(const char *s)
{
	size_t n = s[0] == '[' ? strcspn(s, "]") + 1 : strcspn(s, ":");
	size_t digits;

	if (n < 2 || n > 255)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)s[i]) && !strchr("[]:.-", s[i]))
			return false;
	if (s[n] != ':')
		return false;
	digits = strspn(s + n + 1, "0123456789");
	return digits >= 1 && digits <= 5 && !s[n + 1 + digits];
}

static int set_agent(struct ms_client_config *c, const char *value, struct ms_error *err)
{
	size_t len = strlen(value);
	bool good = strncmp(value, "unix:/", 6) == 0 ||
		    (strncmp(value, "https://", 8) == 0 && is_host_port(value + 8));

	if (!good || len >= sizeof(c->agent))
		return ms_error_set(
			err, -EINVAL, "bad-agent",
			"the agent's address must be unix:/path or https://host:port");
	memcpy(c->agent, value, len + 1);
	return 0;
}

static int set_path(char *dst, const char *value, struct ms_error *err)
{
	if (value[0] != '/' || strlen(value) >= MS_PATH_MAX)
		return ms_error_set(err, -EINVAL, "bad-path",
				    "the file must be named by an absolute path");
	memcpy(dst, value, strlen(value) + 1);
	return 0;
}

static int set_tls_ca(struct ms_client_config *c, const char *value, struct ms_error *err)
{
	return set_path(c->tls_ca, value, err);
}

static int set_tls_cert(struct ms_client_config *c, const char *value,
			struct ms_error *err)
{
	return set_path(c->tls_cert, value, err);
}

static int set_tls_key(struct ms_client_config *c, const char *value,
		       struct ms_error *err)
{
	return set_path(c->tls_key, value, err);
}

static int set_key(struct ms_client_config *c, const char *value, struct ms_error *err)
{
	/* As it may stand on a command line. */
	if (strncmp(value, "modseal:", 8) == 0)
		value += 8;
	if (!ms_key_name_valid(value))
		return ms_error_set(
			err, -EINVAL, "bad-key-name",
			"a key's name has 1 to %u letters, digits, '.', '_' or "
			"'-', and starts with none of '.' and '-'",
			MS_KEY_NAME_MAX);
	memcpy(c->key, value, strlen(value) + 1);
	return 0;
}

static const struct setting {
	const char *name;
	int (*set)(struct ms_client_config *c, const char *value, struct ms_error *err);
} settings[] = {
	{"agent", set_agent},	    {"key", set_key},	      {"tls-ca", set_tls_ca},
	{"tls-cert", set_tls_cert}, {"tls-key", set_tls_key},
};

/* Levenshtein's distance of two short words. */
static unsigned int distance(const char *a, size_t n, const char *b)
{
	unsigned int row[33];
	size_t m = strlen(b);

	if (n > 32 || m > 32)
		return 99;
	for (size_t j = 0; j <= m; j++)
		row[j] = (unsigned int)j;
	for (size_t i = 1; i <= n; i++) {
		unsigned int diagonal = row[0];

		row[0] = (unsigned int)i;
		for (size_t j = 1; j <= m; j++) {
			unsigned int up = row[j];
			bool same = tolower((unsigned char)a[i - 1]) == b[j - 1];
			unsigned int best = diagonal + (same ? 0 : 1);

			best = MS_MIN(best, up + 1);
			row[j] = MS_MIN(best, row[j - 1] + 1);
			diagonal = up;
		}
	}
	return row[m];
}

static int unknown_setting(const char *name, size_t len, struct ms_error *err)
{
	const struct setting *near = &settings[0];
	char shown[64];

	for (size_t i = 1; i < ARRAY_SIZE(settings); i++)
		if (distance(name, len, settings[i].name) <
		    distance(name, len, near->name))
			near = &settings[i];
	return ms_error_set(err, -EINVAL, "unknown-setting",
			    "unknown setting '%s': did you mean '%s'?",
			    ms_escape(name, len, shown, sizeof(shown)), near->name);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static int parse_line(const char *p, size_t len, struct ms_client_config *c,
		      struct ms_error *err)
{
	char value[MS_PATH_MAX];
	size_t name_len, value_len;
	const char *eq;

	while (len && is_blank(p[0]))
		p++, len--;
	while (len && is_blank(p[len - 1]))
		len--;
	if (len == 0 || *p == '#' || *p == ';')
		return 0;
	eq = memchr(p, '=', len);
	if (!eq || memchr(p, '\0', len))
		return ms_error_set(err, -EINVAL, "bad-line",
				    "not of the form 'name = value'");
	name_len = (size_t)(eq - p);
	while (name_len && is_blank(p[name_len - 1]))
		name_len--;
	value_len = len - (size_t)(eq + 1 - p);
	eq++;
	while (value_len && is_blank(*eq))
		eq++, value_len--;
	if (value_len >= sizeof(value))
		return ms_error_set(err, -EINVAL, "bad-line", "the value is too long");
	memcpy(value, eq, value_len);
	value[value_len] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
		if (strlen(settings[i].name) == name_len &&
		    memcmp(settings[i].name, p, name_len) == 0)
			return settings[i].set(c, value, err);
	return unknown_setting(p, name_len, err);
}

int ms_client_config_parse(const char *text, size_t len, struct ms_client_config *c,
			   struct ms_error *err)
{
	struct ms_client_config new = *c;
	unsigned int line = 1;

	for (size_t pos = 0; pos < len; line++) {
		const char *eol = memchr(text + pos, '\n', len - pos);
		size_t n = eol ? (size_t)(eol - (text + pos)) : len - pos;
		int r = parse_line(text + pos, n, &new, err);

		if (r < 0) {
			ms_error_prefix(err, "line %u", line);
			return r;
		}
		pos += n + 1;
	}
	*c = new;
	return 0;
}

static int load_file(const char *path, bool must_exist, struct ms_client_config *c,
		     struct ms_error *err)
{
	_cleanup_file_ struct ms_file f = {0};
	char shown[256];
	int r = ms_file_read(AT_FDCWD, path, MS_CONFIG_MAX, 0, &f, err);

	if (r == -ENOENT && !must_exist)
		return 0;
	if (r == 0)
		r = ms_client_config_parse((const char *)f.data, f.len, c, err);
	if (r < 0)
		ms_error_prefix(err, "%s", ms_escape_str(path, shown, sizeof(shown)));
	return r;
}

static const char *named_file(void)
{
	const char *path = secure_getenv("MODSEAL_CONFIG");

	return path && *path ? path : NULL;
}

const char *ms_client_config_path(char *buf, size_t size)
{
	const char *path = named_file();

	return ms_escape_str(path ? path : MS_CLIENT_CONFIG, buf, size);
}

int ms_client_config_load(struct ms_client_config *ret, struct ms_error *err)
{
	struct ms_client_config c = {.agent = "unix:" MS_AGENT_SOCKET};
	const char *path = named_file();
	const char *agent = secure_getenv("MODSEAL_AGENT");
	const char *key = secure_getenv("MODSEAL_KEY");
	const char *build = secure_getenv("MODSEAL_BUILD");
	int r = load_file(path ? path : MS_CLIENT_CONFIG, path, &c, err);

	if (r < 0)
		return r;
	if (agent && *agent) {
		r = set_agent(&c, agent, err);
		if (r < 0) {
			ms_error_prefix(err, "MODSEAL_AGENT");
			return r;
		}
	}
	if (key && *key) {
		r = set_key(&c, key, err);
		if (r < 0) {
			ms_error_prefix(err, "MODSEAL_KEY");
			return r;
		}
	}
	if (build && *build) {
		/* A grant that was asked for must not be left out without a word. */
		if (!ms_key_name_valid(build))
			return ms_error_set(err, -EINVAL, "bad-build",
					    "MODSEAL_BUILD: is not the id of a build as "
					    "'modseal build open' prints it");
		memcpy(c.build, build, strlen(build) + 1);
	}
	*ret = c;
	return 0;
}
