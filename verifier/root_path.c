/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <sys/stat.h>
#include "lib/limits.h"
#include "verifier/root_path.h"

/**
 * struct way - how far it has gone
 * @at, @len: the root and what has been found below it
 * @rest: what is still to be gone, and its length
 */
struct way {
	char at[MS_PATH_MAX], rest[MS_PATH_MAX];
	size_t root, len;
	unsigned int links;
};

/* The next part of the path, off @rest. */
static size_t next(struct way *w, char *part)
{
	const char *p = w->rest;
	size_t n;

	while (*p == '/')
		p++;
	n = strcspn(p, "/");
	memcpy(part, p, n);
	part[n] = 0;
	memmove(w->rest, p + n, strlen(p + n) + 1);
	return n;
}

static void up(struct way *w)
{
	while (w->len > w->root && w->at[w->len - 1] != '/')
		w->len--;
	w->len -= w->len > w->root;
	w->at[w->len] = 0;
}

/* The text of a link comes before what is left. */
static int follow(struct way *w)
{
	char target[MS_PATH_MAX];
	ssize_t n = readlink(w->at, target, sizeof(target));
	size_t left = strlen(w->rest);

	if (n < 0)
		return -errno;
	if (++w->links > MS_ROOT_LINKS_MAX)
		return -ELOOP;
	if ((size_t)n + left + 1 > sizeof(w->rest))
		return -ENAMETOOLONG;
	up(w);
	if (n && *target == '/') {
		w->len = w->root;
		w->at[w->len] = 0;
	}
	memmove(w->rest + n, w->rest, left + 1);
	memcpy(w->rest, target, (size_t)n);
	return 0;
}

static int step(struct way *w, const char *part, size_t n)
{
	struct stat st;

	if (!strcmp(part, "."))
		return 0;
	if (!strcmp(part, "..")) {
		up(w);
		return 0;
	}
	if (w->len + n + 2 > sizeof(w->at))
		return -ENAMETOOLONG;
	w->at[w->len++] = '/';
	memcpy(w->at + w->len, part, n + 1);
	w->len += n;
	if (lstat(w->at, &st))
		return -errno;
	return S_ISLNK(st.st_mode) ? follow(w) : 0;
}

int ms_root_path(const char *root, const char *path, char *ret, size_t size)
{
	struct way w = {.root = strlen(root)};
	char part[MS_PATH_MAX];
	size_t n;
	int rc = 0;

	if (w.root >= sizeof(w.at) || strlen(path) >= sizeof(w.rest))
		return -ENAMETOOLONG;
	memcpy(w.at, root, w.root + 1);
	while (w.root && w.at[w.root - 1] == '/')
		w.at[--w.root] = 0;
	w.len = w.root;
	memcpy(w.rest, path, strlen(path) + 1);
	while (!rc && (n = next(&w, part)))
		rc = step(&w, part, n);
	if (!rc && w.len + 2 > size)
		rc = -ENAMETOOLONG;
	if (rc)
		return rc;
	memcpy(ret, w.len ? w.at : "/", (w.len ? w.len : 1) + 1);
	return 0;
}
