/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdint.h>
#include "verifier/efi_siglist.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every signature lies inside, and there is an end. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ms_efi_signature s;
	struct ms_efi_siglist l;
	size_t n = 0;

	ms_efi_siglist_parse(data, size, &l);
	while (!ms_efi_siglist_next(&l, &s)) {
		if (s.data < data || s.len > size - (size_t)(s.data - data) || !s.len ||
		    ++n > size)
			abort();
	}
	return 0;
}
