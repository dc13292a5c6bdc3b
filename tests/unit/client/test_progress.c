/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>
#include "signer/client/progress.h"

static void line(const char *want, size_t done, size_t total, double elapsed,
		 unsigned int columns)
{
	char text[128];

	assert_string_equal(
		ms_progress_line(done, total, elapsed, columns, text, sizeof(text)),
		want);
}

static void test_line(void **state)
{
	line("[####################                    ] 500/1000   50%  100/s  ETA 0:05",
	     500, 1000, 5.0, 100);
	line("[########################################] 1000/1000  100%  500/s  ETA "
	     "0:00",
	     1000, 1000, 2.0, 100);
	line("[                                        ] 0/4    0%  0/s  ETA -", 0, 4,
	     0.0, 100);
	line("[########################################] 0/0  100%  0/s  ETA -", 0, 0,
	     1.0, 100);
}

static void test_narrow(void **state)
{
	char text[128];

	/* The last column stays empty, whatever the width. */
	for (unsigned int columns = 1; columns < 110; columns++) {
		ms_progress_line(123, 4023, 1.5, columns, text, sizeof(text));
		assert_true(strlen(text) < columns);
	}
	line("", 1, 2, 1.0, 0);
}

static void test_quiet(void **state)
{
	struct ms_progress p;

	ms_progress_start(&p, 10, true);
	assert_false(p.on);
	ms_progress_draw(&p, 5);
	assert_false(p.shown);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_line),
		cmocka_unit_test(test_narrow),
		cmocka_unit_test(test_quiet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
