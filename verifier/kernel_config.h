/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MS_KERNEL_CONFIG_H
#define MS_KERNEL_CONFIG_H

#include "lib/error.h"
#include "verifier/kernel_profile.h"

/**
 * ms_kernel_config_apply() - a profile, as a configuration would have it
 * @text, @len: the .config that a kernel was built with, as in /boot/config-RELEASE
 * @p: what is parsed stays; what is usable becomes what is built in (=y). What is a
 *	module is not there when the first signed module is verified, which does not
 *	bring it in
 *
 * Return: 0, or -EBADMSG: it is no configuration of a kernel with signed modules.
 */
int ms_kernel_config_apply(const char *text, size_t len,
			   struct ms_kernel_profile *p) _must_check_;

/** ms_kernel_config_load() - the same from a file. Return: 0 or -errno with a sentence */
int ms_kernel_config_load(const char *path, struct ms_kernel_profile *p,
			  struct ms_error *err) _must_check_;

#endif
