/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/verifier/fixture.h"

#define CHECK(anchor)                                              \
	_cleanup_(fixture_checker_clear) struct fixture_checker f; \
	_cleanup_buf_ struct ms_buf m = MS_BUF_INIT(FIXTURE_MAX);  \
	_cleanup_result_ struct ms_result r;                       \
	fixture_checker_init(&f, anchor);                          \
	memset(&r, 0xff, sizeof(r));                               \
	fixture_module(&m)

static void run(struct fixture_checker *f, const struct ms_buf *m, struct ms_result *r)
{
	assert_int_equal(ms_check_bytes(&f->c, m->data, m->len, "dir/ms-test.ko", r), 0);
}

static void test_trusted(void **state)
{
	CHECK("rsa2048");
	fixture_sign(&m, "rsa2048", MS_HASH_SHA256);
	run(&f, &m, &r);
	assert_int_equal(r.policy.verdict, MS_POLICY_TRUSTED);
	assert_int_equal(r.policy.n_findings, 0);
	assert_int_equal(r.kernel.verdict, MS_KERNEL_LOADS);
	assert_string_equal(r.kernel.profile->name, "6.1");
	assert_string_equal(r.path, "dir/ms-test.ko");
	assert_string_equal(r.name, "ms_test");
	assert_int_equal(r.n_signers, 1);
	assert_int_equal(r.signers[0].state, MS_SIGNER_TRUSTED);
	assert_ptr_equal(r.signers[0].anchor, &f.anchors.v[0]);
	assert_string_equal(r.signers[0].algorithm, "rsa2048");
}

static void test_algorithms(void **state)
{
	static const char *const keys[] = {"rsa2048", "rsa4096", "p256", "p384"};
	static const enum ms_hash hashes[] = {MS_HASH_SHA256, MS_HASH_SHA384,
					      MS_HASH_SHA512};

	for (size_t k = 0; k < ARRAY_SIZE(keys); k++) {
		for (size_t h = 0; h < ARRAY_SIZE(hashes); h++) {
			CHECK(keys[k]);
			fixture_sign(&m, keys[k], hashes[h]);
			run(&f, &m, &r);
			assert_int_equal(r.policy.verdict, MS_POLICY_TRUSTED);
			assert_string_equal(r.signers[0].algorithm, keys[k]);
			assert_int_equal(r.signers[0].hash, hashes[h]);
		}
	}
}

static void test_unknown(void **state)
{
	CHECK("p256");
	fixture_sign(&m, "rsa2048", MS_HASH_SHA256);
	run(&f, &m, &r);
	assert_int_equal(r.policy.verdict, MS_POLICY_FINDINGS);
	assert_int_equal(r.policy.n_findings, 1);
	assert_true(fixture_has(&r, MS_FINDING_UNKNOWN_SIGNER));
	assert_int_equal(r.signers[0].state, MS_SIGNER_UNKNOWN);
	assert_null(r.signers[0].anchor);
}

/*
 * One bit anywhere in the signed part or in the signature: never trusted. (The parameters
 * of rsaEncryption, here the NULL at 158, are ANY to the kernel and mean nothing.)
 */
static void test_every_damage(void **state)
{
	CHECK("rsa2048");
	size_t payload = m.len, any = m.len + 158;

	fixture_sign(&m, "rsa2048", MS_HASH_SHA256);
	for (size_t i = 0; i < m.len; i += i < payload ? 401 : 1) {
		_cleanup_result_ struct ms_result bad = {0};

		if (i == any)
			continue;
		m.data[i] ^= 1;
		run(&f, &m, &bad);
		assert_int_not_equal(bad.policy.verdict, MS_POLICY_TRUSTED);
		/* The kernel does not read all of the message, but all that counts. */
		if (i < payload || i >= payload + 160)
			assert_int_not_equal(bad.kernel.verdict, MS_KERNEL_LOADS);
		m.data[i] ^= 1;
	}
	run(&f, &m, &r);
	assert_int_equal(r.policy.verdict, MS_POLICY_TRUSTED);
}

