/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MS_AGENT_STRV_H
#define MS_AGENT_STRV_H

#include <stdbool.h>

/** struct ms_strv - a list of strings, owned */
struct ms_strv {
	char **v;
	size_t n;
};

void ms_strv_clear(struct ms_strv *s);
/** ms_strv_add() - append a copy of @len bytes. Return: 0 or -ENOMEM. */
int ms_strv_add(struct ms_strv *s, const char *p, size_t len) _must_check_;
bool ms_strv_has(const struct ms_strv *s, const char *word);

/**
 * ms_word_next() - the next word of a list that is separated by spaces, tabs and commas
 * @p: where to go on; moved behind the word
 * @ret_len: its length
 * Return: the word (not NUL-terminated), or NULL at the end.
 */
const char *ms_word_next(const char **p, size_t *ret_len);

/**
 * ms_glob() - does a shell pattern (fnmatch, no special characters) fit all of @s
 */
bool ms_glob(const char *pattern, const char *s);
/** ms_glob_module() - the same for names of modules, where '-' and '_' are the same */
bool ms_glob_module(const char *pattern, const char *name);

/**
 * ms_nearest() - the word that somebody who typed @typed probably meant
 * @words, @n: the valid words; NULLs are skipped
 * Return: one of @words, or NULL when none is near.
 */
const char *ms_nearest(const char *typed, const char *const *words, size_t n);

#endif
