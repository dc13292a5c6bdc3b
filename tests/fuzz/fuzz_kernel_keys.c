/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdint.h>
#include "verifier/kernel_keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data, *end = p + size;
	struct ms_kernel_key k;

	while (!ms_kernel_keys_next(&p, end, &k))
		if (!*k.id || strlen(k.id) >= sizeof(k.id) || p > end)
			abort();
	return 0;
}
