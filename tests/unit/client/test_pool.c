/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>
#include "signer/client/pool.h"

static void failed(void *arg, const char *path, const struct ms_error *err)
{
	++*(size_t *)arg;
}

static struct ms_pool pool_of(char **path, size_t n, size_t *failures)
{
	static const struct ms_client_config config = {
		.agent = "unix:/nonexistent/agent.sock"};
	static const struct ms_sign_options sign = {.key = "k", .hash = "sha256"};

	return (struct ms_pool){.config = &config,
				.sign = &sign,
				.path = path,
				.n = n,
				.jobs = 1,
				.quiet = true,
				.failed = failed,
				.arg = failures};
}

static void test_nothing(void **state)
{
	size_t failures = 0;
	struct ms_pool p = pool_of(NULL, 0, &failures);

	assert_int_equal(ms_pool_run(&p), 0);
	assert_int_equal(p.signed_files + failures, 0);
	assert_false(p.stopped);
}

/* One sentence for the agent, none for the files that never had a chance. */
static void test_no_agent(void **state)
{
	static char name[] = "/nonexistent/x.ko";
	char *path[100];
	size_t failures = 0;
	struct ms_pool p = pool_of(path, ARRAY_SIZE(path), &failures);

	for (size_t i = 0; i < ARRAY_SIZE(path); i++)
		path[i] = name;
	assert_int_equal(ms_pool_run(&p), 0);
	assert_true(p.lost);
	assert_true(p.stopped);
	assert_string_equal(p.fatal.code, "no-agent");
	assert_int_equal(failures, 0);
	assert_int_equal(p.signed_files, 0);
	assert_int_equal(atomic_load(&p.done), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_no_agent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
