/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/policy.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const char text[] = "[agent]\n"
			   "admins = uid:0 group:ops\n"
			   "[group builders]\n"
			   "members = user:builder uid:2000\n"
			   "[group ops]\n"
			   "members = user:root2\n"
			   "[rule wifi]\n"
			   "who = uid:1000\n"
			   "key = distro-*\n"
			   "module = snd-* iwl[a-z]* e1000e\n"
			   "kernel = 6.1.*-amd64\n"
			   "hash = sha512\n"
			   "[rule wide]\n"
			   "who = group:builders\n"
			   "key = distro-2026\n"
			   "[rule lab]\n"
			   "who = uid:1000, uid:3000\n"
			   "key = lab\n"
			   "kernel = 6.[56].*\n"
			   "[rule whole]\n"
			   "who = uid:4000\n"
			   "key = distro-*\n"
			   "content = required\n"
			   "[rule trusted]\n"
			   "who = uid:4000\n"
			   "key = distro-*\n"
			   "module = trusted\n"
			   "content = digest\n"
			   "[rule files]\n"
			   "who = uid:5000\n"
			   "key = fw\n"
			   "type = file ima\n"
			   "file = *.bin\n"
			   "[rule bare]\n"
			   "who = uid:5000\n"
			   "key = fw\n"
			   "type = raw fsverity\n"
			   "content = digest\n";

static struct ms_config config;
static struct ms_elf_facts facts;
static struct ms_policy_request req;
static struct ms_identity who;
static struct ms_error err;

static int setup(void **state)
{
	return ms_config_init(&config) < 0 ||
	       ms_config_parse("f", text, strlen(text), &config, &err) < 0 ||
	       ms_config_check(&config, &err) < 0;
}

static int teardown(void **state)
{
	ms_config_clear(&config);
	return 0;
}

static void set(char *dst, size_t size, const char *src)
{
	assert_true(strlen(src) < size);
	memcpy(dst, src, strlen(src) + 1);
}

/* Return: the name of the rule, or the code of the refusal. */
static const char *decide(const char *id, const char *user, const char *key,
			  enum ms_hash hash, const char *release, const char *module)
{
	const struct ms_rule *r = (const void *)&err;

	facts = (struct ms_elf_facts){};
	who = (struct ms_identity){};
	err = (struct ms_error){};
	set(who.id, sizeof(who.id), id);
	set(who.user, sizeof(who.user), user);
	set(facts.release, sizeof(facts.release), release);
	set(facts.name, sizeof(facts.name), module);
	req = (struct ms_policy_request){
		.who = &who, .key = key, .hash = hash, .content = true, .facts = &facts};
	if (ms_policy_decide(&config, &req, &r, &err) == 0)
		return r->name;
	assert_ptr_equal(r, &err);
	assert_int_not_equal(err.msg[0], 0);
	return err.code;
}

#define K1 "6.1.0-56-amd64"
#define S5 MS_HASH_SHA512

static void allowed(void **state)
{
	assert_string_equal(decide("uid:1000", "", "distro-2026", S5, K1, "e1000e"),
			    "wifi");
	assert_string_equal(decide("uid:1000", "", "distro-x", S5, K1, "snd_hda"),
			    "wifi");
	assert_string_equal(decide("uid:1000", "", "distro-x", S5, K1, "snd-hda"),
			    "wifi");
	assert_string_equal(decide("uid:1000", "", "distro-x", S5, K1, "iwlmvm"), "wifi");
	assert_string_equal(
		decide("uid:1", "user:builder", "distro-2026", MS_HASH_SHA256, "9", "x"),
		"wide");
	assert_string_equal(
		decide("uid:2000", "", "distro-2026", MS_HASH_SHA3_256, "", ""), "wide");
	assert_string_equal(decide("uid:3000", "", "lab", S5, "6.6.1", "x"), "lab");
}

static const char *decide_type(enum ms_sign_type type, const char *file, bool content)
{
	const struct ms_rule *r = (const void *)&err;

	(void)decide("uid:5000", "", "fw", S5, "", "");
	req.type = type;
	req.file = file;
	req.content = content;
	err = (struct ms_error){};
	return ms_policy_decide(&config, &req, &r, &err) == 0 ? r->name : err.code;
}

