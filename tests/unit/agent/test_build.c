/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/build.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define NOW INT64_C(1795392000)

static const char text[] = "[agent]\n"
			   "admins = uid:0\n"
			   "[group qa]\n"
			   "members = uid:11 uid:12 uid:13 uid:1 uid:24\n"
			   "members = cert:SAN=email:q@x cert:CN=q\n"
			   "[group leads]\n"
			   "members = uid:21 uid:11 cert:SAN=email:l@x cert:CN=lead\n"
			   "[person lead]\n"
			   "is = uid:21 uid:24 cert:CN=lead\n"
			   "[rule release]\n"
			   "who = uid:1 uid:2 uid:12\n"
			   "key = k\n"
			   "approvals = 2 of group:qa\n"
			   "approvals = 1 of group:leads\n"
			   "approval-valid = 1h\n"
			   "limit = 2/build\n"
			   "[rule plain]\n"
			   "who = uid:1\n"
			   "key = k\n"
			   "build = required\n";

static struct ms_config config;
static struct ms_rule *release, *plain;
static struct ms_build *b;
static struct ms_build_life next;
static struct ms_error err;

static struct ms_identity who(unsigned int uid)
{
	struct ms_identity id = {.uid = uid};

	snprintf(id.id, sizeof(id.id), "uid:%u", uid);
	return id;
}

static struct ms_build *new_build(const struct ms_rule *rule, uint64_t max)
{
	struct ms_identity me = who(1);
	struct ms_build *n = ms_build_new(rule, &me, "k", "6.1.0", "s", max, 600, NOW);

	assert_non_null(n);
	n->ready = true;
	return n;
}

static int setup(void **state)
{
	if (ms_config_init(&config) < 0 ||
	    ms_config_parse("f", text, strlen(text), &config, &err) < 0 ||
	    ms_config_check(&config, &err) < 0)
		return -1;
	release = &config.rules[0];
	plain = &config.rules[1];
	b = new_build(release, 0);
	return 0;
}

static int teardown(void **state)
{
	ms_build_free(b);
	ms_config_clear(&config);
	return 0;
}

static int approve(unsigned int uid, int64_t now)
{
	struct ms_identity id = who(uid);
	int r = ms_build_approve(&config, b, &id, now, &next, &err);

	if (r == 0)
		b->life = next;
	return r;
}

static int take(unsigned int uid, const char *key, const char *release_, int64_t now)
{
	struct ms_identity id = who(uid);

	return ms_build_take(&config, b, b->n_tiers ? release : plain, &id, key, release_,
			     now, &err);
}

static void refused(int rc, int want, const char *code)
{
	assert_int_equal(rc, want);
	assert_string_equal(err.code, code);
	assert_true(err.msg[0]);
}

static void test_tiers(void **state)
{
	assert_int_equal(b->life.state, MS_BUILD_PENDING);
	refused(take(1, "k", "6.1.0", NOW), -EEXIST, "build-pending");
	/* uid:1 is of qa, but opened it */
	refused(approve(1, NOW), -EACCES, "own-approval");
	refused(approve(99, NOW), -EACCES, "not-approver");
	/* the leads' turn has not come */
	refused(approve(21, NOW), -EACCES, "not-approver");
	assert_int_equal(approve(11, NOW), 0);
	refused(approve(11, NOW), -EEXIST, "approved-already");
	assert_int_equal(ms_build_tier(b), 0);
	assert_int_equal(approve(12, NOW), 0);
	assert_int_equal(ms_build_tier(b), 1);
	/* of both groups, but counts once */
	refused(approve(11, NOW), -EEXIST, "approved-already");
	refused(approve(13, NOW), -EACCES, "not-approver");
	refused(take(1, "k", "6.1.0", NOW), -EEXIST, "build-pending");
	assert_int_equal(approve(21, NOW + 100), 0);
	assert_int_equal(b->life.state, MS_BUILD_OPEN);
	assert_int_equal(b->life.expires, NOW + 100 + 600);
	refused(approve(13, NOW + 100), -EEXIST, "build-open");
	assert_int_equal(take(1, "k", "6.1.0", NOW + 100), 0);
	/* another builder of the rule may, but not one who approved */
	assert_int_equal(take(2, "k", "6.1.0", NOW + 100), 0);
	refused(take(12, "k", "6.1.0", NOW + 100), -EACCES, "own-approval");
}

