/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines of the log, and the file with the checkpoint that was seen last. */
#include <stdint.h>

#include "signer/client/log_line.h"
#include "signer/client/log_memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct ms_log_memory m;
	char *copy = malloc(size + 1);
	struct ms_log_line l;

	if (!copy)
		return 0;
	memcpy(copy, data, size);
	if (ms_log_memory_parse(copy, size, &m) == 0 &&
	    strlen(m.vkey) + 1 + strlen(m.note) != size)
		abort();
	if (ms_log_line_parse(copy, size, &l) == 0 &&
	    (l.bytes < copy || l.bytes + l.len > copy + size || l.seq == 0))
		abort();
	free(copy);
	return 0;
}
