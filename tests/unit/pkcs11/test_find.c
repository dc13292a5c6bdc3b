/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fixture.h"

static void test_steps(void **state)
{
	struct token t = {0};
	ck_object_handle_t v[4] = {0};
	unsigned long n = 9;

	token_key(&t, MS_ALG_P256);
	token_has_key(&t);
	token_start(&t);
	assert_int_equal(C_FindObjects(t.session, v, 1, &n),
			 CKR_OPERATION_NOT_INITIALIZED);
	assert_int_equal(C_FindObjectsFinal(t.session), CKR_OPERATION_NOT_INITIALIZED);
	assert_int_equal(C_FindObjectsInit(t.session, NULL, 0), CKR_OK);
	assert_int_equal(C_FindObjectsInit(t.session, NULL, 0), CKR_OPERATION_ACTIVE);
	assert_int_equal(C_FindObjects(t.session, NULL, 1, &n), CKR_ARGUMENTS_BAD);
	assert_int_equal(C_FindObjects(t.session, v, 1, NULL), CKR_ARGUMENTS_BAD);
	assert_int_equal(C_FindObjects(t.session, v, 2, &n), CKR_OK);
	assert_int_equal(n, 2);
	assert_int_equal(C_FindObjects(t.session, v, 4, &n), CKR_OK);
	assert_int_equal(n, 1);
	assert_int_equal(C_FindObjects(t.session, v, 4, &n), CKR_OK);
	assert_int_equal(n, 0);
	assert_int_equal(C_FindObjectsFinal(t.session), CKR_OK);
	token_stop(&t);
}

/* The agent is asked once a session. */
static void test_asked_once(void **state)
{
	struct token t = {0};
	ck_object_handle_t first;

	token_key(&t, MS_ALG_P256);
	token_has_key(&t);
	token_start(&t);
	first = token_find(&t, CKO_PRIVATE_KEY);
	assert_int_not_equal(first, 0);
	assert_int_equal(token_find(&t, CKO_PRIVATE_KEY), first);
	assert_int_equal(token_find(&t, CKO_SECRET_KEY), 0);
	token_stop(&t);
	assert_int_equal(t.server.requests, 2);
}

static void test_templates(void **state)
{
	struct token t = {0};
	struct ck_attribute a = {CKA_LABEL, NULL, 3};

	token_start(&t);
	assert_int_equal(C_FindObjectsInit(t.session, NULL, 1), CKR_ARGUMENTS_BAD);
	assert_int_equal(C_FindObjectsInit(t.session, &a, 1), CKR_ARGUMENTS_BAD);
	assert_int_equal(C_FindObjectsInit(99, &a, 1), CKR_SESSION_HANDLE_INVALID);
	token_stop(&t);
}

static void test_no_agent(void **state)
{
	ck_object_class_t private = CKO_PRIVATE_KEY, certificate = CKO_CERTIFICATE;
	struct ck_attribute templ = {CKA_CLASS, &certificate, sizeof(certificate)};
	_cleanup_free_ char *said = NULL;
	struct token t = {0};

	token_start(&t);
	setenv("MODSEAL_AGENT", "unix:/nonexistent/agent.sock", 1);
	/* Who looks for certificates everywhere has not asked for an agent. */
	assert_int_equal(C_FindObjectsInit(t.session, NULL, 0), CKR_DEVICE_ERROR);
	assert_int_equal(C_FindObjectsInit(t.session, &templ, 1), CKR_DEVICE_ERROR);
	said = token_said(&t);
	assert_string_equal(said, "");
	templ.value = &private;
	assert_int_equal(C_FindObjectsInit(t.session, &templ, 1), CKR_DEVICE_ERROR);
	assert_said(&t, "no agent at /nonexistent/agent.sock: No such file or directory");
	/* And no search has begun. */
	assert_int_equal(C_FindObjectsFinal(t.session), CKR_OPERATION_NOT_INITIALIZED);
	token_stop(&t);
}

static void test_slow_agent(void **state)
{
	struct token t = {.steps = {{.stall = true}}, .n = 1};

	token_start(&t);
	ms_p11_agent_timeout_ms = 100;
	assert_int_equal(C_FindObjectsInit(t.session, NULL, 0), CKR_DEVICE_ERROR);
	assert_said(&t, "did not answer within");
	token_stop(&t);
}

static void test_hangs_up(void **state)
{
	struct token t = {
		.steps = {{.reply = OK_HEAD "500\r\n\r\n{\"keys\":", .hang_up = true}},
		.n = 1};

	token_start(&t);
	assert_int_equal(C_FindObjectsInit(t.session, NULL, 0), CKR_DEVICE_ERROR);
	assert_said(&t, "hung up");
	token_stop(&t);
}

static void test_huge_answer(void **state)
{
	struct token t = {.steps = {{.reply = OK_HEAD "99999999999\r\n\r\n{"}}, .n = 1};

	token_start(&t);
	assert_int_equal(C_FindObjectsInit(t.session, NULL, 0), CKR_DEVICE_ERROR);
	assert_said(&t, "larger than expected");
	token_stop(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_steps),	    cmocka_unit_test(test_asked_once),
		cmocka_unit_test(test_templates),   cmocka_unit_test(test_no_agent),
		cmocka_unit_test(test_slow_agent),  cmocka_unit_test(test_hangs_up),
		cmocka_unit_test(test_huge_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
