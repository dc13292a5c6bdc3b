/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What /metrics tells, in Prometheus' text format: the front's own counters, those that
 * the processes share (stats.h), and what the rest of the front says of itself when it is
 * asked. On the event loop's thread only.
 */
#ifndef MS_AGENT_METRICS_H
#define MS_AGENT_METRICS_H

#include "lib/buf.h"
#include "signer/agent/front.h"

struct ms_metrics;

int ms_metrics_new(struct ms_metrics **ret) _must_check_;
void ms_metrics_free(struct ms_metrics *m);

/**
 * ms_metrics_signing() - a request for a signature is over
 * @key: its name as asked for, if there is such a key; else ""
 * @rc: 0, or why there was none; @code: the word that says so
 * @us: from its first to its last step in the front
 */
void ms_metrics_signing(struct ms_metrics *m, const char *key, int rc, const char *code,
			uint64_t us);
/** ms_metrics_refusal() - something else was refused to somebody */
void ms_metrics_refusal(struct ms_metrics *m, const char *code);
/** ms_metrics_answer() - an answer with this HTTP status left */
void ms_metrics_answer(struct ms_metrics *m, int status);

/** ms_metrics_text() - all of it, appended to @out. Return: 0, -ENOMEM, -EFBIG */
int ms_metrics_text(struct ms_front *f, struct ms_buf *out) _must_check_;

#define MS_METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"
#define MS_METRICS_MAX (4u << 20)

/** ms_rc_is_refusal() - was it the request's fault (or the policy's), not the agent's */
bool ms_rc_is_refusal(int rc);

#endif
