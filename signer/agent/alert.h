/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Alerts: the supervisor runs the administrator's command, one at a time of each kind, in
 * a process group of its own, for a limited time, with the event as JSON on standard
 * input. What comes too soon after another of its kind waits, and is counted.
 */
#ifndef MS_AGENT_ALERT_H
#define MS_AGENT_ALERT_H

#include <sys/types.h>
#include "signer/agent/config.h"
#include "signer/agent/ipc.h"
#include "signer/agent/stats.h"

/**
 * struct ms_alerts - what runs and what waits, of each kind
 * @pid: of the command that runs, or 0; @kill_ms: when its time is over
 * @next_ms: earliest time for the next one
 * @text: the newest event that waits, a JSON object; "" for none
 * @waiting: events that came since the last run, one of which is @text
 */
struct ms_alerts {
	struct {
		pid_t pid;
		bool killed;
		int64_t kill_ms, next_ms;
		char text[MS_ALERT_MAX];
		uint32_t waiting;
	} kind[MS_ALERT_KINDS];
};

/**
 * ms_alerts_put() - an event has come
 * @text: a JSON object with at least one member, as ms_alert_text_valid() has it
 * A line is logged at once; the command is run by ms_alerts_step().
 */
void ms_alerts_put(struct ms_alerts *a, const struct ms_config *c, unsigned int kind,
		   const char *text);

/** ms_alerts_step() - run what is due, kill what has run for too long
 * @now_ms: of the monotonic clock */
void ms_alerts_step(struct ms_alerts *a, const struct ms_config *c, int64_t now_ms);

/** ms_alerts_next() - when ms_alerts_step() has something to do; -1: nothing waits */
int64_t ms_alerts_next(const struct ms_alerts *a);

/** ms_alerts_reaped() - a child has ended. Return: was it one of these? */
bool ms_alerts_reaped(struct ms_alerts *a, pid_t pid, int wstatus);

/** ms_alerts_stop() - end what runs */
void ms_alerts_stop(struct ms_alerts *a);

/** ms_alert_text_valid() - "{...}" of printable ASCII or UTF-8, on one line */
bool ms_alert_text_valid(const char *text);

/**
 * ms_alert_compose() - what the command gets: @text with kind, time, host, version and
 * the number of like events since the last run in front, and a newline
 * Return: its length, or -EFBIG.
 */
int ms_alert_compose(unsigned int kind, uint32_t count, const char *text, char *dst,
		     size_t size) _must_check_;

#endif
