/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include "lib/limits.h"
#include "verifier/cpio.h"

/* Eight hexadecimal digits. */
static int field(const uint8_t *p, uint32_t *ret)
{
	uint32_t v = 0;

	for (size_t i = 0; i < 8; i++) {
		uint8_t c = p[i];

		if (c >= '0' && c <= '9')
			c = (uint8_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			c = (uint8_t)(c - 'a' + 10);
		else if (c >= 'A' && c <= 'F')
			c = (uint8_t)(c - 'A' + 10);
		else
			return -EBADMSG;
		v = v << 4 | c;
	}
	*ret = v;
	return 0;
}

int ms_cpio_header_parse(const uint8_t *p, size_t len, struct ms_cpio_header *ret)
{
	struct ms_cpio_header h;
	uint32_t f[13];

	if (len < MS_CPIO_HEADER ||
	    (memcmp(p, "070701", 6) != 0 && memcmp(p, "070702", 6) != 0))
		return -EBADMSG;
	for (size_t i = 0; i < ARRAY_SIZE(f); i++)
		if (field(p + 6 + 8 * i, &f[i]))
			return -EBADMSG;
	h = (struct ms_cpio_header){
		.ino = f[0],
		.mode = f[1],
		.nlink = f[4],
		.size = f[6],
		.name_size = f[11],
	};
	if (!h.name_size || h.name_size > MS_PATH_MAX)
		return -EBADMSG;
	*ret = h;
	return 0;
}
