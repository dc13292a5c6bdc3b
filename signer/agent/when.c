/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/when.h"

#include <ctype.h>
#include <errno.h>
#include <strings.h>

#define DAY_MINUTES 1440
#define ALL_DAYS 0x7fu

static const char days[7][4] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};

static int day(const char **p)
{
	for (int i = 0; i < 7; i++) {
		if (strncasecmp(*p, days[i], 3) == 0) {
			*p += 3;
			return i;
		}
	}
	return -1;
}

static const char *blanks(const char *p)
{
	return p + strspn(p, " \t");
}

static int parse_days(const char **text, unsigned int *ret)
{
	const char *p = *text;
	unsigned int mask = 0;

	for (;;) {
		int first = day(&p), last = first;

		if (first >= 0 && strncmp(p, "..", 2) == 0) {
			p += 2;
			last = day(&p);
		}
		if (first < 0 || last < 0)
			return -EINVAL;
		for (int i = first;; i = (i + 1) % 7) {
			mask |= 1u << i;
			if (i == last)
				break;
		}
		if (*blanks(p) != ',')
			break;
		p = blanks(blanks(p) + 1);
	}
	/* "Monday" is not Mon */
	if (*p && *p != ' ' && *p != '\t')
		return -EINVAL;
	*ret = mask;
	*text = p;
	return 0;
}

/* "08:30" */
static int parse_time(const char **text, uint16_t *ret)
{
	const char *p = *text;
	unsigned int minutes;

	for (int i = 0; i < 5; i++) {
		if (i == 2 ? p[i] != ':' : !isdigit((unsigned char)p[i]))
			return -EINVAL;
	}
	minutes = (unsigned int)((p[0] - '0') * 10 + p[1] - '0') * 60 +
		  (unsigned int)((p[3] - '0') * 10 + p[4] - '0');
	if (p[3] > '5' || minutes > DAY_MINUTES)
		return -EINVAL;
	*ret = (uint16_t)minutes;
	*text = p + 5;
	return 0;
}

int ms_when_parse(const char *text, struct ms_when *ret)
{
	struct ms_when w = {.days = ALL_DAYS, .to = DAY_MINUTES};
	const char *p = blanks(text);

	if (!*p || strlen(text) >= sizeof(w.text))
		return -EINVAL;
	memcpy(w.text, text, strlen(text) + 1);
	if (isalpha((unsigned char)*p) && parse_days(&p, &w.days) < 0)
		return -EINVAL;
	p = blanks(p);
	if (*p) {
		if (parse_time(&p, &w.from) < 0 || *p++ != '-' ||
		    parse_time(&p, &w.to) < 0 || *blanks(p) || w.from == w.to ||
		    w.from == DAY_MINUTES || w.to == 0)
			return -EINVAL;
	}
	*ret = w;
	return 0;
}

bool ms_when_fits(const struct ms_when *w, int64_t now)
{
	/* 1970-01-01 was a Thursday. */
	int64_t minute = now / 60;
	unsigned int today = (unsigned int)((minute / DAY_MINUTES + 3) % 7);
	unsigned int at = (unsigned int)(minute % DAY_MINUTES);

	if (now < 0)
		return false;
	if (w->from < w->to)
		return w->days & 1u << today && at >= w->from && at < w->to;
	if (at >= w->from)
		return w->days & 1u << today;
	return at < w->to && w->days & 1u << (today + 6) % 7;
}
