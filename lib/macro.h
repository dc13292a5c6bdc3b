/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Small things that every file uses. The Makefile includes it before each source file,
 * so that the banned calls below do not compile anywhere.
 */
#ifndef MS_MACRO_H
#define MS_MACRO_H

#include <stddef.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define MS_MIN(a, b) ((a) < (b) ? (a) : (b))
#define MS_MAX(a, b) ((a) > (b) ? (a) : (b))

#define _must_check_ __attribute__((warn_unused_result))
#define _printf_(f, a) __attribute__((format(printf, f, a)))
#define _noreturn_ __attribute__((noreturn))
#define _cleanup_(fn) __attribute__((cleanup(fn)))

static inline void ms_cleanup_free(void *p)
{
	free(*(void **)p);
}

static inline void ms_cleanup_close(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void ms_cleanup_fclose(FILE **f)
{
	if (*f)
		fclose(*f);
}

#define _cleanup_free_ _cleanup_(ms_cleanup_free)
#define _cleanup_close_ _cleanup_(ms_cleanup_close)
#define _cleanup_fclose_ _cleanup_(ms_cleanup_fclose)

/* Hands ownership on: the variable is cleared, so that its cleanup has nothing to do. */
#define TAKE_PTR(p)                       \
	({                                \
		__typeof__(p) *_pp = &(p); \
		__typeof__(p) _v = *_pp;   \
		*_pp = NULL;              \
		_v;                       \
	})
#define TAKE_FD(fd)               \
	({                        \
		int *_pfd = &(fd); \
		int _fd = *_pfd;  \
		*_pfd = -1;       \
		_fd;              \
	})

/* Unbounded, locale-bound or shell-bound calls: use the bounded ones of lib/ instead. */
#undef sprintf /* glibc has these as macros for clang */
#undef vsprintf
#pragma GCC poison strcpy strcat sprintf vsprintf strncpy strncat strtok gets
#pragma GCC poison atoi atol atoll system popen tmpnam mktemp

#endif
