/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The key process: holds the private keys and answers fixed questions of the front. Its
 * main thread only receives; signing threads sign; one admin thread talks to the TPM.
 */
#ifndef MS_AGENT_KEYPROC_H
#define MS_AGENT_KEYPROC_H

#include "signer/agent/config.h"

/**
 * ms_keyproc_run() - be the key process until the supervisor goes
 * @ctl: control socket to the supervisor, over which the sockets to the front and to the
 *       TPM worker come
 * Return: exit status.
 */
int ms_keyproc_run(const struct ms_config *c, int ctl);

#endif
