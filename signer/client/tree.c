/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include "lib/escape.h"
#include "lib/file.h"
#include "signer/client/tree.h"

#define SHOWN_MAX 256

void ms_tree_clear(struct ms_tree *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->path[i]);
	for (size_t i = 0; i < t->n_links; i++)
		free(t->links[i].path);
	free(t->path);
	free(t->links);
	t->path = NULL;
	t->links = NULL;
	t->n = t->cap = t->n_links = 0;
}

static int push(struct ms_tree *t, char *owned)
{
	_cleanup_free_ char *path = owned;

	if (!path)
		return -ENOMEM;
	if (t->n == t->cap) {
		size_t cap = t->cap ? 2 * t->cap : 64;
		char **p = reallocarray(t->path, cap, sizeof(*p));

		if (!p)
			return -ENOMEM;
		t->path = p;
		t->cap = cap;
	}
	t->path[t->n++] = TAKE_PTR(path);
	return 0;
}

static bool ends_with(const char *name, size_t len, const char *suffix)
{
	size_t n = strlen(suffix);

	return len > n && !memcmp(name + len - n, suffix, n);
}

enum ms_tree_kind ms_tree_kind(const char *name)
{
	static const char *const modules[] = {".ko", ".ko.gz", ".ko.xz", ".ko.zst"};
	static const char *const foreign[] = {".ko.bz2", ".ko.lz4", ".ko.lzma"};
	size_t len = strlen(name);

	if (!strncmp(name, MS_FILE_TEMP_PREFIX, strlen(MS_FILE_TEMP_PREFIX)))
		return MS_TREE_OTHER;
	for (size_t i = 0; i < ARRAY_SIZE(modules); i++) {
		if (ends_with(name, len, modules[i]))
			return MS_TREE_MODULE;
	}
	for (size_t i = 0; i < ARRAY_SIZE(foreign); i++) {
		if (ends_with(name, len, foreign[i]))
			return MS_TREE_FOREIGN;
	}
	return MS_TREE_OTHER;
}

static void fail(struct ms_tree *t, const char *path, int rc, const char *code,
		 const char *why)
{
	struct ms_error err = {0};
	char shown[SHOWN_MAX];

	(void)ms_error_set(&err, rc, code, "%s: %s",
			   ms_escape_str(path, shown, sizeof(shown)), why);
	t->failed(t->arg, path, &err);
}

/* Folders yet to be read, and what has been seen so far below one operand. */
struct walk {
	struct ms_tree todo;
	size_t modules, foreign;
	char *first_foreign;
};

enum entry { ENTRY_OTHER = 0, ENTRY_FILE, ENTRY_DIR };

static enum entry entry_type(int dirfd, const struct dirent *e)
{
	struct stat st;

	if (e->d_type == DT_REG)
		return ENTRY_FILE;
	if (e->d_type == DT_DIR)
		return ENTRY_DIR;
	if (e->d_type != DT_UNKNOWN ||
	    fstatat(dirfd, e->d_name, &st, AT_SYMLINK_NOFOLLOW))
		return ENTRY_OTHER;
	return S_ISREG(st.st_mode)   ? ENTRY_FILE
	       : S_ISDIR(st.st_mode) ? ENTRY_DIR
				     : ENTRY_OTHER;
}

static int entry_add(struct ms_tree *t, struct walk *w, int dirfd, const char *folder,
		     const struct dirent *e)
{
	enum ms_tree_kind kind = ms_tree_kind(e->d_name);
	_cleanup_free_ char *path = NULL;
	bool slash = folder[strlen(folder) - 1] == '/';
	enum entry type;

	if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
		return 0;
	if (kind == MS_TREE_OTHER && e->d_type == DT_REG)
		return 0;
	type = entry_type(dirfd, e);
	if (type == ENTRY_OTHER || (type == ENTRY_FILE && kind == MS_TREE_OTHER))
		return 0;
	if (asprintf(&path, "%s%s%s", folder, slash ? "" : "/", e->d_name) < 0)
		return -ENOMEM;
	if (type == ENTRY_DIR)
		return push(&w->todo, TAKE_PTR(path));
	if (kind == MS_TREE_MODULE) {
		w->modules++;
		return push(t, TAKE_PTR(path));
	}
	if (!w->foreign++)
		w->first_foreign = TAKE_PTR(path);
	return 0;
}

static int folder_read(struct ms_tree *t, struct walk *w, const char *folder, bool top)
{
	int fd =
		open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC | (top ? 0 : O_NOFOLLOW));
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;
	char why[128];
	int rc = 0;

	if (!dir) {
		snprintf(why, sizeof(why), "cannot read the folder: %s",
			 ms_strerror(errno));
		fail(t, folder, -errno, "cannot-read", why);
		if (fd >= 0)
			close(fd);
		return 0;
	}
	for (errno = 0; !rc && (e = readdir(dir)); errno = 0)
		rc = entry_add(t, w, fd, folder, e);
	if (!rc && errno) {
		snprintf(why, sizeof(why), "cannot read all of the folder: %s",
			 ms_strerror(errno));
		fail(t, folder, -errno, "cannot-read", why);
	}
	closedir(dir);
	return rc;
}

static const char is_foreign[] =
	"only .xz, .gz and .zst can be signed as they are: decompress, sign, compress";