static void test_every_length(void **state)
{
	CHECK("rsa2048");
	fixture_sign(&m, "rsa2048", MS_HASH_SHA256);
	r = (struct ms_result){0};
	for (size_t len = 0; len < m.len; len += len < m.len - 600 ? 997 : 1) {
		_cleanup_result_ struct ms_result cut;
		uint8_t *copy = malloc(len ? len : 1);

		assert_non_null(copy);
		memcpy(copy, m.data, len);
		assert_int_equal(ms_check_bytes(&f.c, copy, len, "cut.ko", &cut), 0);
		assert_int_equal(cut.policy.verdict, MS_POLICY_FINDINGS);
		free(copy);
	}
}

static void test_nested(void **state)
{
	CHECK("rsa2048");
	fixture_sign(&m, "p256", MS_HASH_SHA256);
	fixture_sign(&m, "rsa2048", MS_HASH_SHA256);
	run(&f, &m, &r);
	assert_int_equal(r.policy.verdict, MS_POLICY_FINDINGS);
	assert_true(fixture_has(&r, MS_FINDING_NESTED_SIGNATURE));
	assert_int_equal(r.kernel.verdict, MS_KERNEL_LOADS);
}

static void test_no_anchor(void **state)
{
	CHECK(NULL);
	fixture_sign(&m, "rsa2048", MS_HASH_SHA256);
	run(&f, &m, &r);
	assert_true(fixture_has(&r, MS_FINDING_UNKNOWN_SIGNER));
}

static void test_dates(void **state)
{
	CHECK("rsa2048");
	struct ms_result early;

	fixture_sign(&m, "rsa2048", MS_HASH_SHA256);
	f.q.now = f.anchors.v[0].cert->not_after + 1;
	run(&f, &m, &r);
	assert_int_equal(r.policy.verdict, MS_POLICY_FINDINGS);
	assert_true(fixture_has(&r, MS_FINDING_EXPIRED));
	assert_int_equal(r.kernel.verdict, MS_KERNEL_LOADS);
	f.q.now = f.anchors.v[0].cert->not_before - 1;
	run(&f, &m, &early);
	assert_true(fixture_has(&early, MS_FINDING_NOT_YET_VALID));
	ms_result_clear(&early);
}

static void test_empty(void **state)
{
	CHECK("rsa2048");
	assert_int_equal(ms_check_bytes(&f.c, NULL, 0, "x", &r), 0);
	assert_int_equal(r.policy.verdict, MS_POLICY_FINDINGS);
	assert_true(fixture_has(&r, MS_FINDING_NOT_A_MODULE));
}

static void test_files(void **state)
{
	CHECK("rsa2048");
	assert_int_equal(ms_check_file(&f.c, AT_FDCWD, "/no/such/file.ko", "x\n.ko", &r),
			 0);
	assert_int_equal(r.policy.verdict, MS_POLICY_UNCHECKED);
	assert_true(fixture_has(&r, MS_FINDING_UNREADABLE));
	assert_null(r.kernel.profile);
	ms_result_clear(&r);
	assert_int_equal(
		ms_check_file(&f.c, AT_FDCWD, "tests/data/module/ms_test.ko", "y", &r),
		0);
	assert_int_equal(r.policy.verdict, MS_POLICY_FINDINGS);
	assert_true(fixture_has(&r, MS_FINDING_UNSIGNED));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_trusted),	     cmocka_unit_test(test_algorithms),
		cmocka_unit_test(test_unknown),	     cmocka_unit_test(test_every_damage),
		cmocka_unit_test(test_every_length), cmocka_unit_test(test_nested),
		cmocka_unit_test(test_no_anchor),    cmocka_unit_test(test_dates),
		cmocka_unit_test(test_empty),	     cmocka_unit_test(test_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
