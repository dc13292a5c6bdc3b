/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdint.h>
#include <sys/mman.h>
#include "lib/elf_facts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ROOM (1u << 20)
#define PAGE 4096u

/*
 * The module lies in memory that cannot be written, right before a page that cannot be
 * read: libelf is not built with sanitizers.
 */
static uint8_t *place(const uint8_t *data, size_t size)
{
	static uint8_t *room;
	uint8_t *p;

	if (!room) {
		room = mmap(NULL, ROOM + PAGE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (room == MAP_FAILED || mprotect(room + ROOM, PAGE, PROT_NONE) < 0)
			abort();
	}
	p = room + ROOM - size;
	if (mprotect(room, ROOM, PROT_READ | PROT_WRITE) < 0)
		abort();
	if (size)
		memcpy(p, data, size);
	if (mprotect(room, ROOM, PROT_READ) < 0)
		abort();
	return p;
}

static void terminated(const char *s)
{
	if (strnlen(s, MS_FACT_MAX) == MS_FACT_MAX)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ms_elf_facts f;

	if (size > ROOM || ms_elf_facts_read(place(data, size), size, &f) < 0)
		return 0;
	terminated(f.name);
	terminated(f.vermagic);
	terminated(f.release);
	terminated(f.srcversion);
	terminated(f.version);
	terminated(f.license);
	if (f.build_id_len > sizeof(f.build_id))
		abort();
	return 0;
}
