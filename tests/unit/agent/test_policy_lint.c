/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/policy_lint.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static char found[2000];

static void on_finding(void *arg, const char *file, unsigned int line, const char *rule,
		       const char *text)
{
	size_t n = strlen(found);

	snprintf(found + n, sizeof(found) - n, "%s:%u:%s: %s\n", file, line, rule, text);
}

/* Made up, so that the test is about no machine's users. */
static int user_fn(const char *word, char ret[MS_IDENTITY_MAX])
{
	static const char *const users[][2] = {{"user:one", "uid:1"},
					       {"user:two", "uid:2"}};

	for (size_t i = 0; i < ARRAY_SIZE(users); i++) {
		if (strcmp(word, users[i][0]) == 0) {
			snprintf(ret, MS_IDENTITY_MAX, "%s", users[i][1]);
			return 0;
		}
	}
	snprintf(ret, MS_IDENTITY_MAX, "uid:2");
	if (strcmp(word, "user:alias") == 0)
		return -EEXIST;
	return strcmp(word, "user:broken") == 0 ? -EIO : -ENOENT;
}

static void check(const char *text, const char *want)
{
	static const char *const keys[] = {"dev", "prod-1"};
	_cleanup_config_ struct ms_config c = {0};
	struct ms_error err = {0};

	assert_int_equal(ms_config_init(&c), 0);
	if (ms_config_parse("f", text, strlen(text), &c, &err) < 0 ||
	    ms_config_check(&c, &err) < 0)
		fail_msg("%s", err.msg);
	found[0] = '\0';
	ms_policy_lint(&c, keys, ARRAY_SIZE(keys), user_fn, on_finding, NULL);
	if (!want[0])
		assert_string_equal(found, "");
	else if (!strstr(found, want))
		fail_msg("\"%s\" is not in \"%s\"", want, found);
}

#define A "[rule a]\nwho = uid:1 uid:2\nkey = dev\n"
#define B "[rule b]\nwho = uid:2\nkey = dev\n"

static void test_reach(void **state)
{
	check(A B, "f:4:b: rule b is never reached: rule a (f:1)");
	check(B A, "");
	check(A B "kernel = 6.1.*\n", "never reached");
	check(A "kernel = 6.1.*\n" B, "");
	check(A "kernel = 6.1.*\n" B "kernel = 6.1.5\n", "never reached");
	check(A "module = e*\n" B "module = e1000\n", "never reached");
	check(A "module = e*\n" B "module = f*\n", "");
	check(A "module = e*\n" B "module = e?1*\n", "never reached");
	check(A "module = e?\n" B "module = e*\n", "");
	check(A "module = *x]\n" B "module = [ax]\n", "");
	/* what the first lets through at times only, the second may still decide */
	check(A "when = Mon\n" B, "");
	check(A "min-version = x 1\n" B, "");
	check(A "build = required\n" B, "");
	check(A "build = required\n" B "build = required\n", "never reached");
	check(A "hash = sha256\n" B, "");
	check(A "hash = sha256 sha512\n" B "hash = sha512\n", "never reached");
	check(A B "content = digest\n", "");
	check(A "content = digest\n" B, "never reached");
	/* rules of other types, and of fewer */
	check(A B "type = file\n", "");
	check(A "type = file\n" B, "");
	check(A "type = file ima\n" B "type = ima\n", "never reached");
	check(A "type = file\n" B "type = file ima\n", "");
	check(A "type = file\nfile = *.bin\n" B "type = file\n", "");
	check(A "type = file\nfile = *.bin\n" B "type = file\nfile = x.bin\n",
	      "never reached");
}

static void test_groups(void **state)
{
	check("[group g]\nmembers = uid:2 uid:1\n[rule a]\nwho = group:g\nkey = dev\n" B,
	      "never reached");
	check("[group g]\nmembers = uid:7\n" A, "f:1:: nothing names the group g");
	check("[group g]\nmembers = uid:7\n" A "approvals = 1 of group:g\n", "");
	/* one person counts once, and does not approve what another of their names signs
	 */
	check("[person p]\nis = uid:7 cert:CN=p\n[group g]\nmembers = uid:7 cert:CN=p\n" A
	      "approvals = 2 of group:g\n",
	      "and only 1 of its members");
	check("[person p]\nis = uid:7 uid:1\n[group g]\nmembers = uid:7 uid:8\n" A
	      "approvals = 2 of group:g\n",
	      "and only 1 of its members");
	check("[person p]\nis = uid:7 uid:9\n[group g]\nmembers = uid:7 uid:8\n" A
	      "approvals = 2 of group:g\n",
	      "");
	check("[group g]\nmembers = uid:2 uid:7\n" A "approvals = 2 of group:g\n",
	      "only 1 of its members");
}

