/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include "pkcs11/module.h"

static int start(void **state)
{
	return C_Initialize(NULL) != CKR_OK;
}

static int stop(void **state)
{
	return C_Finalize(NULL) != CKR_OK;
}

static void test_slots(void **state)
{
	ck_slot_id_t slots[2] = {0, 77};
	unsigned long n = 9;

	assert_int_equal(C_GetSlotList(1, NULL, NULL), CKR_ARGUMENTS_BAD);
	assert_int_equal(C_GetSlotList(1, NULL, &n), CKR_OK);
	assert_int_equal(n, 1);
	n = 0;
	assert_int_equal(C_GetSlotList(0, slots, &n), CKR_BUFFER_TOO_SMALL);
	assert_int_equal(n, 1);
	assert_int_equal(slots[0], 0);
	n = 2;
	assert_int_equal(C_GetSlotList(0, slots, &n), CKR_OK);
	assert_int_equal(n, 1);
	assert_int_equal(slots[0], MS_P11_SLOT);
	assert_int_equal(slots[1], 77);
}

static void test_slot_info(void **state)
{
	struct ck_slot_info info;

	assert_int_equal(C_GetSlotInfo(0, &info), CKR_SLOT_ID_INVALID);
	assert_int_equal(C_GetSlotInfo(MS_P11_SLOT, NULL), CKR_ARGUMENTS_BAD);
	assert_int_equal(C_GetSlotInfo(MS_P11_SLOT, &info), CKR_OK);
	assert_int_equal(info.flags, CKF_TOKEN_PRESENT);
}

static void test_token_info(void **state)
{
	struct ck_token_info info;

	assert_int_equal(C_GetTokenInfo(2, &info), CKR_SLOT_ID_INVALID);
	assert_int_equal(C_GetTokenInfo(MS_P11_SLOT, NULL), CKR_ARGUMENTS_BAD);
	assert_int_equal(C_GetTokenInfo(MS_P11_SLOT, &info), CKR_OK);
	assert_memory_equal(info.label, "modseal                         ", 32);
	/* Nobody is asked for a PIN. */
	assert_int_equal(info.flags & CKF_LOGIN_REQUIRED, 0);
	assert_int_equal(info.flags & CKF_TOKEN_INITIALIZED, CKF_TOKEN_INITIALIZED);
	assert_int_equal(info.session_count, 0);
}

static void test_mechanisms(void **state)
{
	ck_mechanism_type_t types[16];
	struct ck_mechanism_info info;
	unsigned long n = 3;

	assert_int_equal(C_GetMechanismList(0, NULL, &n), CKR_SLOT_ID_INVALID);
	assert_int_equal(C_GetMechanismList(MS_P11_SLOT, types, &n),
			 CKR_BUFFER_TOO_SMALL);
	assert_int_equal(n, 8);
	n = ARRAY_SIZE(types);
	assert_int_equal(C_GetMechanismList(MS_P11_SLOT, types, &n), CKR_OK);
	assert_int_equal(n, 8);
	for (unsigned long i = 0; i < n; i++) {
		assert_int_equal(C_GetMechanismInfo(MS_P11_SLOT, types[i], &info),
				 CKR_OK);
		assert_int_equal(info.flags & (CKF_SIGN | CKF_VERIFY | CKF_DECRYPT),
				 CKF_SIGN);
	}
	assert_int_equal(C_GetMechanismInfo(MS_P11_SLOT, CKM_SHA1_RSA_PKCS, &info),
			 CKR_MECHANISM_INVALID);
	assert_int_equal(C_GetMechanismInfo(MS_P11_SLOT, CKM_ECDSA, NULL),
			 CKR_ARGUMENTS_BAD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slots),
		cmocka_unit_test(test_slot_info),
		cmocka_unit_test(test_token_info),
		cmocka_unit_test(test_mechanisms),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