static void foreign_fail(struct ms_tree *t, const char *root, const struct walk *w)
{
	char why[2 * SHOWN_MAX], shown[SHOWN_MAX];

	if (w->foreign == 1) {
		fail(t, w->first_foreign, -EOPNOTSUPP, "compressed-module", is_foreign);
	} else if (w->foreign) {
		snprintf(why, sizeof(why),
			 "%zu modules are compressed otherwise (such as %s): %s",
			 w->foreign,
			 ms_escape_str(w->first_foreign, shown, sizeof(shown)),
			 is_foreign);
		fail(t, root, -EOPNOTSUPP, "compressed-module", why);
	}
}

static int folder_walk(struct ms_tree *t, const char *root)
{
	struct walk w = {0};
	int rc = folder_read(t, &w, root, true);

	while (!rc && w.todo.n) {
		_cleanup_free_ char *folder = w.todo.path[--w.todo.n];

		rc = folder_read(t, &w, folder, false);
	}
	foreign_fail(t, root, &w);
	if (!rc && !w.modules && !w.foreign)
		fail(t, root, -ENOENT, "no-module",
		     "there is no module (*.ko) below this folder");
	free(w.first_foreign);
	ms_tree_clear(&w.todo);
	return rc;
}

int ms_tree_add(struct ms_tree *t, const char *path, bool recursive)
{
	const char *slash = strrchr(path, '/');
	struct stat st;

	if (stat(path, &st)) {
		fail(t, path, -errno, "no-such-file", ms_strerror(errno));
		return 0;
	}
	if (S_ISDIR(st.st_mode)) {
		if (recursive)
			return folder_walk(t, path);
		fail(t, path, -EISDIR, "is-a-directory",
		     "is a folder: use -r to sign the modules below it");
		return 0;
	}
	if (!S_ISREG(st.st_mode)) {
		fail(t, path, -EINVAL, "not-a-file", "is not a regular file");
		return 0;
	}
	if (ms_tree_kind(slash ? slash + 1 : path) == MS_TREE_FOREIGN) {
		fail(t, path, -EOPNOTSUPP, "compressed-module", is_foreign);
		return 0;
	}
	return push(t, strdup(path));
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void ms_tree_sort(struct ms_tree *t)
{
	size_t kept = 0;

	if (!t->n)
		return;
	qsort(t->path, t->n, sizeof(*t->path), by_name);
	for (size_t i = 1; i < t->n; i++) {
		if (!strcmp(t->path[i], t->path[kept]))
			free(t->path[i]);
		else
			t->path[++kept] = t->path[i];
	}
	t->n = kept + 1;
}

/* ---------------------------------------------------------------------- hard links */

static int by_file(const void *a, const void *b)
{
	const struct ms_tree_link *x = a, *y = b;

	if (x->dev != y->dev)
		return x->dev < y->dev ? -1 : 1;
	if (x->ino != y->ino)
		return x->ino < y->ino ? -1 : 1;
	return strcmp(x->path, y->path);
}

static bool same_file(const struct ms_tree_link *a, const struct ms_tree_link *b)
{
	return a->dev == b->dev && a->ino == b->ino;
}

/* By file, then by name; the paths stay in the list. A symbolic link that was named is a
 * name of what it points to. */
static size_t find_links(const struct ms_tree *t, struct ms_tree_link *v)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++) {
		struct stat st;

		if (stat(t->path[i], &st) == 0 && S_ISREG(st.st_mode))
			v[n++] = (struct ms_tree_link){
				.path = t->path[i], .dev = st.st_dev, .ino = st.st_ino};
	}
	qsort(v, n, sizeof(*v), by_file);
	return n;
}

static void take_out(struct ms_tree *t, const char *path)
{
	for (size_t i = 0; i < t->n; i++) {
		if (t->path[i] != path)
			continue;
		memmove(&t->path[i], &t->path[i + 1], (t->n - i - 1) * sizeof(*t->path));
		t->n--;
		return;
	}
}

int ms_tree_fold(struct ms_tree *t)
{
	struct ms_tree_link *v = calloc(t->n + 1, sizeof(*v));
	const char *first = NULL;
	size_t n;

	if (!v)
		return -ENOMEM;
	n = find_links(t, v);
	for (size_t i = 0; i < n; i++) {
		if (!i || !same_file(&v[i], &v[i - 1])) {
			first = v[i].path;
			continue;
		}
		take_out(t, v[i].path);
		v[t->n_links] = v[i];
		v[t->n_links++].first = first;
	}
	t->links = v;
	return 0;
}

void ms_tree_relink(struct ms_tree *t)
{
	for (size_t i = 0; i < t->n_links; i++) {
		const struct ms_tree_link *l = &t->links[i];
		struct ms_error err = {0};
		struct stat now, st;
		char shown[SHOWN_MAX], first[SHOWN_MAX];

		if (stat(l->first, &now) || lstat(l->path, &st) || st.st_dev != l->dev ||
		    st.st_ino != l->ino || (now.st_dev == l->dev && now.st_ino == l->ino))
			continue;
		if (ms_file_link_over(l->first, l->path, &err) == 0)
			continue;
		ms_error_prefix(&err, "%s: is another name of %s, and stays as it was",
				ms_escape_str(l->path, shown, sizeof(shown)),
				ms_escape_str(l->first, first, sizeof(first)));
		t->failed(t->arg, l->path, &err);
	}
}