/* Approvals lapse with the request. */
static struct ms_identity cert(const char *id, const char *user, const char *more)
{
	struct ms_identity who_ = {.uid = (uid_t)-1};

	snprintf(who_.id, sizeof(who_.id), "%s", id);
	snprintf(who_.user, sizeof(who_.user), "%s", user);
	snprintf(who_.more, sizeof(who_.more), "%s", more);
	return who_;
}

static int approve_as(struct ms_identity id)
{
	int r = ms_build_approve(&config, b, &id, NOW, &next, &err);

	if (r == 0)
		b->life = next;
	return r;
}

/* Whoever has two certificates, or a certificate and an account, is still one. */
static void test_one_person(void **state)
{
	struct ms_identity q = cert("cert:SAN=email:q@x", "", "");
	struct ms_build *again = NULL;
	json_t *j;
	char *dump;

	assert_int_equal(approve_as(cert("cert:CN=q", "cert:SAN=URI:x:1",
					 "cert:SAN=DNS:h\ncert:SAN=email:q@x\n")),
			 0);
	refused(approve_as(q), -EEXIST, "approved-already");
	refused(approve_as(cert("cert:CN=q2", "cert:SAN=email:q@x", "")), -EEXIST,
		"approved-already");
	/* as the store gives it back, too */
	j = ms_build_json(b, &b->life);
	dump = json_dumps(j, 0);
	assert_int_equal(ms_build_from_json(dump, &again), 0);
	refused(ms_build_approve(&config, again, &q, NOW, &next, &err), -EEXIST,
		"approved-already");
	free(dump);
	json_decref(j);
	ms_build_free(again);
	/* uid:24 and cert:CN=lead are [person lead] */
	assert_int_equal(approve(24, NOW), 0);
	refused(approve_as(cert("cert:CN=lead", "", "")), -EEXIST, "approved-already");
	refused(approve(21, NOW), -EEXIST, "approved-already");
	assert_int_equal(approve(11, NOW), 0);
	refused(ms_build_take(&config, b, release, &q, "k", "6.1.0", NOW, &err), -EACCES,
		"own-approval");
	/* nor may they approve what another identity of theirs has opened */
	ms_build_free(b);
	b = new_build(release, 0);
	snprintf(b->opener.id, sizeof(b->opener.id), "cert:CN=lead");
	refused(approve(24, NOW), -EACCES, "own-approval");
	assert_int_equal(approve(12, NOW), 0);
}

static void test_approvals_expire(void **state)
{
	assert_int_equal(approve(11, NOW), 0);
	assert_int_equal(approve(12, NOW + 3599), 0);
	assert_false(ms_build_lapse(b, NOW + 3599, &next));
	refused(approve(21, NOW + 3600), -EEXIST, "build-expired");
	assert_true(ms_build_lapse(b, NOW + 3600, &next));
	assert_int_equal(next.state, MS_BUILD_EXPIRED);
}

static void test_reject(void **state)
{
	struct ms_identity qa = who(13), lead = who(21), nobody = who(99), admin = who(0);

	refused(ms_build_reject(&config, b, &nobody, NOW, "", &next, &err), -EACCES,
		"not-approver");
	assert_int_equal(ms_build_reject(&config, b, &lead, NOW, "", &next, &err), 0);
	assert_int_equal(ms_build_reject(&config, b, &admin, NOW, "", &next, &err), 0);
	assert_int_equal(ms_build_reject(&config, b, &qa, NOW, "no\033", &next, &err), 0);
	b->life = next;
	assert_int_equal(b->life.state, MS_BUILD_REJECTED);
	refused(approve(11, NOW), -EEXIST, "build-rejected");
	assert_null(strchr(err.msg, '\033'));
	refused(take(1, "k", "6.1.0", NOW), -EEXIST, "build-rejected");
	refused(ms_build_close(&config, b, &admin, NOW, &next, &err), -EEXIST,
		"build-rejected");
}

