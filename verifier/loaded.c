/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include "lib/hash.h"
#include "verifier/loaded.h"

void ms_loaded_clear(struct ms_loaded *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i].name);
	free(l->v);
	*l = (struct ms_loaded){0};
}

static int add(struct ms_loaded *l, const char *name, size_t len,
	       struct ms_loaded_module **ret)
{
	struct ms_loaded_module *more;

	if (l->n == MS_LOADED_MAX)
		return -EFBIG;
	if (l->n == l->cap) {
		size_t cap = l->cap ? 2 * l->cap : 128;

		more = realloc(l->v, cap * sizeof(*more));
		if (!more)
			return -ENOMEM;
		l->v = more;
		l->cap = cap;
	}
	more = &l->v[l->n];
	*more = (struct ms_loaded_module){.name = strndup(name, len)};
	if (!more->name)
		return -ENOMEM;
	l->n++;
	*ret = more;
	return 0;
}

static size_t read_at(int dirfd, const char *path, void *dst, size_t size)
{
	_cleanup_close_ int fd =
		openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	ssize_t n = fd < 0 ? -1 : read(fd, dst, size);

	return n > 0 ? (size_t)n : 0;
}

/* The kernel's own note: 4-byte sizes in its byte order, name "GNU", then the id. */
static void read_build_id(int dirfd, struct ms_loaded_module *m)
{
	uint8_t note[128];
	size_t n = read_at(dirfd, "notes/.note.gnu.build-id", note, sizeof(note));
	uint32_t head[3];

	if (n < 16)
		return;
	memcpy(head, note, sizeof(head));
	if (head[0] == 4 && head[2] == 3 && !memcmp(note + 12, "GNU", 4) &&
	    head[1] <= n - 16 && head[1] <= 64)
		ms_hex(note + 16, head[1], m->build_id);
}

/* Adds those that are not there yet. */
static void keep_letters(struct ms_loaded_module *m, const char *text, size_t len)
{
	size_t n = strlen(m->taints);

	for (size_t i = 0; i < len && n + 1 < sizeof(m->taints); i++) {
		if (text[i] < 'A' || text[i] > 'Z' || strchr(m->taints, text[i]))
			continue;
		m->taints[n++] = text[i];
		m->taints[n] = 0;
	}
}

/* Modules come and go; anything else would hide one. */
static int gone(int error)
{
	return error == ENOENT || error == ENOTDIR ? 0 : -error;
}

static int read_one(int sysfd, const char *name, struct ms_loaded *l)
{
	_cleanup_close_ int fd = openat(sysfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct ms_loaded_module *m;
	struct stat st;
	char text[64];
	size_t n;
	int rc;

	/* Parts of the kernel that are built in have folders too, but no state. */
	if (fd < 0 || faccessat(fd, "initstate", F_OK, 0))
		return gone(errno);
	rc = add(l, name, strlen(name), &m);
	if (rc)
		return rc;
	m->in_sys = true;
	if (!fstat(fd, &st))
		m->seen = st.st_mtim.tv_sec;
	n = read_at(fd, "taint", text, sizeof(text));
	keep_letters(m, text, n);
	read_build_id(fd, m);
	return 0;
}

static int by_name(const void *x, const void *y)
{
	const struct ms_loaded_module *a = x, *b = y;

	return strcmp(a->name, b->name);
}

struct ms_loaded_module *ms_loaded_find(const struct ms_loaded *l, const char *name)
{
	_cleanup_free_ char *copy = strdup(name);
	const struct ms_loaded_module key = {.name = copy};

	return l->n && copy ? bsearch(&key, l->v, l->n, sizeof(*l->v), by_name) : NULL;
}

static int read_sys(const char *root, struct ms_loaded *l)
{
	_cleanup_free_ char *path = NULL;
	struct dirent *de;
	DIR *dir;
	int rc = 0;

	if (asprintf(&path, "%s/sys/module", root) < 0)
		return -ENOMEM;
	dir = opendir(path);
	if (!dir)
		return -errno;
	while (!rc && (errno = 0, de = readdir(dir)))
		if (de->d_name[0] != '.')
			rc = read_one(dirfd(dir), de->d_name, l);
	if (!rc && errno)
		rc = -errno;
	closedir(dir);
	return rc;
}

/* "dummy 16384 0 - Live 0x0000000000000000 (OE)" */
static int proc_line(struct ms_loaded *l, size_t n_sys, const char *line)
{
	size_t len = strcspn(line, " \n");
	const char *taints = strrchr(line, '(');
	struct ms_loaded_module *m = NULL;
	char name[256];

	if (!len || len >= sizeof(name))
		return 0;
	memcpy(name, line, len);
	name[len] = 0;
	if (n_sys) {
		const struct ms_loaded sys = {.v = l->v, .n = n_sys};

		m = ms_loaded_find(&sys, name);
	}
	if (!m) {
		int rc = add(l, name, len, &m);

		if (rc)
			return rc;
	}
	if (taints)
		keep_letters(m, taints, strlen(taints));
	m->in_proc = true;
	return 0;
}

static int read_proc(const char *root, struct ms_loaded *l)
{
	_cleanup_fclose_ FILE *f = NULL;
	_cleanup_free_ char *path = NULL, *line = NULL;
	size_t n_sys = l->n, size = 0;
	int rc = 0;

	if (asprintf(&path, "%s/proc/modules", root) < 0)
		return -ENOMEM;
	f = fopen(path, "re");
	if (!f)
		return errno == EACCES ? 0 : gone(errno);
	l->has_proc = true;
	while (!rc && getline(&line, &size, f) > 0)
		rc = proc_line(l, n_sys, line);
	return !rc && ferror(f) ? -EIO : rc;
}

int ms_loaded_read(const char *root, struct ms_loaded *ret)
{
	struct ms_loaded l = {0};
	int rc, sys_rc = read_sys(root, &l);

	rc = sys_rc == -ENOENT ? 0 : sys_rc;
	if (l.n)
		qsort(l.v, l.n, sizeof(*l.v), by_name);
	if (!rc)
		rc = read_proc(root, &l);
	if (!rc && sys_rc && !l.has_proc)
		rc = -ENOENT;
	if (rc) {
		ms_loaded_clear(&l);
		return rc;
	}
	if (l.n)
		qsort(l.v, l.n, sizeof(*l.v), by_name);
	*ret = l;
	return 0;
}
