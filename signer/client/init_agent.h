/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `modseal init` does with this machine: its TPM, its service manager. */
#ifndef MS_CLI_INIT_AGENT_H
#define MS_CLI_INIT_AGENT_H

#include <stdbool.h>
#include "lib/error.h"

#define MS_TPM_DEVICE "/dev/tpmrm0"

/**
 * ms_init_tpm() - is there a TPM 2.0 that the agent can use?
 * @root: "" but for tests: where dev and sys are
 *
 * Looks, and opens nothing: that is for the agent.
 *
 * Return: 0, or -ENODEV with a sentence that says what to do.
 */
int ms_init_tpm(const char *root, struct ms_error *err) _must_check_;

/**
 * ms_init_run() - run a program and wait for its end
 * @argv: ends with NULL; the program is looked for in PATH, then in /usr/sbin
 *
 * Its complaints are ours, its standard output is nobody's.
 *
 * Return: its exit status (128 and more: a signal); -ENOENT: there is none; another
 * negative errno with a sentence.
 */
int ms_init_run(const char *const argv[], struct ms_error *err) _must_check_;

/** ms_init_systemd() - is systemd the service manager here? */
bool ms_init_systemd(void);

#endif
