/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data.h"
#include "lib/escape.h"

static void check(const char *src, size_t len, const char *want)
{
	char out[256];

	assert_ptr_equal(ms_escape(src, len, out, sizeof(out)), out);
	assert_string_equal(out, want);
}

static void test_plain(void **state)
{
	char out[32];

	check("", 0, "");
	check("Debian Secure Boot CA", 21, "Debian Secure Boot CA");
	check("K\xc3\xb6ln \xe2\x82\xac \xf0\x9f\x90\xa7", 14,
	      "K\xc3\xb6ln \xe2\x82\xac \xf0\x9f\x90\xa7");
	check("~ !\"'<&>", 8, "~ !\"'<&>");
	assert_string_equal(ms_escape_str("a\tb", out, sizeof(out)), "a\\x09b");
}

static void test_hostile(void **state)
{
	static const struct {
		const char *src, *want;
	} cases[] = {
		{ "a\nb", "a\\x0ab" },
		{ "\x1b[31mred", "\\x1b[31mred" },
		{ "\x7f", "\\x7f" },
		{ "\xc2\x80", "\\xc2\\x80" },	       /* C1 */
		{ "\xc2\x9b", "\\xc2\\x9b" },	       /* CSI as one character */
		{ "\xc2\xa0", "\xc2\xa0" },	       /* no-break space shows */
		{ "\xe2\x80\xae", "\\xe2\\x80\\xae" }, /* right-to-left override */
		{ "\xe2\x80\x8f", "\\xe2\\x80\\x8f" }, /* right-to-left mark */
		{ "\xd8\x9c", "\\xd8\\x9c" },	       /* Arabic letter mark */
		{ "\xe2\x81\xa6", "\\xe2\\x81\\xa6" }, /* left-to-right isolate */
		{ "\xe2\x80\xa8", "\\xe2\\x80\\xa8" }, /* line separator */
		{ "\xe2\x80\x8b", "\\xe2\\x80\\x8b" }, /* zero width space */
		{ "\xef\xbb\xbf", "\\xef\\xbb\\xbf" }, /* byte order mark */
		{ "\xf3\xa0\x80\xa1", "\\xf3\\xa0\\x80\\xa1" }, /* tag */
		{ "\\x0a", "\\\\x0a" },				/* cannot be forged */
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check(cases[i].src, strlen(cases[i].src), cases[i].want);
	check("a\0b", 3, "a\\x00b");
}

static void test_not_utf8(void **state)
{
	static const struct {
		const char *src, *want;
	} cases[] = {
		{ "\xff", "\\xff" },
		{ "\x80", "\\x80" },
		{ "\xc3", "\\xc3" },
		{ "\xc3(", "\\xc3(" },
		{ "\xc0\xaf", "\\xc0\\xaf" },			/* overlong */
		{ "\xe0\x80\xaf", "\\xe0\\x80\\xaf" },		/* overlong */
		{ "\xc1\xbf", "\\xc1\\xbf" },			/* overlong */
		{ "\xed\xa0\x80", "\\xed\\xa0\\x80" },		/* surrogate */
		{ "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80" }, /* beyond Unicode */
		{ "\xf8\x88\x80\x80", "\\xf8\\x88\\x80\\x80" },
		{ "\xe2\x82", "\\xe2\\x82" }, /* ends in the middle */
		{ "\xe2\x82z", "\\xe2\\x82z" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check(cases[i].src, strlen(cases[i].src), cases[i].want);
}

/* Whatever the room: a NUL inside, nothing beyond, dots where something is missing. */
static void test_cuts(void **state)
{
	static const char src[] = "ab\n\xe2\x82\xac\\\xff"
				  "cd";
	static const char full[] = "ab\\x0a\xe2\x82\xac\\\\\\xffcd";

	for (size_t size = 1; size <= sizeof(full) + 2; size++) {
		char out[sizeof(full) + 8];
		size_t n;

		memset(out, 0xa5, sizeof(out));
		ms_escape(src, strlen(src), out, size);
		n = strnlen(out, size);
		assert_true(n < size);
		for (size_t i = size; i < sizeof(out); i++)
			assert_int_equal((uint8_t)out[i], 0xa5);
		if (size >= sizeof(full)) {
			assert_string_equal(out, full);
			continue;
		}
		if (size >= 4)
			assert_string_equal(out + n - 3, "...");
		else
			assert_memory_equal(out, "...", n);
		assert_memory_equal(out, full, n < 3 ? 0 : n - 3);
	}
}

static void test_cut_between_escapes(void **state)
{
	char out[16];

	ms_escape("\n\n\n\n", 4, out, 12); /* 8 characters and dots, not half an escape */
	assert_string_equal(out, "\\x0a\\x0a...");
	ms_escape("\n\n\n\n", 4, out, 11);
	assert_string_equal(out, "\\x0a...");
	ms_escape("\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac", 9, out, 9);
	assert_string_equal(out, "\xe2\x82\xac...");
	memset(out, 'x', sizeof(out));
	ms_escape("abc", 3, out, 0);
	assert_int_equal(out[0], 'x');
}

static const char *shell(const char *word)
{
	static char out[256];

	return ms_escape_shell(word, out, 4 * strlen(word) + 4);
}

static void test_shell(void **state)
{
	char out[32];

	assert_string_equal(shell("/lib/modules/6.1-x+1/.modseal-batch"),
			    "/lib/modules/6.1-x+1/.modseal-batch");
	assert_string_equal(shell(""), "''");
	assert_string_equal(shell("a dir"), "'a dir'");
	assert_string_equal(shell("it's"), "'it'\\''s'");
	assert_string_equal(shell("''"), "''\\'''\\'''");
	assert_string_equal(shell("$(x)`y`\\"), "'$(x)`y`\\'");
	assert_string_equal(shell("n\303\244me"), "'n\303\244me'");
	assert_string_equal(shell("a\n'\033\\"), "$'a\\012\\047\\033\\134'");
	assert_string_equal(shell("\377\377"), "$'\\377\\377'");
	assert_string_equal(ms_escape_shell("abcd", out, 19), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_not_utf8),
		cmocka_unit_test(test_cuts),
		cmocka_unit_test(test_cut_between_escapes),
		cmocka_unit_test(test_shell),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
