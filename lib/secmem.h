/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory for secrets: locked, left out of core dumps and of children, wiped when freed.
 */
#ifndef MS_SECMEM_H
#define MS_SECMEM_H

#include <stdbool.h>
#include <stdint.h>

/**
 * ms_secmem_process() - make this process a place where secrets may live
 *
 * No core dumps, not dumpable or traceable by the same user (PR_SET_DUMPABLE 0), no new
 * privileges; OpenSSL's secure heap set up; all pages, later ones too, locked with
 * mlockall() where no limit stands against that. Call before threads, before the first
 * secret, and before a sandbox in which a process cannot change its limits; once more in
 * the same process does nothing.
 *
 * Return: 0, or a negative errno when secrets could not even get the small locked heap.
 */
int ms_secmem_process(bool *ret_all_locked) _must_check_;

/** ms_secmem_alloc() - zeroed, locked, MADV_DONTDUMP, MADV_WIPEONFORK pages; NULL on
 * failure */
void *ms_secmem_alloc(size_t len);
/** ms_secmem_free() - wipe, unlock, unmap; @p may be NULL; @len as allocated */
void ms_secmem_free(void *p, size_t len);
/** ms_wipe() - zero memory in a way that the compiler keeps */
void ms_wipe(void *p, size_t len);
/** ms_equal() - constant-time comparison */
bool ms_equal(const void *a, const void *b, size_t len);

#endif
