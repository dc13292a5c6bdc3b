/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdint.h>

#include "lib/checkpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(MS_CHECKPOINT_MAX);
	struct ms_checkpoint c;
	char name[MS_ORIGIN_MAX];
	EVP_PKEY *key;
	size_t covered;

	if (ms_checkpoint_parse((const char *)data, size, &c, &covered) == 0) {
		/* What was read can be written again, and reads the same. */
		struct ms_checkpoint again;

		if (covered > size || ms_checkpoint_text(&c, &b) < 0)
			abort();
		ms_buf_printf(&b, "\n");
		if (ms_checkpoint_parse((char *)b.data, b.len, &again, &covered) < 0 ||
		    again.size != c.size ||
		    memcmp(again.root, c.root, sizeof(c.root)) != 0)
			abort();
	}
	if (ms_note_vkey_parse((const char *)data, size, name, &key) == 0)
		EVP_PKEY_free(key);
	return 0;
}
