/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The configurations that `modseal init` writes, made from what packaging/ has. */
#ifndef MS_CLI_INIT_TEXT_H
#define MS_CLI_INIT_TEXT_H

#include "lib/buf.h"

/* packaging/modseald.conf and packaging/modseal.conf; the Makefile makes them C. */
extern const char ms_text_modseald_conf[], ms_text_modseal_conf[];

/**
 * struct ms_setting - a setting that is not left at its default
 * @section: without brackets; NULL: the file has none before it
 * @value: NULL: the setting stays as the template has it
 */
struct ms_setting {
	const char *section, *name, *value;
};

/**
 * ms_init_fill() - a template with some of its settings made
 * @text: a configuration in which "#NAME = DEFAULT" stands for each setting
 * @set, @n: replace these lines
 * @out: appended to; the licence's line at the top is left out
 *
 * Return: 0; -ENOENT: the template has no such line; -ENOMEM, -EFBIG.
 */
int ms_init_fill(const char *text, const struct ms_setting *set, size_t n,
		 struct ms_buf *out) _must_check_;

/** ms_init_has() - does the configuration @text set @name to @value in @section? As
 * modseald reads it, but for continued lines. */
bool ms_init_has(const char *text, size_t len, const struct ms_setting *s);

/** ms_init_plain() - can @value stand in a configuration? 1 to 150 printable ASCII
 * characters, no blanks, ';' or '#'. */
bool ms_init_plain(const char *value);

#endif
