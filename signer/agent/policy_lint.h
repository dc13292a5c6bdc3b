/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MS_AGENT_POLICY_LINT_H
#define MS_AGENT_POLICY_LINT_H

#include "signer/agent/policy.h"

/** ms_policy_finding_fn - one finding; @rule: "" when it is not about one */
typedef void ms_policy_finding_fn(void *arg, const char *file, unsigned int line,
				  const char *rule, const char *text);

/**
 * ms_policy_user_fn - which "uid:N" a "user:NAME" is
 * Return: 0; -ENOENT: there is no such user; -EEXIST: who has this uid is known by
 * another name, and no rule for this one fits them; another negative errno: not known.
 */
typedef int ms_policy_user_fn(const char *word, char ret[MS_IDENTITY_MAX]);

/**
 * ms_policy_lint() - what is allowed in a configuration, but hardly meant
 * @c: the names of users in it become uids, so that both are the same
 * @user: ms_identity_uid_of_user()
 * @keys, @n_keys: keys that exist; NULL: not known, so nothing is said of them
 *
 * Rules that an earlier rule leaves nothing for (only where that is certain), keys that
 * and users that do not exist, groups that nothing names, approvals that only those who
 * sign could give.
 */
void ms_policy_lint(struct ms_config *c, const char *const *keys, size_t n_keys,
		    ms_policy_user_fn *user, ms_policy_finding_fn *fn, void *arg);

#endif
