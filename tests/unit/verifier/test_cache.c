/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <sys/stat.h>
#include "tests/unit/verifier/fixture.h"
#include "verifier/cache.h"
#include "verifier/cache_entry.h"

static char dir[] = "/tmp/ms-cache.XXXXXX";

/* One good module, in a file that is old enough. */
static void check_one(struct fixture_checker *f, struct ms_results *r)
{
	_cleanup_buf_ struct ms_buf ko = MS_BUF_INIT(FIXTURE_MAX);

	fixture_module(&ko);
	fixture_sign(&ko, "rsa2048", MS_HASH_SHA256);
	r->v = calloc(1, sizeof(*r->v));
	r->n = 1;
	assert_int_equal(ms_check_bytes(&f->c, ko.data, ko.len, "Makefile", r->v), 0);
	r->v[0].keep = true;
}

static char name[] = "Makefile", absent[] = "Other";

static void test_round(void **state)
{
	_cleanup_(fixture_checker_clear) struct fixture_checker f;
	_cleanup_results_ struct ms_results r = {0};
	_cleanup_(ms_cache_clear) struct ms_cache c = {0}, again = {0}, late = {0};
	_cleanup_result_ struct ms_result got = {0};
	const struct ms_entry makefile = {.path = name}, other = {.path = absent};
	struct ms_error err = {0};
	struct stat st;
	char path[64];

	fixture_checker_init(&f, "rsa2048");
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/cache", dir);
	assert_int_equal(ms_cache_load(path, &f.q, &c, &err), 0);
	assert_int_equal(c.n, 0);
	check_one(&f, &r);
	assert_int_equal(stat("Makefile", &st), 0);
	ms_file_id_set(&st, &r.v[0].id);
	assert_int_equal(ms_cache_save(&c, path, &f.q, &r, &err), 0);

	assert_int_equal(ms_cache_load(path, &f.q, &again, &err), 0);
	assert_int_equal(again.n, 1);
	assert_int_equal(ms_cache_take(&again, &other, &got), -ENOENT);
	assert_int_equal(ms_cache_take(&again, &makefile, &got), 0);
	assert_int_equal(got.policy.verdict, MS_POLICY_TRUSTED);
	assert_string_equal(got.digest, r.v[0].digest);
	assert_string_equal(got.signers[0].algorithm, "rsa2048");
	assert_string_equal(got.signers[0].id->issuer, r.v[0].signers[0].id->issuer);
	assert_ptr_equal(got.signers[0].anchor, r.v[0].signers[0].anchor);
	assert_ptr_equal(got.kernel.profile, r.v[0].kernel.profile);
	assert_int_equal(got.kernel.verdict, r.v[0].kernel.verdict);
	assert_true(got.cached);
	assert_int_equal(ms_cache_take(&again, &makefile, &got), -ENOENT);

	/* When a certificate ends, what was said before is not true any more. */
	f.q.now = f.anchors.v[0].cert->not_after + 1;
	assert_int_equal(ms_cache_load(path, &f.q, &late, &err), 0);
	assert_int_equal(late.n, 0);

	chmod(path, 0622);
	assert_int_equal(ms_cache_load(path, &f.q, &late, &err), -EPERM);
	unlink(path);
	rmdir(dir);
}

static void test_context(void **state)
{
	_cleanup_(fixture_checker_clear) struct fixture_checker f;
	struct ms_kernel_profile mine;
	uint8_t a[32], b[32];

	fixture_checker_init(&f, "rsa2048");
	assert_int_equal(ms_cache_context(&f.q, a), 0);
	f.q.now++;
	assert_int_equal(ms_cache_context(&f.q, b), 0);
	assert_memory_equal(a, b, 32);
	f.q.enforce = MS_LOCKDOWN;
	assert_int_equal(ms_cache_context(&f.q, b), 0);
	assert_memory_not_equal(a, b, 32);
	f.q.enforce = MS_ENFORCE;
	f.q.profile = ms_kernel_profile_at(0);
	assert_int_equal(ms_cache_context(&f.q, b), 0);
	assert_memory_not_equal(a, b, 32);
	/* The same row with another configuration. */
	mine = *f.q.profile;
	mine.hashes_usable = 0;
	f.q.profile = &mine;
	assert_int_equal(ms_cache_context(&f.q, a), 0);
	assert_memory_not_equal(a, b, 32);
	f.q.profile = NULL;
	fixture_anchor(&f.anchors, "p256");
	assert_int_equal(ms_cache_context(&f.q, b), 0);
	assert_memory_not_equal(a, b, 32);
}

static void test_entry(void **state)
{
	_cleanup_(fixture_checker_clear) struct fixture_checker f;
	_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(65536);
	_cleanup_results_ struct ms_results r = {0};
	struct ms_identity ids[1];

	fixture_checker_init(&f, "rsa2048");
	check_one(&f, &r);
	ms_cache_entry_put(&b, &f.q, &r.v[0]);
	assert_int_equal(ms_buf_error(&b), 0);
	assert_true(b.len > MS_CACHE_ENTRY_MIN);
	for (size_t len = 0; len <= b.len; len++) {
		struct ms_reader in = MS_READER(b.data, len);
		struct ms_cache_entry e = {0};
		size_t used = 0;

		assert_int_equal(ms_cache_entry_get(&in, &f.q, ids, 1, &used, &e),
				 len == b.len ? 0 : -EBADMSG);
		ms_result_clear(&e.r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round),
		cmocka_unit_test(test_context),
		cmocka_unit_test(test_entry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
