/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An agent on another host: TLS needs libraries that this program does without, so that
 * `modseal` beside it does the work.
 */
#ifndef MS_HOOK_REMOTE_H
#define MS_HOOK_REMOTE_H

#include "kbuild-hooks/arguments.h"
#include "lib/buf.h"
#include "lib/error.h"

/** ms_hook_remote_cert() - certificate of @key, in DER, by `modseal key cert` */
int ms_hook_remote_cert(const char *key, struct ms_buf *ret,
			struct ms_error *err) _must_check_;

/** ms_hook_remote_sign() - become `modseal sign`; Return: only if that cannot be started
 */
int ms_hook_remote_sign(const struct ms_hook_arguments *a, const char *key,
			struct ms_error *err) _must_check_;

#endif
