/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MS_GUEST_MODULE_H
#define MS_GUEST_MODULE_H

#include <stdbool.h>

/**
 * ms_module_judge() - gives a file to finit_module(2) and reports what the kernel did
 * @path: the file; .xz, .zst and .gz are announced to the kernel as compressed
 * @keep: leave the module where it is if it loads; else it is unloaded
 *
 * Reports {"file", "errno", "log"}, and for a module that loaded its name, its taint, and
 * the first line of its device, /dev/NAME, if it has made one.
 */
void ms_module_judge(const char *path, bool keep);

#endif
