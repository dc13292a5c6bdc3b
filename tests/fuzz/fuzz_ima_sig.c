/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdint.h>
#include "lib/ima_sig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_buf_ struct ms_buf again = MS_BUF_INIT(1u << 20);
	struct ms_ima_sig s;

	if (ms_ima_sig_parse(data, size, &s))
		return 0;
	/* It is all of the input, and can be built again. */
	if (s.sig != data + MS_IMA_HEADER_LEN || s.sig_len != size - MS_IMA_HEADER_LEN)
		abort();
	if (s.sig_len <= MS_SIG_MAX && (ms_ima_sig_put(&s, &again) || again.len != size ||
					memcmp(again.data, data, size)))
		abort();
	return 0;
}
