/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include "verifier/kernel_elf.h"

static uint64_t get(const uint8_t *p, unsigned int n)
{
	uint64_t v = 0;

	while (n--)
		v = v << 8 | p[n];
	return v;
}

#define GET(base, type, field) \
	get((base) + offsetof(type, field), sizeof(((type *)NULL)->field))

/* 32-bit and big-endian machines: what their kernels read is laid out otherwise. */
static bool other_layout(const uint8_t *mod)
{
	return GET(mod, Elf64_Ehdr, e_type) != ET_REL ||
	       GET(mod, Elf64_Ehdr, e_shentsize) != sizeof(Elf64_Shdr);
}

static int check_sections(const uint8_t *mod, size_t len)
{
	uint64_t off = GET(mod, Elf64_Ehdr, e_shoff), n = GET(mod, Elf64_Ehdr, e_shnum);
	uint64_t names = GET(mod, Elf64_Ehdr, e_shstrndx);
	size_t symtabs = 0;

	if (off >= len || n > (len - off) / sizeof(Elf64_Shdr) || !names || names >= n)
		return -ENOEXEC;
	for (uint64_t i = 1; i < n; i++) {
		const uint8_t *sh = mod + off + i * sizeof(Elf64_Shdr);
		uint64_t type = GET(sh, Elf64_Shdr, sh_type);
		uint64_t at = GET(sh, Elf64_Shdr, sh_offset);
		uint64_t size = GET(sh, Elf64_Shdr, sh_size);

		if (type == SHT_NULL || type == SHT_NOBITS)
			continue;
		if (at > len || size > len - at)
			return -ENOEXEC;
		symtabs += type == SHT_SYMTAB;
	}
	return symtabs ? 0 : -ENOEXEC;
}

int ms_kernel_elf_check(const uint8_t *mod, size_t len)
{
	if (len < sizeof(Elf64_Ehdr) || memcmp(mod, ELFMAG, SELFMAG))
		return -ENOEXEC;
	if (other_layout(mod))
		return mod[EI_CLASS] == ELFCLASS32 || mod[EI_DATA] == ELFDATA2MSB
			       ? 0
			       : -ENOEXEC;
	return check_sections(mod, len);
}
