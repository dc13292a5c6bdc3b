/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MS_CLI_LOG_LINE_H
#define MS_CLI_LOG_LINE_H

#include <stdint.h>

/**
 * struct ms_log_line - one entry of the log as the agent hands it out and as it is
 * exported
 * @seq: its number, from 1 on
 * @bytes, @len: what its leaf hash is made of, exactly; point into the line
 */
struct ms_log_line {
	uint64_t seq;
	const char *bytes;
	size_t len;
};

/**
 * ms_log_line_parse() - {"seq":N,"entry":BYTES} or {"seq":N,"hex":"HEX"}
 * @line: without its newline; hex is decoded in place
 * The bytes between "entry": and the last brace are taken as they are, whatever they are.
 * Return: 0 or -EBADMSG.
 */
int ms_log_line_parse(char *line, size_t len, struct ms_log_line *ret) _must_check_;

#endif
