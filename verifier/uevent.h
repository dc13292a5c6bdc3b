/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel says when a module comes or goes.
 */
#ifndef MS_UEVENT_H
#define MS_UEVENT_H

#include <stddef.h>
#include <stdint.h>

#define MS_UEVENT_MAX 8192u /* bytes of one; the kernel's own are 2 KiB at most */
#define MS_UEVENT_NAME 64u  /* bytes of a module's name, with NUL (MODULE_NAME_LEN) */

/**
 * struct ms_uevent - a module was loaded or unloaded
 * @add: loaded, else unloaded
 * @name: raw
 */
struct ms_uevent {
	_Bool add;
	char name[MS_UEVENT_NAME];
};

/**
 * ms_uevent_parse() - read a datagram (lib/kobject_uevent.c: "ACTION@DEVPATH", then
 * KEY=VALUE, each with a NUL)
 *
 * Return: 0; -ENODATA (about something else); -EBADMSG (no uevent of a kernel's: cut,
 * or contradicting itself).
 */
int ms_uevent_parse(const uint8_t *p, size_t len, struct ms_uevent *ret)
	__attribute__((warn_unused_result));

#endif
