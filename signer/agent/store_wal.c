/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/store_wal.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "lib/limits.h"

#define PIECE 65536u
#define ROOM 16u /* times as much has to be free */

static int fill(int fd, off_t from)
{
	static const char zeros[PIECE];

	while (from < MS_STORE_WAL_SIZE) {
		off_t left = MS_STORE_WAL_SIZE - from;
		ssize_t n = pwrite(fd, zeros, (size_t)MS_MIN(left, (off_t)PIECE), from);

		if (n <= 0)
			return -1;
		from += n;
	}
	return fdatasync(fd);
}

void ms_store_grow_wal(const char *path)
{
	char wal[MS_PATH_MAX + 4];
	_cleanup_close_ int fd = -1;
	struct statvfs fs;
	struct stat st;
	int n = snprintf(wal, sizeof(wal), "%s-wal", path);

	if (n < 0 || (size_t)n >= sizeof(wal))
		return;
	fd = open(wal, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	    st.st_size >= MS_STORE_WAL_SIZE || fstatvfs(fd, &fs) < 0 ||
	    fs.f_bavail < (fsblkcnt_t)ROOM * MS_STORE_WAL_SIZE / fs.f_frsize)
		return;
	if (fill(fd, st.st_size) < 0 && ftruncate(fd, st.st_size) < 0)
		return; /* zeros that do no harm */
}
