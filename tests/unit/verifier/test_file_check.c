/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/verifier/fixture.h"
#include "tests/unit/lib/folder.h"
#include "lib/fsverity.h"
#include "lib/ima_sig.h"
#include "verifier/file_check.h"

#define YEAR (366 * 86400)

struct scene {
	struct fixture_checker f;
	struct ms_file_results r;
};

static void scene_init(struct scene *s, const char *anchor)
{
	fixture_checker_init(&s->f, anchor);
	s->r.n = 0;
}

static void scene_clear(struct scene *s)
{
	ms_file_results_clear(&s->r);
	fixture_checker_clear(&s->f);
}

static enum ms_policy_verdict check(struct scene *s, const char *signature)
{
	ms_file_results_clear(&s->r);
	assert_int_equal(
		ms_file_check(&s->f.q, &s->f.caches, in_folder("f"), signature, &s->r),
		0);
	assert_in_range(s->r.n, 1, MS_FILE_SIGS);
	return s->r.v[0].r.policy.verdict;
}

static bool has(const struct scene *s, enum ms_finding_code code)
{
	return fixture_has(&s->r.v[0].r, code);
}

static void detached(void **state)
{
	_cleanup_buf_ struct ms_buf msg = MS_BUF_INIT(MS_MESSAGE_MAX);
	_cleanup_(scene_clear) struct scene s;

	scene_init(&s, "p256");
	put_file("f", "content", 7);
	assert_int_equal(check(&s, NULL), MS_POLICY_FINDINGS);
	assert_int_equal(s.r.v[0].sig, MS_FILE_SIG_NONE);
	assert_true(has(&s, MS_FINDING_UNSIGNED));
	assert_null(ms_file_sig_name(MS_FILE_SIG_NONE));

	fixture_message("p256", MS_HASH_SHA384, (const uint8_t *)"content", 7, &msg);
	put_file("f.p7s", msg.data, msg.len);
	assert_int_equal(check(&s, NULL), MS_POLICY_TRUSTED);
	assert_int_equal(s.r.n, 1);
	assert_int_equal(s.r.v[0].sig, MS_FILE_SIG_DETACHED);
	assert_int_equal(s.r.v[0].r.policy.n_findings, 0);
	assert_string_equal(s.r.v[0].r.signers[0].algorithm, "p256");
	assert_int_equal(strncmp(s.r.v[0].r.digest, "sha384:", 7), 0);
	assert_string_equal(ms_file_sig_name(s.r.v[0].sig), "detached");

	s.f.q.now += 200 * (time_t)YEAR;
	assert_int_equal(check(&s, NULL), MS_POLICY_FINDINGS);
	assert_true(has(&s, MS_FINDING_EXPIRED));
	s.f.q.now = time(NULL);
	put_file("f", "Content", 7);
	assert_int_equal(check(&s, NULL), MS_POLICY_FINDINGS);
	assert_true(has(&s, MS_FINDING_BAD_SIGNATURE));
	put_file("f", "content", 7);
	ms_buf_put_u8(&msg, 0);
	put_file("f.p7s", msg.data, msg.len);
	assert_int_equal(check(&s, NULL), MS_POLICY_FINDINGS);
	assert_true(has(&s, MS_FINDING_TRAILING_BYTES));
}

static void other_anchor(void **state)
{
	_cleanup_buf_ struct ms_buf msg = MS_BUF_INIT(MS_MESSAGE_MAX);
	_cleanup_(scene_clear) struct scene s;

	scene_init(&s, "rsa2048");
	put_file("f", "content", 7);
	fixture_message("p256", MS_HASH_SHA256, (const uint8_t *)"content", 7, &msg);
	put_file("f.p7s", msg.data, msg.len);
	assert_int_equal(check(&s, NULL), MS_POLICY_FINDINGS);
	assert_true(has(&s, MS_FINDING_UNKNOWN_SIGNER));
}

static void verity(void **state)
{
	_cleanup_buf_ struct ms_buf msg = MS_BUF_INIT(MS_MESSAGE_MAX);
	uint8_t digest[MS_DIGEST_MAX], formatted[MS_FSVERITY_FORMATTED_MAX];
	struct ms_fsverity *v = test_malloc(sizeof(*v));
	_cleanup_(scene_clear) struct scene s;
	size_t len;

	scene_init(&s, "rsa2048");
	put_file("f", "content", 7);
	assert_int_equal(ms_fsverity_init(v, MS_HASH_SHA256), 0);
	assert_int_equal(ms_fsverity_update(v, (const uint8_t *)"content", 7), 0);
	assert_int_equal(ms_fsverity_final(v, digest), 0);
	assert_int_equal(ms_fsverity_format(MS_HASH_SHA256, digest, formatted, &len), 0);
	/* The message's hash may be another than the tree's. */
	fixture_message("rsa2048", MS_HASH_SHA512, formatted, len, &msg);
	put_file("f.sig", msg.data, msg.len);
	assert_int_equal(check(&s, NULL), MS_POLICY_TRUSTED);
	assert_int_equal(s.r.v[0].sig, MS_FILE_SIG_FSVERITY);
	/* wherever it is */
	assert_int_equal(rename(in_folder("f.sig"), in_folder("other")), 0);
	assert_int_equal(check(&s, in_folder("other")), MS_POLICY_TRUSTED);
	assert_int_equal(s.r.v[0].sig, MS_FILE_SIG_FSVERITY);
	put_file("f", "contenT", 7);
	assert_int_equal(check(&s, in_folder("other")), MS_POLICY_FINDINGS);
	assert_true(has(&s, MS_FINDING_BAD_SIGNATURE));
	test_free(v);
}

