/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/duration.h"

#include <ctype.h>
#include <errno.h>

#define DURATION_MAX (3650u * 86400u)

int ms_duration_parse(const char *text, uint32_t *ret)
{
	static const struct {
		char letter;
		uint32_t seconds;
	} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
	uint64_t n = 0, unit = *text ? 1 : 0;

	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	for (; isdigit((unsigned char)*text); text++) {
		n = n * 10 + (uint64_t)(*text - '0');
		if (n > DURATION_MAX)
			return -EINVAL;
	}
	if (*text) {
		unit = 0;
		for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
			if (text[0] == units[i].letter && !text[1])
				unit = units[i].seconds;
		}
	}
	if (!unit || n * unit > DURATION_MAX)
		return -EINVAL;
	*ret = (uint32_t)(n * unit);
	return 0;
}
