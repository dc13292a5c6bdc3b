/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PEM: whatever is found must survive being written and read again, and nothing may be
 * left in the output of a failure.
 */
#include <stdint.h>
#include "lib/pem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_round_trip(const struct ms_buf *der)
{
	_cleanup_buf_ struct ms_buf text = MS_BUF_INIT(4u << 20);
	_cleanup_buf_ struct ms_buf again = MS_BUF_INIT(2u << 20);
	size_t used;

	ms_pem_put(&text, "X", der->data, der->len);
	if (ms_buf_error(&text) < 0)
		return;
	if (ms_pem_find((const char *)text.data, text.len, "X", &again, &used) < 0 ||
	    used != text.len || again.len != der->len ||
	    memcmp(again.data, der->data, der->len) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	size_t pos = 0;

	for (;;) {
		_cleanup_buf_ struct ms_buf der = MS_BUF_INIT(1u << 20);
		size_t used = 0;

		ms_buf_put_u8(&der, 'x');
		if (ms_pem_find(text + pos, size - pos, "CERTIFICATE", &der, &used) < 0) {
			if (der.len != 1 || used != 0)
				abort();
			return 0;
		}
		if (der.len < 2 || used == 0 || used > size - pos)
			abort();
		check_round_trip(&der);
		pos += used;
	}
}
