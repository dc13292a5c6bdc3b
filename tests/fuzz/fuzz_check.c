/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdint.h>
#include "verifier/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A whole module; nothing is trusted, so it cannot be, and the verdicts must agree. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct ms_anchors anchors;
	const struct ms_question q = {.anchors = &anchors, .now = 1800000000};
	struct ms_caches caches;
	struct ms_checker c = {.q = &q, .caches = &caches};
	struct ms_result r;

	ms_caches_init(&caches);
	if (ms_check_bytes(&c, data, size, "x.ko", &r))
		abort();
	if (r.policy.verdict == MS_POLICY_TRUSTED || !r.policy.n_findings ||
	    r.kernel.verdict == MS_KERNEL_LOADS || r.kernel.verdict == MS_KERNEL_TAINTS ||
	    (r.kernel.verdict == MS_KERNEL_REFUSED) != (r.kernel.error < 0))
		abort();
	ms_result_clear(&r);
	ms_checker_clear(&c);
	ms_caches_clear(&caches);
	return 0;
}
