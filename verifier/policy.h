/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MS_POLICY_H
#define MS_POLICY_H

#include "verifier/evidence.h"
#include "verifier/result.h"
#include "verifier/trust.h"

/**
 * ms_policy_judge() - may this module be trusted, and if not, why
 * @ev: what there is to know
 * @t: for what is revoked, and what time it is
 * @r: @r->signers (one for each signer) and @r->policy are filled in
 *
 * Stricter than the kernel: every signer must be good and lead to an anchor, there must
 * be one of them, nothing may be left over anywhere, and certificates must be valid and
 * meant for signing code. Never "trusted" about anything that could not be checked.
 *
 * Return: 0 or -ENOMEM.
 */
int ms_policy_judge(const struct ms_evidence *ev, const struct ms_trust *t,
		    struct ms_result *r) _must_check_;

#endif
