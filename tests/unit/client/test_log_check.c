/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/client/log_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static struct ms_log_check c;

static int setup(void **state)
{
	return ms_log_check_init(&c);
}

static int teardown(void **state)
{
	ms_log_check_clear(&c);
	return 0;
}

static void put(uint64_t seq, const char *text)
{
	struct ms_log_line l = {.seq = seq, .bytes = text, .len = strlen(text)};

	assert_int_equal(ms_log_check_entry(&c, &l), 0);
}

static void found(size_t i, const char *want)
{
	const char *text = json_string_value(json_array_get(c.findings, i));

	if (!text || !strstr(text, want))
		fail_msg("%s: not in: %s", want, text ? text : "(nothing)");
}

static void roots_at_marks(void **state)
{
	struct ms_merkle m = {0};
	uint8_t leaf[MS_MERKLE_HASH], root2[MS_MERKLE_HASH], root3[MS_MERKLE_HASH];
	static const char *const texts[] = {"a", "b", "c"};
	size_t two, three, nine, zero;

	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(ms_merkle_leaf(texts[i], 1, leaf), 0);
		assert_int_equal(ms_merkle_append(&m, leaf), 0);
		if (i == 1)
			assert_int_equal(ms_merkle_root(&m, root2), 0);
	}
	assert_int_equal(ms_merkle_root(&m, root3), 0);
	three = ms_log_check_mark(&c, 3);
	two = ms_log_check_mark(&c, 2);
	nine = ms_log_check_mark(&c, 9);
	zero = ms_log_check_mark(&c, 0);
	assert_true(c.mark[zero].have);
	for (size_t i = 0; i < 3; i++)
		put(i + 1, texts[i]);
	assert_int_equal(c.n, 0);
	assert_true(c.mark[two].have);
	assert_memory_equal(c.mark[two].root, root2, sizeof(root2));
	assert_memory_equal(c.mark[three].root, root3, sizeof(root3));
	assert_false(c.mark[nine].have);
}

static void out_of_order(void **state)
{
	size_t five = ms_log_check_mark(&c, 5);

	put(1, "a");
	put(3, "c");
	found(0, "entry 2 is missing");
	put(7, "g");
	found(1, "entries 4 to 6 are missing");
	put(5, "e");
	found(2, "entry 5 stands where entry 8 should be: reordered or inserted");
	put(8, "h");
	assert_int_equal(c.n, 3);
	ms_log_check_malformed(&c);
	found(3, "entry 9 cannot be read");
	assert_true(c.broken);
	assert_false(c.mark[five].have);
}

static void alarms(void **state)
{
	put(1, "{\"event\":\"log-alarm\",\"reason\":\"an older\\u001b[31m log\"}");
	assert_int_equal(c.n, 1);
	found(0, "entry 1 is an alarm of the agent: an older\\x1b[31m log");
	put(2, "{\"event\":\"sign\",\"file\":\"log-alarm\"}");
	put(3, "{\"event\":\"sign\",\"file\":\"\\\"log-alarm\\\"\"}");
	put(4, "\"log-alarm\"");
	put(5, "{\"log-alarm\"");
	assert_int_equal(c.n, 1);
}

static void many_findings(void **state)
{
	for (uint64_t i = 1; i <= 500; i++)
		put(2 * i, "x");
	assert_int_equal(c.n, 500);
	assert_int_equal(json_array_size(c.findings), MS_LOG_FINDINGS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(roots_at_marks, setup, teardown),
		cmocka_unit_test_setup_teardown(out_of_order, setup, teardown),
		cmocka_unit_test_setup_teardown(alarms, setup, teardown),
		cmocka_unit_test_setup_teardown(many_findings, setup, teardown),
	};

	return cmocka_run_group_tests_name("log_check", tests, NULL, NULL);
}
