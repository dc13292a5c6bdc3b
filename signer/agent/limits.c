/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/limits.h"

#include <ctype.h>
#include <errno.h>

#include "signer/agent/store_change.h"

#define LIMIT_MAX UINT64_C(1000000000)

/**
 * struct use - of one rule: a ring of minutes
 * @minute: which minute a place in the ring is about
 */
struct use {
	char *rule;
	int64_t minute[MS_LIMIT_MINUTES];
	uint32_t count[MS_LIMIT_MINUTES];
};

struct ms_limits {
	struct use **use;
	size_t n;
};

int ms_limits_new(struct ms_limits **ret)
{
	struct ms_limits *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	*ret = l;
	return 0;
}

void ms_limits_free(struct ms_limits *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < l->n; i++) {
		free(l->use[i]->rule);
		free(l->use[i]);
	}
	free(l->use);
	free(l);
}

static struct use *find(const struct ms_limits *l, const char *rule)
{
	for (size_t i = 0; i < l->n; i++) {
		if (strcmp(l->use[i]->rule, rule) == 0)
			return l->use[i];
	}
	return NULL;
}

static struct use *get(struct ms_limits *l, const char *rule)
{
	struct use *u = find(l, rule), **list;

	if (u)
		return u;
	list = reallocarray(l->use, l->n + 1, sizeof(*list));
	if (!list)
		return NULL;
	l->use = list;
	u = calloc(1, sizeof(*u));
	if (u)
		u->rule = strdup(rule);
	if (!u || !u->rule) {
		free(u);
		return NULL;
	}
	l->use[l->n++] = u;
	return u;
}

static uint32_t *place(struct use *u, int64_t minute)
{
	size_t i = (size_t)(minute % MS_LIMIT_MINUTES);

	/* A later minute than this one is from before the clock was set back. */
	if (u->minute[i] < minute) {
		u->minute[i] = minute;
		u->count[i] = 0;
	}
	return &u->count[i];
}

static uint64_t sum(const struct use *u, int64_t minute, unsigned int minutes)
{
	uint64_t n = 0;

	for (size_t i = 0; i < MS_LIMIT_MINUTES; i++) {
		if (u->minute[i] > minute - (int64_t)minutes)
			n += u->count[i];
	}
	return n;
}

static int load_row(const char *rule, int64_t minute, const char *data, void *arg)
{
	struct use *u = get(arg, rule);

	if (!u)
		return -ENOMEM;
	if (minute > 0)
		*place(u, minute) += (uint32_t)strtoul(data, NULL, 10);
	return 0;
}

int ms_limits_load(struct ms_limits *l, struct ms_store *s, int64_t now,
		   struct ms_error *err)
{
	return ms_store_foreach_row(s, MS_CHANGE_RULE_USE, NULL,
				    now / 60 - (int64_t)MS_LIMIT_MINUTES, load_row, l,
				    err);
}

int ms_limits_take(struct ms_limits *l, const struct ms_rule *rule, int64_t now,
		   int64_t *ret_minute, struct ms_error *err)
{
	struct use *u = get(l, rule->name);
	int64_t minute = now / 60;

	if (!u)
		return ms_error_set(err, -ENOMEM, NULL, "out of memory");
	if (rule->limit_hour && sum(u, minute, 60) >= rule->limit_hour)
		return ms_error_set(
			err, -EACCES, "limit-hour",
			"rule %s allows %llu signatures an hour, and they are made: try "
			"again later, or have the limit raised",
			rule->name, (unsigned long long)rule->limit_hour);
	if (rule->limit_day && sum(u, minute, MS_LIMIT_MINUTES) >= rule->limit_day)
		return ms_error_set(
			err, -EACCES, "limit-day",
			"rule %s allows %llu signatures a day, and they are made: try "
			"again later, or have the limit raised",
			rule->name, (unsigned long long)rule->limit_day);
	++*place(u, minute);
	*ret_minute = minute;
	return 0;
}

void ms_limits_give_back(struct ms_limits *l, const char *rule, int64_t minute)
{
	struct use *u = find(l, rule);
	uint32_t *count = u ? place(u, minute) : NULL;

	if (count && *count)
		--*count;
}

uint64_t ms_limits_used(const struct ms_limits *l, const char *rule, int64_t now,
			unsigned int minutes)
{
	const struct use *u = find(l, rule);

	return u ? sum(u, now / 60, minutes) : 0;
}

int ms_limit_parse(const char *text, uint64_t *ret, char *ret_per)
{
	uint64_t n = 0;

	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	for (; isdigit((unsigned char)*text); text++) {
		n = n * 10 + (uint64_t)(*text - '0');
		if (n > LIMIT_MAX)
			return -EINVAL;
	}
	if (n == 0)
		return -EINVAL;
	if (strcmp(text, "/hour") != 0 && strcmp(text, "/day") != 0 &&
	    strcmp(text, "/build") != 0)
		return -EINVAL;
	*ret = n;
	*ret_per = text[1];
	return 0;
}
