/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/build_list.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"
#define ONES "1111111111111111111111111111111111111111111111111111111111111111"
#define LIST(items) "{\"hash\":\"sha256\",\"modules\":[" items "]}"
#define ITEM(path, digest) "{\"path\":\"" path "\",\"digest\":\"" digest "\"}"

static const uint8_t zeros[64], none[32];
static uint8_t ones[64];

static int read_text(const char *text, struct ms_build_list **ret, char **ret_text,
		     struct ms_error *err)
{
	json_t *j = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	int r = ms_build_list_read(j, ret, ret_text, err);

	json_decref(j);
	return r;
}

static void test_read(void **state)
{
	struct ms_build_list *l = NULL;
	struct ms_error err = {0};
	char *text = NULL;

	memset(ones, 0x11, sizeof(ones));
	assert_int_equal(
		read_text(LIST(ITEM("b", ONES) "," ITEM("a", ONES)), &l, &text, &err), 0);
	assert_int_equal(l->n, 2);
	assert_true(ms_build_list_has(l, MS_HASH_SHA256, ones, none));
	assert_false(ms_build_list_has(l, MS_HASH_SHA256, zeros, none));
	/* signed with another hash: its SHA-256 counts, where it is known */
	assert_true(ms_build_list_has(l, MS_HASH_SHA512, zeros, ones));
	assert_false(ms_build_list_has(l, MS_HASH_SHA512, ones, none));
	assert_string_equal(text, LIST("{\"digest\":\"" ONES "\",\"path\":\"b\"},"
				       "{\"digest\":\"" ONES "\",\"path\":\"a\"}"));
	ms_build_list_free(l);
	free(text);
}

/* A list with all zeros does not let through what is not known. */
static void test_unknown_is_not_zero(void **state)
{
	struct ms_build_list *l = NULL;
	struct ms_error err = {0};
	char *text = NULL;

	assert_int_equal(read_text(LIST(ITEM("a", ZEROS)), &l, &text, &err), 0);
	assert_true(ms_build_list_has(l, MS_HASH_SHA256, zeros, none));
	assert_false(ms_build_list_has(l, MS_HASH_SHA384, zeros, none));
	ms_build_list_free(l);
	free(text);
}

static void test_refuses(void **state)
{
	static const char *const bad[] = {
		"[]",
		"{}",
		LIST(""),
		LIST("1"),
		LIST(ITEM("a", "00")),
		LIST(ITEM("", ZEROS)),
		LIST("{\"path\":\"a\"}"),
		LIST(ITEM("a", ZEROS) "," ITEM("a", ONES)),
		LIST("{\"path\":\"a\",\"digest\":\"" ZEROS "\",\"x\":\"\"}"),
		LIST("{\"path\":\"a\",\"digest\":\"" ZEROS "\",\"name\":7}"),
		"{\"hash\":\"sha1\",\"modules\":[" ITEM("a", ZEROS) "]}",
		"{\"hash\":\"sha256\",\"x\":1,\"modules\":[" ITEM("a", ZEROS) "]}",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct ms_build_list untouched, *l = &untouched;
		char *text = (char *)(uintptr_t) "x";
		struct ms_error err = {0};

		assert_int_equal(read_text(bad[i], &l, &text, &err), -EINVAL);
		assert_ptr_equal(l, &untouched);
		assert_string_equal(text, "x");
		assert_true(err.msg[0] && err.code[0]);
	}
}

static void test_restore(void **state)
{
	struct ms_build_list *l = NULL, again;
	struct ms_error err = {0};
	char *text = NULL;

	assert_int_equal(read_text(LIST(ITEM("a", ONES)), &l, &text, &err), 0);
	again = *l;
	again.digests = NULL;
	assert_false(ms_build_list_has(&again, MS_HASH_SHA256, ones, none));
	assert_int_equal(ms_build_list_restore(&again, text), 0);
	assert_true(ms_build_list_has(&again, MS_HASH_SHA256, ones, none));
	/* another list than the one whose digest was recorded */
	assert_int_equal(ms_build_list_restore(&again, LIST(ITEM("b", ONES))), -EBADMSG);
	assert_int_equal(ms_build_list_restore(&again, "nonsense"), -EBADMSG);
	again.n = 2;
	assert_int_equal(ms_build_list_restore(&again, text), -EBADMSG);
	free(again.digests);
	ms_build_list_free(l);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_unknown_is_not_zero),
		cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_restore),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
