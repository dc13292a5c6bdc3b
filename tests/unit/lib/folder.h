/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For the unit tests that need files: a temporary folder, made and removed around each.
 */
#ifndef MS_TESTS_FOLDER_H
#define MS_TESTS_FOLDER_H

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <cmocka.h>

static char folder[32];

static int folder_make(void **state)
{
	memcpy(folder, "/tmp/ms-unit.XXXXXX", 20);
	return mkdtemp(folder) ? 0 : -1;
}

static inline int folder_remove_one(const char *path, const struct stat *st, int type,
				    struct FTW *ftw)
{
	return remove(path);
}

static int folder_remove(void **state)
{
	return nftw(folder, folder_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* Names in the folder; the last sixteen stay in use. */
static inline const char *in_folder(const char *name)
{
	static char paths[16][128];
	static int next;
	char *path = paths[next++ % 16];

	snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
	return path;
}

static inline void put_file(const char *name, const void *data, size_t len)
{
	_cleanup_close_ int fd =
		open(in_folder(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), len);
}

static inline void assert_file(const char *name, const void *data, size_t len)
{
	_cleanup_close_ int fd = open(in_folder(name), O_RDONLY | O_CLOEXEC);
	_cleanup_free_ char *got = malloc(len + 1);

	assert_true(fd >= 0);
	assert_int_equal(read(fd, got, len + 1), len);
	assert_memory_equal(got, data, len);
}

/* Files whose names start with @prefix. */
static inline unsigned int count_files(const char *prefix)
{
	unsigned int n = 0;
	struct dirent *d;
	DIR *dir = opendir(folder);

	assert_non_null(dir);
	while ((d = readdir(dir)))
		n += strncmp(d->d_name, prefix, strlen(prefix)) == 0;
	closedir(dir);
	return n;
}

#define folder_test(f) cmocka_unit_test_setup_teardown(f, folder_make, folder_remove)

#endif
