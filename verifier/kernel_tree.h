/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a kernel's things are on a system, this one or a mounted one.
 */
#ifndef MS_KERNEL_TREE_H
#define MS_KERNEL_TREE_H

#include "verifier/options.h"

/** ms_kernel_modules_dir() - <root>/usr/lib/modules/<release>, or below lib; of "" the
 * folder of all releases. Return: 0 or -ENOENT */
int ms_kernel_modules_dir(const char *root, const char *release, char *ret,
			  size_t size) _must_check_;

/** ms_kernel_image_find() - where a release's image is. Return: 0, -ENOENT, -ENOMEM */
int ms_kernel_image_find(const char *root, const char *release, char *ret,
			 size_t size) _must_check_;

/** ms_kernel_running() - the release of the kernel that runs; with a root, from its
 * /proc. Return: 0 or -ENOENT */
int ms_kernel_running(const char *root, char *ret, size_t size) _must_check_;

/**
 * ms_kernel_trust() - load the anchors for a system: those of the kernel's own image,
 * and the machine's MokListRT, unless others are named; revocations of its dbx and
 * MokListXRT. Return: -1 to go on, else the exit status.
 */
int ms_kernel_trust(struct ms_options *o, const char *release) _must_check_;

#endif
