/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which files are to be checked.
 */
#ifndef MS_FILELIST_H
#define MS_FILELIST_H

#include <stdbool.h>
#include "lib/error.h"

/**
 * struct ms_entry - a file, or a place where files could not be listed
 * @path: what it is called; owned, raw
 * @target: where it is instead of @path, behind symlinks of a mounted system; owned, NULL
 * @error: negative errno when a directory could not be listed
 * @named: it was named itself, not found below a directory: it may be an archive
 */
struct ms_entry {
	char *path, *target;
	int error;
	bool named;
};
void ms_entry_clear(struct ms_entry *e);
/** ms_entry_open_path() - from where the program stands */
const char *ms_entry_open_path(const struct ms_entry *e);

/**
 * struct ms_filelist - what was found
 */
struct ms_filelist {
	struct ms_entry *v;
	size_t n, cap;
};
void ms_filelist_clear(struct ms_filelist *t);
#define _cleanup_filelist_ _cleanup_(ms_filelist_clear)

/** ms_filelist_is_module_name() - *.ko, *.ko.gz, *.ko.xz, *.ko.zst */
bool ms_filelist_is_module_name(const char *name);

/**
 * ms_filelist_add() - a file as it is, or the modules below a directory
 * @path: a file is added whatever its name, also when it does not exist
 * @ret_modules: how many were found
 *
 * Below a directory symlinks to directories are not followed (so there are no loops);
 * everything else that has a module's name is added, also what turns out not to be a
 * regular file. A directory that cannot be listed is added with its errno.
 *
 * Return: 0 or -ENOMEM.
 */
int ms_filelist_add(struct ms_filelist *t, const char *path,
		    size_t *ret_modules) _must_check_;

/**
 * ms_filelist_add_tree() - the modules below a system's /lib/modules/RELEASE
 * @root: all symlinks are followed as that system would; "" for this one
 * @dir: below @root, with it in front
 *
 * As depmod goes, whose list modprobe uses: through symlinks to directories too, but not
 * through those called "build" and "source". Each directory is listed once.
 *
 * Return: 0 or -ENOMEM.
 */
int ms_filelist_add_tree(struct ms_filelist *t, const char *root, const char *dir,
			 size_t *ret_modules) _must_check_;

/** ms_filelist_add_below() - a file, where @root's symlinks lead to; @path: with @root in
 * front. Return: 0 or -ENOMEM */
int ms_filelist_add_below(struct ms_filelist *t, const char *root,
			  const char *path) _must_check_;

/** ms_filelist_add_error() - a place that could not be looked at. Return: 0 or -ENOMEM */
int ms_filelist_add_error(struct ms_filelist *t, const char *path,
			  int error) _must_check_;

/** ms_filelist_sort() - by path, byte for byte; a path that was named twice stays once */
void ms_filelist_sort(struct ms_filelist *t);

#endif
