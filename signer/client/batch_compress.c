/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/client/batch_compress.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include "compress/compress.h"
#include "lib/escape.h"
#include "lib/file.h"
#include "lib/limits.h"
#include "signer/client/pool.h"

struct work {
	char *const *path;
	size_t n;
	enum ms_compression kind;
	atomic_size_t next;
	pthread_mutex_t lock;
	void (*failed)(void *arg, const char *path, const struct ms_error *err);
	void *arg;
};

const char *ms_compression_suffix(enum ms_compression c)
{
	switch (c) {
	case MS_GZIP:
		return ".gz";
	case MS_XZ:
		return ".xz";
	case MS_ZSTD:
		return ".zst";
	case MS_PLAIN:
	default:
		return "";
	}
}

static int put(const char *path, const char *suffix, int fd, struct ms_deflater *d,
	       struct ms_error *err)
{
	const struct iovec iov = {d->out, d->len};
	char name[MS_PATH_MAX];
	int r = snprintf(name, sizeof(name), "%s%s", path, suffix);

	if (r < 0 || (size_t)r >= sizeof(name))
		return ms_error_set(err, -ENAMETOOLONG, "name-too-long",
				    "has too long a name to be compressed");
	r = ms_file_replace(name, fd, 0, &iov, 1, false, err);
	if (r < 0) {
		ms_error_prefix(err, "compressed");
		return r;
	}
	if (unlink(path) < 0)
		return ms_error_set(err, -errno, "cannot-remove",
				    "is compressed, but cannot be removed: %s",
				    ms_strerror(errno));
	return 0;
}

static int one(const struct work *w, const char *path, struct ms_file *f,
	       struct ms_deflater *d, struct ms_error *err)
{
	_cleanup_close_ int fd = -1;
	int r = ms_file_open(AT_FDCWD, path, &fd, err);

	if (r == 0)
		r = ms_file_read_fd(fd, MS_MODULE_MAX, 0, f, err);
	if (r < 0)
		return r;
	r = ms_deflate(d, w->kind, f->data, f->len);
	if (r < 0)
		return ms_error_set(err, r, "cannot-compress", "cannot be compressed: %s",
				    ms_strerror(r));
	return put(path, ms_compression_suffix(w->kind), fd, d, err);
}

static bool is_plain(const char *path)
{
	size_t len = strlen(path);

	return len > 3 && memcmp(path + len - 3, ".ko", 3) == 0;
}

static void *worker(void *arg)
{
	_cleanup_deflater_ struct ms_deflater d = {0};
	_cleanup_file_ struct ms_file f = {0};
	struct work *w = arg;
	struct ms_error err;
	char shown[300];
	size_t i;

	while ((i = atomic_fetch_add(&w->next, 1)) < w->n) {
		err = (struct ms_error){0};
		if (!is_plain(w->path[i]) || one(w, w->path[i], &f, &d, &err) == 0)
			continue;
		ms_error_prefix(&err, "%s",
				ms_escape_str(w->path[i], shown, sizeof(shown)));
		pthread_mutex_lock(&w->lock);
		w->failed(w->arg, w->path[i], &err);
		pthread_mutex_unlock(&w->lock);
	}
	return NULL;
}

int ms_batch_compress(char *const *path, size_t n, enum ms_compression kind,
		      unsigned int jobs,
		      void (*failed)(void *arg, const char *path,
				     const struct ms_error *err),
		      void *arg)
{
	struct work w = {
		.path = path, .n = n, .kind = kind, .failed = failed, .arg = arg};
	pthread_t threads[MS_POOL_JOBS_MAX];
	unsigned int started = 0;

	pthread_mutex_init(&w.lock, NULL);
	while (started < MS_MIN(jobs, (unsigned int)MS_POOL_JOBS_MAX) &&
	       pthread_create(&threads[started], NULL, worker, &w) == 0)
		started++;
	for (unsigned int i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	pthread_mutex_destroy(&w.lock);
	return started || !n ? 0 : -EAGAIN;
}
