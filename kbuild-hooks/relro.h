/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MS_HOOK_RELRO_H
#define MS_HOOK_RELRO_H

/**
 * ms_hook_protect_relro() - what only the linker writes is read-only from now on
 *
 * PT_GNU_RELRO of the program itself, which glibc's start makes read-only, and musl's
 * does in a shared object alone, not in a static PIE.
 */
void ms_hook_protect_relro(void);

#endif
