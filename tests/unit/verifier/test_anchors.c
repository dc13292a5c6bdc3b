/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <sys/stat.h>
#include "tests/unit/verifier/fixture.h"
#include "verifier/anchors.h"

static void test_add_and_find(void **state)
{
	_cleanup_anchors_ struct ms_anchors a = {0};
	const struct ms_cert *c;

	fixture_anchor(&a, "rsa2048");
	fixture_anchor(&a, "p256");
	fixture_anchor(&a, "rsa2048");
	assert_int_equal(a.n, 2);
	c = a.v[1].cert;
	assert_ptr_equal(ms_anchors_by_serial(&a, c->issuer, c->issuer_len, c->serial,
					      c->serial_len, NULL),
			 &a.v[1]);
	assert_null(ms_anchors_by_serial(&a, c->issuer, c->issuer_len, c->serial,
					 c->serial_len, &a.v[1]));
	assert_null(ms_anchors_by_serial(&a, c->issuer, c->issuer_len, c->serial,
					 c->serial_len - 1, NULL));
	assert_null(ms_anchors_by_serial(&a, a.v[0].cert->issuer, a.v[0].cert->issuer_len,
					 c->serial, c->serial_len, NULL));
	assert_ptr_equal(ms_anchors_by_ski(&a, c->ski, c->ski_len, NULL), &a.v[1]);
	assert_null(ms_anchors_by_ski(&a, c->ski, c->ski_len, &a.v[1]));
	assert_null(ms_anchors_by_ski(&a, NULL, 0, NULL));
}

static void test_load(void **state)
{
	_cleanup_anchors_ struct ms_anchors a = {0};
	struct ms_error err = {0};

	assert_int_equal(ms_anchors_load(&a, "tests/data/pkcs7/p384.der", &err), 0);
	assert_int_equal(a.n, 1);
	assert_string_equal(a.v[0].source, "tests/data/pkcs7/p384.der");
	assert_int_equal(ms_anchors_load(&a, "tests/data/pkcs7", &err), 0);
	assert_int_equal(a.n, 4);
	assert_string_equal(a.v[0].source, "tests/data/pkcs7/p384.der");
}

static void test_load_refuses(void **state)
{
	static const char *const bad[] = {"/no/such/file", "tests/data/pkcs7/payload",
					  "tests/data/pkcs7/rsa2048.key", "/dev/null",
					  "tests/data/module"};
	_cleanup_anchors_ struct ms_anchors a = {0};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct ms_error err = {0};

		assert_true(ms_anchors_load(&a, bad[i], &err) < 0);
		assert_non_null(strstr(err.msg, bad[i]));
		assert_int_equal(a.n, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_add_and_find),
		cmocka_unit_test(test_load),
		cmocka_unit_test(test_load_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
