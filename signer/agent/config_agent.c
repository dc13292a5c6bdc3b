/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The settings of [agent], [tpm] and [revocations]. */
#include "signer/agent/config_parse.h"

#include <ctype.h>
#include <sys/un.h>

static int agent_socket(struct ms_cfg_parser *p, const char *value)
{
	if (ms_cfg_check_absolute(p, value, sizeof(((struct sockaddr_un *)0)->sun_path)) <
	    0)
		return p->rc;
	return ms_cfg_set_string(p, &p->c->socket, value);
}

static int agent_socket_mode(struct ms_cfg_parser *p, const char *value)
{
	unsigned int mode = 0;
	size_t n = strspn(value, "01234567");

	if (n == 0 || n > 4 || value[n])
		return ms_cfg_fail(p, p->line,
				   "socket-mode: %s is not an octal mode such as 0660",
				   value);
	for (; *value; value++)
		mode = mode << 3 | (unsigned int)(*value - '0');
	if (mode & ~0777u)
		return ms_cfg_fail(p, p->line,
				   "socket-mode: only the bits 0777 can be set");
	p->c->socket_mode = mode;
	return 0;
}

static int agent_state(struct ms_cfg_parser *p, const char *value)
{
	if (ms_cfg_check_absolute(p, value, MS_PATH_MAX - MS_KEY_NAME_MAX - 32) < 0)
		return p->rc;
	return ms_cfg_set_string(p, &p->c->state, value);
}

static int agent_admins(struct ms_cfg_parser *p, const char *value)
{
	if (!p->c->admins_set)
		ms_strv_clear(&p->c->admins);
	p->c->admins_set = true;
	return ms_cfg_add_identities(p, &p->c->admins, value, true);
}

static int agent_max_module(struct ms_cfg_parser *p, const char *value)
{
	const char *end;
	uint64_t v;
	unsigned int shift = 0;

	if (!ms_cfg_number(value, MS_MODULE_MAX, &v, &end))
		goto bad;
	if (*end == 'K')
		shift = 10;
	else if (*end == 'M')
		shift = 20;
	else if (*end == 'G')
		shift = 30;
	if (end[shift ? 1 : 0] || v == 0 || v << shift > MS_MODULE_MAX)
		goto bad;
	p->c->max_module = (size_t)(v << shift);
	return 0;
bad:
	return ms_cfg_fail(p, p->line,
			   "max-module: %s is not a size from 1 to %uM such as 256M",
			   value, MS_MODULE_MAX >> 20);
}

static int agent_threads(struct ms_cfg_parser *p, const char *value)
{
	const char *end;
	uint64_t v;

	if (!ms_cfg_number(value, 256, &v, &end) || *end)
		return ms_cfg_fail(
			p, p->line,
			"threads: %s is not a number from 0 (one a processor) to 256",
			value);
	p->c->threads = (unsigned int)v;
	return 0;
}

static int agent_auditors(struct ms_cfg_parser *p, const char *value)
{
	return ms_cfg_add_identities(p, &p->c->auditors, value, true);
}

static int tpm_nv_counter(struct ms_cfg_parser *p, const char *value)
{
	uint64_t v = 0;
	size_t n = strlen(value);

	if (n == 10 && value[0] == '0' && value[1] == 'x' &&
	    strspn(value + 2, "0123456789abcdefABCDEF") == 8)
		v = strtoull(value + 2, NULL, 16);
	if (v < 0x01800000 || v > 0x01bfffff)
		return ms_cfg_fail(
			p, p->line,
			"nv-counter: %s is not an NV index of the owner's, from "
			"0x01800000 to 0x01bfffff",
			value);
	p->c->nv_counter = (uint32_t)v;
	return 0;
}

static int tpm_tcti(struct ms_cfg_parser *p, const char *value)
{
	if (strlen(value) >= MS_PATH_MAX || !isalnum((unsigned char)value[0]))
		return ms_cfg_fail(p, p->line,
				   "tcti: %s is not NAME:CONF such as device:/dev/tpmrm0",
				   value);
	return ms_cfg_set_string(p, &p->c->tcti, value);
}

static int tpm_deadline(struct ms_cfg_parser *p, const char *value)
{
	const char *end;
	uint64_t v;

	if (ms_cfg_number(value, 3600000, &v, &end)) {
		bool ms = strcmp(end, "ms") == 0;

		if (!ms && (!*end || strcmp(end, "s") == 0))
			v *= 1000;
		else if (!ms)
			v = 0;
		if (v >= 100 && v <= 3600000) {
			p->c->tpm_deadline_ms = (unsigned int)v;
			return 0;
		}
	}
	return ms_cfg_fail(p, p->line,
			   "deadline: %s is not a time from 100ms to 3600 seconds",
			   value);
}

static int revocations_denied(struct ms_cfg_parser *p, const char *value)
{
	if (ms_cfg_check_absolute(p, value, MS_PATH_MAX) < 0)
		return p->rc;
	return ms_cfg_set_string(p, &p->c->denied_file, value);
}

static const struct ms_cfg_setting agent_settings[] = {
	{"socket", agent_socket, false},
	{"socket-mode", agent_socket_mode, false},
	{"state", agent_state, false},
	{"admins", agent_admins, true},
	{"max-module", agent_max_module, false},
	{"threads", agent_threads, false},
	{"auditors", agent_auditors, true},
	{"log-origin", ms_cfg_agent_log_origin, false},
	{"log-interval", ms_cfg_agent_log_interval, false},
	{"log-check", ms_cfg_agent_log_check, false},
	{"log-format", ms_cfg_agent_log_format, false},
	{"log-requests", ms_cfg_agent_log_requests, false},
	{"metrics", ms_cfg_agent_metrics, true},
	{"backup-recipients", ms_cfg_agent_backup_to, true},
	{"provision-to", ms_cfg_agent_provision_to, true},
};

const struct ms_cfg_section ms_cfg_agent = {
	.name = "agent",
	.settings = agent_settings,
	.n = ARRAY_SIZE(agent_settings),
};

static const struct ms_cfg_setting tpm_settings[] = {
	{"tcti", tpm_tcti, false},
	{"deadline", tpm_deadline, false},
	{"nv-counter", tpm_nv_counter, false},
};

const struct ms_cfg_section ms_cfg_tpm = {
	.name = "tpm",
	.settings = tpm_settings,
	.n = ARRAY_SIZE(tpm_settings),
};

static const struct ms_cfg_setting revocations_settings[] = {
	{"denied", revocations_denied, false},
};

const struct ms_cfg_section ms_cfg_revocations = {
	.name = "revocations",
	.settings = revocations_settings,
	.n = ARRAY_SIZE(revocations_settings),
};
