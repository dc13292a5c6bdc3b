/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdint.h>
#include "verifier/uevent.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A name is one part of a path, and ends. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ms_uevent e;

	if (ms_uevent_parse(data, size, &e))
		return 0;
	if (!memchr(e.name, 0, sizeof(e.name)) || !*e.name || *e.name == '.' ||
	    strchr(e.name, '/'))
		abort();
	return 0;
}
