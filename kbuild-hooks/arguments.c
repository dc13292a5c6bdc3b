/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <getopt.h>
#include "kbuild-hooks/arguments.h"
#include "lib/agent_client.h"
#include "lib/escape.h"

enum ms_hook_mode ms_hook_arguments_parse(int argc, char **argv,
					  struct ms_hook_arguments *ret)
{
	static const struct option longs[] = {
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{"no-sync", no_argument, NULL, 'n'},
		{0},
	};
	struct ms_hook_arguments a = {0};
	bool raw = false;
	int c;

	optind = 0; /* as often as a test likes */
	opterr = 0;
	while ((c = getopt_long(argc, argv, "sdpk", longs, NULL)) != -1) {
		switch (c) {
		case 's':
			raw = true;
			break;
		case 'd':
			a.detached = true;
			break;
		case 'p':
			a.keep = true;
			break;
		case 'k':
			a.keyid = true;
			break;
		case 'n':
			a.no_sync = true;
			break;
		case 'h':
			return MS_HOOK_HELP;
		case 'V':
			return MS_HOOK_VERSION;
		default:
			return MS_HOOK_USAGE;
		}
	}
	argc -= optind;
	argv += optind;
	if (argc < 4 || argc > 5)
		return MS_HOOK_USAGE;
	a.raw = raw ? argv[0] : NULL;
	a.hash = argv[raw ? 1 : 0];
	a.key = raw ? NULL : argv[1];
	a.x509 = argv[2];
	a.module = argv[3];
	if (argc == 5 && strcmp(argv[3], argv[4]) != 0)
		a.dest = argv[4];
	if (raw)
		a.detached = a.keep = a.keyid = false;
	if (a.detached)
		a.dest = NULL;
	*ret = a;
	return raw ? MS_HOOK_APPEND : MS_HOOK_SIGN;
}

static const char *after(const char *s, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(s, prefix, n) == 0 ? s + n : NULL;
}

int ms_hook_key_name(const char *arg, const char *fallback, char ret[MS_KEY_NAME_MAX + 1],
		     struct ms_error *err)
{
	const char *name = after(arg, "modseal:");
	char shown[200];

	ms_escape_str(arg, shown, sizeof(shown));
	if (!name)
		name = after(arg, "pkcs11:modseal:key=");
	if (!name)
		name = after(arg, "pkcs11:token=modseal;object=");
	if (!name && after(arg, "pkcs11:") && strcmp(arg, "pkcs11:modseal") != 0)
		return ms_error_set(err, -EINVAL, "foreign-key",
				    "%s: a key of another token: name one of the agent's "
				    "keys, as in pkcs11:modseal:key=NAME",
				    shown);
	if (!name && !*fallback)
		return ms_error_set(
			err, -EINVAL, "no-key",
			"%s: names no key of the agent: set MODSEAL_KEY=NAME or "
			"give modseal:NAME as the key",
			*shown ? shown : "KEY");
	if (!name)
		name = fallback;
	if (!ms_key_name_valid(name))
		return ms_error_set(
			err, -EINVAL, "bad-key-name",
			"%s: a key's name has 1 to %u letters, digits, '.', '_' "
			"or '-', and starts with none of '.' and '-'",
			shown, MS_KEY_NAME_MAX);
	memcpy(ret, name, strlen(name) + 1);
	return 0;
}
