/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include "lib/limits.h"
#include "verifier/filelist.h"

#define DEPTH_MAX 64u

void ms_filelist_clear(struct ms_filelist *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->v[i].path);
	free(t->v);
	*t = (struct ms_filelist){0};
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

static bool is_dir(int dirfd, const struct dirent *de)
{
	struct stat st;

	if (de->d_type != DT_UNKNOWN)
		return de->d_type == DT_DIR;
	return !fstatat(dirfd, de->d_name, &st, AT_SYMLINK_NOFOLLOW) &&
	       S_ISDIR(st.st_mode);
}

/* Is a symlink (or what has an unknown type) a directory in the end? Then it is passed
 * by. */
static bool leads_to_dir(int dirfd, const struct dirent *de)
{
	struct stat st;

	if (de->d_type != DT_LNK && de->d_type != DT_UNKNOWN)
		return false;
	return !fstatat(dirfd, de->d_name, &st, 0) && S_ISDIR(st.st_mode);
}

/* @path has room for MS_PATH_MAX bytes and is put back as it was. */
static int walk(struct ms_filelist *t, int dirfd, const char *name, char *path,
		size_t len, unsigned int depth)
{
	struct dirent *de;
	DIR *dir;
	int fd, rc = 0;

	fd = openat(dirfd, name,
		    O_RDONLY | O_DIRECTORY | O_CLOEXEC | (depth ? O_NOFOLLOW : 0));
	if (fd < 0)
		return add(t, path, -errno);
	dir = fdopendir(fd);
	if (!dir) {
		rc = add(t, path, -errno);
		close(fd);
		return rc;
	}
	while (!rc && (errno = 0, de = readdir(dir))) {
		size_t n = strlen(de->d_name);
		bool sub;

		if (!strcmp(de->d_name, ".") || !strcmp(de->d_name, ".."))
			continue;
		sub = is_dir(fd, de);
		if (!sub &&
		    (!ms_filelist_is_module_name(de->d_name) || leads_to_dir(fd, de)))
			continue;
		if (len + n + 2 > MS_PATH_MAX || (sub && depth >= DEPTH_MAX)) {
			rc = add(t, path, sub ? -ELOOP : -ENAMETOOLONG);
			continue;
		}
		path[len] = '/';
		memcpy(path + len + 1, de->d_name, n + 1);
		rc = sub ? walk(t, fd, de->d_name, path, len + 1 + n, depth + 1)
			 : add(t, path, 0);
		path[len] = 0;
	}
	if (!rc && errno)
		rc = add(t, path, -errno);
	closedir(dir);
	return rc;
}

int ms_filelist_add(struct ms_filelist *t, const char *path, size_t *ret_modules)
{
	_cleanup_free_ char *buf = NULL;
	size_t len = strlen(path), before = t->n;
	struct stat st;
	int rc;

	if (len >= MS_PATH_MAX || stat(path, &st) || !S_ISDIR(st.st_mode)) {
		rc = add(t, path, 0);
		if (!rc)
			t->v[t->n - 1].named = true;
	} else {
		buf = malloc(MS_PATH_MAX + 1);
		if (!buf)
			return -ENOMEM;
		memcpy(buf, path, len + 1);
		while (len > 1 && buf[len - 1] == '/')
			buf[--len] = 0;
		if (len == 1 && *buf == '/')
			len = 0;
		rc = walk(t, AT_FDCWD, path, buf, len, 0);
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
			free(t->v[i].path);
	}
	t->n = kept + 1;
}
