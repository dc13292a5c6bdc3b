/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include "signer/client/cli.h"

static int nothing(const struct ms_cli *cli)
{
	return MS_EXIT_OK;
}

static const struct ms_cli_option options[] = {
	{"recursive", 'r', NULL, NULL, "flag"},
	{"quiet", 'q', NULL, NULL, "flag"},
	{"jobs", 'j', "N", NULL, "number"},
	{"alg", 0, "ALG", "rsa2048|rsa4096|p256", "choice"},
	{0},
};

static const struct ms_command command = {"test",    "PATH...", 1,	 2,
					  "summary", NULL,	options, nothing};

#define PARSE(cli, err, ...) parse(cli, err, (const char *const[]){__VA_ARGS__, NULL})

/* argv of main() is not const, and neither is a copy of it. */
static int parse(struct ms_cli *cli, struct ms_error *err, const char *const *args)
{
	char *argv[16] = {NULL};
	int argc = 0;

	for (; args[argc]; argc++)
		argv[argc] = (char *)(uintptr_t)args[argc];
	*cli = (struct ms_cli){.cmd = &command};
	*err = (struct ms_error){0};
	return ms_cli_parse(argc, argv, cli, err);
}

static void test_mixed(void **state)
{
	_cleanup_cli_ struct ms_cli cli;
	struct ms_error err;

	assert_int_equal(PARSE(&cli, &err, "a", "-rj4", "--alg=p256", "b", "--json"), 0);
	assert_int_equal(cli.n_operands, 2);
	assert_string_equal(cli.operands[0], "a");
	assert_string_equal(cli.operands[1], "b");
	assert_string_equal(ms_cli_opt(&cli, "recursive"), "");
	assert_null(ms_cli_opt(&cli, "quiet"));
	assert_string_equal(ms_cli_opt(&cli, "jobs"), "4");
	assert_string_equal(ms_cli_opt(&cli, "alg"), "p256");
	assert_true(cli.json);
	assert_false(cli.help);
}

static void test_values(void **state)
{
	struct ms_cli cli;
	struct ms_error err;

	assert_int_equal(PARSE(&cli, &err, "-j", "7", "x"), 0);
	assert_string_equal(ms_cli_opt(&cli, "jobs"), "7");
	ms_cli_clear(&cli);
	assert_int_equal(PARSE(&cli, &err, "--jobs", "-1", "x"), 0);
	assert_string_equal(ms_cli_opt(&cli, "jobs"), "-1");
	ms_cli_clear(&cli);
	assert_int_equal(PARSE(&cli, &err, "--agent", "unix:/a", "--", "-r"), 0);
	assert_string_equal(cli.agent, "unix:/a");
	assert_string_equal(cli.operands[0], "-r");
	assert_null(ms_cli_opt(&cli, "recursive"));
	ms_cli_clear(&cli);
	/* A dash alone is an operand. */
	assert_int_equal(PARSE(&cli, &err, "-"), 0);
	assert_string_equal(cli.operands[0], "-");
	ms_cli_clear(&cli);
}

static void refused(const char *why, const char *const *args)
{
	_cleanup_cli_ struct ms_cli cli;
	struct ms_error err;

	assert_int_equal(parse(&cli, &err, args), -EINVAL);
	if (!strstr(err.msg, why))
		fail_msg("\"%s\" does not say \"%s\"", err.msg, why);
}

#define REFUSED(why, ...) refused(why, (const char *const[]){__VA_ARGS__, NULL})

static void test_refusals(void **state)
{
	REFUSED("no option --rec", "--rec", "x"); /* no guessing */
	REFUSED("no option --pin", "--pin=1234", "x");
	REFUSED("no option -z", "-rz", "x");
	REFUSED("takes no value", "--recursive=yes", "x");
	REFUSED("needs a value: N", "x", "--jobs");
	REFUSED("-j needs a value", "x", "-j");
	REFUSED("not one of rsa2048|rsa4096|p256", "--alg", "rsa", "x");
	REFUSED("not one of", "--alg", "", "x");
	REFUSED("not one of", "--alg", "rsa2048|rsa4096", "x");
	REFUSED("given twice", "-r", "--recursive", "x");
	REFUSED("PATH... is missing", "-r");
	REFUSED("\"c\" is one word too many", "a", "b", "c");
	/* What someone else typed does not reach the terminal as it is. */
	REFUSED("--\\x1b[31m", "--\033[31m", "x");
}

static void test_help_wins(void **state)
{
	_cleanup_cli_ struct ms_cli cli;
	struct ms_error err;

	assert_int_equal(PARSE(&cli, &err, "-h", "--nonsense"), 0);
	assert_true(cli.help);
}

static void test_number(void **state)
{
	static const char *const bad[] = {
		"", "-1", "+1", " 1", "1 ", "0x1", "11", "1.", "99999999999999999999999"};
	long n = 77;

	assert_int_equal(ms_cli_number("10", 1, 10, &n), 0);
	assert_int_equal(n, 10);
	n = 77;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(ms_cli_number(bad[i], 1, 10, &n), -EINVAL);
	assert_int_equal(ms_cli_number("0", 1, 10, &n), -EINVAL);
	assert_int_equal(n, 77);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mixed),	 cmocka_unit_test(test_values),
		cmocka_unit_test(test_refusals), cmocka_unit_test(test_help_wins),
		cmocka_unit_test(test_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
