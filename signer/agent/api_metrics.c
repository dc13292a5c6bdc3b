/* SPDX-License-Identifier: GPL-2.0-or-later */
/* GET /metrics */
#include <errno.h>

#include "signer/agent/metrics.h"
#include "signer/agent/web.h"

/* Names of keys are in it, and how much they are used: not for everybody. */
static bool may_read(const struct ms_web *w)
{
	const struct ms_config *c = w->front->config;

	return ms_identity_is_auditor(c, &w->who) ||
	       ms_identity_in(c, &w->who, &c->metrics);
}

void ms_api_metrics(struct ms_web *w)
{
	_cleanup_buf_ struct ms_buf out = MS_BUF_INIT(MS_METRICS_MAX);
	struct ms_error err = {0};
	int r;

	if (!may_read(w)) {
		r = ms_error_set(&err, -EACCES, "not-auditor",
				 "%s may not read the metrics: 'metrics' in the agent's "
				 "configuration says who may",
				 w->who.id);
		ms_web_problem(w, r, &err);
		return;
	}
	r = ms_metrics_text(w->front, &out);
	if (r < 0) {
		ms_error_set(&err, r, NULL, "out of memory");
		ms_web_problem(w, -ENOMEM, &err);
		return;
	}
	ms_web_bytes(w, 200, MS_METRICS_TYPE, out.data, out.len);
}
