/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <sys/stat.h>
#include "tests/unit/verifier/fixture.h"
#include "verifier/root_path.h"

static char top[] = "/tmp/ms-root.XXXXXX";

static const char *const dirs[] = {"usr", "usr/lib", "opt"};
static const char *const links[][2] = {
	{"lib", "/usr/lib"}, {"opt/up", "../../../../../../usr"},
	{"loop", "loop"},    {"opt/etc", "/etc/passwd"},
	{"a", "b"},	     {"b", "/a/x"},
};

static char *in_top(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", top, name);
	return path;
}

static int make(void **state)
{
	if (!mkdtemp(top))
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		if (mkdir(in_top(dirs[i]), 0755))
			return -1;
	for (size_t i = 0; i < ARRAY_SIZE(links); i++)
		if (symlink(links[i][1], in_top(links[i][0])))
			return -1;
	return 0;
}

static int drop(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(links); i++)
		unlink(in_top(links[i][0]));
	for (size_t i = ARRAY_SIZE(dirs); i > 0; i--)
		rmdir(in_top(dirs[i - 1]));
	return rmdir(top);
}

static void leads(const char *root, const char *path, const char *want)
{
	char got[4096];

	assert_int_equal(ms_root_path(root, path, got, sizeof(got)), 0);
	assert_string_equal(got, want);
}

static void test_inside(void **state)
{
	char slash[64], want[300];

	snprintf(want, sizeof(want), "%s", in_top("usr/lib"));
	leads(top, "lib", want);
	leads(top, "//lib/.", want);
	leads(top, "/lib/../lib/", want);
	leads(top, "opt/up/lib", want);
	leads(top, "../../../usr/lib", want);
	snprintf(slash, sizeof(slash), "%s//", top);
	leads(slash, "/lib", want);
	leads(top, "", top);
	leads("", "/", "/");
	leads("", want, want);
}

static void test_refused(void **state)
{
	static const struct {
		const char *path;
		int rc;
	} bad[] = {{"opt/etc", -ENOENT},
		   {"loop", -ELOOP},
		   {"a", -ELOOP},
		   {"nowhere", -ENOENT},
		   {"usr/no/..", -ENOENT}};
	char got[4096] = "as it was", small[8] = "small", *big;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(ms_root_path(top, bad[i].path, got, sizeof(got)),
				 bad[i].rc);
	assert_int_equal(ms_root_path(top, "usr", small, sizeof(small)), -ENAMETOOLONG);
	assert_string_equal(small, "small");
	big = calloc(1, 5001);
	assert_non_null(big);
	memset(big, 'x', 5000);
	assert_int_equal(ms_root_path(top, big, got, sizeof(got)), -ENAMETOOLONG);
	assert_int_equal(ms_root_path(big, "usr", got, sizeof(got)), -ENAMETOOLONG);
	assert_string_equal(got, "as it was");
	free(big);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_inside),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, make, drop);
}
