/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the unit tests of lib/ share. Tests run from the top folder.
 */
#ifndef MS_TESTS_DATA_H
#define MS_TESTS_DATA_H

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <cmocka.h>
#include "lib/buf.h"

/* Appends a file of tests/data to @out. */
static inline void data_read(const char *name, struct ms_buf *out)
{
	char path[256], chunk[4096];
	_cleanup_close_ int fd = -1;
	ssize_t n;

	snprintf(path, sizeof(path), "tests/data/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		fail_msg("%s: %s (tests run from the top folder)", path, strerror(errno));
	while ((n = read(fd, chunk, sizeof(chunk))) > 0)
		ms_buf_put(out, chunk, (size_t)n);
	assert_int_equal(n, 0);
	assert_int_equal(ms_buf_error(out), 0);
}

#define DATA_MAX (1u << 20)

#endif
