/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/tile_path.h"

#include <ctype.h>
#include <errno.h>

#define FULL 256u
#define LEVEL_MAX 7u  /* 2^63 leaves */
#define GROUPS_MAX 6u /* of three digits, below 2^63 */

static bool take(const char **p, const char *text)
{
	size_t n = strlen(text);

	if (strncmp(*p, text, n) != 0)
		return false;
	*p += n;
	return true;
}

/* One to three digits without leading zeros. */
static bool small_number(const char **p, unsigned int *ret)
{
	unsigned int v = 0, n = 0;

	for (; isdigit((unsigned char)(*p)[n]) && n < 3; n++)
		v = v * 10 + (unsigned int)((*p)[n] - '0');
	if (n == 0 || (n > 1 && (*p)[0] == '0'))
		return false;
	*p += n;
	*ret = v;
	return true;
}

static bool group(const char **p, uint64_t *v)
{
	for (unsigned int i = 0; i < 3; i++) {
		if (!isdigit((unsigned char)(*p)[i]))
			return false;
		*v = *v * 10 + (uint64_t)((*p)[i] - '0');
	}
	*p += 3;
	return true;
}

static bool tile_number(const char **p, uint64_t *ret)
{
	uint64_t v = 0;
	unsigned int n = 0;

	for (; take(p, "x"); n++)
		if (n >= GROUPS_MAX - 1 || !group(p, &v) || !take(p, "/") || v == 0)
			return false;
	*ret = v;
	return group(p, ret);
}

int ms_tile_path_parse(const char *path, struct ms_tile *ret)
{
	struct ms_tile t = {.width = FULL};

	if (take(&path, "entries/"))
		t.entries = true;
	else if (!small_number(&path, &t.level) || t.level > LEVEL_MAX ||
		 !take(&path, "/"))
		return -EINVAL;
	if (!tile_number(&path, &t.index))
		return -EINVAL;
	if (take(&path, ".p/") &&
	    (!small_number(&path, &t.width) || t.width == 0 || t.width >= FULL))
		return -EINVAL;
	if (*path)
		return -EINVAL;
	*ret = t;
	return 0;
}
