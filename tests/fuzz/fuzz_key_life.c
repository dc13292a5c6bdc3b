/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdint.h>
#include <stdlib.h>

#include "signer/agent/key_life.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(1024);
	struct ms_key_life l, again;
	char text[400];

	if (ms_key_life_parse((const char *)data, size, &l) < 0)
		return 0;
	(void)ms_key_life_sentence(&l, l.until, text, sizeof(text));
	/* What was read can be written again, and reads the same. */
	if (ms_key_life_write(&l, &b) < 0 ||
	    ms_key_life_parse((char *)b.data, b.len, &again) < 0 ||
	    memcmp(&l, &again, sizeof(l)) != 0)
		abort();
	return 0;
}
