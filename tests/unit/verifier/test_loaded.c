/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/verifier/fixture.h"
#include "verifier/loaded.h"

static struct ms_loaded_module modules[] = {
	{.name = (char[]){"alpha"}, .build_id = "aa", .in_sys = true, .in_proc = true},
	{.name = (char[]){"beta_two"}, .build_id = "bb", .in_sys = true, .in_proc = true},
	{.name = (char[]){"gamma"}, .build_id = "", .in_sys = true, .in_proc = true},
};
static const struct ms_loaded list = {.v = modules, .n = 3, .has_proc = true};

static void add(struct ms_results *r, const char *path, const char *name, const char *id)
{
	struct ms_result *m = &r->v[r->n++];

	m->path = strdup(path);
	m->name = strdup(name);
	m->build_id = strdup(id);
	m->policy.verdict = MS_POLICY_TRUSTED;
	m->policy.checked = true;
}

static void test_find(void **state)
{
	static const struct ms_loaded none;

	assert_ptr_equal(ms_loaded_find(&list, "beta_two"), &modules[1]);
	assert_null(ms_loaded_find(&list, "beta"));
	assert_null(ms_loaded_find(&none, "alpha"));
}

static void test_keep(void **state)
{
	static const char *const paths[] = {"/m/a/alpha.ko.xz", "/m/beta-two.ko",
					    "/m/beta.ko", "/m/alpha.kox",
					    "/m/delta.ko.gz"};
	struct ms_filelist files = {.v = calloc(6, sizeof(struct ms_entry)), .n = 6};

	assert_non_null(files.v);
	for (size_t i = 0; i < 5; i++)
		files.v[i].path = strdup(paths[i]);
	files.v[5] = (struct ms_entry){.path = strdup("/m/locked"), .error = -EACCES};
	ms_loaded_keep(&list, &files);
	assert_int_equal(files.n, 4);
	assert_string_equal(files.v[0].path, paths[0]);
	assert_string_equal(files.v[1].path, paths[1]);
	assert_string_equal(files.v[2].path, paths[3]);
	assert_int_equal(files.v[3].error, -EACCES);
	ms_filelist_clear(&files);
}

static void test_join(void **state)
{
	struct ms_results files = {.v = calloc(4, sizeof(struct ms_result))};
	_cleanup_results_ struct ms_results out = {0};

	assert_non_null(files.v);
	add(&files, "/m/extra/alpha.ko", "alpha", "00");
	add(&files, "/m/kernel/alpha.ko", "alpha", "aa");
	add(&files, "/m/kernel/beta-two.ko", "beta_two", "b0");
	add(&files, "/m/kernel/unused.ko", "unused", "cc");
	assert_int_equal(ms_loaded_join(&list, &files, &out), 0);
	assert_int_equal(files.n, 0);
	assert_int_equal(out.n, 3);
	assert_string_equal(out.v[0].path, "/m/kernel/alpha.ko");
	assert_int_equal(out.v[0].policy.verdict, MS_POLICY_TRUSTED);
	assert_true(fixture_has(&out.v[1], MS_FINDING_LOADED_OTHER));
	assert_true(fixture_has(&out.v[2], MS_FINDING_LOADED_NO_FILE));
	assert_int_equal(out.trusted, 1);
	assert_int_equal(out.findings, 2);
}

static void test_nothing_there(void **state)
{
	struct ms_loaded l = {.n = 77};

	assert_int_equal(ms_loaded_read("/no/such/root", &l), -ENOENT);
	assert_int_equal(l.n, 77);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_keep),
		cmocka_unit_test(test_join),
		cmocka_unit_test(test_nothing_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
