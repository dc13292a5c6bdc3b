/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the front watches by itself and raises alerts about (modseald.conf(5), [alert]):
 * refusals, keys, the TPM, and the audit log (self_check.h). The supervisor is told, and
 * runs the command. On the event loop's thread.
 */
#ifndef MS_AGENT_WATCH_H
#define MS_AGENT_WATCH_H

#include <jansson.h>
#include "signer/agent/front.h"
#include "signer/agent/policy.h"
#include "signer/agent/stats.h"

struct ms_watch;

/** ms_watch_new() - begin; a timer of a second goes with the event loop */
int ms_watch_new(struct ms_front *f, struct ms_watch **ret) _must_check_;
void ms_watch_free(struct ms_watch *w);

/**
 * ms_watch_refused() - a request was refused
 * @key: or ""; @code: why; @request_id: as in the audit record
 */
void ms_watch_refused(struct ms_watch *w, const struct ms_identity *who, const char *key,
		      const char *code, const char *request_id);

/** ms_watch_log_alarm() - a check of the audit log has found something */
void ms_watch_log_alarm(struct ms_watch *w, const char *code, const char *reason);
/** ms_watch_log_alarms() - how often that was, since the start */
uint64_t ms_watch_log_alarms(const struct ms_watch *w);
/** ms_watch_log_checked() - when all of it was last found good, since 1970; or 0 */
int64_t ms_watch_log_checked(const struct ms_watch *w);

/** ms_watch_alert() - tell the supervisor; takes @fields over */
void ms_watch_alert(struct ms_front *f, enum ms_alert_kind kind, json_t *fields);

#endif
