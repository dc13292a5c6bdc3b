/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MS_TRUST_H
#define MS_TRUST_H

#include <time.h>
#include "verifier/anchors.h"
#include "verifier/revocations.h"

/**
 * struct ms_trust - what a policy's judgement is made with
 * @revocations: may be NULL
 * @now: what dates are compared with
 */
struct ms_trust {
	const struct ms_anchors *anchors;
	const struct ms_revocations *revocations;
	time_t now;
};

#endif
