/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include "pkcs11/module.h"

static void test_list(void **state)
{
	struct ck_function_list *f = NULL;
	void *const *p;
	size_t n;

	assert_int_equal(C_GetFunctionList(NULL), CKR_ARGUMENTS_BAD);
	assert_int_equal(C_GetFunctionList(&f), CKR_OK);
	assert_int_equal(f->version.major, 2);
	assert_int_equal(f->version.minor, 40);
	/* None may be missing: callers do not look. */
	p = (void *const *)&f->C_Initialize;
	n = (sizeof(*f) - offsetof(struct ck_function_list, C_Initialize)) / sizeof(*p);
	assert_int_equal(n, 68);
	for (size_t i = 0; i < n; i++)
		assert_non_null(p[i]);
	assert_ptr_equal(f->C_Sign, C_Sign);
	assert_ptr_equal(f->C_FindObjects, C_FindObjects);
}

static void test_not_supported(void **state)
{
	unsigned char pin[4] = "1234";
	ck_object_handle_t key;

	assert_int_equal(C_InitPIN(1, pin, 4), CKR_CRYPTOKI_NOT_INITIALIZED);
	assert_int_equal(C_Initialize(NULL), CKR_OK);
	assert_int_equal(C_InitPIN(1, pin, 4), CKR_FUNCTION_NOT_SUPPORTED);
	assert_int_equal(C_GenerateKey(1, NULL, NULL, 0, &key),
			 CKR_FUNCTION_NOT_SUPPORTED);
	assert_int_equal(C_VerifyInit(1, NULL, 1), CKR_FUNCTION_NOT_SUPPORTED);
	assert_int_equal(C_DestroyObject(1, 1), CKR_FUNCTION_NOT_SUPPORTED);
	assert_int_equal(C_SeedRandom(1, pin, 4), CKR_RANDOM_NO_RNG);
	assert_int_equal(C_GenerateRandom(1, pin, 4), CKR_RANDOM_NO_RNG);
	assert_int_equal(C_CancelFunction(1), CKR_FUNCTION_NOT_PARALLEL);
	assert_int_equal(C_GetFunctionStatus(1), CKR_FUNCTION_NOT_PARALLEL);
	assert_int_equal(C_Finalize(NULL), CKR_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_not_supported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
