/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MS_AGENT_LOG_H
#define MS_AGENT_LOG_H

#include <stdbool.h>

/**
 * struct ms_log_field - something that a program wants to find in a line
 * @name: a word; @value: any text; NULL or "": the field is left out
 */
struct ms_log_field {
	const char *name, *value;
};

/**
 * ms_log() - one line on stderr: "modseald[front]: ...", with an sd-daemon level prefix
 * when stderr is the journal
 * @level: LOG_ERR, LOG_WARNING, LOG_NOTICE, LOG_INFO of <syslog.h>
 * Text from outside must be escaped by the caller. Never a secret.
 */
void ms_log(int level, const char *fmt, ...) _printf_(2, 3);

/**
 * ms_log_with() - the same with fields: " name=value" behind the message, or members of
 * the JSON object
 */
void ms_log_with(int level, const struct ms_log_field *fields, size_t n, const char *fmt,
		 ...) _printf_(4, 5);

/** ms_log_role() - name of this process in its lines and in ps; at most 15 bytes */
void ms_log_role(const char *role);

/**
 * ms_log_json() - lines are JSON objects from now on: time (RFC 3339, UTC), level,
 * process, pid, message, and the fields; modseald(8) documents them
 */
void ms_log_json(bool on);

/**
 * ms_log_format() - the line that ms_log_with() writes, without its end and prefix
 * @dst, @size: cut, but still whole JSON, when it does not fit
 */
void ms_log_format(int level, const struct ms_log_field *fields, size_t n,
		   const char *message, char *dst, size_t size);

#endif
