/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>

#include "lib/agent_client.h"
#include "signer/client/init_text.h"

static const char template[] = "# SPDX-License-Identifier: X\n"
			       "# Words, name = value.\n"
			       "#name = none\n"
			       "[a]\n"
			       "#name = 1\n"
			       "#other = 2\n"
			       "[ b ]\n"
			       "#name = 3\n"
			       "#name-too = 4\n";

static void fill(const struct ms_setting *set, size_t n, const char *want)
{
	_cleanup_buf_ struct ms_buf out = MS_BUF_INIT(4096);

	assert_int_equal(ms_init_fill(template, set, n, &out), 0);
	assert_string_equal(ms_buf_cstr(&out), want);
}

static void test_fill(void **state)
{
	const struct ms_setting set[] = {
		{"b", "name", "x=y"}, {NULL, "name", "top"}, {"a", "other", NULL}};

	fill(set, ARRAY_SIZE(set),
	     "# Words, name = value.\nname = top\n[a]\n#name = 1\n#other = 2\n[ b ]\n"
	     "name = x=y\n#name-too = 4\n");
	fill(NULL, 0,
	     "# Words, name = value.\n#name = none\n[a]\n#name = 1\n#other = 2\n[ b ]\n"
	     "#name = 3\n#name-too = 4\n");
}

static void test_fill_refused(void **state)
{
	const struct ms_setting wrong_section = {"b", "other", "x"};
	const struct ms_setting words = {NULL, " Words, name", "x"};
	const struct ms_setting good = {"a", "name", "x"};
	_cleanup_buf_ struct ms_buf out = MS_BUF_INIT(4096);
	_cleanup_buf_ struct ms_buf small = MS_BUF_INIT(16);

	assert_int_equal(ms_init_fill(template, &wrong_section, 1, &out), -ENOENT);
	assert_int_equal(ms_init_fill(template, &words, 1, &out), -ENOENT);
	assert_int_equal(ms_init_fill(template, &good, 1, &small), -EFBIG);
}

/* What is shipped has a line for all that is set, and the clients can read the result. */
static void test_shipped(void **state)
{
	const struct ms_setting agent[] = {{"agent", "socket", "/s"},
					   {"agent", "state", "/t"},
					   {"agent", "admins", "uid:1"},
					   {"tpm", "tcti", "swtpm:path=/u"}};
	const struct ms_setting client[] = {{NULL, "agent", "unix:/s"},
					    {NULL, "key", "k"}};
	_cleanup_buf_ struct ms_buf out = MS_BUF_INIT(1 << 16);
	_cleanup_buf_ struct ms_buf out2 = MS_BUF_INIT(1 << 16);
	struct ms_client_config c = {0};
	struct ms_error err = {0};

	assert_int_equal(ms_init_fill(ms_text_modseald_conf, agent, 4, &out), 0);
	for (size_t i = 0; i < ARRAY_SIZE(agent); i++)
		assert_true(ms_init_has((char *)out.data, out.len, &agent[i]));
	assert_int_equal(ms_init_fill(ms_text_modseal_conf, client, 2, &out2), 0);
	assert_int_equal(ms_client_config_parse((char *)out2.data, out2.len, &c, &err),
			 0);
	assert_string_equal(c.agent, "unix:/s");
	assert_string_equal(c.key, "k");
}

static bool has(const char *text, const char *section, const char *name,
		const char *value)
{
	const struct ms_setting s = {section, name, value};

	return ms_init_has(text, strlen(text), &s);
}

static void test_has(void **state)
{
	assert_true(has("[tpm]\ntcti = x", "tpm", "tcti", "x"));
	assert_true(has(" [tpm] \r\n\ttcti=x \r\n[y]\n", "tpm", "tcti", "x"));
	assert_true(has("tcti = x\n", NULL, "tcti", "x"));
	assert_false(has("#tcti = x\n[tpm]\n#tcti = x\n", "tpm", "tcti", "x"));
	assert_false(has("[tpm]\ntcti = xy\n", "tpm", "tcti", "x"));
	assert_false(has("[tls]\ntcti = x\n", "tpm", "tcti", "x"));
	/* The last one counts. */
	assert_false(has("[tpm]\ntcti = x\ntcti = y\n", "tpm", "tcti", "x"));
	assert_false(has("", "tpm", "tcti", "x"));
	assert_false(has("[\n]\n=\n[]", "tpm", "tcti", "x"));
}

static void test_plain(void **state)
{
	char longest[152];

	memset(longest, 'a', 151);
	longest[151] = '\0';
	assert_true(ms_init_plain("swtpm:path=/run/x"));
	assert_false(ms_init_plain(""));
	assert_false(ms_init_plain("a b"));
	assert_false(ms_init_plain("a\nb"));
	assert_false(ms_init_plain("a;b"));
	assert_false(ms_init_plain("a#b"));
	assert_false(ms_init_plain("\xc3\xa4"));
	assert_false(ms_init_plain(longest));
	longest[150] = '\0';
	assert_true(ms_init_plain(longest));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fill),	cmocka_unit_test(test_fill_refused),
		cmocka_unit_test(test_shipped), cmocka_unit_test(test_has),
		cmocka_unit_test(test_plain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
