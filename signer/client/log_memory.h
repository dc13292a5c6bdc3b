/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The last checkpoint that this user has seen and found good, one file for each agent:
 * $XDG_STATE_HOME/modseal/log-*, else ~/.local/state. An agent that later shows another
 * history is found out by it.
 */
#ifndef MS_CLI_LOG_MEMORY_H
#define MS_CLI_LOG_MEMORY_H

#include "lib/checkpoint.h"
#include "lib/error.h"

/** struct ms_log_memory - @vkey "": nothing is remembered */
struct ms_log_memory {
	char vkey[MS_VKEY_MAX], note[MS_CHECKPOINT_MAX + 1];
};

/** ms_log_memory_parse() - the file's text: the vkey's line, then the note.
 * Return: 0 or -EBADMSG */
int ms_log_memory_parse(const char *text, size_t len,
			struct ms_log_memory *ret) _must_check_;
/** ms_log_memory_load() - Return: 0 (also when there is none), or an errno with a
 * sentence
 */
int ms_log_memory_load(const char *agent, struct ms_log_memory *ret,
		       struct ms_error *err) _must_check_;
int ms_log_memory_save(const char *agent, const struct ms_log_memory *m,
		       struct ms_error *err) _must_check_;

#endif
