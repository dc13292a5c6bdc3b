/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <errno.h>
#include <cmocka.h>
#include "kbuild-hooks/arguments.h"

/* Splits @line at its blanks; a word "''" is an empty one. */
static enum ms_hook_mode parse(const char *line, struct ms_hook_arguments *a)
{
	static char text[200], *argv[20];
	int argc = 0;
	char *p = text;

	snprintf(text, sizeof(text), "modseal-sign-file %s", line);
	while (*p) {
		argv[argc++] = p;
		while (*p && *p != ' ')
			p++;
		if (*p)
			*p++ = '\0';
		if (strcmp(argv[argc - 1], "''") == 0)
			argv[argc - 1][0] = '\0';
	}
	argv[argc] = NULL;
	return ms_hook_arguments_parse(argc, argv, a);
}

static void test_sign(void **state)
{
	struct ms_hook_arguments a;

	assert_int_equal(parse("sha256 key x509 mod", &a), MS_HOOK_SIGN);
	assert_string_equal(a.hash, "sha256");
	assert_string_equal(a.key, "key");
	assert_string_equal(a.x509, "x509");
	assert_string_equal(a.module, "mod");
	assert_null(a.dest);
	assert_null(a.raw);
	assert_false(a.detached || a.keep || a.keyid);

	assert_int_equal(parse("sha256 '' x509 mod dest", &a), MS_HOOK_SIGN);
	assert_string_equal(a.key, "");
	assert_string_equal(a.dest, "dest");
	assert_int_equal(parse("sha256 key x509 mod mod", &a), MS_HOOK_SIGN);
	assert_null(a.dest);
}

static void test_flags(void **state)
{
	struct ms_hook_arguments a;

	assert_int_equal(parse("-pk h k x m d", &a), MS_HOOK_SIGN);
	assert_true(a.keep && a.keyid && !a.detached && !a.no_sync);
	assert_string_equal(a.dest, "d");
	assert_int_equal(parse("-d h k x m d", &a), MS_HOOK_SIGN);
	assert_true(a.detached);
	assert_null(a.dest); /* as sign-file: MODULE.p7s in any case */
	assert_int_equal(parse("--no-sync h k x m", &a), MS_HOOK_SIGN);
	assert_true(a.no_sync && !a.detached && !a.keep && !a.keyid);
	assert_int_equal(parse("h k -k x m", &a), MS_HOOK_SIGN);
	assert_true(a.keyid);
	assert_int_equal(parse("-- h k x -m", &a), MS_HOOK_SIGN);
	assert_string_equal(a.module, "-m");
}

static void test_append(void **state)
{
	struct ms_hook_arguments a;

	assert_int_equal(parse("-s raw sha256 x509 mod", &a), MS_HOOK_APPEND);
	assert_string_equal(a.raw, "raw");
	assert_string_equal(a.hash, "sha256");
	assert_string_equal(a.x509, "x509");
	assert_string_equal(a.module, "mod");
	assert_null(a.key);
	assert_int_equal(parse("-sdpk raw h x m d", &a), MS_HOOK_APPEND);
	assert_false(a.detached || a.keep || a.keyid);
	assert_string_equal(a.dest, "d");
}

static void test_usage(void **state)
{
	static const char *const bad[] = {"",		"h",
					  "h k x",	"h k x m d e",
					  "-x h k x m", "--bad h k x m",
					  "-s r h x",	"-s r h x m d e"};
	struct ms_hook_arguments a, poison;

	memset(&a, 0xa5, sizeof(a));
	memset(&poison, 0xa5, sizeof(poison));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(parse(bad[i], &a), MS_HOOK_USAGE);
	assert_int_equal(parse("--help", &a), MS_HOOK_HELP);
	assert_int_equal(parse("--version x", &a), MS_HOOK_VERSION);
	assert_memory_equal(&a, &poison, sizeof(a));
}

static void test_key_name(void **state)
{
	static const struct {
		const char *arg, *fallback, *want; /* NULL: refused */
	} cases[] = {
		{"modseal:a", "", "a"},
		{"modseal:a", "b", "a"},
		{"pkcs11:modseal:key=a.1", "b", "a.1"},
		{"certs/signing_key.pem", "b", "b"},
		{"", "b", "b"},
		{"b", "c", "c"},
		{"modseal", "c", "c"},
		{"pkcs11:modseal", "c", "c"},
		{"pkcs11:modseal", "", NULL},
		{"modseal:", "b", NULL},
		{"modseal:../b", "b", NULL},
		{"pkcs11:modseal:key=", "b", NULL},
		{"pkcs11:modseal:name=a", "b", NULL},
		{"pkcs11:modseal:a", "b", NULL},
		{"pkcs11:token=modseal;object=a", "b", "a"},
		{"pkcs11:token=modseal;object=", "b", NULL},
		{"pkcs11:token=modseal;object=a;type=private", "b", NULL},
		{"pkcs11:token=x;object=y", "b", NULL},
		{"certs/signing_key.pem", "", NULL},
		{"", "", NULL},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char name[MS_KEY_NAME_MAX + 1] = "poison";
		struct ms_error err = {0};
		int r = ms_hook_key_name(cases[i].arg, cases[i].fallback, name, &err);

		assert_int_equal(r, cases[i].want ? 0 : -EINVAL);
		assert_string_equal(name, cases[i].want ? cases[i].want : "poison");
		if (!cases[i].want)
			assert_true(strlen(err.msg) > 10);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sign),	 cmocka_unit_test(test_flags),
		cmocka_unit_test(test_append),	 cmocka_unit_test(test_usage),
		cmocka_unit_test(test_key_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
