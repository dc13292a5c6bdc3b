/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The supervisor: starts the front, the key process and the TPM worker, joins them by
 * socketpairs, and starts again what dies. It reads nothing from outside.
 */
#ifndef MS_AGENT_SUPERVISOR_H
#define MS_AGENT_SUPERVISOR_H

#include "signer/agent/config.h"

/* A child that exits with this cannot work at all: the agent stops. */
#define MS_EXIT_FATAL 78

/**
 * ms_supervisor_run() - run the agent until SIGTERM or SIGINT
 * Return: the program's exit status.
 */
int ms_supervisor_run(const struct ms_config *c);

#endif
