/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdint.h>
#include "compress/decompress.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One inflater for all inputs: what one leaves behind must not harm the next. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct ms_inflater inf;
	enum ms_compression kind = ms_compression_detect(data, size);
	size_t used = 0;

	if (kind == MS_PLAIN)
		return 0;
	if (!ms_inflate(&inf, kind, data, size, &used) && (!used || used > size))
		abort();
	if (inf.len > ms_inflate_limit(size) || inf.len > inf.cap)
		abort();
	return 0;
}
