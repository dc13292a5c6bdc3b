/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The keys that the running kernel has, as far as it tells.
 */
#ifndef MS_KERNEL_KEYS_H
#define MS_KERNEL_KEYS_H

#include "verifier/run.h"

#define MS_PROC_KEYS_MAX (4u << 20)

/**
 * struct ms_kernel_key - an X.509 certificate in one of root's keyrings
 * @name: as the kernel has it, often the CN; raw
 * @id: hex of its key identifier, or of its serial where it has none
 */
struct ms_kernel_key {
	char name[256], id[129];
};

/**
 * ms_kernel_keys_next() - the next certificate in the text of /proc/keys
 * @p: where to look, moved on
 *
 * In which keyring it is the kernel does not say (Documentation/security/keys/core.rst).
 *
 * Return: 0 or -ENODATA.
 */
int ms_kernel_keys_next(const char **p, const char *end,
			struct ms_kernel_key *ret) _must_check_;

/**
 * ms_kernel_keys_compare() - what the kernel has against what it should have
 * @text, @len: of /proc/keys
 * @a: with the anchors of the kernel's own image, where these are known
 * @firmware: certificates of db and MokListRT, which kernels load as well
 * @ret: the differences as findings, if there are any; its path is set to @path
 * @ret_n: number of keys in @text: 0 says that it does not show them to us
 *
 * A certificate of the image that the kernel lacks: it is not the image that was booted.
 * One that the kernel has, and neither image nor firmware: somebody added it.
 *
 * Return: 0 or -ENOMEM.
 */
int ms_kernel_keys_compare(const char *text, size_t len, const char *path,
			   const struct ms_anchors *a, const struct ms_anchors *firmware,
			   struct ms_result *ret, size_t *ret_n) _must_check_;

#endif
