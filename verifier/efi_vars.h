/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the firmware and shim trust and distrust.
 */
#ifndef MS_EFI_VARS_H
#define MS_EFI_VARS_H

#include "verifier/revocations.h"

#define MS_EFIVARS "/sys/firmware/efi/efivars"
#define MS_EFI_VARIABLE_MAX (16u << 20) /* bytes of a variable */

/**
 * struct ms_efi_vars - what was there
 * @db, @mok: certificates of db, and of MokListRT
 * @variables: how many of those that are looked for are there at all
 * @mok_trusted: MokListTrustedRT says that the kernel may trust these for modules
 */
struct ms_efi_vars {
	size_t db, mok, variables;
	bool mok_trusted;
};

/**
 * ms_efi_vars_load() - add anchors of db and MokListRT, revocations of dbx and MokListXRT
 * @dir: efivarfs, or a copy of it: files NAME-GUID, four bytes of attributes first
 * @a: NULL: revocations only
 * @mok_only: of the anchors, take MokListRT's only
 * @ret: untouched on failure
 *
 * Variables that are not there are none. shim spreads a long MokListRT over MokListRT1,
 * MokListRT2 and so on. A certificate that cannot be parsed is left out: the kernel does
 * the same.
 *
 * Return: 0; -ENOENT: no such directory; -EBADMSG: a list is damaged; another errno; with
 * a sentence.
 */
int ms_efi_vars_load(const char *dir, struct ms_anchors *a, bool mok_only,
		     struct ms_revocations *r, struct ms_efi_vars *ret,
		     struct ms_error *err) _must_check_;

#endif
