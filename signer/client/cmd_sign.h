/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `modseal sign` and `modseal batch` have in common. */
#ifndef MS_CLI_CMD_SIGN_H
#define MS_CLI_CMD_SIGN_H

#include "signer/client/pool.h"
#include "signer/client/signers.h"
#include "signer/client/talk.h"

/**
 * struct ms_sign_outcome - what failed
 * @list: for --json, else NULL
 */
struct ms_sign_outcome {
	size_t failed;
	json_t *list;
};

/** ms_sign_failure() - counts and complains; for ms_pool and ms_tree
 * @arg: struct ms_sign_outcome */
void ms_sign_failure(void *arg, const char *path, const struct ms_error *err);

/** ms_sign_jobs() - --jobs, or the number of CPUs. Return: enum ms_exit, having
 * complained
 */
int ms_sign_jobs(const struct ms_cli *cli, unsigned int *ret) _must_check_;

/**
 * ms_sign_options_read() - --key, --build, --hash, --keyid and --jobs
 * @ret: borrows from @cli and @config
 * Return: enum ms_exit, having complained
 */
int ms_sign_options_read(const struct ms_cli *cli, const struct ms_client_config *config,
			 struct ms_sign_options *ret,
			 unsigned int *ret_jobs) _must_check_;

/**
 * ms_sign_leave_own() - let a pool leave what its key has signed already, in this way
 * @p: with its sign options
 * @own: filled in; has to live as long as @p
 * Return: enum ms_exit, having complained
 */
int ms_sign_leave_own(const struct ms_cli *cli, struct ms_talk *talk,
		      struct ms_signer *own, struct ms_pool *p) _must_check_;

/** ms_sign_totals() - how many, on standard output; not with --quiet */
void ms_sign_totals(const struct ms_cli *cli, const struct ms_pool *p,
		    const struct ms_sign_outcome *o);

/** ms_sign_die_of() - what a shell or make expects of a program that a signal ended */
void ms_sign_die_of(int sig);

#endif
