/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MS_KERNEL_ELF_H
#define MS_KERNEL_ELF_H

#include <stdint.h>

/**
 * ms_kernel_elf_check() - would a kernel take this for a module's ELF file
 * @mod: the module without signature
 *
 * As elf_validity_check() of kernel/module/main.c, as far as it does not depend on the
 * machine: magic, type, header sizes, sections inside the file, a symbol table. Like the
 * kernel it does not look at class and byte order, which e_machine stands for; what is
 * not a 64-bit little-endian layout is not looked into further.
 *
 * Return: 0 or -ENOEXEC.
 */
int ms_kernel_elf_check(const uint8_t *mod, size_t len) _must_check_;

#endif
