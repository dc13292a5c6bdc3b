/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/when.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* 2026-11-23 00:00:00 UTC, a Monday (date -ud 2026-11-23 +'%s %A') */
#define MONDAY INT64_C(1795392000)
#define AT(day, h, m) (MONDAY + (day)*86400 + (h)*3600 + (m)*60)

static const struct {
	const char *text;
	unsigned int days;
	uint16_t from, to;
} good[] = {
	{"Mon..Fri 08:00-18:00", 0x1f, 480, 1080},
	{"Mon", 0x01, 0, 1440},
	{"sat,SUN", 0x60, 0, 1440},
	{"Fri..Mon", 0x71, 0, 1440},
	{"Mon, Wed..Thu 00:00-24:00", 0x0d, 0, 1440},
	{"22:30-06:15", 0x7f, 1350, 375},
	{"  Tue   01:02-03:04  ", 0x02, 62, 184},
};

static const char *const bad[] = {
	"",
	"  ",
	"Monday",
	"Mon..",
	"Mon..Fry",
	"..Fri",
	"Mon,",
	"8:00-18:00",
	"08:00",
	"08:00-",
	"08:00-25:00",
	"08:60-09:00",
	"24:00-08:00",
	"08:00-00:00",
	"08:00-08:00",
	"Mon 08:00 -",
	"08:00-18:00 Mon",
	"Mon 08:00-18:00 x",
	"Mon.Fri",
	"08:00-24:01",
	"Mon08:00-09:00",
};

static void test_parse(void **state)
{
	struct ms_when w;

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		assert_int_equal(ms_when_parse(good[i].text, &w), 0);
		assert_int_equal(w.days, good[i].days);
		assert_int_equal(w.from, good[i].from);
		assert_int_equal(w.to, good[i].to);
		assert_string_equal(w.text, good[i].text);
	}
}

static void test_refused(void **state)
{
	struct ms_when w = {.days = 0x55};
	char longest[200];

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		if (ms_when_parse(bad[i], &w) != -EINVAL)
			fail_msg("\"%s\" was taken", bad[i]);
		assert_int_equal(w.days, 0x55);
	}
	memset(longest, ' ', sizeof(longest));
	memcpy(longest + sizeof(longest) - 4, "Mon", 4);
	assert_int_equal(ms_when_parse(longest, &w), -EINVAL);
}

static void test_fits(void **state)
{
	struct ms_when w;

	assert_int_equal(ms_when_parse("Mon..Fri 08:00-18:00", &w), 0);
	assert_false(ms_when_fits(&w, AT(0, 7, 59)));
	assert_true(ms_when_fits(&w, AT(0, 8, 0)));
	assert_true(ms_when_fits(&w, AT(4, 17, 59) + 59));
	assert_false(ms_when_fits(&w, AT(4, 18, 0)));
	assert_false(ms_when_fits(&w, AT(5, 12, 0)));
	assert_false(ms_when_fits(&w, AT(6, 12, 0)));
	assert_true(ms_when_fits(&w, AT(7, 12, 0)));
	assert_false(ms_when_fits(&w, -1));

	/* over midnight it belongs to the day on which it begins */
	assert_int_equal(ms_when_parse("Fri 22:00-06:00", &w), 0);
	assert_false(ms_when_fits(&w, AT(4, 5, 0)));
	assert_true(ms_when_fits(&w, AT(4, 22, 0)));
	assert_true(ms_when_fits(&w, AT(5, 5, 59)));
	assert_false(ms_when_fits(&w, AT(5, 6, 0)));
	assert_false(ms_when_fits(&w, AT(5, 22, 0)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
