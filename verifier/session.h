/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What verify and scan have in common: run over files, report, say how it ended.
 */
#ifndef MS_SESSION_H
#define MS_SESSION_H

#include "verifier/cache.h"
#include "verifier/options.h"
#include "verifier/run.h"

/**
 * struct ms_session - a run and what is left of it
 */
struct ms_session {
	struct ms_filelist files;
	struct ms_results results;
	struct ms_caches caches;
	struct ms_cache cache;
};
void ms_session_init(struct ms_session *s);
void ms_session_clear(struct ms_session *s);

/** ms_session_run() - sort the files and check them. Return: 0, -ENOMEM, -ECANCELED (it
 * has complained itself: about --cache) */
int ms_session_run(struct ms_session *s, const struct ms_options *o) _must_check_;

/** ms_session_report() - apply the policy file, print what is asked for.
 * Return: the exit status */
int ms_session_report(struct ms_session *s, const struct ms_options *o);

/** ms_session_expired() - complain about a list of what is revoked that is too old.
 * Return: @status, or MS_EXIT_FINDINGS in place of good */
int ms_session_expired(const struct ms_options *o, int status);

/** ms_session_failed() - complain that it could not be finished. Return: the exit status
 */
int ms_session_failed(int rc);

#endif
