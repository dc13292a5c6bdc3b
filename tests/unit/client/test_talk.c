/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include "signer/client/talk.h"

static void test_lost(void **state)
{
	assert_true(ms_talk_lost(&(struct ms_error){.code = "no-agent"}));
	assert_true(ms_talk_lost(&(struct ms_error){.code = "agent-gone"}));
	assert_true(ms_talk_lost(&(struct ms_error){.code = "agent-timeout"}));
	assert_false(ms_talk_lost(&(struct ms_error){.code = "no-such-key"}));
	assert_false(ms_talk_lost(&(struct ms_error){.code = ""}));
}

static void test_target(void **state)
{
	static const struct ms_command command = {.name = "test"};
	const struct ms_cli cli = {.cmd = &command};
	char target[128] = "untouched";

	assert_int_equal(
		ms_talk_key_target(&cli, "a.b_c-1", "/unlock", target, sizeof(target)),
		MS_EXIT_OK);
	assert_string_equal(target, "/v1/keys/a.b_c-1/unlock");
	/* Nothing that would mean something else in a URL. */
	assert_int_equal(ms_talk_key_target(&cli, "../x", "", target, sizeof(target)),
			 MS_EXIT_USAGE);
	assert_int_equal(ms_talk_key_target(&cli, "a?b", "", target, sizeof(target)),
			 MS_EXIT_USAGE);
	assert_int_equal(ms_talk_key_target(&cli, "", "", target, sizeof(target)),
			 MS_EXIT_USAGE);
	assert_string_equal(target, "/v1/keys/a.b_c-1/unlock");
}

static void open_status(const char *agent, int want)
{
	static const struct ms_command command = {.name = "test"};
	const struct ms_cli cli = {.cmd = &command, .agent = agent};
	_cleanup_talk_ struct ms_talk talk = {0};

	assert_int_equal(ms_talk_open(&cli, &talk), want);
	assert_false(talk.open);
}

static void test_open(void **state)
{
	open_status("unix:/nonexistent/agent.sock", MS_EXIT_AGENT);
	open_status("https://example.org", MS_EXIT_USAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_target),
		cmocka_unit_test(test_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
