// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Messages between the TPM worker and its caller: one encoding for each.
 */
#include <stdint.h>
#include "tpm/worker_proto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same(struct ms_buf *b, int r, const uint8_t *data, size_t size)
{
	if (r < 0 || b->len != size || memcmp(b->data, data, size) != 0)
		abort();
	ms_buf_clear(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct ms_tpmw_request q;
	static struct ms_tpmw_answer a;
	struct ms_buf b = MS_BUF_INIT(MS_TPMW_MSG_MAX);

	if (ms_tpmw_get_request(data, size, &q) == 0)
		same(&b, ms_tpmw_put_request(&b, &q), data, size);
	if (ms_tpmw_get_answer(data, size, &a) == 0)
		same(&b, ms_tpmw_put_answer(&b, &a), data, size);
	return 0;
}
