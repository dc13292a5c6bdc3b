/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How often each rule was used within the last hour and day, counted by the minute. What
 * is on its way counts too, so that a crowd of requests cannot pass a limit together. On
 * the event loop's thread only.
 */
#ifndef MS_AGENT_LIMITS_H
#define MS_AGENT_LIMITS_H

#include "signer/agent/config.h"
#include "signer/agent/store.h"

#define MS_LIMIT_MINUTES 1440u /* that are remembered */

struct ms_limits;

int ms_limits_new(struct ms_limits **ret) _must_check_;
void ms_limits_free(struct ms_limits *l);
/** ms_limits_load() - what the store remembers of the last day */
int ms_limits_load(struct ms_limits *l, struct ms_store *s, int64_t now,
		   struct ms_error *err) _must_check_;

/**
 * ms_limits_take() - one more signature under @rule, if its limits per hour and day allow
 * @now: seconds since 1970
 * @ret_minute: it was counted in this minute; for ms_limits_give_back() and for the store
 *
 * An hour is the last 60 minutes, a day the last 1440, the present one among them. When
 * the clock jumps back, what was counted meanwhile still counts.
 *
 * Return: 0; -EACCES with "limit-hour" or "limit-day"; -ENOMEM.
 */
int ms_limits_take(struct ms_limits *l, const struct ms_rule *rule, int64_t now,
		   int64_t *ret_minute, struct ms_error *err) _must_check_;
/** ms_limits_give_back() - it was not signed after all */
void ms_limits_give_back(struct ms_limits *l, const char *rule, int64_t minute);
/** ms_limits_used() - counted within the last @minutes */
uint64_t ms_limits_used(const struct ms_limits *l, const char *rule, int64_t now,
			unsigned int minutes);

/**
 * ms_limit_parse() - "6000/day"
 * @ret_per: 'h', 'd' or 'b' for /hour, /day and /build
 * Return: 0 or -EINVAL.
 */
int ms_limit_parse(const char *text, uint64_t *ret, char *ret_per) _must_check_;

#endif
