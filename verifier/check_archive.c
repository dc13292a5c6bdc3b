/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include "lib/escape.h"
#include "lib/limits.h"
#include "verifier/archive.h"
#include "verifier/check_archive.h"

/* A name whose content is not there yet or is elsewhere. */
struct promise {
	char *path, *link;
	uint64_t ino;
};

struct walk {
	struct ms_checker *c;
	const char *archive;
	struct ms_results *r;
	size_t cap;
	struct promise *promises;
	size_t n_promises;
};

static bool wanted(const char *path)
{
	return ms_filelist_is_module_name(path);
}

/* A fresh result at the end, with its name. */
static int add(struct walk *w, const char *member, struct ms_result **ret,
	       char **ret_shown)
{
	struct ms_result *more;

	if (w->r->n == w->cap) {
		size_t cap = w->cap ? 2 * w->cap : 64;

		more = realloc(w->r->v, cap * sizeof(*more));
		if (!more)
			return -ENOMEM;
		w->r->v = more;
		w->cap = cap;
	}
	if (asprintf(ret_shown, "%s%s%s", w->archive, *member ? ":" : "", member) < 0)
		return -ENOMEM;
	*ret = &w->r->v[w->r->n++];
	**ret = (struct ms_result){0};
	return 0;
}

/* Something that could not be checked. */
static int add_finding(struct walk *w, const char *member, enum ms_finding_code code,
		       const char *why, const char *what)
{
	struct ms_result *r;
	char *shown, detail[1024];
	int rc = add(w, member, &r, &shown);

	if (rc)
		return rc;
	r->path = shown;
	r->kernel.enforce = w->c->q->enforce;
	rc = ms_result_add(r, code, "%s%s%s", why, what ? " " : "",
			   what ? ms_escape_str(what, detail, sizeof(detail)) : "");
	ms_result_settle(r, false);
	return rc;
}

static int check_data(struct walk *w, const char *member, const uint8_t *data, size_t len)
{
	_cleanup_free_ char *shown = NULL;
	struct ms_result *r;
	int rc = add(w, member, &r, &shown);

	if (!rc && len > MS_MODULE_LARGE / MS_INFLATE_RATIO)
		ms_checker_large(w->c);
	return rc ? rc : ms_check_bytes(w->c, data, len, shown, r);
}

static int promise(struct walk *w, const struct ms_member *m)
{
	struct promise *more = realloc(w->promises, (w->n_promises + 1) * sizeof(*more)),
		       *p;

	if (!more)
		return -ENOMEM;
	w->promises = more;
	p = &more[w->n_promises];
	*p = (struct promise){.path = strdup(m->path), .ino = m->ino};
	if (m->link)
		p->link = strdup(m->link);
	w->n_promises++;
	return p->path && (!m->link || p->link) ? 0 : -ENOMEM;
}

static void forget(struct promise *p)
{
	free(p->path);
	free(p->link);
	*p = (struct promise){0};
}

static int one_member(struct walk *w, const struct ms_member *m)
{
	int rc;

	if (m->link || (m->ino && !m->len))
		return promise(w, m);
	if (!m->data)
		return add_finding(w, m->path, MS_FINDING_UNREADABLE,
				   "it is not a regular file", NULL);
	rc = check_data(w, m->path, m->data, m->len);
	/* Names of the same file that came before its content. */
	for (size_t i = 0; i < w->n_promises && m->ino && !rc; i++) {
		struct promise *p = &w->promises[i];

		if (!p->path || p->link || p->ino != m->ino)
			continue;
		rc = check_data(w, p->path, m->data, m->len);
		forget(p);
	}
	return rc;
}

static int by_path(const void *x, const void *y)
{
	const struct ms_result *a = x, *b = y;

	return strcmp(a->path, b->path);
}

static bool is_there(const struct walk *w, const char *member, size_t n)
{
	_cleanup_free_ char *path = NULL;
	struct ms_result key;

	if (asprintf(&path, "%s:%s", w->archive, member) < 0)
		return false;
	key.path = path;
	return n && bsearch(&key, w->r->v, n, sizeof(key), by_path);
}

/* A link to a module that was checked is as good as that one. */
static int keep_promises(struct walk *w)
{
	size_t n = w->r->n;
	int rc = 0;

	if (n)
		qsort(w->r->v, n, sizeof(*w->r->v), by_path);
	for (size_t i = 0; i < w->n_promises && !rc; i++) {
		const struct promise *p = &w->promises[i];
		_cleanup_free_ char *usr = NULL;

		if (!p->path)
			continue;
		if (!p->link) {
			rc = check_data(w, p->path, (const uint8_t *)"", 0);
			continue;
		}
		/* /lib is a link to /usr/lib wherever it matters. */
		if (asprintf(&usr, "/usr%s", p->link) < 0)
			return -ENOMEM;
		if (!is_there(w, p->link, n) && !is_there(w, usr, n))
			rc = add_finding(
				w, p->path, MS_FINDING_UNREADABLE,
				"it is a link to a file that is not in the archive:",
				p->link);
	}
	return rc;
}

static int members(struct walk *w, struct ms_archive *a)
{
	struct ms_error err = {0};
	struct ms_member m;
	int rc;

	while (!(rc = ms_archive_next(a, &m, &err))) {
		rc = one_member(w, &m);
		ms_archive_rest(a);
		ms_checker_rest(w->c);
		if (rc)
			return rc;
	}
	if (rc == -ENOMEM)
		return rc;
	if (rc == -ENODATA)
		return keep_promises(w);
	rc = keep_promises(w);
	return rc ? rc
		  : add_finding(w, "", MS_FINDING_DAMAGED_ARCHIVE,
				"modules may be missing:",
				*err.msg ? err.msg : "it cannot be read");
}

static void large(void *arg)
{
	ms_checker_large(arg);
}

int ms_check_archive(struct ms_checker *c, const char *path, struct ms_results *ret)
{
	_cleanup_archive_ struct ms_archive *a = NULL;
	struct walk w = {.c = c, .archive = path, .r = ret};
	struct ms_error err = {0};
	int rc;

	*ret = (struct ms_results){0};
	rc = ms_archive_open(path, wanted, ms_question_module_max(c->q), &a, &err);
	if (rc == -ENOMSG || rc == -ENOMEM)
		return rc;
	if (rc)
		return add_finding(&w, "", MS_FINDING_DAMAGED_ARCHIVE,
				   *err.msg ? err.msg : ms_strerror(rc), NULL);
	ms_archive_on_large(a, large, c);
	rc = members(&w, a);
	ms_archive_rest(a);
	ms_checker_rest(c);
	for (size_t i = 0; i < w.n_promises; i++)
		forget(&w.promises[i]);
	free(w.promises);
	if (!rc && ret->n)
		qsort(ret->v, ret->n, sizeof(*ret->v), by_path);
	if (!rc && !ret->n)
		rc = add_finding(&w, "", MS_FINDING_NO_MODULES,
				 "no kernel module is in it", NULL);
	return rc;
}
