/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The modules that a kernel has loaded, as /sys/module and /proc/modules tell.
 *
 * Not through libkmod: it lists loaded modules from /proc/modules alone, always of this
 * machine, and does not read build-ids. Here the two lists are compared, hosts without
 * /proc/modules are served, and both are read below a root of the caller's choice.
 */
#ifndef MS_LOADED_H
#define MS_LOADED_H

#include <stdbool.h>
#include <time.h>
#include "verifier/run.h"

#define MS_LOADED_MAX 65536u

/**
 * struct ms_loaded_module - one of them
 * @name: owned, raw
 * @taints: letters, say "OE"
 * @build_id: hex; "" where the kernel does not tell
 * @in_sys, @in_proc: who says that it is loaded
 * @seen: time of its folder in /sys/module, not before it was loaded; 0: not known
 */
struct ms_loaded_module {
	char *name;
	char taints[16];
	char build_id[129];
	bool in_sys, in_proc;
	time_t seen;
};

/**
 * struct ms_loaded - all of them, sorted by name
 * @has_proc: there is a /proc/modules
 */
struct ms_loaded {
	struct ms_loaded_module *v;
	size_t n, cap;
	bool has_proc;
};
void ms_loaded_clear(struct ms_loaded *l);

/**
 * ms_loaded_read() - read the list below @root ("": this machine)
 *
 * A folder in /sys/module is a loaded module where it has an initstate.
 *
 * Return: 0, -ENOENT (neither of the two is there), -ENOMEM, -EFBIG.
 */
int ms_loaded_read(const char *root, struct ms_loaded *ret) _must_check_;

/** ms_loaded_find() - by name; NULL where it is not loaded */
struct ms_loaded_module *ms_loaded_find(const struct ms_loaded *l, const char *name);

/** ms_loaded_keep() - leave only the files of loaded modules in a list */
void ms_loaded_keep(const struct ms_loaded *l, struct ms_filelist *files);

/**
 * ms_loaded_join() - one result for each loaded module
 * @files: results of their files; taken over and emptied
 * @ret: sorted by name
 *
 * Joined by build-id, which says that the file is what was loaded, not that it is
 * genuine: that the signature says. Findings are added for a module without a file, a
 * file that is not what was loaded, taints, and for what only one of /proc and /sys
 * knows.
 *
 * Return: 0 or -ENOMEM.
 */
int ms_loaded_join(const struct ms_loaded *l, struct ms_results *files,
		   struct ms_results *ret) _must_check_;

#endif
