/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdint.h>
#include "lib/escape.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first byte says how much room there is. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *out = NULL;
	size_t room;

	if (!size)
		return 0;
	room = data[0] == 0xff ? 4 * size + 4 : data[0];
	out = malloc(room ? room : 1);
	if (!out)
		return 0;
	ms_escape((const char *)data + 1, size - 1, out, room);
	if (!room)
		return 0;
	if (strnlen(out, room) == room)
		abort();
	for (const char *p = out; *p; p++)
		if ((uint8_t)*p < 0x20 || *p == 0x7f)
			abort();
	/* What has been escaped holds nothing that has to be, but for its backslashes. */
	if (data[0] == 0xff) {
		_cleanup_free_ char *again = malloc(16 * size + 4);

		if (!again)
			return 0;
		ms_escape_str(out, again, 16 * size + 4);
		if (strstr(again, "\\x") && !strstr(again, "\\\\x"))
			abort();
	}
	return 0;
}
