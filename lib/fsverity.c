/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/fsverity.h"

#include <errno.h>
#include <string.h>

/* FS_VERITY_HASH_ALG_* (include/uapi/linux/fsverity.h); 0: it has no such */
static uint8_t algorithm(enum ms_hash h)
{
	return h == MS_HASH_SHA256 ? 1 : h == MS_HASH_SHA512 ? 2 : 0;
}

int ms_fsverity_format(enum ms_hash h, const uint8_t *digest,
		       uint8_t ret[MS_FSVERITY_FORMATTED_MAX], size_t *ret_len)
{
	size_t n = ms_hash_size(h);
	uint8_t *p = ret + MS_FSVERITY_MAGIC_LEN;

	if (!algorithm(h))
		return -ENOPKG;
	memcpy(ret, MS_FSVERITY_MAGIC, MS_FSVERITY_MAGIC_LEN);
	/* little-endian: no value here needs its upper byte */
	p[0] = algorithm(h);
	p[1] = 0;
	p[2] = (uint8_t)n;
	p[3] = 0;
	memcpy(p + 4, digest, n);
	*ret_len = MS_FSVERITY_HEAD_LEN + n;
	return 0;
}
