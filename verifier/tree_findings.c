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

/* A file of a modules.dep: "kernel/a.ko: kernel/b.ko". */
struct dep {
	struct ms_file f;
	size_t at;
	const char *root, *dir, *release;
};

static int read_dep(struct dep *d)
{
	_cleanup_free_ char *path = NULL;
	int rc;

	if (asprintf(&path, "%s/modules.dep", d->dir) < 0)
		return -ENOMEM;
	rc = ms_file_read(AT_FDCWD, path, DEP_MAX, 0, &d->f, NULL);
	return rc == -ENOENT ? 0 : rc;
}

/* Behind "/lib/modules/RELEASE/", in which a path below the tree may be written too. */
static const char *in_tree(const struct dep *d, const char *path)
{
	static const char *const tops[] = {"/usr/lib/modules/", "/lib/modules/"};
	size_t n = strlen(d->release);

	for (size_t i = 0; i < ARRAY_SIZE(tops); i++) {
		size_t top = strlen(tops[i]);

		if (!strncmp(path, tops[i], top) && !strncmp(path + top, d->release, n) &&
		    path[top + n] == '/')
			return path + top + n + 1;
	}
	return NULL;
}

/*
 * The next module that is listed: where it is, and whether that is outside the tree.
 * Return: 0, -ENODATA at the end, or -ENOMEM.
 */
static int next_listed(struct dep *d, char **ret, bool *ret_outside)
{
	while (d->at < d->f.len) {
		const char *line = (const char *)d->f.data + d->at;
		size_t left = d->f.len - d->at;
		const char *end = memchr(line, '\n', left);
		size_t len = end ? (size_t)(end - line) : left;
		const char *colon = memchr(line, ':', len), *below;
		_cleanup_free_ char *name = NULL;

		d->at += len + 1;
		if (!colon || memchr(line, 0, (size_t)(colon - line)))
			continue;
		name = strndup(line, (size_t)(colon - line));
		if (!name)
			return -ENOMEM;
		below = *name == '/' ? in_tree(d, name) : name;
		*ret_outside = !below;
		return asprintf(ret, "%s%s%s", below ? d->dir : d->root, below ? "/" : "",
				below ? below : name) < 0
			       ? -ENOMEM
			       : 0;
	}
	return -ENODATA;
}

int ms_tree_list_outside(struct ms_filelist *t, const char *root, const char *dir,
			 const char *release)
{
	struct dep d = {.root = root, .dir = dir, .release = release};
	int rc = read_dep(&d);

	if (rc && rc != -ENOMEM) {
		_cleanup_free_ char *path = NULL;

		if (asprintf(&path, "%s/modules.dep", dir) < 0)
			return -ENOMEM;
		return ms_filelist_add_error(t, path, rc);
	}
	while (!rc) {
		_cleanup_free_ char *path = NULL;
		bool outside;

		rc = next_listed(&d, &path, &outside);
		if (!rc && outside)
			rc = ms_filelist_add_below(t, root, path);
	}
	ms_file_clear(&d.f);
	return rc == -ENODATA ? 0 : rc;
}

static int all_listed(struct ms_results *r, struct dep *d, bool *listed, size_t *n_added)
{
	struct ms_result key, *found;
	int rc;

	for (;;) {
		_cleanup_free_ char *path = NULL;
		bool outside;

		rc = next_listed(d, &path, &outside);
		if (rc)
			return rc == -ENODATA ? 0 : rc;
		key.path = path;
		found = r->n ? bsearch(&key, r->v, r->n, sizeof(*r->v), by_path) : NULL;
		if (found)
			listed[found - r->v] = true;
		else
			rc = missing(r, path, n_added);
		if (rc)
			return rc;
	}
}

static int dependencies(struct ms_results *r, struct dep *d)
{
	_cleanup_free_ bool *listed = calloc(r->n ? r->n : 1, sizeof(bool));
	size_t added = 0, n = r->n;
	int rc = listed ? read_dep(d) : -ENOMEM;

	/* That it could not be read is a result already. */
	if (rc || !d->f.len)
		return rc == -ENOMEM ? rc : 0;
	rc = all_listed(r, d, listed, &added);
	for (size_t i = 0; i < n && !rc; i++)
		if (!listed[i])
			rc = ms_result_amend(&r->v[i], MS_FINDING_NOT_LISTED,
					     "modprobe does not find it");
	r->n += added;
	if (r->n)
		qsort(r->v, r->n, sizeof(*r->v), by_path);
	return rc;
}

int ms_tree_find(struct ms_results *r, const char *root, const char *dir,
		 const char *release)
{
	struct dep d = {.root = root, .dir = dir, .release = release};
	int rc = duplicates(r);

	if (!rc)
		rc = other_kernels(r, release);
	if (!rc)
		rc = dependencies(r, &d);
	ms_file_clear(&d.f);
	ms_results_count(r);
	return rc;
}
