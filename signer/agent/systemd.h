/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a service manager is told and hands over: sd_notify(3) and sd_listen_fds(3), by
 * hand, as they are short and libsystemd is not.
 */
#ifndef MS_AGENT_SYSTEMD_H
#define MS_AGENT_SYSTEMD_H

#include <stdint.h>
#include "lib/error.h"

/**
 * ms_sd_listen_fds() - the listening sockets that socket units have opened for us
 * @ret_unix: -1 without one; else the descriptor, close-on-exec and non-blocking
 * @ret_tcp: the same for TLS
 *
 * The variables are removed, so that no child takes the descriptor for its own.
 *
 * Return: 0; -EINVAL when what was handed over is something else than these.
 */
int ms_sd_listen_fds(int *ret_unix, int *ret_tcp, struct ms_error *err) _must_check_;

/** ms_sd_notify() - say "READY=1", "STOPPING=1", "STATUS=..."; nothing without a manager
 */
void ms_sd_notify(const char *state);

/** ms_sd_watchdog_ms() - how often to say "WATCHDOG=1": half of what is allowed; 0: never
 */
int64_t ms_sd_watchdog_ms(void);

#endif
