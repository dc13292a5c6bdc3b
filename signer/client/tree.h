/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which files `modseal sign` has to sign. */
#ifndef MS_CLI_TREE_H
#define MS_CLI_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include "lib/error.h"

/**
 * struct ms_tree_link - another name of a file in the list
 * @path: owned; @first: the name that stayed in the list
 * @dev, @ino: which file that was
 */
struct ms_tree_link {
	char *path;
	const char *first;
	dev_t dev;
	ino_t ino;
};

/**
 * struct ms_tree - a list of paths, and what went wrong while it was made
 * @path, @n, @cap: owned strings
 * @links, @n_links: names that ms_tree_fold() took out
 * @failed: called for each thing that cannot be signed, with one sentence
 * @arg: first argument of @failed
 */
struct ms_tree {
	char **path;
	size_t n, cap;
	struct ms_tree_link *links;
	size_t n_links;
	void (*failed)(void *arg, const char *path, const struct ms_error *err);
	void *arg;
};
void ms_tree_clear(struct ms_tree *t);
#define _cleanup_tree_ _cleanup_(ms_tree_clear)

enum ms_tree_kind {
	MS_TREE_OTHER = 0,
	MS_TREE_MODULE,	 /* x.ko, x.ko.xz, x.ko.gz, x.ko.zst */
	MS_TREE_FOREIGN, /* compressed in another way: x.ko.bz2, ... */
};

/** ms_tree_kind() - what a file's name promises; our own temporary files are OTHER */
enum ms_tree_kind ms_tree_kind(const char *name);

/**
 * ms_tree_add() - one operand of the command
 * @recursive: a folder is allowed; every module that is a regular file below it is added,
 * symbolic links in it are not followed
 *
 * A file is added by any name, unless the name says that it is compressed in a way that
 * is not read here. A folder
 * without a module is a failure: signing nothing must not look like success.
 *
 * Return: 0 or -ENOMEM. What cannot be signed is told to @t->failed.
 */
int ms_tree_add(struct ms_tree *t, const char *path, bool recursive) _must_check_;

/** ms_tree_sort() - by name, each path once */
void ms_tree_sort(struct ms_tree *t);

/**
 * ms_tree_fold() - hard links: each file once, by the first of its names in the list
 *
 * After ms_tree_sort(). Return: 0 or -ENOMEM.
 */
int ms_tree_fold(struct ms_tree *t) _must_check_;

/**
 * ms_tree_relink() - the other names of files that were replaced become names of the new
 * ones
 *
 * Those that are names of something else by now are left alone. Failures are told to
 * @t->failed.
 */
void ms_tree_relink(struct ms_tree *t);

#endif
