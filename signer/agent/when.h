/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Times of the week, UTC: "Mon..Fri 08:00-18:00". No I/O, no clock.
 */
#ifndef MS_AGENT_WHEN_H
#define MS_AGENT_WHEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MS_WHEN_TEXT 64u

/**
 * struct ms_when - one span of each of some days
 * @days: bit 0 is Monday
 * @from, @to: minutes since midnight; @from <= minute < @to. When @to is not after @from
 *     it ends on the next day
 * @text: as it was written
 */
struct ms_when {
	unsigned int days;
	uint16_t from, to;
	char text[MS_WHEN_TEXT];
};

/**
 * ms_when_parse() - DAYS, HH:MM-HH:MM, or both, in this order
 *
 * DAYS is a comma-separated list of Mon Tue Wed Thu Fri Sat Sun and of spans with ".."
 * between them (Fri..Mon goes over the weekend). Without days: every day; without times:
 * all day. 24:00 is the end of a day. Upper and lower case are the same.
 *
 * Return: 0 or -EINVAL.
 */
int ms_when_parse(const char *text, struct ms_when *ret) _must_check_;

/** ms_when_fits() - is @now (seconds since 1970) in it */
bool ms_when_fits(const struct ms_when *w, int64_t now);

#endif
