/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The same for each of many modules, on all processors, without an agent. */
#ifndef MS_CLI_EACH_H
#define MS_CLI_EACH_H

#include "signer/client/packed.h"

/**
 * struct ms_each - modules, and what to do with each
 * @path, @n, @jobs: set by the caller
 * @one: called by several threads at a time; @m is read into by it, and reused. Return: 0
 *	or a negative errno with a sentence, before which the path is put
 * @failed: called for each failure, one at a time
 */
struct ms_each {
	char *const *path;
	size_t n;
	unsigned int jobs;
	int (*one)(void *arg, const char *path, struct ms_packed *m,
		   struct ms_packers *packers, struct ms_error *err);
	void *arg;
	void (*failed)(void *arg, const char *path, const struct ms_error *err);
	void *failed_arg;
};

/** ms_each_run() - Return: 0, whatever became of the files; -EAGAIN: no thread started */
int ms_each_run(const struct ms_each *e) _must_check_;

#endif
