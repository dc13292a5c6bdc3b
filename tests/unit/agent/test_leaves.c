/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "lib/cert.h"
#include "signer/agent/leaves.h"

#define NOW INT64_C(1800000000)

static EVP_PKEY *fresh(void)
{
	EVP_PKEY *key;

	assert_int_equal(ms_key_generate(MS_ALG_P256, &key), 0);
	return key;
}

static void test_life(void **state)
{
	struct ms_leaves *l;
	struct ms_error err = {0};
	EVP_PKEY *key = fresh(), *got = NULL;

	assert_int_equal(ms_leaves_new(&l), 0);
	assert_int_equal(ms_leaves_expire(l, NOW), -1);
	assert_int_equal(ms_leaves_add(l, "issuer", "b1", key, NOW + 100, 2, &err), 0);
	assert_int_equal(ms_leaves_add(l, "issuer", "b1", fresh(), NOW + 9, 2, &err),
			 -EEXIST);
	assert_int_equal(ms_leaves_expire(l, NOW), 100);

	/* Another key, another build, no build. */
	assert_int_equal(ms_leaves_use(l, "other", "b1", NOW, &got, &err), -ENOENT);
	assert_string_equal(err.code, "no-leaf");
	assert_int_equal(ms_leaves_use(l, "issuer", "b2", NOW, &got, &err), -ENOENT);
	assert_int_equal(ms_leaves_use(l, "issuer", "", NOW, &got, &err), -ENOENT);
	assert_null(got);

	assert_int_equal(ms_leaves_use(l, "issuer", "b1", NOW, &got, &err), 0);
	assert_ptr_equal(got, key);
	EVP_PKEY_free(got);
	assert_int_equal(ms_leaves_use(l, "issuer", "b1", NOW, &got, &err), 0);
	EVP_PKEY_free(got);
	got = NULL;
	assert_int_equal(ms_leaves_use(l, "issuer", "b1", NOW, &got, &err), -ENOENT);
	assert_string_equal(err.code, "build-used-up");
	assert_null(got);
	assert_int_equal(ms_leaves_expire(l, NOW), -1);

	assert_int_equal(ms_leaves_close(l, "b1"), 0);
	assert_int_equal(ms_leaves_close(l, "b1"), -ENOENT);
	assert_int_equal(ms_leaves_use(l, "issuer", "b1", NOW, &got, &err), -ENOENT);
	assert_string_equal(err.code, "no-leaf");
	ms_leaves_free(l);
}

static void test_expiry(void **state)
{
	struct ms_leaves *l;
	struct ms_error err = {0};
	EVP_PKEY *got = NULL;

	assert_int_equal(ms_leaves_new(&l), 0);
	assert_int_equal(ms_leaves_add(l, "k", "early", fresh(), NOW + 10, 5, &err), 0);
	assert_int_equal(ms_leaves_add(l, "k", "late", fresh(), NOW + 90, 5, &err), 0);
	assert_int_equal(ms_leaves_expire(l, NOW), 10);
	assert_int_equal(ms_leaves_use(l, "k", "early", NOW + 10, &got, &err), -ENOENT);
	assert_string_equal(err.code, "build-expired");
	assert_int_equal(ms_leaves_expire(l, NOW + 10), 80);
	assert_int_equal(ms_leaves_use(l, "k", "late", NOW + 10, &got, &err), 0);
	EVP_PKEY_free(got);
	assert_int_equal(ms_leaves_expire(l, NOW + 90), -1);
	ms_leaves_free(l);
}

static void test_many(void **state)
{
	struct ms_leaves *l;
	struct ms_error err = {0};
	EVP_PKEY *key = fresh(), *got;
	char id[16];

	assert_int_equal(ms_leaves_new(&l), 0);
	for (int i = 0; i < 256; i++) {
		snprintf(id, sizeof(id), "b%d", i);
		EVP_PKEY_up_ref(key);
		assert_int_equal(ms_leaves_add(l, "k", id, key, NOW + 10, 1, &err), 0);
	}
	EVP_PKEY_up_ref(key);
	assert_int_equal(ms_leaves_add(l, "k", "more", key, NOW + 10, 1, &err), -ENOSPC);
	/* Closing one in the middle leaves the others. */
	assert_int_equal(ms_leaves_close(l, "b7"), 0);
	for (int i = 0; i < 256; i++) {
		snprintf(id, sizeof(id), "b%d", i);
		assert_int_equal(ms_leaves_use(l, "k", id, NOW, &got, &err),
				 i == 7 ? -ENOENT : 0);
		if (i != 7)
			EVP_PKEY_free(got);
	}
	ms_leaves_free(l);
	EVP_PKEY_free(key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_life),
		cmocka_unit_test(test_expiry),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