static void test_take(void **state)
{
	struct ms_identity me = who(1), other = who(2), admin = who(0);

	ms_build_free(b);
	b = new_build(plain, 2);
	assert_int_equal(b->life.state, MS_BUILD_OPEN);
	refused(take(1, "j", "6.1.0", NOW), -EACCES, "build-key");
	refused(take(1, "k", "6.1.1", NOW), -EACCES, "build-kernel");
	refused(take(1, "k", "", NOW), -EACCES, "build-kernel");
	assert_int_equal(take(1, "k", "6.1.0", NOW), 0);
	assert_int_equal(take(1, "k", "6.1.0", NOW), 0);
	/* those on their way count */
	refused(take(1, "k", "6.1.0", NOW), -EEXIST, "build-full");
	ms_build_give(b, false);
	assert_int_equal(take(1, "k", "6.1.0", NOW), 0);
	ms_build_give(b, true);
	ms_build_give(b, true);
	assert_int_equal(b->signed_, 2);
	refused(take(1, "k", "6.1.0", NOW), -EEXIST, "build-full");
	refused(ms_build_close(&config, b, &other, NOW, &next, &err), -EACCES,
		"not-opener");
	assert_int_equal(ms_build_close(&config, b, &admin, NOW, &next, &err), 0);
	assert_int_equal(ms_build_close(&config, b, &me, NOW, &next, &err), 0);
	b->life = next;
	refused(take(1, "k", "6.1.0", NOW), -EEXIST, "build-closed");
}

static void test_states(void **state)
{
	struct ms_identity me = who(1);

	ms_build_free(b);
	b = new_build(plain, 0);
	b->ready = false;
	refused(take(1, "k", "6.1.0", NOW), -EAGAIN, "not-ready");
	b->ready = true;
	b->closing = true;
	refused(take(1, "k", "6.1.0", NOW), -EEXIST, "build-closed");
	b->closing = false;
	assert_int_equal(take(1, "k", "6.1.0", NOW + 599), 0);
	refused(take(1, "k", "6.1.0", NOW + 600), -EEXIST, "build-expired");
	/* approvals that it never had do not count for a rule that asks for some */
	refused(ms_build_take(&config, b, release, &me, "k", "6.1.0", NOW, &err), -EACCES,
		"build-rule");
	/* the rule's limit per build is its maximum */
	ms_build_free(b);
	b = new_build(release, 100);
	assert_int_equal(b->max, 2);
	/* nor do approvals of other groups than the rule asks for now */
	b->life.state = MS_BUILD_OPEN;
	release->tiers[0].need = 3;
	refused(ms_build_take(&config, b, release, &me, "k", "6.1.0", NOW, &err), -EACCES,
		"build-rule");
}

static void idle(struct ms_build *build, void *arg)
{
	++*(int *)arg;
}

static void test_idle(void **state)
{
	int calls = 0;

	ms_build_free(b);
	b = new_build(plain, 0);
	assert_int_equal(take(1, "k", "6.1.0", NOW), 0);
	assert_int_equal(take(1, "k", "6.1.0", NOW), 0);
	b->idle = idle;
	b->idle_arg = &calls;
	ms_build_give(b, true);
	assert_int_equal(calls, 0);
	ms_build_give(b, false);
	assert_int_equal(calls, 1);
}

static void test_ids(void **state)
{
	struct ms_identity me = who(1), other = who(2);
	struct ms_builds *all = NULL;
	size_t i;

	assert_int_equal(ms_builds_new(&all), 0);
	for (i = 0; i < 100; i++) {
		struct ms_build *n = new_build(plain, 0);

		assert_int_equal(strlen(n->id), MS_BUILD_ID);
		assert_int_equal(strspn(n->id, "0123456789abcdefghjkmnpqrstvwxyz"),
				 MS_BUILD_ID);
		assert_int_equal(ms_builds_add(all, n), 0);
		assert_ptr_equal(ms_builds_find(all, n->id), n);
	}
	for (i = 1; ms_builds_at(all, i); i++)
		assert_true(strcmp(ms_builds_at(all, i - 1)->id,
				   ms_builds_at(all, i)->id) < 0);
	assert_int_equal(i, 100);
	assert_int_equal(ms_builds_own(all, &me), 100);
	assert_int_equal(ms_builds_own(all, &other), 0);
	ms_builds_at(all, 3)->life.state = MS_BUILD_CLOSED;
	ms_builds_at(all, 4)->life.state = MS_BUILD_PENDING;
	assert_int_equal(ms_builds_own(all, &me), 99);
	assert_null(ms_builds_find(all, "x"));
	ms_builds_free(all);
}

