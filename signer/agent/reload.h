/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reloading, the front's side: it asks the supervisor, which reads the files, and puts
 * what comes back in the place of what it has; all of it or nothing.
 */
#ifndef MS_AGENT_RELOAD_H
#define MS_AGENT_RELOAD_H

#include "signer/agent/front.h"

struct ms_ipc_msg;

/** ms_reload_take() - the supervisor's answer, or the SIGHUP that it got; @fd: the
 * configuration, taken over */
void ms_reload_take(struct ms_front *f, const struct ms_ipc_msg *m, int fd);

#endif