static void types(void **state)
{
	assert_string_equal(decide_type(MS_SIGN_FILE, "a.bin", true), "files");
	assert_string_equal(decide_type(MS_SIGN_IMA, "/x/y/a.bin", true), "files");
	assert_string_equal(decide_type(MS_SIGN_FILE, NULL, true), "files");
	assert_string_equal(decide_type(MS_SIGN_FILE, "a.bin/b", true), "rule-file");
	assert_non_null(strstr(err.msg, "*.bin"));
	assert_string_equal(decide_type(MS_SIGN_FILE, "", true), "rule-file");
	assert_string_equal(decide_type(MS_SIGN_FILE, "a.bin", false),
			    "content-required");
	assert_string_equal(decide_type(MS_SIGN_RAW, "any", false), "bare");
	assert_string_equal(decide_type(MS_SIGN_FSVERITY, "", false), "bare");
	assert_string_equal(decide_type(MS_SIGN_MODULE, "a.bin", true), "rule-type");
	assert_non_null(strstr(err.msg, "file, ima"));
	assert_null(strstr(err.msg, "content"));
	assert_string_equal(decide_type(MS_SIGN_MODULE, "a.bin", false), "rule-type");
	assert_non_null(strstr(err.msg, "'type = module' and 'content = digest'"));

	/* and rules that say nothing of it are about modules */
	(void)decide("uid:3000", "", "lab", S5, "6.6.1", "x");
	for (unsigned int t = MS_SIGN_FILE; t < MS_SIGN_TYPES; t++) {
		const struct ms_rule *r;

		req.type = (enum ms_sign_type)t;
		assert_int_equal(ms_policy_decide(&config, &req, &r, &err), -EACCES);
		assert_string_equal(err.code, "rule-type");
	}
}

static void default_deny(void **state)
{
	struct ms_config none;
	const struct ms_rule *r;

	assert_string_equal(decide("uid:1001", "", "distro-2026", S5, K1, "e1000e"),
			    "no-rule");
	/* nothing of the rules is told to somebody who has none */
	assert_null(strstr(err.msg, "wifi"));
	assert_null(strstr(err.msg, "6.1"));
	assert_null(strstr(err.msg, "builders"));
	assert_string_equal(decide("uid:1000", "", "release", S5, K1, "e1000e"),
			    "no-rule");
	/* an administrator has no right to sign by that alone */
	assert_string_equal(decide("uid:0", "user:root", "lab", S5, K1, "x"), "no-rule");
	/* words match whole */
	assert_string_equal(decide("uid:100", "", "distro-2026", S5, K1, "e1000e"),
			    "no-rule");
	assert_string_equal(decide("uid:10000", "", "distro-2026", S5, K1, "e1000e"),
			    "no-rule");
	assert_string_equal(decide("uid:1", "user:build", "distro-2026", S5, K1, "x"),
			    "no-rule");
	assert_string_equal(decide("uid:1", "", "distro-2026", S5, K1, "x"), "no-rule");

	assert_int_equal(ms_config_init(&none), 0);
	assert_int_equal(ms_policy_decide(&none, &req, &r, &err), -EACCES);
	ms_config_clear(&none);
}

static void nearest(void **state)
{
	assert_string_equal(
		decide("uid:1000", "", "distro-x", S5, "6.6.1-amd64", "e1000e"),
		"rule-kernel");
	assert_non_null(strstr(err.msg, "rule wifi"));
	assert_non_null(strstr(err.msg, "6.1.*-amd64"));
	assert_non_null(strstr(err.msg, "6.6.1-amd64"));
	assert_string_equal(
		decide("uid:1000", "", "distro-x", S5, "6.1.0-amd64x", "e1000e"),
		"rule-kernel");
	assert_string_equal(decide("uid:1000", "", "distro-x", S5, "", "e1000e"),
			    "rule-kernel");
	assert_string_equal(decide("uid:1000", "", "distro-x", S5, K1, "e1000"),
			    "rule-module");
	assert_non_null(strstr(err.msg, "snd-*, iwl[a-z]*, e1000e"));
	/* a range in brackets stays a range */
	assert_string_equal(decide("uid:1000", "", "distro-x", S5, K1, "iwl_mvm"),
			    "rule-module");
	assert_string_equal(decide("uid:1000", "", "distro-x", S5, K1, ""),
			    "rule-module");
	assert_string_equal(
		decide("uid:1000", "", "distro-x", MS_HASH_SHA256, K1, "e1000e"),
		"hash-not-allowed");
	assert_non_null(strstr(err.msg, "ask for one of sha512"));
	/* weak hashes pass no rule, even one that does not speak of hashes */
	assert_string_equal(decide("uid:2000", "", "distro-2026", MS_HASH_SHA1, K1, "x"),
			    "hash-not-allowed");
	assert_non_null(strstr(err.msg, "sha256, sha384, sha512, sha3-256"));
	assert_string_equal(decide("uid:2000", "", "distro-2026", MS_HASH_NONE, K1, "x"),
			    "hash-not-allowed");
}

