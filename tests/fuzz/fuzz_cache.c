/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdint.h>
#include "verifier/cache_entry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An entry that is taken is one that can be written again, the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct ms_anchors none;
	const struct ms_question q = {.anchors = &none};
	_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(1u << 20);
	struct ms_reader r = MS_READER(data, size);
	struct ms_cache_entry e = {0};
	struct ms_identity ids[4];
	size_t used = 0;

	if (!ms_cache_entry_get(&r, &q, ids, ARRAY_SIZE(ids), &used, &e)) {
		ms_cache_entry_put(&b, &q, &e.r);
		if (used > ARRAY_SIZE(ids) || (!ms_buf_error(&b) && b.len > size))
			abort();
	}
	ms_result_clear(&e.r);
	return 0;
}
