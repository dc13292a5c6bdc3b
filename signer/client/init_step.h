/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The steps of `modseal init`, and what each of them does. */
#ifndef MS_CLI_INIT_STEP_H
#define MS_CLI_INIT_STEP_H

#include "lib/file.h"
#include "signer/client/talk.h"

/* A socket's path has 107 bytes, "/agent.sock" among them. */
#define MS_INIT_DIR_MAX 96

/**
 * struct ms_init - what is set up
 * @dir: where configuration and certificates are
 * @own: --dir was given: an agent of whoever runs this, all of it in @dir
 * @config: how the clients find agent and key, by @dir/modseal.conf
 * @done: what was there and what was made, for --json
 */
struct ms_init {
	const struct ms_cli *cli;
	char dir[MS_INIT_DIR_MAX + 1];
	bool own;
	struct ms_client_config config;
	struct ms_talk talk;
	json_t *done;
};

/* These complain, and return an exit status. */
int ms_init_complain(struct ms_error *err);
int ms_init_fail(const char *fmt, ...) _printf_(1, 2);

/** ms_init_done() - a step is told when it is done, as the next one may fail
 * @label: for people; @name: for --json; @what: was made, or was @made before */
void ms_init_done(struct ms_init *in, const char *label, const char *name,
		  const char *what, bool made);

void ms_init_path(const struct ms_init *in, const char *name, char ret[MS_PATH_MAX]);

/** ms_init_read() - a file of @dir
 * Return: 0, -ENOENT without a word, or another negative errno, having complained. */
int ms_init_read(const struct ms_init *in, const char *name,
		 struct ms_file *f) _must_check_;

/** ms_init_write_new() - a file of @dir, where nothing is; whatever is killed leaves it
 * whole or not there. Return: an exit status */
int ms_init_write_new(struct ms_init *in, const char *label, const char *name,
		      const void *data, size_t len) _must_check_;

/* The steps. Return: an exit status. */

/** ms_init_configure() - configuration of both, from what there is and what is wanted */
int ms_init_configure(struct ms_init *in) _must_check_;
/** ms_init_key() - the key: made where there is none of its name; else it has to be
 * active
 */
int ms_init_key(struct ms_init *in) _must_check_;
/** ms_init_cert() - cert.FORMAT; @type: what the agent has to answer with */
int ms_init_cert(struct ms_init *in, const char *format, const char *type) _must_check_;

#endif
