/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdint.h>
#include <stdlib.h>

#include "lib/efi.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *p;
	size_t n;

	if (ms_esl_check(data, size, &n) == 0 && (n == 0 || n > size))
		abort();
	if (ms_efi_unwrap(data, size, &p, &n) == 0 &&
	    (p < data || n > (size_t)(data + size - p)))
		abort();
	return 0;
}
