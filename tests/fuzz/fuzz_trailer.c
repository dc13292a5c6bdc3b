/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdint.h>
#include "lib/trailer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ms_trailer t;
	size_t payload;
	uint8_t again[MS_TRAILER_LEN];
	int rc = ms_trailer_parse(data, size, &t);
	int rc_all = ms_trailer_payload_len(data, size, &payload);

	if (rc == 0) {
		/* The three parts make up the whole, and it can be built again. */
		if (!t.payload_len || !t.msg_len || t.msg != data + t.payload_len ||
		    t.payload_len + t.msg_len + MS_TRAILER_LEN != size)
			abort();
		ms_trailer_build((uint32_t)t.msg_len, again);
		if (memcmp(again, data + size - MS_TRAILER_LEN, MS_TRAILER_LEN))
			abort();
		if (rc_all == 0 && payload > t.payload_len)
			abort();
	} else if (rc_all == 0 && payload != size) {
		abort();
	}
	return 0;
}
