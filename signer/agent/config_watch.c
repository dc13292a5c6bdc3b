/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the configuration says about watching: [alert], and settings of [agent] that are
 * about logs and metrics. */
#include <ctype.h>
#include <errno.h>

#include "signer/agent/config_parse.h"
#include "signer/agent/duration.h"
#include "signer/agent/stats.h"

#define TIMEOUT_MAX_S 600u
#define REFUSED_MAX 1000000u

static int duration(struct ms_cfg_parser *p, const char *value, uint32_t min,
		    uint32_t max, uint32_t *ret)
{
	uint32_t s;

	if (ms_duration_parse(value, &s) < 0 || s < min || s > max)
		return ms_cfg_fail(p, p->line,
				   "%s: %s is not a time from %us to %us, such as 30s, "
				   "10m, 4h or 30d",
				   p->key, value, min, max);
	*ret = s;
	return 0;
}

/* "off", or a time. */
static int duration_or_off(struct ms_cfg_parser *p, const char *value, uint32_t max,
			   uint32_t *ret)
{
	if (strcmp(value, "off") != 0)
		return duration(p, value, 1, max, ret);
	*ret = 0;
	return 0;
}

static int alert_command(struct ms_cfg_parser *p, const char *value)
{
	struct ms_strv *v = &p->c->alert.command;
	size_t len;

	ms_strv_clear(v);
	/* Words, split at blanks; a comma is a character like others here. */
	while (*(value += strspn(value, " \t"))) {
		len = strcspn(value, " \t");
		if (ms_strv_add(v, value, len) < 0)
			return ms_cfg_no_memory(p);
		value += len;
	}
	if (v->v[0][0] != '/')
		return ms_cfg_fail(p, p->line,
				   "command: %s is not an absolute path: no shell looks "
				   "for it",
				   v->v[0]);
	return 0;
}

static int alert_timeout(struct ms_cfg_parser *p, const char *value)
{
	return duration(p, value, 1, TIMEOUT_MAX_S, &p->c->alert.timeout_s);
}

static int alert_repeat(struct ms_cfg_parser *p, const char *value)
{
	return duration(p, value, 1, 7 * 86400, &p->c->alert.repeat_s);
}

static int alert_refused(struct ms_cfg_parser *p, const char *value)
{
	const char *end;
	uint64_t v = 0;

	if (strcmp(value, "off") != 0 && (!ms_cfg_number(value, REFUSED_MAX, &v, &end) ||
					  strcmp(end, "/minute") != 0 || v == 0))
		return ms_cfg_fail(p, p->line,
				   "refused: %s is not off or NUMBER/minute, such as "
				   "60/minute",
				   value);
	p->c->alert.refused = (uint32_t)v;
	return 0;
}

static int alert_expiry(struct ms_cfg_parser *p, const char *value)
{
	return duration_or_off(p, value, 3650 * 86400u / 10, &p->c->alert.expiry_s);
}

static int alert_on(struct ms_cfg_parser *p, const char *value)
{
	struct ms_alert_config *a = &p->c->alert;
	const char *w;
	size_t len;

	a->kinds = 0;
	while ((w = ms_word_next(&value, &len))) {
		unsigned int k = 0;
		const char *name;

		while ((name = ms_alert_name(k)) &&
		       (strlen(name) != len || strncmp(name, w, len) != 0))
			k++;
		if (!name)
			return ms_cfg_fail(p, p->line,
					   "on: %.*s is not an alert: there are refused, "
					   "outside-hours, key-expiry, log, tpm and "
					   "process",
					   (int)len, w);
		a->kinds |= UINT32_C(1) << k;
	}
	return 0;
}

static const struct ms_cfg_setting alert_settings[] = {
	{"command", alert_command, false}, {"timeout", alert_timeout, false},
	{"repeat", alert_repeat, false},   {"refused", alert_refused, false},
	{"expiry", alert_expiry, false},   {"on", alert_on, false},
};

const struct ms_cfg_section ms_cfg_alert = {
	.name = "alert",
	.settings = alert_settings,
	.n = ARRAY_SIZE(alert_settings),
};

/* ----------------------------------------------------------------- [agent] */

int ms_cfg_agent_metrics(struct ms_cfg_parser *p, const char *value)
{
	return ms_cfg_add_identities(p, &p->c->metrics, value, true);
}

int ms_cfg_agent_log_origin(struct ms_cfg_parser *p, const char *value)
{
	/* it becomes a certificate's common name */
	for (const char *s = value; *s; s++)
		if (!isgraph((unsigned char)*s) || *s == '+')
			return ms_cfg_fail(
				p, p->line,
				"log-origin: no blanks, '+' or non-ASCII letters: "
				"write a name such as release.example.com/modseal");
	if (!*value || strlen(value) > 64)
		return ms_cfg_fail(p, p->line, "log-origin: 1 to 64 characters");
	return ms_cfg_set_string(p, &p->c->log_origin, value);
}

int ms_cfg_agent_log_interval(struct ms_cfg_parser *p, const char *value)
{
	const char *end;
	uint64_t v;

	if (!ms_cfg_number(value, 86400, &v, &end) || *end || v == 0)
		return ms_cfg_fail(
			p, p->line,
			"log-interval: %s is not a number of seconds from 1 to 86400",
			value);
	p->c->log_interval_s = (unsigned int)v;
	return 0;
}

int ms_cfg_agent_log_check(struct ms_cfg_parser *p, const char *value)
{
	return duration_or_off(p, value, 30 * 86400, &p->c->log_check_s);
}

int ms_cfg_agent_log_format(struct ms_cfg_parser *p, const char *value)
{
	p->c->log_json = strcmp(value, "json") == 0;
	if (!p->c->log_json && strcmp(value, "text") != 0)
		return ms_cfg_fail(p, p->line, "log-format: %s is not text or json",
				   value);
	return 0;
}

int ms_cfg_agent_log_requests(struct ms_cfg_parser *p, const char *value)
{
	static const char *const names[] = {[MS_LOG_REQUESTS_FAILED] = "failed",
					    [MS_LOG_REQUESTS_ALL] = "all",
					    [MS_LOG_REQUESTS_NONE] = "none"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(value, names[i]) == 0) {
			p->c->log_requests = (unsigned int)i;
			return 0;
		}
	return ms_cfg_fail(p, p->line, "log-requests: %s is not failed, all or none",
			   value);
}
