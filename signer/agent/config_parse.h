/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What config_parse.c and config_rule.c share with each other and with nobody else.
 */
#ifndef MS_AGENT_CONFIG_PARSE_H
#define MS_AGENT_CONFIG_PARSE_H

#include "signer/agent/config.h"

struct section;

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
	const struct section *section;
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

#define MS_CFG_ALERT_SETTINGS 6
extern const struct ms_cfg_setting ms_cfg_alert_settings[MS_CFG_ALERT_SETTINGS];

/* Of [agent], in config_watch.c. */
ms_cfg_set_fn ms_cfg_agent_metrics, ms_cfg_agent_log_check, ms_cfg_agent_log_origin,
	ms_cfg_agent_log_interval, ms_cfg_agent_log_format, ms_cfg_agent_log_requests;

#define MS_CFG_RULE_SETTINGS 14
extern const struct ms_cfg_setting ms_cfg_rule_settings[MS_CFG_RULE_SETTINGS];

/** ms_cfg_rule_check_types() - do the settings of a rule go with its types */
int ms_cfg_rule_check_types(struct ms_cfg_parser *p, const struct ms_rule *r);

#define MS_CFG_TLS_SETTINGS 5
extern const struct ms_cfg_setting ms_cfg_tls_settings[MS_CFG_TLS_SETTINGS];

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

int ms_cfg_agent_backup_to(struct ms_cfg_parser *p, const char *value);
int ms_cfg_agent_provision_to(struct ms_cfg_parser *p, const char *value);

#endif
