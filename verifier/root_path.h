/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Paths of a system that is mounted somewhere: its symlinks are about itself, and must
 * not lead to files of the system that looks at it.
 */
#ifndef MS_ROOT_PATH_H
#define MS_ROOT_PATH_H

#include <stddef.h>
#include "lib/macro.h"

#define MS_ROOT_LINKS_MAX 40u /* as the kernel has it */

/**
 * ms_root_path() - where a path leads to
 * @root: the folder that is "/" for all links; "" for this system
 * @path: below it, with or without a leading slash
 * @ret: @root and a path without links; untouched on failure
 *
 * As chroot() would have it: "..", too, ends at @root. Who may write to the system can
 * change what is there afterwards; one that is being looked at is not running.
 *
 * Return: 0; -ENOENT, -ENOTDIR, -EACCES and the like; -ELOOP; -ENAMETOOLONG.
 */
int ms_root_path(const char *root, const char *path, char *ret, size_t size) _must_check_;

#endif
