/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <errno.h>
#include <pthread.h>
#include <sys/wait.h>
#include <cmocka.h>
#include <openssl/crypto.h>
#include "pkcs11/module.h"

static ck_rv_t create(void **mutex)
{
	return CKR_OK;
}

static ck_rv_t use(void *mutex)
{
	return CKR_OK;
}

static void test_twice(void **state)
{
	assert_int_equal(C_Finalize(NULL), CKR_CRYPTOKI_NOT_INITIALIZED);
	assert_int_equal(C_Initialize(NULL), CKR_OK);
	assert_int_equal(C_Initialize(NULL), CKR_CRYPTOKI_ALREADY_INITIALIZED);
	assert_int_equal(C_Finalize(&state), CKR_ARGUMENTS_BAD);
	assert_int_equal(C_Finalize(NULL), CKR_OK);
	assert_int_equal(ms_p11_ready(), CKR_CRYPTOKI_NOT_INITIALIZED);
	assert_int_equal(C_Initialize(NULL), CKR_OK);
	assert_int_equal(C_Finalize(NULL), CKR_OK);
}

static void test_arguments(void **state)
{
	struct ck_c_initialize_args a = {0};

	a.reserved = &a;
	assert_int_equal(C_Initialize(&a), CKR_ARGUMENTS_BAD);
	a = (struct ck_c_initialize_args){.create_mutex = create,
					  .flags = CKF_OS_LOCKING_OK};
	assert_int_equal(C_Initialize(&a), CKR_ARGUMENTS_BAD);
	a = (struct ck_c_initialize_args){create, use, use, use, 0, NULL};
	assert_int_equal(C_Initialize(&a), CKR_CANT_LOCK);
	assert_int_equal(ms_p11_ready(), CKR_CRYPTOKI_NOT_INITIALIZED);
	a.flags = CKF_OS_LOCKING_OK;
	assert_int_equal(C_Initialize(&a), CKR_OK);
	assert_int_equal(C_Finalize(NULL), CKR_OK);
	a = (struct ck_c_initialize_args){.flags = CKF_LIBRARY_CANT_CREATE_OS_THREADS};
	assert_int_equal(C_Initialize(&a), CKR_OK);
	assert_int_equal(C_Finalize(NULL), CKR_OK);
}

static void test_info(void **state)
{
	struct ck_info info;

	assert_int_equal(C_GetInfo(&info), CKR_CRYPTOKI_NOT_INITIALIZED);
	assert_int_equal(C_Initialize(NULL), CKR_OK);
	assert_int_equal(C_GetInfo(NULL), CKR_ARGUMENTS_BAD);
	assert_int_equal(C_GetInfo(&info), CKR_OK);
	assert_int_equal(info.cryptoki_version.major, 2);
	assert_int_equal(info.flags, 0);
	assert_memory_equal(info.manufacturer_id, "modseal                         ", 32);
	assert_int_equal(C_Finalize(NULL), CKR_OK);
}

/* A child starts anew, even when another thread of the parent holds the lock. */
static void test_fork(void **state)
{
	ck_session_handle_t s;
	int status;
	pid_t pid;

	assert_int_equal(C_Initialize(NULL), CKR_OK);
	assert_int_equal(C_OpenSession(MS_P11_SLOT, CKF_SERIAL_SESSION, NULL, NULL, &s),
			 CKR_OK);
	ms_p11_lock();
	pid = fork();
	if (pid == 0) {
		struct ck_session_info info;

		alarm(20);
		if (C_GetSessionInfo(s, &info) != CKR_CRYPTOKI_NOT_INITIALIZED)
			_exit(1);
		if (C_Initialize(NULL) != CKR_OK)
			_exit(2);
		if (C_GetSessionInfo(s, &info) != CKR_SESSION_HANDLE_INVALID)
			_exit(3);
		_exit(C_Finalize(NULL) == CKR_OK ? 0 : 4);
	}
	ms_p11_unlock();
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(C_CloseSession(s), CKR_OK);
	assert_int_equal(C_Finalize(NULL), CKR_OK);
}

static void test_pad(void **state)
{
	unsigned char field[4];

	ms_p11_pad(field, sizeof(field), "ab");
	assert_memory_equal(field, "ab  ", 4);
	ms_p11_pad(field, sizeof(field), "abcdefg");
	assert_memory_equal(field, "abcd", 4);
}

static void test_codes(void **state)
{
	assert_int_equal(ms_p11_rv(0), CKR_OK);
	assert_int_equal(ms_p11_rv(-EACCES), CKR_FUNCTION_REJECTED);
	assert_int_equal(ms_p11_rv(-ENOMEM), CKR_HOST_MEMORY);
	assert_int_equal(ms_p11_rv(-ETIMEDOUT), CKR_DEVICE_ERROR);
}

/* The host's OpenSSL is as it was, and within it is another. */
static void test_crypto(void **state)
{
	OSSL_LIB_CTX *host = OSSL_LIB_CTX_set0_default(NULL), *was, *ours;

	was = ms_p11_crypto_enter();
	assert_ptr_equal(was, host);
	ours = OSSL_LIB_CTX_set0_default(NULL);
	assert_ptr_not_equal(ours, host);
	ms_p11_crypto_leave(was);
	assert_ptr_equal(OSSL_LIB_CTX_set0_default(NULL), host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_twice),  cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_info),   cmocka_unit_test(test_fork),
		cmocka_unit_test(test_pad),    cmocka_unit_test(test_codes),
		cmocka_unit_test(test_crypto),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
