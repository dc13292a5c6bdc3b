/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/sign_type.h"

#include <errno.h>
#include <string.h>

static const char *const names[MS_SIGN_TYPES] = {
	[MS_SIGN_MODULE] = "module",	 [MS_SIGN_FILE] = "file",
	[MS_SIGN_FSVERITY] = "fsverity", [MS_SIGN_IMA] = "ima",
	[MS_SIGN_RAW] = "raw",
};

int ms_sign_type_from_name(const char *name, enum ms_sign_type *ret)
{
	for (unsigned int i = 0; i < MS_SIGN_TYPES; i++) {
		if (strcmp(names[i], name) == 0) {
			*ret = (enum ms_sign_type)i;
			return 0;
		}
	}
	return -EINVAL;
}

const char *ms_sign_type_name(enum ms_sign_type t)
{
	return t < MS_SIGN_TYPES ? names[t] : "unknown";
}

bool ms_sign_type_is_bare(enum ms_sign_type t)
{
	return t == MS_SIGN_IMA || t == MS_SIGN_RAW;
}

bool ms_sign_type_has_content(enum ms_sign_type t)
{
	return t == MS_SIGN_MODULE || t == MS_SIGN_FILE || t == MS_SIGN_IMA;
}
