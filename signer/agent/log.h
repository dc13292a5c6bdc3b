/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MS_AGENT_LOG_H
#define MS_AGENT_LOG_H

/**
 * ms_log() - one line on stderr: "modseald[front]: ...", with an sd-daemon level prefix
 * when stderr is the journal
 * @level: LOG_ERR, LOG_WARNING, LOG_NOTICE, LOG_INFO of <syslog.h>
 * Text from outside must be escaped by the caller. Never a secret.
 */
void ms_log(int level, const char *fmt, ...) _printf_(2, 3);
/** ms_log_role() - name of this process in its lines and in ps; at most 15 bytes */
void ms_log_role(const char *role);

#endif