static void put_ima(const char *key_name, const char *name, uint32_t flip)
{
	_cleanup_cert_ struct ms_cert *cert = fixture_cert(key_name);
	_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(MS_IMA_SIG_MAX);
	EVP_PKEY *key = fixture_key(key_name);
	uint8_t digest[MS_DIGEST_MAX], sig[MS_SIG_MAX];
	struct ms_ima_sig s = {.hash = MS_HASH_SHA256, .sig = sig};

	assert_int_equal(ms_digest(MS_HASH_SHA256, "content", 7, digest), 0);
	assert_int_equal(ms_key_sign_digest(key, MS_HASH_SHA256, digest, sig, &s.sig_len),
			 0);
	assert_int_equal(ms_ima_keyid(cert, &s.keyid), 0);
	s.keyid ^= flip;
	assert_int_equal(ms_ima_sig_put(&s, &b), 0);
	put_file(name, b.data, b.len);
	EVP_PKEY_free(key);
}

static void ima(void **state)
{
	static const char *const keys[] = {"rsa2048", "rsa4096", "p256", "p384"};

	put_file("f", "content", 7);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		_cleanup_(scene_clear) struct scene s;

		scene_init(&s, keys[i]);
		put_ima(keys[i], "f.sig", 0);
		assert_int_equal(check(&s, NULL), MS_POLICY_TRUSTED);
		assert_int_equal(s.r.v[0].sig, MS_FILE_SIG_IMA);
		assert_string_equal(s.r.v[0].r.signers[0].algorithm, keys[i]);
		/* A key id that nobody has, and that of another key. */
		put_ima(keys[i], "f.sig", 1);
		assert_int_equal(check(&s, NULL), MS_POLICY_FINDINGS);
		assert_true(has(&s, MS_FINDING_UNKNOWN_SIGNER));
		put_ima(keys[i], "f.sig", 0);
		put_file("f", "contenT", 7);
		assert_int_equal(check(&s, NULL), MS_POLICY_FINDINGS);
		assert_true(has(&s, MS_FINDING_BAD_SIGNATURE));
		put_file("f", "content", 7);
		put_file("f.sig", "\3\1\4", 3);
		assert_int_equal(check(&s, NULL), MS_POLICY_FINDINGS);
		assert_true(has(&s, MS_FINDING_MALFORMED_SIGNATURE));
		put_file("f.sig", "\3\1\4\0\0\0\0\0\1x", 10);
		assert_int_equal(check(&s, NULL), MS_POLICY_UNCHECKED);
		assert_true(has(&s, MS_FINDING_UNKNOWN_SIGNATURE_TYPE));
	}
}

static void appended(void **state)
{
	_cleanup_buf_ struct ms_buf file = MS_BUF_INIT(FIXTURE_MAX);
	_cleanup_(scene_clear) struct scene s;

	scene_init(&s, "rsa2048");
	ms_buf_put(&file, "content", 7);
	fixture_sign(&file, "rsa2048", MS_HASH_SHA256);
	put_file("f", file.data, file.len);
	assert_int_equal(check(&s, NULL), MS_POLICY_TRUSTED);
	assert_int_equal(s.r.v[0].sig, MS_FILE_SIG_APPENDED);
	fixture_sign(&file, "rsa2048", MS_HASH_SHA256);
	put_file("f", file.data, file.len);
	assert_int_equal(check(&s, NULL), MS_POLICY_FINDINGS);
	assert_true(has(&s, MS_FINDING_NESTED_SIGNATURE));
	/* Larger than what is read of its end. */
	file.len = 0;
	for (size_t i = 0; i < 1u << 20; i++)
		ms_buf_put_u8(&file, (uint8_t)(i >> 5));
	fixture_sign(&file, "rsa2048", MS_HASH_SHA256);
	put_file("f", file.data, file.len);
	assert_int_equal(check(&s, NULL), MS_POLICY_TRUSTED);
	file.data[9]++;
	put_file("f", file.data, file.len);
	assert_int_equal(check(&s, NULL), MS_POLICY_FINDINGS);
	assert_true(has(&s, MS_FINDING_BAD_SIGNATURE));
}

static void unreadable(void **state)
{
	_cleanup_(scene_clear) struct scene s;

	scene_init(&s, "rsa2048");
	assert_int_equal(check(&s, NULL), MS_POLICY_UNCHECKED);
	assert_true(has(&s, MS_FINDING_UNREADABLE));
	put_file("f", "content", 7);
	assert_int_equal(mkdir(in_folder("f.p7s"), 0755), 0);
	assert_int_equal(check(&s, NULL), MS_POLICY_UNCHECKED);
	assert_int_equal(check(&s, in_folder("none")), MS_POLICY_UNCHECKED);
	assert_int_equal(s.r.n, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(detached, folder_make, folder_remove),
		cmocka_unit_test_setup_teardown(other_anchor, folder_make, folder_remove),
		cmocka_unit_test_setup_teardown(verity, folder_make, folder_remove),
		cmocka_unit_test_setup_teardown(ima, folder_make, folder_remove),
		cmocka_unit_test_setup_teardown(appended, folder_make, folder_remove),
		cmocka_unit_test_setup_teardown(unreadable, folder_make, folder_remove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
