/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which modules of a tree are written, replaced or removed: inotify on each folder, which
 * needs no privileges.
 */
#ifndef MS_WATCH_TREE_H
#define MS_WATCH_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include "lib/error.h"

/**
 * struct ms_watch_tree - folders that are watched
 * @fd: inotify's; readable when there is something to read
 * @folders: paths by watch descriptor, owned; NULL where there is none
 * @n, @cap: of @folders
 * @watched: how many there are
 * @unseen: folders that could not be watched
 */
struct ms_watch_tree {
	int fd;
	char **folders;
	size_t n, cap, watched, unseen;
};
void ms_watch_tree_clear(struct ms_watch_tree *w);

/** ms_watch_tree_open() - watch a folder and all below it; symlinks are not followed.
 * Return: 0; -ENOENT, -EMFILE, ... with a sentence; -ENOMEM */
int ms_watch_tree_open(const char *dir, struct ms_watch_tree *ret,
		       struct ms_error *err) _must_check_;

enum ms_tree_change {
	MS_TREE_WRITTEN = 1, /* a module was written, or came there */
	MS_TREE_REMOVED,     /* it went */
	MS_TREE_LOST,	     /* the kernel had too much to tell; @path is NULL */
};

/** ms_tree_change_fn() - told of one change. @path: raw. Return: 0, or a negative errno
 * that ends the reading */
typedef int ms_tree_change_fn(void *arg, enum ms_tree_change what, const char *path);

/**
 * ms_watch_tree_read() - read what there is, without waiting
 *
 * New folders are watched, too, and the modules that are in them already are told of.
 *
 * Return: 0; -ENOMEM, -EIO; what @fn returned.
 */
int ms_watch_tree_read(struct ms_watch_tree *w, ms_tree_change_fn *fn,
		       void *arg) _must_check_;

#endif
