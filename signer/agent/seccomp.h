/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MS_AGENT_SECCOMP_H
#define MS_AGENT_SECCOMP_H

#include "signer/agent/sandbox.h"

/**
 * ms_seccomp_apply() - the filter of a role, for all threads of this process
 * @tcti: the TPM worker's: decides whether it may use TCP, and whether it is known at all
 *     what it needs
 *
 * Running programs (but for the supervisor, which has alert commands to run), tracing,
 * mounting, loading kernel code and the like kill the process.
 * What else the role does not need fails with ENOSYS rather than EPERM, as the C library
 * then falls back to older calls instead of giving up.
 *
 * Return: 0, or a negative errno of libseccomp.
 */
int ms_seccomp_apply(enum ms_role role, const char *tcti) _must_check_;

/** ms_tcti_is() - does "NAME" or "NAME:CONF" name this TCTI */
bool ms_tcti_is(const char *tcti, const char *name);

#endif
