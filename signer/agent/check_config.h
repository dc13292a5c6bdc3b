/* SPDX-License-Identifier: GPL-2.0-or-later */
/* modseald --test: a configuration, looked at without an agent. */
#ifndef MS_AGENT_CHECK_CONFIG_H
#define MS_AGENT_CHECK_CONFIG_H

#include <stdbool.h>
#include "signer/agent/config.h"

/**
 * ms_check_config() - say what is wrong with a configuration that was loaded
 * @c: ms_policy_lint() changes it
 * @strict: what is hardly meant is a failure
 *
 * Findings of ms_policy_lint() on standard output, as "FILE:LINE: ...". The keys are
 * those in the state directory; where that cannot be read, which is said, rules are not
 * held against them.
 *
 * Return: exit status.
 */
int ms_check_config(struct ms_config *c, bool strict);

#endif
