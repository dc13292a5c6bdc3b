/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include "pkcs11/session.h"

static int start(void **state)
{
	return C_Initialize(NULL) != CKR_OK;
}

static int stop(void **state)
{
	return C_Finalize(NULL) != CKR_OK;
}

static ck_session_handle_t open_session(ck_flags_t flags)
{
	ck_session_handle_t s = 0;

	assert_int_equal(
		C_OpenSession(MS_P11_SLOT, CKF_SERIAL_SESSION | flags, NULL, NULL, &s),
		CKR_OK);
	assert_int_not_equal(s, 0);
	return s;
}

static void test_open_close(void **state)
{
	ck_session_handle_t a = 5, b;

	assert_int_equal(C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &a),
			 CKR_SLOT_ID_INVALID);
	assert_int_equal(C_OpenSession(MS_P11_SLOT, 0, NULL, NULL, &a),
			 CKR_SESSION_PARALLEL_NOT_SUPPORTED);
	assert_int_equal(C_OpenSession(MS_P11_SLOT, CKF_SERIAL_SESSION, NULL, NULL, NULL),
			 CKR_ARGUMENTS_BAD);
	assert_int_equal(a, 5);
	a = open_session(0);
	b = open_session(CKF_RW_SESSION);
	assert_int_not_equal(a, b);
	assert_int_equal(ms_p11_sessions(), 2);
	assert_int_equal(C_CloseSession(a), CKR_OK);
	assert_int_equal(C_CloseSession(a), CKR_SESSION_HANDLE_INVALID);
	assert_int_equal(C_CloseSession(0), CKR_SESSION_HANDLE_INVALID);
	assert_int_equal(ms_p11_sessions(), 1);
	assert_int_equal(C_CloseAllSessions(7), CKR_SLOT_ID_INVALID);
	assert_int_equal(C_CloseAllSessions(MS_P11_SLOT), CKR_OK);
	assert_int_equal(C_CloseSession(b), CKR_SESSION_HANDLE_INVALID);
	assert_int_equal(ms_p11_sessions(), 0);
}

static void test_too_many(void **state)
{
	ck_session_handle_t s;

	for (unsigned int i = 0; i < MS_P11_SESSIONS_MAX; i++)
		(void)open_session(0);
	assert_int_equal(C_OpenSession(MS_P11_SLOT, CKF_SERIAL_SESSION, NULL, NULL, &s),
			 CKR_SESSION_COUNT);
	assert_int_equal(C_CloseAllSessions(MS_P11_SLOT), CKR_OK);
}

static ck_state_t state_of(ck_session_handle_t s)
{
	struct ck_session_info info;

	assert_int_equal(C_GetSessionInfo(s, &info), CKR_OK);
	assert_int_equal(info.slot_id, MS_P11_SLOT);
	return info.state;
}

/* Any PIN does, and it is the login of all sessions. */
static void test_login(void **state)
{
	ck_session_handle_t a = open_session(0), b = open_session(CKF_RW_SESSION);
	unsigned char pin[] = "any";

	assert_int_equal(state_of(a), CKS_RO_PUBLIC_SESSION);
	assert_int_equal(C_Login(a, CKU_SO, pin, 3), CKR_USER_TYPE_INVALID);
	assert_int_equal(C_Login(a, CKU_CONTEXT_SPECIFIC, pin, 3),
			 CKR_OPERATION_NOT_INITIALIZED);
	assert_int_equal(C_Login(99999, CKU_USER, pin, 3), CKR_SESSION_HANDLE_INVALID);
	assert_int_equal(C_Login(a, CKU_USER, pin, 3), CKR_OK);
	assert_int_equal(C_Login(b, CKU_USER, NULL, 0), CKR_USER_ALREADY_LOGGED_IN);
	assert_int_equal(state_of(a), CKS_RO_USER_FUNCTIONS);
	assert_int_equal(state_of(b), CKS_RW_USER_FUNCTIONS);
	assert_int_equal(C_Logout(b), CKR_OK);
	assert_int_equal(C_Logout(b), CKR_USER_NOT_LOGGED_IN);
	assert_int_equal(state_of(b), CKS_RW_PUBLIC_SESSION);
	assert_int_equal(C_Login(a, CKU_USER, NULL, 0), CKR_OK);
	assert_int_equal(C_CloseAllSessions(MS_P11_SLOT), CKR_OK);
	/* with the last session it has ended */
	a = open_session(0);
	assert_int_equal(state_of(a), CKS_RO_PUBLIC_SESSION);
	assert_int_equal(C_GetSessionInfo(a, NULL), CKR_ARGUMENTS_BAD);
	assert_int_equal(C_CloseSession(a), CKR_OK);
}

/* Closed by one thread while another is in it: it ends when that has come out. */
static void test_closed_in_use(void **state)
{
	ck_session_handle_t h = open_session(0);
	struct ms_p11_session *s, *again;

	assert_int_equal(ms_p11_session_get(h, &s), CKR_OK);
	assert_int_equal(C_CloseSession(h), CKR_OK);
	assert_int_equal(ms_p11_session_get(h, &again), CKR_SESSION_HANDLE_INVALID);
	assert_int_equal(s->handle, h);
	ms_p11_session_put(s);
}

static void *many(void *arg)
{
	for (int i = 0; i < 300; i++) {
		struct ck_session_info info;
		ck_session_handle_t s = open_session(0);

		assert_int_equal(C_GetSessionInfo(s, &info), CKR_OK);
		assert_int_equal(C_CloseSession(s), CKR_OK);
	}
	return NULL;
}

static void test_threads(void **state)
{
	pthread_t t[4];

	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		assert_int_equal(pthread_create(&t[i], NULL, many, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		assert_int_equal(pthread_join(t[i], NULL), 0);
	assert_int_equal(ms_p11_sessions(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_open_close), cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_login),	   cmocka_unit_test(test_closed_in_use),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
