/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "folder.h"
#include "lib/agent_client.h"

static struct ms_error err;

static int parse(const char *text, struct ms_client_config *c)
{
	memset(&err, 0, sizeof(err));
	return ms_client_config_parse(text, strlen(text), c, &err);
}

static void test_settings(void **state)
{
	struct ms_client_config c = {.agent = "unix:/default"};

	assert_int_equal(parse("# comment\n; another\n\n"
			       "  agent=unix:/run/a b/s  \r\n"
			       "\tkey\t=\tdistro-2026\n"
			       "key = last",
			       &c),
			 0);
	assert_string_equal(c.agent, "unix:/run/a b/s");
	assert_string_equal(c.key, "last");
	assert_int_equal(parse("key = modseal:x_1", &c), 0);
	assert_string_equal(c.key, "x_1");
	assert_int_equal(parse("", &c), 0);
	assert_string_equal(c.key, "x_1");
}

static void test_refused(void **state)
{
	static const struct {
		const char *text, *say;
	} cases[] = {
		{"kee = x", "line 1: unknown setting 'kee': did you mean 'key'?"},
		{"\n\nAgnet = x",
		 "line 3: unknown setting 'Agnet': did you mean 'agent'?"},
		{"a\x1b[31m = x", "line 1: unknown setting 'a\\x1b[31m'"},
		{"key", "line 1: not of the form 'name = value'"},
		{"= x", "line 1: unknown setting ''"},
		{"key =", "line 1: a key's name has 1 to 64 letters"},
		{"key = a b", "line 1: a key's name"},
		{"key = modseal:", "line 1: a key's name"},
		{"agent = /run/x", "line 1: the agent's address must be unix:/path"},
		{"agent = unix:x", "line 1: the agent's address must be unix:/path"},
		{"agent = https://host", "line 1: the agent's address must be"},
		{"agent = https://:1", "line 1: the agent's address must be"},
		{"agent = https://a@host:1", "line 1: the agent's address must be"},
		{"agent = https://host:1/x", "line 1: the agent's address must be"},
		{"agent = https://[::1:1", "line 1: the agent's address must be"},
		{"agent = http://host:1", "line 1: the agent's address must be"},
		{"tls-ca = ca.pem", "line 1: the file must be named by an absolute path"},
		{"key = good\nkey = ..", "line 2: a key's name"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ms_client_config c = {.agent = "unix:/a", .key = "k"};

		assert_int_equal(parse(cases[i].text, &c), -EINVAL);
		if (strncmp(err.msg, cases[i].say, strlen(cases[i].say)) != 0)
			fail_msg("'%s' says '%s'", cases[i].text, err.msg);
		assert_string_equal(c.agent, "unix:/a"); /* all or nothing */
		assert_string_equal(c.key, "k");
	}
}

static void test_sizes(void **state)
{
	struct ms_client_config c = {0};
	char text[6000];

	memset(text, 'a', sizeof(text));
	memcpy(text, "agent = unix:/", 14);
	assert_int_equal(ms_client_config_parse(text, 8 + MS_PATH_MAX - 1, &c, &err), 0);
	assert_int_equal(strlen(c.agent), MS_PATH_MAX - 1);
	assert_int_equal(ms_client_config_parse(text, 8 + MS_PATH_MAX, &c, &err),
			 -EINVAL);
	assert_int_equal(ms_client_config_parse(text, sizeof(text), &c, &err), -EINVAL);
	memset(text, 'a', sizeof(text));
	memcpy(text, "key = ", 6);
	assert_int_equal(ms_client_config_parse(text, 6 + 64, &c, &err), 0);
	assert_int_equal(ms_client_config_parse(text, 6 + 65, &c, &err), -EINVAL);
	memset(text, 'a', 200);
	text[100] = '=';
	assert_int_equal(ms_client_config_parse(text, 200, &c, &err), -EINVAL);
	assert_int_equal(ms_client_config_parse("key = a\0b", 9, &c, &err), -EINVAL);
}

static void test_key_names(void **state)
{
	static const char *const good[] = {"a",		  "0",	     "_",
					   "distro-2026", "A.b_c-d", "a..b"};
	static const char *const bad[] = {"",	 ".",	"..",	    ".a",
					  "-a",	 "a/b", "a b",	    "a\nb",
					  "a%b", "a:b", "\xc3\xa9", "a\x7f"};
	char name[70];

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_true(ms_key_name_valid(good[i]));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(ms_key_name_valid(bad[i]));
	memset(name, 'x', sizeof(name));
	name[64] = '\0';
	assert_true(ms_key_name_valid(name));
	name[64] = 'x';
	name[65] = '\0';
	assert_false(ms_key_name_valid(name));
}

static int load(struct ms_client_config *c)
{
	memset(&err, 0, sizeof(err));
	return ms_client_config_load(c, &err);
}

static void test_load(void **state)
{
	struct ms_client_config c;
	static const char text[] = "agent = unix:/from/file\nkey = from-file\n";

	unsetenv("MODSEAL_AGENT");
	unsetenv("MODSEAL_KEY");
	put_file("conf", text, sizeof(text) - 1);
	setenv("MODSEAL_CONFIG", in_folder("conf"), 1);
	assert_int_equal(load(&c), 0);
	assert_string_equal(c.agent, "unix:/from/file");
	assert_string_equal(c.key, "from-file");

	setenv("MODSEAL_AGENT", "unix:/from/env", 1);
	setenv("MODSEAL_KEY", "from-env", 1);
	assert_int_equal(load(&c), 0);
	assert_string_equal(c.agent, "unix:/from/env");
	assert_string_equal(c.key, "from-env");
	setenv("MODSEAL_AGENT", "", 1);
	setenv("MODSEAL_KEY", "", 1);
	assert_int_equal(load(&c), 0);
	assert_string_equal(c.key, "from-file");

	setenv("MODSEAL_KEY", "a/b", 1);
	assert_int_equal(load(&c), -EINVAL);
	assert_int_equal(strncmp(err.msg, "MODSEAL_KEY: ", 13), 0);
	setenv("MODSEAL_KEY", "k", 1);
	setenv("MODSEAL_AGENT", "https://h", 1);
	assert_int_equal(load(&c), -EINVAL);
	assert_int_equal(strncmp(err.msg, "MODSEAL_AGENT: ", 15), 0);
	unsetenv("MODSEAL_AGENT");

	put_file("conf", "key = !\n", 8);
	assert_int_equal(load(&c), -EINVAL);
	assert_non_null(strstr(err.msg, "/conf: line 1: "));
	setenv("MODSEAL_CONFIG", in_folder("missing"), 1);
	assert_int_equal(load(&c), -ENOENT); /* it was named, so it must be there */
	setenv("MODSEAL_CONFIG", in_folder("."), 1);
	assert_int_equal(load(&c), -EISDIR);
	unsetenv("MODSEAL_CONFIG");
	unsetenv("MODSEAL_KEY");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_settings), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_sizes),	 cmocka_unit_test(test_key_names),
		folder_test(test_load),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
