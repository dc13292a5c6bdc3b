/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdint.h>

#include "signer/agent/tile_path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[128];
	struct ms_tile t;

	if (size >= sizeof(text))
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (ms_tile_path_parse(text, &t) < 0)
		return 0;
	if (t.width < 1 || t.width > 256 || t.level > 7)
		abort();
	return 0;
}
