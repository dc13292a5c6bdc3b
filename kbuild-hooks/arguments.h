/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line of the kernel's scripts/sign-file, and how it names a key of the
 * agent.
 */
#ifndef MS_HOOK_ARGUMENTS_H
#define MS_HOOK_ARGUMENTS_H

#include <stdbool.h>
#include "lib/error.h"
#include "lib/limits.h"

enum ms_hook_mode {
	MS_HOOK_USAGE, /* arguments that make no sense */
	MS_HOOK_HELP,
	MS_HOOK_VERSION,
	MS_HOOK_SIGN,
	MS_HOOK_APPEND, /* -s: a message made elsewhere */
};

/**
 * struct ms_hook_arguments - what was asked for; pointers into argv
 * @key, @raw: one of them, the other is NULL
 * @dest: NULL when the module is signed in place
 * @detached, @keep, @keyid: -d, -p, -k
 * @no_sync: --no-sync, which sign-file does not have
 */
struct ms_hook_arguments {
	const char *hash, *key, *raw, *x509, *module, *dest;
	bool detached, keep, keyid, no_sync;
};

/**
 * ms_hook_arguments_parse() - as scripts/sign-file does (see its main())
 * @ret: untouched unless MS_HOOK_SIGN or MS_HOOK_APPEND is returned
 *
 * Options in any order and place; -d writes MODULE.p7s whatever DEST says; -s ignores -d,
 * -p and -k; a DEST that is spelled as MODULE is none.
 */
enum ms_hook_mode ms_hook_arguments_parse(int argc, char **argv,
					  struct ms_hook_arguments *ret);

/**
 * ms_hook_key_name() - which key KEY means
 * @arg: "modseal:NAME", "pkcs11:modseal:key=NAME", "pkcs11:token=modseal;object=NAME",
 * or what kbuild passes by itself, such as certs/signing_key.pem: then it is @fallback.
 * "pkcs11:modseal" is @fallback, too: for tools that make a key of their own where they
 * see the path of none
 * @fallback: from MODSEAL_KEY or the client's configuration, or ""
 *
 * Return: 0 or -EINVAL with a sentence.
 */
int ms_hook_key_name(const char *arg, const char *fallback, char ret[MS_KEY_NAME_MAX + 1],
		     struct ms_error *err) _must_check_;

#endif
