/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <sys/stat.h>
#include "tests/unit/verifier/fixture.h"
#include "verifier/tree_findings.h"

static char dir[64];

static void put_dep(const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/modules.dep", dir);
	f = fopen(path, "we");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void add(struct ms_results *r, const char *path, const char *name,
		const char *vermagic)
{
	struct ms_result *m = &r->v[r->n++];

	assert_true(asprintf(&m->path, "%s/%s", dir, path) > 0);
	m->name = strdup(name);
	m->vermagic = strdup(vermagic);
	m->kernel.verdict = MS_KERNEL_LOADS;
	m->policy.verdict = MS_POLICY_TRUSTED;
	m->policy.checked = true;
}

static int setup(void **state)
{
	snprintf(dir, sizeof(dir), "/tmp/ms-tree.XXXXXX");
	return !mkdtemp(dir);
}

static int teardown(void **state)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/modules.dep", dir);
	unlink(path);
	return rmdir(dir);
}

#define THREE(r)                                           \
	_cleanup_results_ struct ms_results r = {0};       \
	r.v = calloc(3, sizeof(*r.v));                     \
	assert_non_null(r.v);                              \
	add(&r, "kernel/a.ko", "a", "6.1.0-1-amd64 SMP "); \
	add(&r, "kernel/b.ko", "b", "6.1.0-1-amd64");      \
	add(&r, "updates/a.ko", "a", "6.1.0-1-amd64 SMP ")

static void test_duplicates(void **state)
{
	THREE(r);
	assert_int_equal(ms_tree_find(&r, "", dir, "6.1.0-1-amd64"), 0);
	assert_int_equal(r.n, 3);
	assert_int_equal(r.trusted, 1);
	assert_int_equal(r.findings, 2);
	assert_true(fixture_has(&r.v[0], MS_FINDING_DUPLICATE_NAME));
	assert_true(fixture_has(&r.v[2], MS_FINDING_DUPLICATE_NAME));
	assert_int_equal(r.v[1].policy.n_findings, 0);
}

static void test_other_kernel(void **state)
{
	THREE(r);
	/* A prefix of a release is another release. */
	assert_int_equal(ms_tree_find(&r, "", dir, "6.1.0-1"), 0);
	assert_int_equal(r.findings, 3);
	assert_true(fixture_has(&r.v[1], MS_FINDING_OTHER_KERNEL));
	assert_int_equal(r.v[1].kernel.verdict, MS_KERNEL_REFUSED);
	assert_int_equal(r.v[1].kernel.error, -ENOEXEC);
}

static void test_dep(void **state)
{
	THREE(r);
	put_dep("/elsewhere/x.ko:\nkernel/a.ko: kernel/b.ko\nkernel/c.ko:\nno colon\n"
		"kernel/b.ko:");
	r.v[1].policy.verdict = MS_POLICY_UNCHECKED;
	assert_int_equal(ms_tree_find(&r, "", dir, "6.1.0-1-amd64"), 0);
	assert_int_equal(r.n, 5);
	/* Still sorted: elsewhere (missing), a, b, c (missing), updates/a. */
	assert_true(fixture_has(&r.v[0], MS_FINDING_MISSING_FILE));
	assert_string_equal(r.v[0].path, "/elsewhere/x.ko");
	assert_true(fixture_has(&r.v[3], MS_FINDING_MISSING_FILE));
	assert_non_null(strstr(r.v[3].path, "kernel/c.ko"));
	assert_true(fixture_has(&r.v[4], MS_FINDING_NOT_LISTED));
	assert_false(fixture_has(&r.v[1], MS_FINDING_NOT_LISTED));
	/* The last line has no end, and counts. What was unchecked stays so. */
	assert_false(fixture_has(&r.v[2], MS_FINDING_NOT_LISTED));
	assert_int_equal(r.v[2].policy.verdict, MS_POLICY_UNCHECKED);
	assert_int_equal(r.unchecked, 1);
}

static void test_nothing(void **state)
{
	_cleanup_results_ struct ms_results r = {0};

	put_dep("");
	assert_int_equal(ms_tree_find(&r, "", dir, "6.1"), 0);
	assert_int_equal(r.n, 0);
}

static void test_outside(void **state)
{
	_cleanup_filelist_ struct ms_filelist t = {0};
	char path[128];

	put_dep("kernel/a.ko:\n/lib/modules/6.1/kernel/b.ko:\n/no/such/x.ko: "
		"kernel/a.ko\n"
		"/etc/passwd:\n/lib/modules/6.1.0/y.ko");
	assert_int_equal(ms_tree_list_outside(&t, "", dir, "6.1"), 0);
	assert_int_equal(t.n, 2);
	assert_string_equal(t.v[0].path, "/no/such/x.ko");
	assert_int_equal(t.v[0].error, -ENOENT);
	assert_string_equal(t.v[1].path, "/etc/passwd");
	assert_string_equal(ms_entry_open_path(&t.v[1]), "/etc/passwd");
	assert_int_equal(t.v[1].error, 0);
	ms_filelist_clear(&t);
	assert_int_equal(ms_tree_list_outside(&t, "", "/no/such/folder", "6.1"), 0);
	assert_int_equal(t.n, 0);

	snprintf(path, sizeof(path), "%s/modules.dep", dir);
	unlink(path);
	assert_int_equal(mkdir(path, 0755), 0);
	assert_int_equal(ms_tree_list_outside(&t, "", dir, "6.1"), 0);
	assert_int_equal(t.n, 1);
	assert_string_equal(t.v[0].path, path);
	assert_int_equal(t.v[0].error, -EISDIR);
	rmdir(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_duplicates), cmocka_unit_test(test_other_kernel),
		cmocka_unit_test(test_dep),	   cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_outside),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
