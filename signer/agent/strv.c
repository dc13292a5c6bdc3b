/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Words, lists of words and patterns. */
#include "signer/agent/strv.h"

#include <errno.h>
#include <fnmatch.h>

#include "lib/limits.h"

void ms_strv_clear(struct ms_strv *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->v[i]);
	free(s->v);
	*s = (struct ms_strv){};
}

int ms_strv_add(struct ms_strv *s, const char *p, size_t len)
{
	_cleanup_free_ char *copy = strndup(p, len);
	char **v;

	if (!copy)
		return -ENOMEM;
	v = reallocarray(s->v, s->n + 1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	s->v = v;
	s->v[s->n++] = TAKE_PTR(copy);
	return 0;
}

bool ms_strv_has(const struct ms_strv *s, const char *word)
{
	for (size_t i = 0; i < s->n; i++) {
		if (strcmp(s->v[i], word) == 0)
			return true;
	}
	return false;
}

const char *ms_word_next(const char **p, size_t *ret_len)
{
	static const char separators[] = " \t,";
	const char *word = *p + strspn(*p, separators);
	size_t len = strcspn(word, separators);

	*p = word + len;
	if (len == 0)
		return NULL;
	*ret_len = len;
	return word;
}

bool ms_glob(const char *pattern, const char *s)
{
	return fnmatch(pattern, s, 0) == 0;
}

/*
 * '-' to '_', except where a bracket expression has a range: there it means something
 * else, and both ends of the range stay as they are.
 */
static void module_pattern(const char *pattern, char *dst, size_t size)
{
	const char *p = pattern, *open = NULL;
	size_t n = 0;

	for (; *p && n + 1 < size; p++) {
		char c = *p;

		if (!open && c == '[') {
			open = p + 1;
			if (*open == '!' || *open == '^')
				open++;
		} else if (open && c == ']' && p > open) {
			open = NULL;
		}
		if (c == '-' && (!open || p == open || p[1] == ']'))
			c = '_';
		dst[n++] = c;
	}
	dst[n] = '\0';
}

bool ms_glob_module(const char *pattern, const char *name)
{
	char pat[MS_FACT_MAX], norm[MS_FACT_MAX];
	size_t n = 0;

	/* cut text must not match: neither can come from the parsers of either */
	if (strlen(pattern) >= sizeof(pat) || strlen(name) >= sizeof(norm))
		return false;
	module_pattern(pattern, pat, sizeof(pat));
	for (; name[n]; n++)
		norm[n] = name[n] == '-' ? '_' : name[n];
	norm[n] = '\0';
	return ms_glob(pat, norm);
}

#define WORD_MAX 32u

/* Levenshtein distance, where a swap of neighbours counts as one. */
static size_t edit_distance(const char *a, size_t na, const char *b, size_t nb)
{
	size_t d[3][WORD_MAX + 1];

	for (size_t j = 0; j <= nb; j++)
		d[0][j] = j;
	for (size_t i = 1; i <= na; i++) {
		size_t *row = d[i % 3], *up = d[(i - 1) % 3], *up2 = d[(i + 1) % 3];

		row[0] = i;
		for (size_t j = 1; j <= nb; j++) {
			size_t best = up[j - 1] + (a[i - 1] != b[j - 1]);

			best = MS_MIN(best, MS_MIN(up[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1])
				best = MS_MIN(best, up2[j - 2] + 1);
			row[j] = best;
		}
	}
	return d[na % 3][nb];
}

const char *ms_nearest(const char *typed, const char *const *words, size_t n)
{
	size_t len = strlen(typed), best = WORD_MAX;
	const char *ret = NULL;

	if (len > WORD_MAX)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		size_t wlen = words[i] ? strlen(words[i]) : 0;
		size_t dist;

		if (wlen == 0 || wlen > WORD_MAX)
			continue;
		dist = edit_distance(typed, len, words[i], wlen);
		/* "kernels" for "kernel", "sockt" for "socket"; not "x" for "key" */
		if (dist < best && dist <= 1 + wlen / 3 && dist < wlen) {
			best = dist;
			ret = words[i];
		}
	}
	return ret;
}
