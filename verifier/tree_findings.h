/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is wrong with a tree of modules that no single module shows.
 */
#ifndef MS_TREE_FINDINGS_H
#define MS_TREE_FINDINGS_H

#include "verifier/run.h"

/**
 * ms_tree_find() - add the findings that concern the tree
 * @r: results below @dir; their verdicts and counts are brought up to date
 * @root: of a mounted system, or ""
 * @dir: say /lib/modules/6.1.0-56-amd64, with @root in front
 * @release: the kernel that the tree is for
 *
 * A module's name twice (updates/ shadowing kernel/); a module that was built for another
 * kernel; where there is a modules.dep: a file that it does not list, or one that is
 * listed and missing, which becomes a result of its own.
 *
 * Return: 0 or -ENOMEM.
 */
int ms_tree_find(struct ms_results *r, const char *root, const char *dir,
		 const char *release) _must_check_;

/**
 * ms_tree_list_outside() - add the files that modules.dep has elsewhere
 * @root, @dir, @release: as above
 *
 * modprobe loads those as well. A modules.dep that is there and cannot be read is added
 * with its errno: what it says is not known.
 *
 * Return: 0 or -ENOMEM.
 */
int ms_tree_list_outside(struct ms_filelist *t, const char *root, const char *dir,
			 const char *release) _must_check_;

#endif
