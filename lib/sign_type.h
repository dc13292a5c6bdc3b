/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is signed, and so what the signature looks like. The agent's rules name types, so
 * that who may sign one cannot get a signature that passes for another.
 */
#ifndef MS_SIGN_TYPE_H
#define MS_SIGN_TYPE_H

#include <stdbool.h>
#include "lib/macro.h"

/**
 * enum ms_sign_type
 *
 * MODULE: a kernel module, CMS. FILE: any other file, CMS over its digest. FSVERITY: CMS
 * over struct fsverity_formatted_digest (lib/fsverity.h), as the kernel's built-in
 * verification reads it. IMA: the bare signature of a file's digest, for security.ima.
 * RAW: the bare signature of a digest that the agent knows nothing about.
 */
enum ms_sign_type {
	MS_SIGN_MODULE,
	MS_SIGN_FILE,
	MS_SIGN_FSVERITY,
	MS_SIGN_IMA,
	MS_SIGN_RAW,
	MS_SIGN_TYPES, /* how many there are */
};

/** ms_sign_type_from_name() - "module", "file", ... in this case. Return: 0 or -EINVAL */
int ms_sign_type_from_name(const char *name, enum ms_sign_type *ret) _must_check_;
/** ms_sign_type_name() */
const char *ms_sign_type_name(enum ms_sign_type t);
/** ms_sign_type_is_bare() - is the answer the signature itself, without a message */
bool ms_sign_type_is_bare(enum ms_sign_type t);
/** ms_sign_type_has_content() - can the agent look at what is signed, if it is sent */
bool ms_sign_type_has_content(enum ms_sign_type t);

#endif
