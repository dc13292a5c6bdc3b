/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include "lib/limits.h"
#include "verifier/filelist.h"
#include "verifier/root_path.h"

#define DEPTH_MAX 64u

struct place {
	dev_t dev;
	ino_t ino;
};

/**
 * struct walk - one walk
 * @tree: directories behind symlinks are listed as well, and each once
 * @root: what the links are below
 * @path: has room for MS_PATH_MAX bytes; what things are called
 * @links: symlinks that are directories perhaps, to be looked at in the end
 * @shown, @real: the link that is being followed, and where it leads to; or empty
 */
struct walk {
	struct ms_filelist *t;
	bool tree;
	const char *root;
	char *path;
	struct ms_filelist links;
	struct place *seen;
	size_t n_seen, cap_seen;
	size_t shown;
	const char *real;
};

void ms_entry_clear(struct ms_entry *e)
{
	free(e->path);
	free(e->target);
	*e = (struct ms_entry){0};
}

void ms_filelist_clear(struct ms_filelist *t)
{
	for (size_t i = 0; i < t->n; i++)
		ms_entry_clear(&t->v[i]);
	free(t->v);
	*t = (struct ms_filelist){0};
}

const char *ms_entry_open_path(const struct ms_entry *e)
{
	return e->target ? e->target : e->path;
}

bool ms_filelist_is_module_name(const char *name)
{
	static const char *const suffixes[] = {".ko", ".ko.gz", ".ko.xz", ".ko.zst"};
	size_t len = strlen(name);

	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		size_t n = strlen(suffixes[i]);

		if (len > n && !memcmp(name + len - n, suffixes[i], n))
			return true;
	}
	return false;
}

static int add(struct ms_filelist *t, const char *path, int error)
{
	char *copy;

	if (t->n == t->cap) {
		size_t cap = t->cap ? 2 * t->cap : 256;
		struct ms_entry *more = realloc(t->v, cap * sizeof(*more));

		if (!more)
			return -ENOMEM;
		t->v = more;
		t->cap = cap;
	}
	copy = strdup(path);
	if (!copy)
		return -ENOMEM;
	t->v[t->n++] = (struct ms_entry){.path = copy, .error = error};
	return 0;
}

int ms_filelist_add_error(struct ms_filelist *t, const char *path, int error)
{
	return add(t, path, error);
}

/* A file behind symlinks, or an error in its place. */
static int add_target(struct ms_filelist *t, const char *path, const char *target)
{
	int rc = add(t, path, 0);

	if (rc)
		return rc;
	t->v[t->n - 1].target = strdup(target);
	return t->v[t->n - 1].target ? 0 : -ENOMEM;
}

int ms_filelist_add_below(struct ms_filelist *t, const char *root, const char *path)
{
	char real[MS_PATH_MAX];
	size_t len = strlen(root);
	int rc = ms_root_path(root, path + len, real, sizeof(real));

	return rc ? add(t, path, rc) : add_target(t, path, real);
}

enum what {
	FILE_LIKE = 0,
	DIRECTORY,
	LINK,
	GONE,
};