/* A rule that wants the module is passed over when there is only a digest. */
static void digest_only(void **state)
{
	const struct ms_rule *r = NULL;

	assert_string_equal(decide("uid:4000", "", "distro-x", S5, K1, "trusted"),
			    "whole");
	req.content = false;
	assert_int_equal(ms_policy_decide(&config, &req, &r, &err), 0);
	assert_string_equal(r->name, "trusted");
	assert_string_equal(decide("uid:4000", "", "distro-x", S5, K1, "e1000e"),
			    "whole");
	req.content = false;
	assert_int_equal(ms_policy_decide(&config, &req, &r, &err), -EACCES);
	assert_string_equal(err.code, "content-required");
	assert_non_null(strstr(err.msg, "rule whole"));
}

static void text_from_outside_is_escaped(void **state)
{
	assert_string_equal(decide("uid:1000", "", "distro-x", S5, K1, "x\x1b[2J\n"),
			    "rule-module");
	assert_null(strchr(err.msg, '\x1b'));
	assert_null(strchr(err.msg, '\n'));
	assert_string_equal(decide("uid:9", "", "k\x1b", S5, "\x1b", "x"), "no-rule");
	assert_null(strchr(err.msg, '\x1b'));
}

static void long_names_do_not_match_cut(void **state)
{
	char name[MS_FACT_MAX + 8];

	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_false(ms_glob_module("*", name));
	name[MS_FACT_MAX - 1] = '\0';
	assert_true(ms_glob_module("*", name));
	assert_true(ms_glob_module("a*a*a*a*a*a*a", name));
	assert_false(ms_glob_module("a*a*a*a*a*a*a*a*a*b", name));
}

static void patterns(void **state)
{
	assert_true(ms_glob_module("snd-hda_*", "snd_hda-intel"));
	assert_true(ms_glob_module("a[-x]b", "a-b"));
	assert_true(ms_glob_module("a[-x]b", "a_b"));
	assert_true(ms_glob_module("a[x-]b", "a_b"));
	assert_true(ms_glob_module("a[!-]b", "axb"));
	assert_false(ms_glob_module("a[!-]b", "a_b"));
	assert_true(ms_glob_module("a[0-9]", "a5"));
	assert_false(ms_glob_module("a[0-9]", "a_"));
	assert_true(ms_glob_module("[]-]", "_"));
	assert_false(ms_glob("a", "ab"));
	assert_false(ms_glob("*-amd64", "6.1.0-amd64-rt"));
	assert_true(ms_glob("*", ""));
	assert_true(ms_glob("*", ".hidden/x"));
}

static void admins(void **state)
{
	who = (struct ms_identity){.id = "uid:0"};
	assert_true(ms_identity_is_admin(&config, &who));
	who = (struct ms_identity){.id = "uid:7", .user = "user:root2"};
	assert_true(ms_identity_is_admin(&config, &who));
	who = (struct ms_identity){.id = "uid:7", .user = "user:builder"};
	assert_false(ms_identity_is_admin(&config, &who));
	/* a user cannot be taken for a group by a name */
	who = (struct ms_identity){.id = "uid:7", .user = "group:ops"};
	assert_false(ms_identity_is_admin(&config, &who));
}

static void may_see(void **state)
{
	who = (struct ms_identity){.id = "uid:0"};
	assert_true(ms_policy_may_see(&config, &who, "anything"));
	who = (struct ms_identity){.id = "uid:3000"};
	assert_true(ms_policy_may_see(&config, &who, "lab"));
	assert_false(ms_policy_may_see(&config, &who, "distro-2026"));
	who = (struct ms_identity){.id = "uid:9"};
	assert_false(ms_policy_may_see(&config, &who, "lab"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(allowed),
		cmocka_unit_test(types),
		cmocka_unit_test(default_deny),
		cmocka_unit_test(nearest),
		cmocka_unit_test(digest_only),
		cmocka_unit_test(text_from_outside_is_escaped),
		cmocka_unit_test(long_names_do_not_match_cut),
		cmocka_unit_test(patterns),
		cmocka_unit_test(admins),
		cmocka_unit_test(may_see),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
