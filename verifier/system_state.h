/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How the running kernel treats modules.
 */
#ifndef MS_SYSTEM_STATE_H
#define MS_SYSTEM_STATE_H

#include <stdbool.h>
#include "verifier/result.h"

/* Three-valued: what cannot be read is not taken for "no". */
enum ms_known {
	MS_NOT_KNOWN = 0,
	MS_NO,
	MS_YES,
};

/**
 * struct ms_system_state - what /sys says
 * @sig_enforce: module.sig_enforce
 * @lockdown: integrity or confidentiality
 * @secure_boot: the firmware's SecureBoot variable
 */
struct ms_system_state {
	enum ms_known sig_enforce, lockdown, secure_boot;
};

/** ms_known_name() - "on", "off", NULL where it is not known */
const char *ms_known_name(enum ms_known k);

/** struct ms_machine - a machine that results are about */
struct ms_machine {
	const char *release;
	struct ms_system_state state;
};

/** ms_system_state_read() - read it below @root ("": this machine) */
void ms_system_state_read(const char *root, struct ms_system_state *ret);

/** ms_system_state_enforce() - what that means for modules; in doubt the strictest */
enum ms_enforce ms_system_state_enforce(const struct ms_system_state *s);

#endif