static void test_bypass(void **state)
{
#define G "[group g]\nmembers = uid:7\n"
#define TIER "approvals = 1 of group:g\n"
	check(G A TIER B, "f:7:b: rule b lets who has no build sign without the "
			  "approvals that rule a (f:3) asks for");
	check(G B A TIER, "f:3:b: rule b lets who has no build sign without");
	check(G A TIER "kernel = 6.*\n" B, "without the approvals");
	check(G A TIER "kernel = 6.*\n" B "kernel = 6.*\n", "without the approvals");
	check(G A TIER B "build = required\n", "rule b is never reached");
	check(G A TIER "kernel = 6.*-amd64\n" B "kernel = 6.*\n",
	      "without the approvals");
	check(G A TIER "kernel = 6.*\n" B "kernel = 6.?\n", "");
	check(G A TIER B TIER, "rule b is never reached");
	check(G A TIER B "module = test_*\n", "");
	/* what signs digests of anything signs modules; what looks at files does not */
	check(G A TIER B "type = raw\ncontent = digest\n", "without the approvals");
	check(G A TIER B "type = file\ncontent = digest\n", "without the approvals");
	check(G A TIER B "type = file\n", "");
	check(G A TIER B "type = fsverity\ncontent = digest\n", "");
	check(G A TIER B "kernel = 6.*\n", "");
	check(G A TIER "[rule b]\nwho = uid:3\nkey = dev\n", "");
	check(G A TIER "[rule b]\nwho = uid:2\nkey = prod-1\n", "");
	check("[agent]\nmetrics = group:g\n" G, "");
}

#define TWO "[rule b]\nwho = user:two\nkey = dev\n"

static void test_users(void **state)
{
	check(A TWO, "f:4:b: rule b is never reached: rule a (f:1)");
	check("[rule a]\nwho = user:one user:two\nkey = dev\n" B,
	      "rule b is never reached");
	check("[group g]\nmembers = user:two\n[rule a]\nwho = group:g\nkey = dev\n" B,
	      "rule b is never reached");
	check(A "[rule b]\nwho = user:one uid:3\nkey = dev\n", "");
	check(G A TIER TWO, "rule b lets who has no build sign without");
	check(G "[rule a]\nwho = user:two\nkey = dev\n" TIER B,
	      "rule b lets who has no build sign without");
	/* who signs is not who approves, and counts once, whatever they are called */
	check("[group g]\nmembers = user:two uid:7\n" A "approvals = 2 of group:g\n",
	      "only 1 of its members");
	check("[group g]\nmembers = user:two uid:2\n[rule a]\nwho = uid:1\nkey = dev\n"
	      "approvals = 2 of group:g\n",
	      "only 1 of its members");
	check("[rule a]\nwho = user:gone\nkey = dev\n",
	      "f:1:a: rule a names user:gone, and there is no user gone here");
	check("[group g]\nmembers = user:gone\n[rule a]\nwho = group:g\nkey = dev\n",
	      "f:1:: group g names user:gone, and there is no user gone here");
	check("[rule a]\nwho = user:alias\nkey = dev\n" B,
	      "names user:alias, which is uid:2 and has another name here\n");
	if (strstr(found, "never reached"))
		fail_msg("%s", found);
	check("[rule a]\nwho = user:broken\nkey = dev\n", "");
}

static void test_keys(void **state)
{
	_cleanup_config_ struct ms_config c = {0};
	const char *text = "[rule a]\nwho = uid:1\nkey = nokey\n";
	struct ms_error err = {0};

	check("[rule a]\nwho = uid:1\nkey = prod-*\n", "");
	check(text, "names the key nokey, and there is no such key");
	/* unless nobody knows which there are */
	assert_int_equal(ms_config_init(&c), 0);
	assert_int_equal(ms_config_parse("f", text, strlen(text), &c, &err), 0);
	found[0] = '\0';
	ms_policy_lint(&c, NULL, 0, user_fn, on_finding, NULL);
	assert_string_equal(found, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reach),  cmocka_unit_test(test_groups),
		cmocka_unit_test(test_bypass), cmocka_unit_test(test_users),
		cmocka_unit_test(test_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
