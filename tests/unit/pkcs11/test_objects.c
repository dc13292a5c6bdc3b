/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fixture.h"
#include "pkcs11/objects.h"

static size_t count(void)
{
	ck_object_handle_t *v = NULL;
	size_t n = 99;

	assert_int_equal(ms_p11_objects_find(NULL, 0, &v, &n), CKR_OK);
	free(v);
	return n;
}

/* Looks again: what is still there keeps its handle, what has gone is found no more. */
static void test_reload(void **state)
{
	struct token t = {0};
	struct ms_p11_agent a = {0};
	struct ms_error err = {0};
	const struct ms_p11_key *k;

	token_key(&t, MS_ALG_P256);
	token_has_key(&t);
	token_json(&t, KEYS(""));
	token_has_key(&t);
	token_start(&t);
	assert_int_equal(ms_p11_agent_open(&a, &err), 0);
	assert_int_equal(ms_p11_objects_load(&a, &err), 0);
	assert_int_equal(count(), 3);
	k = ms_p11_objects_private(3);
	assert_non_null(k);
	assert_string_equal(k->name, "k");
	assert_int_equal(k->public.sig_len, 64);
	assert_int_equal(ms_p11_key_type(k), CKK_EC);
	assert_int_equal(ms_p11_objects_load(&a, &err), 0);
	assert_int_equal(count(), 0);
	assert_int_equal(ms_p11_objects_load(&a, &err), 0);
	assert_int_equal(count(), 3);
	assert_ptr_equal(ms_p11_objects_private(3), k);
	ms_p11_agent_close(&a);
	token_stop(&t);
	assert_int_equal(count(), 0);
}

static void test_handles(void **state)
{
	struct token t = {0};

	token_key(&t, MS_ALG_RSA2048);
	token_has_key(&t);
	token_start(&t);
	assert_int_equal(token_find(&t, CKO_CERTIFICATE), 1);
	assert_int_equal(ms_p11_objects_private(3)->public.sig_len, 256);
	assert_null(ms_p11_objects_private(0));
	assert_null(ms_p11_objects_private(1));
	assert_null(ms_p11_objects_private(4));
	assert_null(ms_p11_objects_private((ck_object_handle_t)-1));
	token_stop(&t);
}

/* A certificate that is none, or of a key that cannot sign here. */
static void test_bad_certificate(void **state)
{
	struct token t = {0};

	token_json(&t, KEYS(KEY("k")));
	token_answer(&t, "application/pkix-cert", "\x30\x03\x02\x01\x05", 5);
	token_start(&t);
	assert_int_equal(token_find(&t, CKO_PRIVATE_KEY), 0);
	assert_said(&t, "certificate of key k cannot be used");
	token_stop(&t);
}

static void test_values(void **state)
{
	struct token t = {0};
	char label[8] = "", small[1];
	unsigned long type = 9;
	struct ck_attribute v[] = {{CKA_LABEL, label, sizeof(label)},
				   {CKA_KEY_TYPE, &type, sizeof(type)}};
	ck_object_handle_t h;

	token_key(&t, MS_ALG_P256);
	token_has_key(&t);
	token_start(&t);
	h = token_find(&t, CKO_PRIVATE_KEY);
	assert_int_equal(C_GetAttributeValue(t.session, h, v, 2), CKR_OK);
	assert_string_equal(label, "k");
	assert_int_equal(type, CKK_EC);
	assert_int_equal(C_GetAttributeValue(t.session, h, NULL, 2), CKR_ARGUMENTS_BAD);
	assert_int_equal(C_GetAttributeValue(t.session, 77, v, 2),
			 CKR_OBJECT_HANDLE_INVALID);
	assert_int_equal(C_GetAttributeValue(t.session, 0, v, 2),
			 CKR_OBJECT_HANDLE_INVALID);
	assert_int_equal(C_GetAttributeValue(99, h, v, 2), CKR_SESSION_HANDLE_INVALID);
	/* One that cannot be had does not keep the others back. */
	type = 9;
	v[0] = (struct ck_attribute){CKA_PRIVATE_EXPONENT, small, 1};
	v[1].value_len = sizeof(type);
	assert_int_equal(C_GetAttributeValue(t.session, h, v, 2),
			 CKR_ATTRIBUTE_SENSITIVE);
	assert_int_equal(type, CKK_EC);
	token_stop(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reload),
		cmocka_unit_test(test_handles),
		cmocka_unit_test(test_bad_certificate),
		cmocka_unit_test(test_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
