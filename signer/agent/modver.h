/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MS_AGENT_MODVER_H
#define MS_AGENT_MODVER_H

/**
 * ms_modver_compare() - which of two module versions is the later one
 *
 * Versions are compared piece by piece from the left. A piece is a run of digits or a run
 * of letters; everything else separates pieces and counts for nothing. Numbers compare as
 * numbers, of any length; words as ASCII; a number is later than a word. When one version
 * ends first, the longer one is later if it goes on with a number ("1.2.1" after "1.2"),
 * and earlier if it goes on with a word ("1.2-rc1" before "1.2").
 *
 * Return: negative, 0 or positive, as strcmp().
 */
int ms_modver_compare(const char *a, const char *b);

#endif
