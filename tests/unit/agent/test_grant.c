/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/grant.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <time.h>
#include <cmocka.h>

static const char text[] = "[rule few]\nwho = uid:1\nkey = k\nlimit = 2/hour\n"
			   "[rule free]\nwho = uid:1\nkey = k\n";

static const uint8_t digest[64], sha256[32];
static const struct ms_content content = {
	.hash = MS_HASH_SHA256, .digest = digest, .sha256 = sha256};
static struct ms_config config;
static struct ms_front front;
static struct ms_identity who = {.id = "uid:1", .uid = 1};
static struct ms_elf_facts facts = {.release = "6.1.0"};
static struct ms_policy_request req;
static struct ms_error err;

static int setup(void **state)
{
	config = (struct ms_config){0};
	front = (struct ms_front){
		.config = &config, .started = ms_front_clock(), .started_at = time(NULL)};
	err = (struct ms_error){0};
	if (ms_config_init(&config) < 0 ||
	    ms_config_parse("f", text, strlen(text), &config, &err) < 0 ||
	    ms_builds_new(&front.builds) < 0 || ms_limits_new(&front.limits) < 0)
		return -1;
	req = (struct ms_policy_request){.who = &who,
					 .key = "k",
					 .hash = MS_HASH_SHA256,
					 .content = true,
					 .now = time(NULL),
					 .facts = &facts};
	return 0;
}

static int teardown(void **state)
{
	ms_builds_free(front.builds);
	ms_limits_free(front.limits);
	ms_config_clear(&config);
	return 0;
}

static int take(size_t rule, const char *build, struct ms_grant *ret)
{
	return ms_grant_take(&front, &config.rules[rule], &req, &content, build, ret,
			     &err);
}

static struct ms_build *add_build(void)
{
	struct ms_build *b = ms_build_new(&config.rules[1], &who, "k", "6.1.0", "", 5,
					  600, time(NULL));

	assert_non_null(b);
	b->ready = true;
	assert_int_equal(ms_builds_add(front.builds, b), 0);
	return b;
}

static void test_limit(void **state)
{
	struct ms_grant a = {0}, b = {0}, c = {.minute = 77};

	assert_int_equal(take(0, "", &a), 0);
	assert_int_equal(take(0, "", &b), 0);
	assert_int_equal(take(0, "", &c), -EACCES);
	assert_string_equal(err.code, "limit-hour");
	assert_int_equal(c.minute, 77);
	/* one was not signed after all; the other one was, and counts on */
	ms_grant_end(&front, &a, false);
	ms_grant_end(&front, &b, true);
	assert_int_equal(take(0, "", &c), 0);
	assert_int_equal(take(0, "", &a), -EACCES);
}

static void test_build(void **state)
{
	struct ms_build *b = add_build();
	struct ms_grant g = {0};

	assert_int_equal(take(1, "nosuch", &g), -ENOENT);
	assert_string_equal(err.code, "no-such-build");
	assert_int_equal(take(1, b->id, &g), 0);
	assert_int_equal(b->in_flight, 1);
	ms_grant_end(&front, &g, true);
	assert_int_equal(b->in_flight, 0);
	assert_int_equal(b->signed_, 1);
	ms_grant_end(&front, &g, true); /* only once */
	assert_int_equal(b->signed_, 1);
}

/* A refusal by the limit, or by the list, leaves the build as it was. */
static void test_all_or_nothing(void **state)
{
	struct ms_build *b = add_build();
	struct ms_grant g = {0};

	assert_int_equal(take(0, "", &g), 0);
	assert_int_equal(take(0, "", &g), 0);
	assert_int_equal(take(0, b->id, &g), -EACCES);
	assert_string_equal(err.code, "limit-hour");
	assert_int_equal(b->in_flight, 0);
	b->list = calloc(1, sizeof(*b->list));
	b->list->hash = MS_HASH_SHA256;
	assert_int_equal(take(1, b->id, &g), -EACCES);
	assert_string_equal(err.code, "not-listed");
	assert_int_equal(b->in_flight, 0);
}

static void test_changes(void **state)
{
	json_t *fields = json_pack("{s:{s:s}, s:s, s:s, s:s}", "module", "name", "m",
				   "digest", "00", "hash", "sha256", "path", "a/m.ko");
	struct ms_build *b = add_build();
	struct ms_grant g = {0}, none = {0};
	struct ms_change *list = NULL;

	assert_int_equal(take(0, b->id, &g), 0);
	assert_int_equal(ms_grant_changes(&g, fields, &list), 0);
	assert_int_equal(list->what, MS_CHANGE_RULE_USE);
	assert_string_equal(list->key, "few");
	assert_int_equal(list->next->what, MS_CHANGE_MODULE);
	assert_string_equal(list->next->key, b->id);
	assert_string_equal(list->next->data,
			    "{\"digest\":\"00\",\"hash\":\"sha256\","
			    "\"module\":{\"name\":\"m\"},\"path\":\"a/m.ko\"}");
	assert_null(list->next->next);
	ms_change_free(list);
	assert_int_equal(ms_grant_changes(&none, fields, &list), 0);
	assert_null(list);
	json_decref(fields);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_limit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_build, setup, teardown),
		cmocka_unit_test_setup_teardown(test_all_or_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_changes, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
