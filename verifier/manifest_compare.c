/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A tree against its manifest. */
#include <errno.h>
#include "lib/escape.h"
#include "lib/module_path.h"
#include "verifier/manifest.h"

#define SHOWN 300

/* What a file's path in the tree would be, were it not compressed. */
static char *plain_path(const char *path, char *tree)
{
	const char *p = ms_module_path(path, (char *const[]){tree}, 1);

	return strndup(p, ms_module_plain_len(p));
}

static struct ms_listed *find_path(const struct ms_manifest_file *m, const char *path)
{
	size_t lo = 0, hi = m->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (strcmp(m->v[mid].path, path) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < m->n && strcmp(m->v[lo].path, path) == 0 ? &m->v[lo] : NULL;
}

/* The first of those with this digest that the tree does not have where it should be. */
static struct ms_listed *find_digest(const struct ms_manifest_file *m, const char *digest)
{
	size_t lo = 0, hi = m->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (strcmp(m->by_digest[mid]->digest, digest) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < m->n && strcmp(m->by_digest[lo]->digest, digest) == 0; lo++) {
		if (!m->by_digest[lo]->seen)
			return m->by_digest[lo];
	}
	return NULL;
}

static int changed(struct ms_result *r, const struct ms_listed *l)
{
	return ms_result_amend(r, MS_FINDING_MANIFEST_CHANGED,
			       "its digest is %s, and the manifest has %s", r->digest,
			       l->digest);
}

/* First those that are where the manifest has them. */
static int at_its_place(struct ms_manifest_file *m, struct ms_result *r, const char *path,
			bool *ret)
{
	const char *base = strrchr(path, '/');
	struct ms_listed *l = find_path(m, path);
	struct ms_listed *bare = base ? find_path(m, base + 1) : NULL;

	/* Two entries of one file: somebody signed it by its name alone as well. */
	if (bare)
		bare->seen = true;
	l = l ? l : bare;
	*ret = l != NULL;
	if (!l)
		return 0;
	l->seen = true;
	/* What could not be read has been said already. */
	if (!r->digest || strcmp(r->digest, l->digest) == 0)
		return 0;
	return changed(r, l);
}

static int elsewhere(struct ms_manifest_file *m, struct ms_result *r)
{
	struct ms_listed *l = r->digest ? find_digest(m, r->digest) : NULL;
	char shown[SHOWN];

	if (!l)
		return ms_result_amend(r, MS_FINDING_NOT_IN_MANIFEST,
				       "the build %s has signed no such module",
				       m->build);
	l->seen = true;
	return ms_result_amend(r, MS_FINDING_MANIFEST_MOVED, "the manifest has it as %s",
			       ms_escape_str(l->path, shown, sizeof(shown)));
}

static int missing(struct ms_results *r, const char *tree, const struct ms_listed *l)
{
	struct ms_result *more = realloc(r->v, (r->n + 1) * sizeof(*more));
	struct ms_result *m;

	if (!more)
		return -ENOMEM;
	r->v = more;
	m = &more[r->n];
	*m = (struct ms_result){0};
	if (asprintf(&m->path, "%s/%s", tree, l->path) < 0) {
		m->path = NULL;
		return -ENOMEM;
	}
	r->n++;
	m->policy.verdict = MS_POLICY_TRUSTED;
	m->policy.checked = true;
	return ms_result_amend(m, MS_FINDING_MANIFEST_MISSING,
			       "the manifest has it with the digest %s", l->digest);
}

int ms_manifest_compare(struct ms_manifest_file *m, struct ms_results *r, char *tree)
{
	size_t n = r->n;
	_cleanup_free_ bool *found = calloc(n + 1, sizeof(*found));
	int rc = found ? 0 : -ENOMEM;

	for (size_t i = 0; i < n && rc == 0; i++) {
		_cleanup_free_ char *path = plain_path(r->v[i].path, tree);

		rc = path ? at_its_place(m, &r->v[i], path, &found[i]) : -ENOMEM;
	}
	for (size_t i = 0; i < n && rc == 0; i++) {
		if (!found[i])
			rc = elsewhere(m, &r->v[i]);
	}
	for (size_t i = 0; i < m->n && rc == 0; i++) {
		if (!m->v[i].seen)
			rc = missing(r, tree, &m->v[i]);
	}
	ms_results_count(r);
	return rc;
}
