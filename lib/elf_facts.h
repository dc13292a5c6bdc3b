/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MS_ELF_FACTS_H
#define MS_ELF_FACTS_H

#include <stdbool.h>
#include <stdint.h>
#include "lib/limits.h"

/**
 * struct ms_elf_facts - what a module says of itself
 *
 * Strings are NUL-terminated raw bytes of the file: escape them before they reach a
 * terminal, JSON or a log. "" where the module does not say. A value that does not fit is
 * -EBADMSG, never cut: a policy must not match half a name.
 *
 * @name: .modinfo "name=", else the name in .gnu.linkonce.this_module, under which the
 *	kernel loads it; where both are there and differ, -EBADMSG
 * @vermagic: whole vermagic, say "6.1.0-56-amd64 SMP preempt mod_unload modversions "
 * @release: its first word
 * @build_id: NT_GNU_BUILD_ID note; @build_id_len 0 where there is none
 * @has_debug: .debug_* sections are there, so it was not stripped of debugging
 * @has_symtab: .symtab is there (a module without it cannot load)
 * @intree: .modinfo "intree=Y"
 * @machine: e_machine
 */
struct ms_elf_facts {
	char name[MS_FACT_MAX];
	char vermagic[MS_FACT_MAX];
	char release[MS_FACT_MAX];
	char srcversion[MS_FACT_MAX];
	char version[MS_FACT_MAX];
	char license[MS_FACT_MAX];
	uint8_t build_id[64];
	size_t build_id_len;
	bool has_debug, has_symtab, intree;
	uint16_t machine;
};

/**
 * ms_elf_facts_read() - read the facts of a module
 * @mod: the module without signature (or with: what follows the ELF is not looked at)
 * @ret: ~2 KB; untouched on failure
 *
 * Does no I/O. libelf does the reading. Of two values of a tag the first holds, as for
 * the kernel; but two different names or vermagics, or two .modinfo sections, are
 * -EBADMSG: a policy must not look at one and the kernel at the other.
 *
 * Return: 0, -ENOEXEC (not ELF, or not a relocatable object), -EBADMSG (damaged, or
 * without .modinfo, so not a kernel module), -ENOMEM.
 */
int ms_elf_facts_read(const uint8_t *mod, size_t len,
		      struct ms_elf_facts *ret) _must_check_;

struct ms_error;
/** ms_elf_facts_complain() - say why ms_elf_facts_read() returned @r. Return: @r */
int ms_elf_facts_complain(int r, struct ms_error *err);

#endif