/* Return: enum what, or a negative errno. */
static int look_at(int dirfd, const struct dirent *de)
{
	struct stat st;

	if (de->d_type != DT_UNKNOWN)
		return de->d_type == DT_DIR   ? DIRECTORY
		       : de->d_type == DT_LNK ? LINK
					      : FILE_LIKE;
	if (fstatat(dirfd, de->d_name, &st, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? GONE : -errno;
	return S_ISDIR(st.st_mode) ? DIRECTORY : S_ISLNK(st.st_mode) ? LINK : FILE_LIKE;
}

/* Has this directory been listed? From now on it has. Return: 1, 0, or -ENOMEM. */
static int seen_before(struct walk *w, int fd)
{
	struct stat st;

	if (!w->tree || fstat(fd, &st))
		return 0;
	for (size_t i = 0; w->real && i < w->n_seen; i++)
		if (w->seen[i].dev == st.st_dev && w->seen[i].ino == st.st_ino)
			return 1;
	if (w->n_seen == w->cap_seen) {
		size_t cap = w->cap_seen ? 2 * w->cap_seen : 64;
		struct place *more = realloc(w->seen, cap * sizeof(*more));

		if (!more)
			return -ENOMEM;
		w->seen = more;
		w->cap_seen = cap;
	}
	w->seen[w->n_seen++] = (struct place){.dev = st.st_dev, .ino = st.st_ino};
	return 0;
}

/* A file, behind the link that is being followed perhaps. */
static int add_file(struct walk *w, bool link)
{
	char target[2 * MS_PATH_MAX];

	if (!w->real)
		return link && w->tree && *w->root
			       ? ms_filelist_add_below(w->t, w->root, w->path)
			       : add(w->t, w->path, 0);
	snprintf(target, sizeof(target), "%s%s", w->real, w->path + w->shown);
	if (link && *w->root) {
		char real[MS_PATH_MAX];
		int rc = ms_root_path(w->root, target + strlen(w->root), real,
				      sizeof(real));

		return rc ? add(w->t, w->path, rc) : add_target(w->t, w->path, real);
	}
	return add_target(w->t, w->path, target);
}

static int walk(struct walk *w, int dirfd, const char *name, size_t len,
		unsigned int depth);

/* A symlink; those that lead to directories are followed by nobody, or in the end. */
static int take_link(struct walk *w, int dirfd, const char *name)
{
	bool module = ms_filelist_is_module_name(name);
	struct stat st;

	if (!w->tree)
		return module && !(!fstatat(dirfd, name, &st, 0) && S_ISDIR(st.st_mode))
			       ? add_file(w, true)
			       : 0;
	if (!strcmp(name, "build") || !strcmp(name, "source"))
		return 0;
	if (!w->real)
		return add(&w->links, w->path, module);
	/* Links behind links are files, or not followed any further, which is said. */
	if (module)
		return add_file(w, true);
	return !fstatat(dirfd, name, &st, 0) && S_ISDIR(st.st_mode)
		       ? add(w->t, w->path, -ELOOP)
		       : 0;
}

static int take_name(struct walk *w, int fd, const struct dirent *de, size_t len,
		     unsigned int depth)
{
	int what = look_at(fd, de);

	switch (what) {
	case GONE:
		return 0;
	case LINK:
		return take_link(w, fd, de->d_name);
	case DIRECTORY:
		return walk(w, fd, de->d_name, len, depth + 1);
	case FILE_LIKE:
		return ms_filelist_is_module_name(de->d_name) ? add_file(w, false) : 0;
	default:
		return add(w->t, w->path, what);
	}
}

static int list(struct walk *w, DIR *dir, size_t len, unsigned int depth)
{
	struct dirent *de;
	int rc = 0;

	while (!rc && (errno = 0, de = readdir(dir))) {
		size_t n = strlen(de->d_name);

		if (!strcmp(de->d_name, ".") || !strcmp(de->d_name, ".."))
			continue;
		if (len + n + 2 > MS_PATH_MAX) {
			rc = add(w->t, w->path, -ENAMETOOLONG);
			continue;
		}
		w->path[len] = '/';
		memcpy(w->path + len + 1, de->d_name, n + 1);
		rc = take_name(w, dirfd(dir), de, len + 1 + n, depth);
		w->path[len] = 0;
	}
	return !rc && errno ? add(w->t, w->path, -errno) : rc;
}

/* w->path is put back as it was. */
static int walk(struct walk *w, int dirfd, const char *name, size_t len,
		unsigned int depth)
{
	DIR *dir;
	int fd, rc;

	if (depth > DEPTH_MAX)
		return add(w->t, w->path, -ELOOP);
	fd = openat(dirfd, name,
		    O_RDONLY | O_DIRECTORY | O_CLOEXEC | (depth ? O_NOFOLLOW : 0));
	if (fd < 0)
		return add(w->t, w->path, -errno);
	rc = seen_before(w, fd);
	dir = rc ? NULL : fdopendir(fd);
	if (!dir) {
		if (!rc)
			rc = add(w->t, w->path, -errno);
		close(fd);
		return rc < 0 ? rc : 0;
	}
	rc = list(w, dir, len, depth);
	closedir(dir);
	return rc;
}

static int from_top(struct walk *w, const char *path)
{
	size_t len = strlen(path);

	memcpy(w->path, path, len + 1);
	while (len > 1 && w->path[len - 1] == '/')
		w->path[--len] = 0;
	if (len == 1 && *w->path == '/')
		len = 0;
	return walk(w, AT_FDCWD, path, len, 0);
}

/* Its error says whether it has a module's name. */
static int follow(struct walk *w, const struct ms_entry *link)
{
	char real[MS_PATH_MAX];
	size_t len = strlen(link->path);
	struct stat st;
	int rc = ms_root_path(w->root, link->path + strlen(w->root), real, sizeof(real));

	if (rc)
		return link->error || rc != -ENOENT ? add(w->t, link->path, rc) : 0;
	memcpy(w->path, link->path, len + 1);
	if (stat(real, &st) || !S_ISDIR(st.st_mode))
		return !link->error ? 0
		       : *w->root   ? add_target(w->t, link->path, real)
				    : add(w->t, link->path, 0);
	w->real = real;
	w->shown = len;
	rc = walk(w, AT_FDCWD, real, len, 0);
	w->real = NULL;
	return rc;
}

int ms_filelist_add_tree(struct ms_filelist *t, const char *root, const char *dir,
			 size_t *ret_modules)
{
	_cleanup_free_ char *buf = malloc(MS_PATH_MAX + 1);
	struct walk w = {.t = t, .tree = true, .root = root, .path = buf};
	size_t before = t->n;
	int rc = buf ? 0 : -ENOMEM;

	if (!rc && strlen(dir) >= MS_PATH_MAX)
		rc = add(t, dir, -ENAMETOOLONG);
	else if (!rc)
		rc = from_top(&w, dir);
	for (size_t i = 0; i < w.links.n && !rc; i++)
		rc = follow(&w, &w.links.v[i]);
	ms_filelist_clear(&w.links);
	free(w.seen);
	if (!rc)
		*ret_modules = t->n - before;
	return rc;
}

int ms_filelist_add(struct ms_filelist *t, const char *path, size_t *ret_modules)
{
	_cleanup_free_ char *buf = NULL;
	struct walk w = {.t = t, .root = ""};
	size_t before = t->n;
	struct stat st;
	int rc;

	if (strlen(path) >= MS_PATH_MAX || stat(path, &st) || !S_ISDIR(st.st_mode)) {
		rc = add(t, path, 0);
		if (!rc)
			t->v[t->n - 1].named = true;
	} else {
		w.path = buf = malloc(MS_PATH_MAX + 1);
		rc = buf ? from_top(&w, path) : -ENOMEM;
	}
	if (!rc)
		*ret_modules = t->n - before;
	return rc;
}

static int by_path(const void *x, const void *y)
{
	const struct ms_entry *a = x, *b = y;

	return strcmp(a->path, b->path);
}

void ms_filelist_sort(struct ms_filelist *t)
{
	size_t kept = 0;

	if (!t->n)
		return;
	qsort(t->v, t->n, sizeof(*t->v), by_path);
	for (size_t i = 1; i < t->n; i++) {
		if (strcmp(t->v[kept].path, t->v[i].path))
			t->v[++kept] = t->v[i];
		else
			ms_entry_clear(&t->v[i]);
	}
	t->n = kept + 1;
}
