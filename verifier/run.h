/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Many modules, several threads, results in the order of their paths.
 */
#ifndef MS_RUN_H
#define MS_RUN_H

#include "verifier/check.h"
#include "verifier/filelist.h"

/**
 * struct ms_results - what came out, one for each entry of the tree, in its order
 * @trusted, @findings, @unchecked: how many of each verdict
 */
struct ms_results {
	struct ms_result *v;
	size_t n, trusted, findings, unchecked;
};
void ms_results_clear(struct ms_results *r);
#define _cleanup_results_ _cleanup_(ms_results_clear)

/** ms_results_count() - bring the counts up to date */
void ms_results_count(struct ms_results *r);
/** ms_results_exit() - 0 all trusted; 3 something unchecked, or nothing there; 1 findings
 */
int ms_results_exit(const struct ms_results *r);

struct ms_cache;

/**
 * ms_run() - check all of a tree's entries
 * @cache: results of an earlier run, which are used up; may be NULL
 * @t: sorted
 * @threads: as struct ms_parallel
 * @progress: a line on stderr that says how far it is
 * @ret: refers to @caches and to the question's anchors
 *
 * Return: 0 or -ENOMEM.
 */
int ms_run(const struct ms_question *q, struct ms_caches *caches, struct ms_cache *cache,
	   const struct ms_filelist *t, unsigned int threads, bool progress,
	   struct ms_results *ret) _must_check_;

#endif
