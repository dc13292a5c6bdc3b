/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/tile_path.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void good(void **state)
{
	/* the examples of C2SP tlog-tiles */
	static const struct {
		const char *path;
		struct ms_tile want;
	} cases[] = {
		{"0/000", {.level = 0, .index = 0, .width = 256}},
		{"0/x001/x234/067", {.level = 0, .index = 1234067, .width = 256}},
		{"1/x001/000", {.level = 1, .index = 1000, .width = 256}},
		{"2/999.p/1", {.level = 2, .index = 999, .width = 1}},
		{"0/x273.p/x", {.width = 0}},
		{"0/273.p/112", {.level = 0, .index = 273, .width = 112}},
		{"entries/x123/456.p/255",
		 {.entries = true, .index = 123456, .width = 255}},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct ms_tile *want = &cases[i].want;
		struct ms_tile t = {0};
		int r = ms_tile_path_parse(cases[i].path, &t);

		if (want->width == 0) {
			assert_int_equal(r, -EINVAL);
			continue;
		}
		assert_int_equal(r, 0);
		assert_int_equal(t.entries, want->entries);
		assert_int_equal(t.level, want->level);
		assert_int_equal(t.index, want->index);
		assert_int_equal(t.width, want->width);
	}
}

static void bad(void **state)
{
	static const char *const cases[] = {
		"",
		"0",
		"0/",
		"0/0",
		"0/00",
		"0/0000",
		"8/000",
		"00/000",
		"-1/000",
		"0/001/",
		"0/x001",
		"0/x000/001",
		"0/x01/000",
		"0/x001/x002",
		"0/001.p/0",
		"0/001.p/256",
		"0/001.p/01",
		"0/001.p/",
		"0/001.p/1/",
		"0/001/002",
		"entries",
		"entries/1",
		"entries//001",
		"0/x999/x999/x999/x999/x999/x999/999",
		"0/+01",
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ms_tile t = {.width = 77};

		if (ms_tile_path_parse(cases[i], &t) != -EINVAL)
			fail_msg("%s was taken", cases[i]);
		assert_int_equal(t.width, 77);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good),
		cmocka_unit_test(bad),
	};

	return cmocka_run_group_tests_name("tile_path", tests, NULL, NULL);
}
