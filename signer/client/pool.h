/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Many modules at once. Each thread has a connection of its own and one module on its
 * way; there are more threads than processors, because most of them wait: for the agent's
 * audit record or for the disk.
 */
#ifndef MS_CLI_POOL_H
#define MS_CLI_POOL_H

#include <pthread.h>
#include <stdatomic.h>
#include "lib/agent_client.h"
#include "signer/client/packed.h"
#include "signer/client/progress.h"

#define MS_POOL_JOBS_MAX 64
#define MS_POOL_IN_FLIGHT 8 /* modules on their way, for each job */

/**
 * struct ms_pool - a list of files to sign, and what became of them
 * @config, @sign, @path, @n, @jobs, @quiet: set by the caller
 * @by_digest: only digests and facts go to the agent
 * @leave: called for each module that was read, by several threads at a time: true leaves
 *	it as it is; NULL: none is
 * @leave_arg: second argument of @leave
 * @failed: called for each failure, one at a time
 * @arg: first argument of @failed
 * @left_files: how many @leave has left
 * @lost: the agent is gone; @fatal has the sentence
 * @stopped: nothing else can succeed either; @fatal has the sentence
 * @signal: a signal ended it, or 0
 */
struct ms_pool {
	const struct ms_client_config *config;
	const struct ms_sign_options *sign;
	char *const *path;
	size_t n;
	unsigned int jobs;
	bool quiet, by_digest;
	bool (*leave)(const struct ms_packed *m, void *arg);
	void *leave_arg;
	void (*failed)(void *arg, const char *path, const struct ms_error *err);
	void *arg;

	size_t signed_files, left_files;
	uint64_t signed_bytes;
	double seconds;
	bool lost, stopped;
	struct ms_error fatal;
	int signal;

	/* private */
	pthread_mutex_t lock;  /* counts, failures and stderr */
	pthread_mutex_t large; /* one large module in memory at a time */
	atomic_size_t next, done;
	atomic_bool stop;
	unsigned int running;
	int wake;
	struct ms_progress progress;
	struct ms_packers packers;
};

/**
 * ms_pool_run() - sign the files
 *
 * SIGINT, SIGTERM and SIGHUP end it after the modules that are on their way.
 *
 * Return: 0, whatever became of the files; a negative errno if nothing could be started.
 */
int ms_pool_run(struct ms_pool *p) _must_check_;

#endif
