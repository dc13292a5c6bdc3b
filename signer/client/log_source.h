/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where entries of the log come from, one after the other: the agent, or an exported
 * file. Whatever goes wrong is told to the user here.
 */
#ifndef MS_CLI_LOG_SOURCE_H
#define MS_CLI_LOG_SOURCE_H

#include <stdio.h>
#include "lib/checkpoint.h"
#include "signer/client/log_line.h"
#include "signer/client/talk.h"

#define MS_LOG_EXPORT_HEAD "{\"modseal_log_export\":1,"

/**
 * struct ms_log_source - one of the two
 * @talk: the agent; NULL: @file
 * @from: the next entry to ask for
 * @batch, @at: what the agent has answered, and how much of it was used
 * @line, @cap: of the file
 */
struct ms_log_source {
	struct ms_talk *talk;
	FILE *file;
	const char *path;
	uint64_t from;
	struct ms_buf batch;
	size_t at, cap;
	char *line;
	uint64_t line_no;
};

void ms_log_source_clear(struct ms_log_source *s);
#define _cleanup_source_ _cleanup_(ms_log_source_clear)

/** ms_log_source_agent() - entries @from and later */
void ms_log_source_agent(struct ms_talk *t, uint64_t from, struct ms_log_source *ret);

/**
 * ms_log_source_file() - an exported file
 * @ret_vkey: MS_VKEY_MAX bytes; @ret_note: MS_CHECKPOINT_MAX + 1: what its first line
 * says Return: enum ms_exit, having complained.
 */
int ms_log_source_file(const char *path, struct ms_log_source *ret, char *ret_vkey,
		       char *ret_note) _must_check_;

/**
 * ms_log_source_next() - the next entry
 * @ret: valid until the next call
 * Return: 1; 0 at the end; -EBADMSG: a line is no entry, of which @ret->bytes is the
 * beginning; or another negative errno, having complained: -EIO, -ENOTCONN.
 */
int ms_log_source_next(struct ms_log_source *s, struct ms_log_line *ret) _must_check_;

#endif