/* What the store gives back is what went in. */
static void test_json(void **state)
{
	struct ms_build *again = NULL;
	json_t *j, *j2;
	char *dump;

	assert_int_equal(approve(11, NOW), 0);
	assert_int_equal(approve(12, NOW + 1), 0);
	j = ms_build_json(b, &b->life);
	dump = json_dumps(j, 0);
	assert_int_equal(ms_build_from_json(dump, &again), 0);
	j2 = ms_build_json(again, &again->life);
	assert_true(json_equal(j, j2));
	assert_int_equal(ms_build_tier(again), 1);
	free(dump);
	json_decref(j2);
	ms_build_free(again);

	again = NULL;
	json_object_set_new(j, "state", json_string("opened"));
	dump = json_dumps(j, 0);
	assert_int_equal(ms_build_from_json(dump, &again), -EBADMSG);
	assert_int_equal(ms_build_from_json("[]", &again), -EBADMSG);
	assert_int_equal(ms_build_from_json("", &again), -EBADMSG);
	assert_null(again);
	free(dump);
	json_decref(j);
}

static void test_text(void **state)
{
	assert_true(ms_build_text_valid("6.1.0-56-amd64", 255));
	assert_true(ms_build_text_valid("6.12.5+deb~1:x_y", 255));
	assert_false(ms_build_text_valid("", 255));
	assert_false(ms_build_text_valid("-x", 255));
	assert_false(ms_build_text_valid("6.1 x", 255));
	assert_false(ms_build_text_valid("6.1\n", 255));
	assert_false(ms_build_text_valid("6.1/..", 255));
	assert_false(ms_build_text_valid("123456", 5));
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

/* What a build has left by the clock is never more than it was given. */
static void test_deadline(void **state)
{
	b->life.state = MS_BUILD_OPEN;
	b->life.opened = NOW;
	b->life.expires = NOW + 600;
	ms_build_set_deadline(b, NOW, 1000);
	assert_int_equal(b->deadline, 1600);
	ms_build_set_deadline(b, NOW + 500, 1000);
	assert_int_equal(b->deadline, 1100);
	ms_build_set_deadline(b, NOW + 5000, 1000);
	assert_int_equal(b->deadline, 1000);
	/* the clock was set back by a day */
	ms_build_set_deadline(b, NOW - 86400, 1000);
	assert_int_equal(b->deadline, 1600);
	/* one that waits for approvals */
	b->life.opened = 0;
	b->requested = NOW;
	b->life.expires = NOW + 60;
	ms_build_set_deadline(b, NOW - 86400, 1000);
	assert_int_equal(b->deadline, 1060);
}

static void test_series(void **state)
{
	static const char *const v[][2] = {
		{"6.1.0-56-amd64", "6.1-amd64"},
		{"6.1.0-56-cloud-amd64", "6.1-cloud-amd64"},
		{"6.8.0-45-generic", "6.8-generic"},
		{"6.5.6-300.fc39.x86_64", "6.5"},
		{"7.2.0", "7.2"},
		{"6", "6"},
		{"x", ""},
		{"6.1-", "6.1-"},
	};
	char got[40];

	for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
		ms_build_series(v[i][0], got, sizeof(got));
		assert_string_equal(got, v[i][1]);
	}
	ms_build_series("6.1-aaaaaaaaaaaaaaaa-bbbbbbbb", got, 10);
	assert_string_equal(got, "6.1-aaaaa");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_tiers),  TEST(test_approvals_expire),
		TEST(test_reject), TEST(test_take),
		TEST(test_states), TEST(test_idle),
		TEST(test_ids),	   TEST(test_json),
		TEST(test_text),   TEST(test_deadline),
		TEST(test_series), TEST(test_one_person),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
