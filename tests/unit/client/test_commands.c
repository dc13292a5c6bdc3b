/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>
#include <ctype.h>
#include "signer/client/cli.h"

/* Help and completions are made from the table: it has to be consistent. */
static void test_table(void **state)
{
	for (const struct ms_command *c = ms_commands; c->name; c++) {
		assert_non_null(c->run);
		assert_true(islower((unsigned char)c->summary[0]));
		assert_true(strlen(c->summary) + strlen("  key create NAME    ") <= 80);
		assert_true(c->max < 0 || c->min <= c->max);
		for (const struct ms_command *d = c + 1; d->name; d++)
			assert_string_not_equal(c->name, d->name);
	}
}

static void check_options(const struct ms_cli_option *o)
{
	size_t n = 0;

	for (; o && o->name; o++, n++) {
		if (strlen(o->help) + strlen("      --agent ADDRESS    ") > 80)
			fail_msg("the help of --%s is too long", o->name);
		assert_true(!o->choices || o->arg);
		for (const struct ms_cli_option *p = o + 1; p->name; p++) {
			assert_string_not_equal(o->name, p->name);
			assert_true(!o->letter || o->letter != p->letter);
		}
	}
	assert_true(n < MS_CLI_OPTIONS_MAX);
}

static void test_options(void **state)
{
	check_options(ms_common_options);
	for (const struct ms_command *c = ms_commands; c->name; c++) {
		check_options(c->options);
		for (const struct ms_cli_option *o = c->options; o && o->name; o++) {
			for (const struct ms_cli_option *p = ms_common_options; p->name;
			     p++) {
				assert_string_not_equal(o->name, p->name);
				assert_true(!o->letter || o->letter != p->letter);
			}
		}
	}
}

/* Every help fits a terminal of 80 columns. */
static void test_help_width(void **state)
{
	for (const struct ms_command *c = ms_commands; c->name; c++) {
		for (const char *p = c->help; p && *p; p += strcspn(p, "\n") + 1)
			assert_true(strcspn(p, "\n") <= 80);
		assert_true(!c->help || c->help[strlen(c->help) - 1] == '\n');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_help_width),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
