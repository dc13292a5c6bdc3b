/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What each process of the agent gives up once it has what it needs: privileges, core
 * dumps, more descriptors than it has use for, system calls that it never makes
 * (seccomp), files that are not its own (Landlock).
 */
#ifndef MS_AGENT_SANDBOX_H
#define MS_AGENT_SANDBOX_H

#include "signer/agent/config.h"

enum ms_role {
	MS_ROLE_SUPERVISOR, /* hostile calls only: what it gives up, its children lose */
	MS_ROLE_FRONT,
	MS_ROLE_KEY,
	MS_ROLE_TPM,
};

/**
 * struct ms_sandbox - what the kernel let us have
 * @seccomp: the filter is in force; never in a build with sanitizers (MS_SANITIZE), whose
 *     runtime makes calls of its own
 * @landlock_abi: version of Landlock in force; 0: the kernel has none, or the role wants
 *     none
 */
struct ms_sandbox {
	bool seccomp;
	int landlock_abi;
};

/**
 * ms_sandbox_apply() - shut this process in, for good
 * @c: the state directory and how to reach the TPM
 * @ret: may be NULL
 *
 * Call it when sockets are bound, the store is open and secmem is set up, but before
 * threads are started: those that run already get the seccomp filter, but not Landlock.
 *
 * What came of it is in ms_stats(), too, for those who watch.
 *
 * Capabilities, where there are any: the front keeps none, the key process that of
 * locking memory, the TPM worker that of opening a device which is another user's.
 *
 * Afterwards the calls in ms_seccomp_apply()'s list of hostile ones kill the process, and
 * others that the role does not need fail with ENOSYS. Files:
 *
 * front       the audit log, read and write; /etc and what names of users come from, read
 * key         state/keys; the service manager's credentials, read
 * tpm         the TPM's device, or a connection to the simulator; libraries, read
 * supervisor  all
 *
 * Return: 0, also where the kernel has no Landlock; or a negative errno with a sentence
 * when something that must work did not. Then the process must not go on.
 */
int ms_sandbox_apply(enum ms_role role, const struct ms_config *c, struct ms_sandbox *ret,
		     struct ms_error *err) _must_check_;

#endif
