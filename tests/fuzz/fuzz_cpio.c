/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdint.h>
#include "lib/limits.h"
#include "verifier/cpio.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ms_cpio_header h;

	if (!ms_cpio_header_parse(data, size, &h) &&
	    (!h.name_size || h.name_size > MS_PATH_MAX || size < MS_CPIO_HEADER))
		abort();
	return 0;
}
