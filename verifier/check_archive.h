/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MS_CHECK_ARCHIVE_H
#define MS_CHECK_ARCHIVE_H

#include "verifier/run.h"

/**
 * ms_check_archive() - check the modules of a package or an initramfs image
 * @path: any file
 * @ret: sorted by path, "foo.deb:/lib/modules/..."; to be cleared by the caller
 *
 * What cannot be checked is a result of its own: what follows a damaged place, a link
 * that leads outside. An archive without modules is one as well.
 *
 * Return: 0; -ENOMSG: it is no archive; -ENOMEM.
 */
int ms_check_archive(struct ms_checker *c, const char *path,
		     struct ms_results *ret) _must_check_;

#endif
