/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Landlock by its system calls (Documentation/userspace-api/landlock.rst): no library,
 * and every version of the interface that the kernel may have.
 */
#ifndef MS_AGENT_LANDLOCK_H
#define MS_AGENT_LANDLOCK_H

#include <stdbool.h>

/** struct ms_landlock - a set of rules in the making; @abi 0 and @fd -1: there is none */
struct ms_landlock {
	int fd, abi;
};

enum {
	MS_LANDLOCK_READ = 1,	/* open files to read */
	MS_LANDLOCK_WRITE = 2,	/* open files to write, truncate */
	MS_LANDLOCK_LIST = 4,	/* list directories */
	MS_LANDLOCK_CHANGE = 8, /* create, rename within a directory, remove files */
};

/**
 * ms_landlock_begin() - start a set of rules that allows nothing
 * @tcp: leave TCP alone; else binding and connecting are refused (version 4)
 * @local: confine signals and abstract Unix sockets to this process too (version 6)
 * @ret: clear with ms_landlock_clear()
 *
 * Return: 0; -EOPNOTSUPP: the kernel has no Landlock, or has it switched off.
 */
int ms_landlock_begin(bool tcp, bool local, struct ms_landlock *ret) _must_check_;

/**
 * ms_landlock_allow() - allow something for a file, or for all below a directory
 * @path: does nothing when it does not exist
 * @what: MS_LANDLOCK_*; what makes no sense for a file is left out for one
 */
int ms_landlock_allow(struct ms_landlock *l, const char *path,
		      unsigned int what) _must_check_;

/** ms_landlock_enforce() - for this thread and those it will start; needs no_new_privs */
int ms_landlock_enforce(struct ms_landlock *l) _must_check_;
void ms_landlock_clear(struct ms_landlock *l);

#endif
