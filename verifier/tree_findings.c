/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include "lib/escape.h"
#include "lib/file.h"
#include "verifier/tree_findings.h"

#define DEP_MAX (64u << 20)

static int by_name(const void *x, const void *y)
{
	const struct ms_result *const *a = x, *const *b = y;
	int c = strcmp((*a)->name, (*b)->name);

	return c ? c : strcmp((*a)->path, (*b)->path);
}

static int duplicates(struct ms_results *r)
{
	_cleanup_free_ struct ms_result **v =
		calloc(r->n ? r->n : 1, sizeof(struct ms_result *));
	char shown[1024];
	size_t n = 0;
	int rc = 0;

	if (!v)
		return -ENOMEM;
	for (size_t i = 0; i < r->n; i++)
		if (r->v[i].name)
			v[n++] = &r->v[i];
	qsort(v, n, sizeof(struct ms_result *), by_name);
	for (size_t i = 1; i < n && !rc; i++) {
		if (strcmp(v[i - 1]->name, v[i]->name))
			continue;
		rc = ms_result_amend(v[i], MS_FINDING_DUPLICATE_NAME,
				     "%s has the same name",
				     ms_escape_str(v[i - 1]->path, shown, sizeof(shown)));
		if (!rc)
			rc = ms_result_amend(
				v[i - 1], MS_FINDING_DUPLICATE_NAME,
				"%s has the same name",
				ms_escape_str(v[i]->path, shown, sizeof(shown)));
	}
	return rc;
}

static int other_kernels(struct ms_results *r, const char *release)
{
	size_t len = strlen(release);
	int rc = 0;

	for (size_t i = 0; i < r->n && !rc; i++) {
		const char *vermagic = r->v[i].vermagic;
		char shown[512];

		if (!vermagic || (!strncmp(vermagic, release, len) &&
				  (!vermagic[len] || vermagic[len] == ' ')))
			continue;
		rc = ms_result_amend(&r->v[i], MS_FINDING_OTHER_KERNEL,
				     "it was built for \"%s\", and this is %s",
				     ms_escape_str(vermagic, shown, sizeof(shown)),
				     release);
		/* check_modinfo() of kernel/module; a signature does not help. */
		if (r->v[i].kernel.verdict == MS_KERNEL_LOADS ||
		    r->v[i].kernel.verdict == MS_KERNEL_TAINTS) {
			r->v[i].kernel.verdict = MS_KERNEL_REFUSED;
			r->v[i].kernel.error = -ENOEXEC;
		}
	}
	return rc;
}

static int by_path(const void *x, const void *y)
{
	const struct ms_result *a = x, *b = y;

	return strcmp(a->path, b->path);
}

static int missing(struct ms_results *r, char *path, size_t *n_added)
{
	struct ms_result *more = realloc(r->v, (r->n + *n_added + 1) * sizeof(*more));
	struct ms_result *m;

	if (!more)
		return -ENOMEM;
	r->v = more;
	m = &more[r->n + *n_added];
	*m = (struct ms_result){.path = strdup(path)};
	if (!m->path)
		return -ENOMEM;
	++*n_added;
	m->policy.verdict = MS_POLICY_TRUSTED;
	m->policy.checked = true;
	return ms_result_amend(m, MS_FINDING_MISSING_FILE, "modules.dep lists it");
}

/* One line of modules.dep: "kernel/a.ko: kernel/b.ko". */
static int one_listed(struct ms_results *r, const char *dir, const char *line, size_t len,
		      bool *listed, size_t *n_added)
{
	_cleanup_free_ char *path = NULL;
	struct ms_result key, *found;
	const char *colon = memchr(line, ':', len);

	if (!colon)
		return 0;
	len = (size_t)(colon - line);
	/* Absolute paths are for modules that live elsewhere. */
	if (*line == '/' || memchr(line, 0, len))
		return 0;
	if (asprintf(&path, "%s/%.*s", dir, (int)len, line) < 0)
		return -ENOMEM;
	key.path = path;
	found = bsearch(&key, r->v, r->n, sizeof(*r->v), by_path);
	if (!found)
		return missing(r, path, n_added);
	listed[found - r->v] = true;
	return 0;
}

static int dependencies(struct ms_results *r, const char *dir)
{
	_cleanup_file_ struct ms_file f = {0};
	_cleanup_free_ char *path = NULL;
	_cleanup_free_ bool *listed = calloc(r->n ? r->n : 1, sizeof(bool));
	size_t added = 0, n = r->n;
	int rc = 0;

	if (!listed || asprintf(&path, "%s/modules.dep", dir) < 0)
		return -ENOMEM;
	if (ms_file_read(AT_FDCWD, path, DEP_MAX, 0, &f, NULL) || !f.len)
		return 0;
	for (size_t at = 0; at < f.len && !rc;) {
		const char *line = (const char *)f.data + at, *end;

		end = memchr(line, '\n', f.len - at);
		if (!end)
			break;
		rc = one_listed(r, dir, line, (size_t)(end - line), listed, &added);
		at += (size_t)(end - line) + 1;
	}
	for (size_t i = 0; i < n && !rc; i++)
		if (!listed[i])
			rc = ms_result_amend(&r->v[i], MS_FINDING_NOT_LISTED,
					     "modprobe does not find it");
	r->n += added;
	qsort(r->v, r->n, sizeof(*r->v), by_path);
	return rc;
}

int ms_tree_find(struct ms_results *r, const char *dir, const char *release)
{
	int rc = duplicates(r);

	if (!rc)
		rc = other_kernels(r, release);
	if (!rc)
		rc = dependencies(r, dir);
	ms_results_count(r);
	return rc;
}
