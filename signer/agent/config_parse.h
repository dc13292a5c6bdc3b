/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files that take a configuration in share with each other and with nobody else.
 */
#ifndef MS_AGENT_CONFIG_PARSE_H
#define MS_AGENT_CONFIG_PARSE_H

#include "signer/agent/config.h"

#define MS_CFG_NAME_MAX 40u /* of a rule or group; inih keeps 49 bytes of a section's */

struct ms_cfg_section;

/**
 * struct ms_cfg_parser - a text on its way
 * @line, @section_line: where we are, and where the section began
 * @seen: settings of this section, one bit each
 * @key: name of the setting
 */
struct ms_cfg_parser {
	const char *name, *text;
	size_t len, pos;
	struct ms_config *c;
	struct ms_error *err;
	int rc;
	const struct ms_cfg_section *section;
	unsigned int line, section_line;
	uint32_t seen;
	const char *key;
};

typedef int ms_cfg_set_fn(struct ms_cfg_parser *p, const char *value);

/**
 * struct ms_cfg_setting - one valid KEY =
 * @set: NULL: has a meaning in modseal, but this version does not support it
 * @list: may repeat, and then adds
 */
struct ms_cfg_setting {
	const char *name;
	ms_cfg_set_fn *set;
	bool list;
};

/**
 * struct ms_cfg_section - one valid [SECTION], or [SECTION NAME] if it is @named
 * @begin: called with the name; or NULL
 * @end: is it complete; or NULL
 * @settings: NULL: not supported by this version
 */
struct ms_cfg_section {
	const char *name;
	bool named;
	int (*begin)(struct ms_cfg_parser *p, const char *name);
	int (*end)(struct ms_cfg_parser *p);
	const struct ms_cfg_setting *settings;
	size_t n;
};

extern const struct ms_cfg_section ms_cfg_agent, ms_cfg_tpm, ms_cfg_revocations,
	ms_cfg_group, ms_cfg_person, ms_cfg_rule, ms_cfg_alert, ms_cfg_tls;

/* Of [agent], in config_watch.c. */
ms_cfg_set_fn ms_cfg_agent_metrics, ms_cfg_agent_log_check, ms_cfg_agent_log_origin,
	ms_cfg_agent_log_interval, ms_cfg_agent_log_format, ms_cfg_agent_log_requests;
/* Of [agent], in config_leave.c. */
ms_cfg_set_fn ms_cfg_agent_backup_to, ms_cfg_agent_provision_to;

/* These complain, and return what their caller may return. */
int ms_cfg_fail(struct ms_cfg_parser *p, unsigned int line, const char *fmt, ...)
	_printf_(3, 4);
int ms_cfg_no_memory(struct ms_cfg_parser *p);
int ms_cfg_set_string(struct ms_cfg_parser *p, char **dst, const char *value);
int ms_cfg_check_absolute(struct ms_cfg_parser *p, const char *value, size_t max);
int ms_cfg_add_identities(struct ms_cfg_parser *p, struct ms_strv *dst, const char *value,
			  bool groups);
int ms_cfg_add_globs(struct ms_cfg_parser *p, struct ms_strv *dst, const char *value);
int ms_cfg_check_glob(struct ms_cfg_parser *p, const char *word);

/** ms_cfg_number() - a decimal number; @ret_end: what follows it */
bool ms_cfg_number(const char *s, uint64_t max, uint64_t *ret, const char **ret_end);
/** ms_cfg_is_name() - may it be the name of a group or rule */
bool ms_cfg_is_name(const char *s, size_t len);

#endif
