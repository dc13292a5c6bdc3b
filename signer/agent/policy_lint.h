/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MS_AGENT_POLICY_LINT_H
#define MS_AGENT_POLICY_LINT_H

#include "signer/agent/config.h"

/** ms_policy_finding_fn - one finding; @rule: "" when it is not about one */
typedef void ms_policy_finding_fn(void *arg, const char *file, unsigned int line,
				  const char *rule, const char *text);

/**
 * ms_policy_lint() - what is allowed in a configuration, but hardly meant
 * @keys, @n_keys: keys that exist; NULL: not known, so nothing is said of them
 *
 * Rules that an earlier rule leaves nothing for (only where that is certain), keys that
 * do not exist, groups that nothing names, approvals that only those who sign could give.
 */
void ms_policy_lint(const struct ms_config *c, const char *const *keys, size_t n_keys,
		    ms_policy_finding_fn *fn, void *arg);

#endif
