/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <link.h>
#include <sys/mman.h>
#include <unistd.h>
#include "kbuild-hooks/relro.h"

/* Whole pages alone, as the linker has laid them out. */
static int protect(struct dl_phdr_info *info, size_t size, void *arg)
{
	const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		uintptr_t from = (info->dlpi_addr + p->p_vaddr) & -page;
		uintptr_t to = (info->dlpi_addr + p->p_vaddr + p->p_memsz) & -page;

		if (p->p_type == PT_GNU_RELRO && to > from)
			(void)!mprotect((void *)from, to - from, PROT_READ);
	}
	return 1; /* the first is the program */
}

void ms_hook_protect_relro(void)
{
	dl_iterate_phdr(protect, NULL);
}
