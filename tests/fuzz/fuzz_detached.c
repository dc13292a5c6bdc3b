/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include "signer/client/detached.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever one direction takes, the other makes the same bytes of. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_buf_ struct ms_buf tail = MS_BUF_INIT(64u << 20);
	_cleanup_buf_ struct ms_buf msgs = MS_BUF_INIT(64u << 20);

	if (ms_detached_join(data, size, &tail) == 0 &&
	    (ms_detached_split(tail.data, tail.len, &msgs) < 0 || msgs.len != size ||
	     memcmp(msgs.data, data, size) != 0))
		abort();
	tail.len = msgs.len = 0;
	if (ms_detached_split(data, size, &msgs) == 0 &&
	    (ms_detached_join(msgs.data, msgs.len, &tail) < 0 || tail.len != size ||
	     memcmp(tail.data, data, size) != 0))
		abort();
	return 0;
}
