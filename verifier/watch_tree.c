/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verifier/watch_tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "lib/limits.h"
#include "verifier/filelist.h"

#define DEPTH_MAX 64u
#define MASK                                                                    \
	(IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | \
	 IN_ONLYDIR | IN_DONT_FOLLOW | IN_EXCL_UNLINK)

void ms_watch_tree_clear(struct ms_watch_tree *w)
{
	for (size_t i = 0; i < w->n; i++)
		free(w->folders[i]);
	free(w->folders);
	if (w->fd >= 0)
		close(w->fd);
	*w = (struct ms_watch_tree){.fd = -1};
}

static int remember(struct ms_watch_tree *w, int wd, const char *path)
{
	size_t at = (size_t)wd;
	char *copy;

	if (at >= w->cap) {
		size_t cap = at + at / 2 + 64;
		char **more = reallocarray(w->folders, cap, sizeof(*more));

		if (!more)
			return -ENOMEM;
		w->folders = more;
		w->cap = cap;
	}
	for (; w->n <= at; w->n++)
		w->folders[w->n] = NULL;
	copy = strdup(path);
	if (!copy)
		return -ENOMEM;
	if (!w->folders[at])
		w->watched++;
	free(w->folders[at]);
	w->folders[at] = copy;
	return 0;
}

/**
 * struct walk - a folder and what is below it
 * @fn: told of the modules that are there; NULL: nobody is
 */
struct walk {
	struct ms_watch_tree *w;
	ms_tree_change_fn *fn;
	void *arg;
};

static bool is_dir(int dirfd, const char *name)
{
	struct stat st;

	return !fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) && S_ISDIR(st.st_mode);
}

static int add_folder(const struct walk *k, const char *path, unsigned int depth);

static int add_entry(const struct walk *k, DIR *dir, const char *folder, const char *name,
		     unsigned int depth)
{
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, "%s/%s", folder, name) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	if (is_dir(dirfd(dir), name))
		return add_folder(k, path, depth + 1);
	if (k->fn && ms_filelist_is_module_name(name))
		return k->fn(k->arg, MS_TREE_WRITTEN, path);
	return 0;
}

/* Watched first and listed then: what comes in between is told of twice, not never. */
static int add_folder(const struct walk *k, const char *path, unsigned int depth)
{
	struct dirent *de;
	DIR *dir;
	int wd, rc;

	wd = depth < DEPTH_MAX ? inotify_add_watch(k->w->fd, path, MASK) : -1;
	if (wd < 0) {
		k->w->unseen += depth >= DEPTH_MAX || errno != ENOENT;
		return 0;
	}
	rc = remember(k->w, wd, path);
	dir = rc ? NULL : opendir(path);
	if (!dir) {
		k->w->unseen += !rc;
		return rc;
	}
	while (!rc && (de = readdir(dir)))
		if (strcmp(de->d_name, ".") != 0 && strcmp(de->d_name, "..") != 0)
			rc = add_entry(k, dir, path, de->d_name, depth);
	closedir(dir);
	return rc;
}

int ms_watch_tree_open(const char *dir, struct ms_watch_tree *ret, struct ms_error *err)
{
	struct ms_watch_tree w = {.fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK)};
	const struct walk k = {.w = &w};
	int rc = w.fd < 0 ? -errno : add_folder(&k, dir, 0);

	if (!rc && !w.watched)
		rc = access(dir, R_OK | X_OK) ? -errno : -ENOSPC;
	if (rc) {
		ms_watch_tree_clear(&w);
		return ms_error_set(err, rc, NULL, "%s%s", ms_strerror(rc),
				    rc == -ENOSPC ? ": raise fs.inotify.max_user_watches"
						  : "");
	}
	*ret = w;
	return 0;
}

static int on_event(struct ms_watch_tree *w, const struct inotify_event *e,
		    ms_tree_change_fn *fn, void *arg)
{
	const struct walk k = {.w = w, .fn = fn, .arg = arg};
	_cleanup_free_ char *path = NULL;
	size_t at = (size_t)e->wd;

	if (e->mask & IN_Q_OVERFLOW)
		return fn(arg, MS_TREE_LOST, NULL);
	if (e->wd < 0 || at >= w->n || !w->folders[at])
		return 0;
	if (e->mask & IN_IGNORED) {
		free(TAKE_PTR(w->folders[at]));
		w->watched--;
		return 0;
	}
	if (!e->len)
		return 0;
	if (asprintf(&path, "%s/%s", w->folders[at], e->name) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	if (e->mask & IN_ISDIR)
		return e->mask & (IN_CREATE | IN_MOVED_TO) ? add_folder(&k, path, 1) : 0;
	if (!ms_filelist_is_module_name(e->name))
		return 0;
	if (e->mask & (IN_DELETE | IN_MOVED_FROM))
		return fn(arg, MS_TREE_REMOVED, path);
	/* A new file is told of when it is written; a link never is. */
	if (e->mask & IN_CREATE) {
		struct stat st;

		if (lstat(path, &st) || (S_ISREG(st.st_mode) && st.st_nlink == 1))
			return 0;
	}
	return fn(arg, MS_TREE_WRITTEN, path);
}

int ms_watch_tree_read(struct ms_watch_tree *w, ms_tree_change_fn *fn, void *arg)
{
	char buf[16384] __attribute__((aligned(__alignof__(struct inotify_event))));
	ssize_t n = read(w->fd, buf, sizeof(buf));
	int rc = 0;

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -EIO;
	for (const char *p = buf; p < buf + n && !rc;) {
		/* Aligned, as inotify(7) has it. */
		const struct inotify_event *e = (const void *)p;

		rc = on_event(w, e, fn, arg);
		p += sizeof(*e) + e->len;
	}
	return rc;
}
