/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MS_AGENT_IDENTITY_H
#define MS_AGENT_IDENTITY_H

#include "signer/agent/policy.h"

/**
 * ms_identity_of_peer() - who is at the other end of a Unix socket (SO_PEERCRED, unix(7))
 * Return: 0 or a negative errno.
 */
int ms_identity_of_peer(int fd, struct ms_identity *ret) _must_check_;

/**
 * ms_identity_from_text() - who "uid:1000" or "user:builder" is, by the system's users
 * Return: 0; -EINVAL (not understood), -ENOENT (no user of this name).
 */
int ms_identity_from_text(const char *text, struct ms_identity *ret) _must_check_;

#endif
