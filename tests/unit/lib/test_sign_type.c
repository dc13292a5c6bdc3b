/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/sign_type.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void names(void **state)
{
	static const char *const list[] = {"module", "file", "fsverity", "ima", "raw"};
	enum ms_sign_type t;

	for (unsigned int i = 0; i < MS_SIGN_TYPES; i++) {
		t = MS_SIGN_TYPES;
		assert_int_equal(ms_sign_type_from_name(list[i], &t), 0);
		assert_int_equal(t, i);
		assert_string_equal(ms_sign_type_name(t), list[i]);
	}
	assert_int_equal(MS_SIGN_MODULE, 0); /* what a zeroed request is about */
	assert_string_equal(ms_sign_type_name(MS_SIGN_TYPES), "unknown");
}

static void refusals(void **state)
{
	static const char *const list[] = {"", "Module", "file ", "rawx", "modul", "*"};
	enum ms_sign_type t = MS_SIGN_TYPES;

	for (size_t i = 0; i < sizeof(list) / sizeof(*list); i++)
		assert_int_equal(ms_sign_type_from_name(list[i], &t), -EINVAL);
	assert_int_equal(t, MS_SIGN_TYPES);
}

static void forms(void **state)
{
	assert_false(ms_sign_type_is_bare(MS_SIGN_MODULE));
	assert_false(ms_sign_type_is_bare(MS_SIGN_FILE));
	assert_false(ms_sign_type_is_bare(MS_SIGN_FSVERITY));
	assert_true(ms_sign_type_is_bare(MS_SIGN_IMA));
	assert_true(ms_sign_type_is_bare(MS_SIGN_RAW));
	assert_true(ms_sign_type_has_content(MS_SIGN_MODULE));
	assert_true(ms_sign_type_has_content(MS_SIGN_FILE));
	assert_false(ms_sign_type_has_content(MS_SIGN_FSVERITY));
	assert_true(ms_sign_type_has_content(MS_SIGN_IMA));
	assert_false(ms_sign_type_has_content(MS_SIGN_RAW));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(refusals),
		cmocka_unit_test(forms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
