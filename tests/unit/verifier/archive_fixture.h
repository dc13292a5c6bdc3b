/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cpio archives in a file of their own. */
#ifndef MS_TESTS_VERIFIER_ARCHIVE_FIXTURE_H
#define MS_TESTS_VERIFIER_ARCHIVE_FIXTURE_H

#include <sys/stat.h>
#include "tests/unit/verifier/fixture.h"

static inline void cpio_pad(struct ms_buf *b)
{
	while (b->len & 3)
		ms_buf_put_u8(b, 0);
}

static inline void cpio_put(struct ms_buf *b, const char *name, unsigned int mode,
			    unsigned int ino, unsigned int nlink, const void *data,
			    size_t len)
{
	ms_buf_printf(b, "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X",
		      ino, mode, 0, 0, nlink, 0, (unsigned int)len, 0, 0, 0, 0,
		      (unsigned int)strlen(name) + 1, 0);
	ms_buf_put(b, name, strlen(name) + 1);
	cpio_pad(b);
	ms_buf_put(b, data, len);
	cpio_pad(b);
}

static inline void cpio_end(struct ms_buf *b)
{
	cpio_put(b, "TRAILER!!!", 0, 0, 1, "", 0);
}

/* Writes the bytes to a file that is removed by archive_remove(). */
static inline const char *archive_file(const struct ms_buf *b)
{
	static char path[64];
	int fd;

	snprintf(path, sizeof(path), "/tmp/ms-archive.XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, b->data, b->len), (ssize_t)b->len);
	close(fd);
	return path;
}

#endif
