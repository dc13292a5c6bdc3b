/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define HEX64 "00112233445566778899aabbccddeeff00112233445566778899aabbccddee0f"

static const char one[] = "[agent]\nthreads = 3\n[rule a]\nwho = uid:1\nkey = k\n";
static const char two[] = "[rule b]\nwho = uid:2\nkey = k";

static struct ms_error err;

static void make(struct ms_config *c)
{
	assert_int_equal(ms_config_init(c), 0);
	assert_int_equal(
		ms_config_bundle_add(c, false, "/etc/a b.conf", one, strlen(one)), 0);
	assert_int_equal(ms_config_bundle_add(c, false, "x", two, strlen(two)), 0);
	assert_int_equal(ms_config_bundle_add(c, true, "d", HEX64, 64), 0);
}

static void test_there_and_back(void **state)
{
	_cleanup_config_ struct ms_config c = {}, again = {};

	make(&c);
	assert_int_equal(ms_config_unbundle((const char *)c.bundle.data, c.bundle.len,
					    &again, &err),
			 0);
	assert_int_equal(again.threads, 3);
	assert_int_equal(again.n_rules, 2);
	assert_string_equal(again.rules[0].file, "/etc/a b.conf");
	assert_int_equal(again.rules[1].line, 1);
	assert_int_equal(again.denied.n, 1);
}

static void test_cut(void **state)
{
	_cleanup_config_ struct ms_config c = {}, again = {};
	size_t whole = 0;

	make(&c);
	for (size_t len = 0; len < c.bundle.len; len++) {
		if (ms_config_unbundle((const char *)c.bundle.data, len, &again, &err))
			continue;
		/* only where a file ends */
		whole++;
		ms_config_clear(&again);
	}
	assert_int_equal(whole, 3);
	assert_int_equal(
		ms_config_unbundle("c 99999999999999999999 x\n", 25, &again, &err),
		-EBADMSG);
	assert_int_equal(ms_config_unbundle("c -1 x\n", 7, &again, &err), -EBADMSG);
	assert_int_equal(ms_config_unbundle("\n", 1, &again, &err), -EBADMSG);
}

static void test_reloadable(void **state)
{
	_cleanup_config_ struct ms_config a = {}, b = {};

	assert_int_equal(ms_config_init(&a), 0);
	assert_int_equal(ms_config_init(&b), 0);
	b.max_module = 1;
	assert_int_equal(ms_config_reloadable(&a, &b, &err), 0);
	b.threads = 7;
	assert_int_equal(ms_config_reloadable(&a, &b, &err), -EINVAL);
	assert_string_equal(err.code, "restart-needed");
	assert_non_null(strstr(err.msg, "threads"));
	b.threads = a.threads;
	b.tcti[0]++;
	assert_int_equal(ms_config_reloadable(&a, &b, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "tcti"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_reloadable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
