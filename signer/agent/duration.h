/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MS_AGENT_DURATION_H
#define MS_AGENT_DURATION_H

#include <stdint.h>

/**
 * ms_duration_parse() - "90s", "30m", "4h", "2d"; a number alone is seconds
 * Return: 0 or -EINVAL (not understood, or over 10 years).
 */
int ms_duration_parse(const char *text, uint32_t *ret) _must_check_;

#endif
