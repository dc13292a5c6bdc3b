/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/event_memory.h"

#include <event2/event.h>
#include <malloc.h>

#include "lib/secmem.h"

#define WIPE_MAX (64u << 10)

static void wipe_and_free(void *p)
{
	size_t n = p ? malloc_usable_size(p) : 0;

	if (n && n <= WIPE_MAX + 64)
		ms_wipe(p, n);
	free(p);
}

void ms_event_memory(void)
{
	event_set_mem_functions(malloc, realloc, wipe_and_free);
}
