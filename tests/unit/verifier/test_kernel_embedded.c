/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Signers and their certificates, step by step as a kernel goes. The many ways to go
 * wrong are in tests/shell/91-oracle.t; here is that the keyring is the kernel's own.
 */
#include "tests/unit/verifier/fixture.h"
#include "verifier/kernel_embedded.h"

static int answer(struct fixture_checker *f, const struct ms_buf *m, const char *kernel)
{
	const struct ms_kernel_profile *p = ms_kernel_profile_find(kernel);
	struct ms_evidence *ev = calloc(1, sizeof(*ev));
	int rc;

	assert_non_null(ev);
	assert_int_equal(
		ms_evidence_gather(m->data, m->len, 0, &f->anchors, &f->caches, ev), 0);
	assert_false(ev->kernel_certs);
	rc = ms_kernel_embedded_rc(ev, p);
	free(ev);
	return rc;
}

static void test_direct(void **state)
{
	_cleanup_buf_ struct ms_buf m = MS_BUF_INIT(FIXTURE_MAX);
	struct fixture_checker f;

	fixture_checker_init(&f, "p256");
	fixture_module(&m);
	fixture_sign(&m, "p256", MS_HASH_SHA256);
	assert_int_equal(answer(&f, &m, "6.12"), 0);
	assert_int_equal(answer(&f, &m, "7.2"), 0);
	/* It knows the algorithm, and its keyring does not take the key. */
	assert_int_equal(answer(&f, &m, "6.1"), -ENOKEY);
	assert_int_equal(answer(&f, &m, "5.10"), -ENOPKG);
	m.data[100] ^= 1;
	assert_int_equal(answer(&f, &m, "6.12"), -EKEYREJECTED);
	fixture_checker_clear(&f);
}

static void test_unknown(void **state)
{
	_cleanup_buf_ struct ms_buf m = MS_BUF_INIT(FIXTURE_MAX);
	struct fixture_checker f;

	fixture_checker_init(&f, "p256");
	fixture_module(&m);
	fixture_sign(&m, "rsa2048", MS_HASH_SHA256);
	assert_int_equal(answer(&f, &m, "6.12"), -ENOKEY);
	fixture_checker_clear(&f);
}

/* An anchor that is revoked does not get into the keyring. */
static void test_revoked(void **state)
{
	_cleanup_buf_ struct ms_buf m = MS_BUF_INIT(FIXTURE_MAX);
	struct fixture_checker f;

	fixture_checker_init(&f, "rsa2048");
	assert_int_equal(ms_anchors_revoke(&f.anchors, fixture_cert("rsa2048"), "list"),
			 0);
	fixture_module(&m);
	fixture_sign(&m, "rsa2048", MS_HASH_SHA256);
	assert_int_equal(answer(&f, &m, "6.12"), -ENOKEY);
	fixture_checker_clear(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_direct),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_revoked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
