/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The list of modules that a build is opened for: digests and facts, computed here. */
#ifndef MS_CLI_MODULE_LIST_H
#define MS_CLI_MODULE_LIST_H

#include <jansson.h>
#include "lib/hash.h"
#include "signer/client/tree.h"

/**
 * struct ms_module_list - a list, as the agent wants it
 * @json: {"hash", "modules": [...]}; owned
 * @release: of the kernel that all of them are for
 */
struct ms_module_list {
	json_t *json;
	char release[MS_FACT_MAX];
};
void ms_module_list_clear(struct ms_module_list *l);
#define _cleanup_module_list_ _cleanup_(ms_module_list_clear)

/**
 * ms_module_list_make() - read every module of a tree
 * @roots, @n_roots: what was named, for ms_module_path()
 * @with_files: each has the path of its file as well, from the root of the file system
 *
 * What cannot be read, is no module, or is for another kernel than the first is told to
 * @t->failed, and is not on the list.
 *
 * Return: 0 or -ENOMEM.
 */
int ms_module_list_make(const struct ms_tree *t, char *const *roots, size_t n_roots,
			enum ms_hash hash, bool with_files,
			struct ms_module_list *ret) _must_check_;

#endif
