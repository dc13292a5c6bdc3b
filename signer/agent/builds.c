/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All builds together: by id, by series, from the store. */
#include <ctype.h>
#include <errno.h>

#include "signer/agent/build.h"
#include "signer/agent/store_change.h"

struct ms_builds {
	struct ms_build **v; /* sorted by id */
	size_t n, room;
};

int ms_builds_new(struct ms_builds **ret)
{
	struct ms_builds *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	*ret = l;
	return 0;
}

void ms_builds_free(struct ms_builds *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < l->n; i++)
		ms_build_free(l->v[i]);
	free(l->v);
	free(l);
}

/* Return: index of @id, or where it belongs. */
static size_t where(const struct ms_builds *l, const char *id, bool *ret_found)
{
	size_t lo = 0, hi = l->n;

	*ret_found = false;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int cmp = strcmp(l->v[mid]->id, id);

		if (cmp == 0) {
			*ret_found = true;
			return mid;
		}
		if (cmp < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

int ms_builds_add(struct ms_builds *l, struct ms_build *b)
{
	bool found;
	size_t i = where(l, b->id, &found);

	if (found)
		return -EEXIST;
	if (l->n == l->room) {
		size_t room = l->room ? 2 * l->room : 16;
		struct ms_build **v = reallocarray(l->v, room, sizeof(*v));

		if (!v)
			return -ENOMEM;
		l->v = v;
		l->room = room;
	}
	memmove(l->v + i + 1, l->v + i, (l->n - i) * sizeof(*l->v));
	l->v[i] = b;
	l->n++;
	return 0;
}

struct ms_build *ms_builds_find(const struct ms_builds *l, const char *id)
{
	bool found;
	size_t i = where(l, id, &found);

	return found ? l->v[i] : NULL;
}

size_t ms_builds_own(const struct ms_builds *l, const struct ms_identity *who)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++) {
		const struct ms_build *b = l->v[i];

		n += (b->life.state == MS_BUILD_PENDING ||
		      b->life.state == MS_BUILD_OPEN) &&
		     strcmp(b->opener.id, who->id) == 0;
	}
	return n;
}

struct ms_build *ms_builds_at(const struct ms_builds *l, size_t i)
{
	return i < l->n ? l->v[i] : NULL;
}

/* ---------------------------------------------------------------------- series */

void ms_build_series(const char *kernel, char *ret, size_t size)
{
	size_t n = strspn(kernel, "0123456789");
	const char *p;

	if (kernel[n] == '.')
		n += 1 + strspn(kernel + n + 1, "0123456789");
	snprintf(ret, size, "%.*s", (int)n, kernel);
	for (p = strchr(kernel, '-'); p; p = strchr(p + 1, '-')) {
		size_t len = strlen(ret);

		if (!isdigit((unsigned char)p[1]))
			snprintf(ret + len, size - len, "%.*s",
				 (int)(1 + strcspn(p + 1, "-")), p);
	}
}

static bool same_series(const struct ms_build *a, const struct ms_build *b)
{
	char x[MS_FACT_MAX], y[MS_FACT_MAX];

	if (strcmp(a->key, b->key) != 0)
		return false;
	if (a->series[0] || b->series[0])
		return strcmp(a->series, b->series) == 0;
	ms_build_series(a->kernel, x, sizeof(x));
	ms_build_series(b->kernel, y, sizeof(y));
	return strcmp(x, y) == 0;
}

const struct ms_build *ms_builds_previous(const struct ms_builds *l,
					  const struct ms_build *b,
					  const struct ms_config *c,
					  const struct ms_identity *who)
{
	const struct ms_build *best = NULL;

	for (size_t i = 0; i < l->n; i++) {
		const struct ms_build *o = l->v[i];

		if (o == b || o->request || !o->signed_ ||
		    (o->life.state != MS_BUILD_CLOSED &&
		     o->life.state != MS_BUILD_EXPIRED) ||
		    (b->life.ended && o->life.ended > b->life.ended) ||
		    (best && o->life.ended < best->life.ended))
			continue;
		if (same_series(o, b) && ms_build_may_see(c, o, who))
			best = o;
	}
	return best;
}

/* --------------------------------------------------------------------- loading */

static int load_list(const char *key, int64_t number, const char *data, void *arg)
{
	struct ms_build *b = ms_builds_find(arg, key);

	/* Of a build that has ended the list is not needed any more. */
	if (!b || !b->list ||
	    (b->life.state != MS_BUILD_PENDING && b->life.state != MS_BUILD_OPEN))
		return 0;
	return ms_build_list_restore(b->list, data);
}

static int check_lists(const struct ms_builds *l)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct ms_build *b = l->v[i];

		if (b->list && !b->list->digests &&
		    (b->life.state == MS_BUILD_PENDING || b->life.state == MS_BUILD_OPEN))
			return -EBADMSG;
	}
	return 0;
}

static int load_row(const char *key, int64_t number, const char *data, void *arg)
{
	struct ms_build *b = NULL;
	int r = ms_build_from_json(data, &b);

	if (r < 0)
		return r;
	b->signed_ = (uint64_t)number;
	b->ready = true;
	r = ms_builds_add(arg, b);
	if (r < 0)
		ms_build_free(b);
	return r;
}

int ms_builds_load(struct ms_builds *l, struct ms_store *s, struct ms_error *err)
{
	struct ms_error why = {0};
	int r = ms_store_foreach_row(s, MS_CHANGE_BUILD, NULL, 0, load_row, l, &why);

	if (r == 0)
		r = ms_store_foreach_row(s, MS_CHANGE_LIST, NULL, 0, load_list, l, &why);
	if (r == 0)
		r = check_lists(l);
	if (r < 0)
		ms_error_set(err, r, "store", "cannot read the builds in the store: %s",
			     why.msg[0] ? why.msg : ms_strerror(r));
	return r;
}
