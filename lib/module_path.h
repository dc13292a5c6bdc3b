/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MS_MODULE_PATH_H
#define MS_MODULE_PATH_H

#include <stddef.h>

/**
 * ms_module_path() - where a module is in its tree, whatever the tree is called
 * @path: of the file, as somebody named it
 * @roots, @n: folders that were named; may be none
 *
 * What follows the last "lib/modules/RELEASE/"; else what follows the first of @roots
 * that @path is below; else its last component. So a build, and whoever looks at what it
 * installed, come to the same name.
 *
 * Return: a part of @path.
 */
const char *ms_module_path(const char *path, char *const *roots, size_t n);

/**
 * ms_module_plain_len() - bytes of @path without the .gz, .xz or .zst behind its .ko
 *
 * Builds and manifests name modules as they are before they are compressed.
 */
size_t ms_module_plain_len(const char *path);

#endif
