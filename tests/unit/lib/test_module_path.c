/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data.h"
#include "lib/module_path.h"

static char tree[] = "tree", slashes[] = "/a//", top[] = "/", empty[] = "";
static char *const roots[] = {tree, slashes, empty};

static void test_installed(void **state)
{
	assert_string_equal(ms_module_path("/lib/modules/6.1/kernel/a.ko", NULL, 0),
			    "kernel/a.ko");
	assert_string_equal(ms_module_path("lib/modules/6.1//x/a.ko", NULL, 0), "x/a.ko");
	assert_string_equal(ms_module_path("/t/usr/lib/modules/6.1/a.ko", roots, 3),
			    "a.ko");
	assert_string_equal(
		ms_module_path("/lib/modules/1/x/lib/modules/2/y/a.ko", NULL, 0),
		"y/a.ko");
	/* the names of folders, not parts of them; and something has to follow */
	assert_string_equal(ms_module_path("/xlib/modules/6.1/k/a.ko", NULL, 0), "a.ko");
	assert_string_equal(ms_module_path("/lib/modules/a.ko", NULL, 0), "a.ko");
}

static void test_below_a_root(void **state)
{
	assert_string_equal(ms_module_path("tree/d/a.ko", roots, 3), "d/a.ko");
	assert_string_equal(ms_module_path("/a/b/c.ko", roots, 3), "b/c.ko");
	assert_string_equal(ms_module_path("treetop/d/a.ko", roots, 3), "a.ko");
	assert_string_equal(ms_module_path("/b/c.ko", (char *const[]){top}, 1), "b/c.ko");
}

static void test_alone(void **state)
{
	assert_string_equal(ms_module_path("a.ko", roots, 3), "a.ko");
	assert_string_equal(ms_module_path("/x/y/a.ko", NULL, 0), "a.ko");
	assert_string_equal(ms_module_path("x/", NULL, 0), "x/");
	assert_string_equal(ms_module_path("", roots, 3), "");
}

static void test_plain_len(void **state)
{
	assert_int_equal(ms_module_plain_len("k/a.ko.xz"), 6);
	assert_int_equal(ms_module_plain_len("a.ko.gz"), 4);
	assert_int_equal(ms_module_plain_len("a.ko.zst"), 4);
	assert_int_equal(ms_module_plain_len("a.ko"), 4);
	assert_int_equal(ms_module_plain_len("a.ko.bz2"), 8);
	assert_int_equal(ms_module_plain_len("a.xz"), 4);
	assert_int_equal(ms_module_plain_len(".ko.xz"), 6);
	assert_int_equal(ms_module_plain_len(""), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_installed),
		cmocka_unit_test(test_below_a_root),
		cmocka_unit_test(test_alone),
		cmocka_unit_test(test_plain_len),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
