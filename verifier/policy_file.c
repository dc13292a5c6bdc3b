/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include "lib/escape.h"
#include "lib/file.h"
#include "verifier/policy_file.h"

/* As many letters as two words have in common from the start. */
static size_t common(const char *a, const char *b)
{
	size_t n = 0;

	while (a[n] && a[n] == b[n])
		n++;
	return n;
}

static int find_code(const char *word, enum ms_finding_code *ret, const char **ret_near)
{
	size_t best = 0;

	*ret_near = "unsigned";
	for (int c = MS_FINDING_NONE + 1; c < MS_FINDING_COUNT; c++) {
		const char *name = ms_finding_name((enum ms_finding_code)c);

		if (!strcmp(name, word)) {
			*ret = (enum ms_finding_code)c;
			return 0;
		}
		if (common(name, word) > best) {
			best = common(name, word);
			*ret_near = name;
		}
	}
	return -EINVAL;
}

static int find_severity(const char *word, enum ms_severity *ret)
{
	for (int s = MS_SEVERITY_NOTE; s <= MS_SEVERITY_ERROR; s++) {
		if (!strcmp(ms_severity_name((enum ms_severity)s), word)) {
			*ret = (enum ms_severity)s;
			return 0;
		}
	}
	return -EINVAL;
}

/* Without these a module is not trusted, whatever a file says. */
static bool may_be_note(enum ms_finding_code code)
{
	static const enum ms_finding_code never[] = {
		MS_FINDING_UNSIGNED,	     MS_FINDING_MALFORMED_SIGNATURE,
		MS_FINDING_UNKNOWN_SIGNER,   MS_FINDING_BAD_SIGNATURE,
		MS_FINDING_BAD_CHAIN,	     MS_FINDING_SIGNED_ATTRIBUTES,
		MS_FINDING_EMBEDDED_CONTENT, MS_FINDING_LOADED_NO_FILE,
	};

	for (size_t i = 0; i < ARRAY_SIZE(never); i++)
		if (never[i] == code)
			return false;
	return !ms_finding_unchecked(code);
}

static int parse_line(char *line, unsigned int number, struct ms_severities *s,
		      struct ms_error *err)
{
	char *hash = strchr(line, '#'), shown[128], code_word[64], severity_word[32],
	     rest[2];
	enum ms_finding_code code;
	enum ms_severity severity;
	const char *near;
	int n;

	if (hash)
		*hash = 0;
	if (!line[strspn(line, " \t\r")])
		return 0;
	n = sscanf(line, " %63[^ \t\r=] = %31[^ \t\r] %1s", code_word, severity_word,
		   rest);
	if (n != 2)
		return ms_error_set(err, -EINVAL, "bad-policy",
				    "line %u: must be \"code = error|warning|note\"",
				    number);
	if (find_code(code_word, &code, &near))
		return ms_error_set(err, -EINVAL, "bad-policy",
				    "line %u: unknown code \"%s\": did you mean %s?",
				    number,
				    ms_escape_str(code_word, shown, sizeof(shown)), near);
	if (find_severity(severity_word, &severity))
		return ms_error_set(
			err, -EINVAL, "bad-policy",
			"line %u: unknown severity \"%s\": use error, warning or "
			"note",
			number, ms_escape_str(severity_word, shown, sizeof(shown)));
	if (severity == MS_SEVERITY_NOTE && !may_be_note(code))
		return ms_error_set(err, -EINVAL, "bad-policy",
				    "line %u: %s cannot be a note: such a module is not "
				    "trusted",
				    number, ms_finding_name(code));
	s->set[code] = true;
	s->severity[code] = severity;
	return 0;
}

int ms_severities_parse(const char *text, size_t len, struct ms_severities *ret,
			struct ms_error *err)
{
	struct ms_severities s = {.set = {false}};
	unsigned int number = 0;

	while (len) {
		const char *end = memchr(text, '\n', len);
		size_t n = end ? (size_t)(end - text) : len;
		char line[512];
		int rc;

		number++;
		if (n >= sizeof(line) || memchr(text, 0, n))
			return ms_error_set(err, -EINVAL, "bad-policy",
					    "line %u: too long, or no text", number);
		memcpy(line, text, n);
		line[n] = 0;
		rc = parse_line(line, number, &s, err);
		if (rc)
			return rc;
		n += end ? 1 : 0;
		text += n;
		len -= n;
	}
	*ret = s;
	return 0;
}

int ms_severities_load(const char *path, struct ms_severities *ret, struct ms_error *err)
{
	_cleanup_file_ struct ms_file f = {0};
	char shown[512];
	int rc = ms_file_read(AT_FDCWD, path, MS_POLICY_FILE_MAX, 0, &f, err);

	if (!rc)
		rc = ms_severities_parse((const char *)f.data, f.len, ret, err);
	if (rc)
		ms_error_prefix(err, "policy %s",
				ms_escape_str(path, shown, sizeof(shown)));
	return rc;
}

void ms_severities_apply(const struct ms_severities *s, struct ms_results *r)
{
	for (size_t i = 0; i < r->n; i++) {
		bool changed = false;

		for (size_t k = 0; k < r->v[i].policy.n_findings; k++) {
			struct ms_finding *f = &r->v[i].policy.findings[k];

			if (!s->set[f->code])
				continue;
			f->severity = s->severity[f->code];
			changed = true;
		}
		if (changed)
			ms_result_settle(&r->v[i], r->v[i].policy.checked);
	}
	ms_results_count(r);
}
