/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include "signer/client/tree.h"

/* A folder of its own for each test; what failed is kept as text. */
struct place {
	char dir[32];
	size_t failures;
	struct ms_error last;
	struct ms_tree tree;
};

static void failed(void *arg, const char *path, const struct ms_error *err)
{
	struct place *p = arg;

	p->failures++;
	p->last = *err;
}

static int set_up(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	memcpy(p->dir, "/tmp/ms-tree.XXXXXX", sizeof("/tmp/ms-tree.XXXXXX"));
	assert_non_null(mkdtemp(p->dir));
	assert_int_equal(chdir(p->dir), 0);
	p->tree = (struct ms_tree){.failed = failed, .arg = p};
	*state = p;
	return 0;
}

static int tear_down(void **state)
{
	static const char *const made[] = {
		"t/a.ko",    "t/b.ko",	     "t/d/c.ko",   "t/d/w.ko.xz",
		"t/d/x.c",   "t/d/y.ko.lz4", "t/z.ko.bz2", "t/.modseal-a.ko",
		"t/link.ko", "t/up",	     "t/fifo.ko",  "plain",
		"t/d/e",     "t/d",	     "t/dir.ko",   "t"};
	struct place *p = *state;

	ms_tree_clear(&p->tree);
	for (size_t i = 0; i < ARRAY_SIZE(made); i++) {
		if (unlink(made[i]) && errno == EISDIR)
			assert_int_equal(rmdir(made[i]), 0);
	}
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(rmdir(p->dir), 0);
	free(p);
	return 0;
}

static void touch(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);

	assert_true(fd >= 0);
	close(fd);
}

static void test_kind(void **state)
{
	assert_int_equal(ms_tree_kind("a.ko"), MS_TREE_MODULE);
	assert_int_equal(ms_tree_kind("a.ko.xz"), MS_TREE_MODULE);
	assert_int_equal(ms_tree_kind("a.ko.zst"), MS_TREE_MODULE);
	assert_int_equal(ms_tree_kind("a.ko.gz"), MS_TREE_MODULE);
	assert_int_equal(ms_tree_kind("a.ko.bz2"), MS_TREE_FOREIGN);
	assert_int_equal(ms_tree_kind("a.ko.lz4"), MS_TREE_FOREIGN);
	assert_int_equal(ms_tree_kind("a.ko.lzma"), MS_TREE_FOREIGN);
	assert_int_equal(ms_tree_kind(".ko"), MS_TREE_OTHER);
	assert_int_equal(ms_tree_kind(""), MS_TREE_OTHER);
	assert_int_equal(ms_tree_kind("a.ko.debug"), MS_TREE_OTHER);
	assert_int_equal(ms_tree_kind("a.o"), MS_TREE_OTHER);
	assert_int_equal(ms_tree_kind("a.KO"), MS_TREE_OTHER);
	assert_int_equal(ms_tree_kind(".modseal-x.ko"), MS_TREE_OTHER);
}

static void test_walk(void **state)
{
	struct place *p = *state;

	assert_int_equal(mkdir("t", 0700), 0);
	assert_int_equal(mkdir("t/d", 0700), 0);
	assert_int_equal(mkdir("t/dir.ko", 0700), 0);
	touch("t/b.ko");
	touch("t/a.ko");
	touch("t/d/c.ko");
	touch("t/d/w.ko.xz");
	touch("t/d/x.c");
	touch("t/.modseal-a.ko");
	assert_int_equal(symlink("a.ko", "t/link.ko"), 0);
	assert_int_equal(symlink("..", "t/up"), 0);
	assert_int_equal(mkfifo("t/fifo.ko", 0600), 0);
	assert_int_equal(ms_tree_add(&p->tree, "t/", true), 0);
	assert_int_equal(ms_tree_add(&p->tree, "t/a.ko", true), 0);
	ms_tree_sort(&p->tree);
	assert_int_equal(p->failures, 0);
	assert_int_equal(p->tree.n, 4);
	assert_string_equal(p->tree.path[0], "t/a.ko");
	assert_string_equal(p->tree.path[1], "t/b.ko");
	assert_string_equal(p->tree.path[2], "t/d/c.ko");
	assert_string_equal(p->tree.path[3], "t/d/w.ko.xz");
}

static void test_compressed_otherwise(void **state)
{
	struct place *p = *state;

	assert_int_equal(mkdir("t", 0700), 0);
	assert_int_equal(mkdir("t/d", 0700), 0);
	touch("t/z.ko.bz2");
	assert_int_equal(ms_tree_add(&p->tree, "t", true), 0);
	assert_int_equal(p->failures, 1);
	assert_non_null(strstr(p->last.msg, "t/z.ko.bz2: only .xz"));
	touch("t/d/y.ko.lz4");
	assert_int_equal(ms_tree_add(&p->tree, "t", true), 0);
	assert_int_equal(p->failures, 2); /* one sentence, however many there are */
	assert_non_null(strstr(p->last.msg, "2 modules are compressed"));
	assert_int_equal(ms_tree_add(&p->tree, "t/z.ko.bz2", false), 0);
	assert_int_equal(p->failures, 3);
	assert_int_equal(p->tree.n, 0);
}

static void refused(struct place *p, const char *path, bool recursive, const char *why)
{
	size_t before = p->failures;

	assert_int_equal(ms_tree_add(&p->tree, path, recursive), 0);
	assert_int_equal(p->failures, before + 1);
	if (!strstr(p->last.msg, why))
		fail_msg("\"%s\" does not say \"%s\"", p->last.msg, why);
	assert_int_equal(p->tree.n, 0);
}

static void test_refusals(void **state)
{
	struct place *p = *state;

	assert_int_equal(mkdir("t", 0700), 0);
	assert_int_equal(mkfifo("t/fifo.ko", 0600), 0);
	refused(p, "t", false, "use -r");
	refused(p, "t", true, "no module");
	refused(p, "t/fifo.ko", false, "not a regular file");
	refused(p, "/dev/null", true, "not a regular file");
	refused(p, "t/none", true, "No such file");
	refused(p, "", true, "No such file");
	refused(p, "t/\033[31m", true, "\\x1b[31m");
}

static void test_any_name(void **state)
{
	struct place *p = *state;

	touch("plain");
	assert_int_equal(ms_tree_add(&p->tree, "plain", false), 0);
	assert_int_equal(p->failures, 0);
	assert_int_equal(p->tree.n, 1);
}

/* t/a.ko, t/b.ko and t/d/c.ko are one file, plain is another one. */
static void make_links(struct place *p)
{
	assert_int_equal(mkdir("t", 0700), 0);
	assert_int_equal(mkdir("t/d", 0700), 0);
	touch("t/d/c.ko");
	touch("plain");
	assert_int_equal(link("t/d/c.ko", "t/b.ko"), 0);
	assert_int_equal(link("t/d/c.ko", "t/a.ko"), 0);
	assert_int_equal(symlink("a.ko", "t/link.ko"), 0);
	assert_int_equal(ms_tree_add(&p->tree, "t", true), 0);
	assert_int_equal(ms_tree_add(&p->tree, "t/link.ko", true), 0);
	assert_int_equal(ms_tree_add(&p->tree, "plain", true), 0);
	ms_tree_sort(&p->tree);
	assert_int_equal(p->tree.n, 5);
	assert_int_equal(ms_tree_fold(&p->tree), 0);
	assert_int_equal(p->tree.n, 2);
	assert_string_equal(p->tree.path[0], "plain");
	assert_string_equal(p->tree.path[1], "t/a.ko");
	assert_int_equal(p->tree.n_links, 3);
}

static ino_t inode(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	return st.st_ino;
}

static void replace(const char *path)
{
	touch("new");
	assert_int_equal(rename("new", path), 0);
}

static void test_links(void **state)
{
	struct place *p = *state;
	ino_t old;

	make_links(p);
	old = inode("t/a.ko");
	ms_tree_relink(&p->tree); /* nothing was replaced: nothing changes */
	assert_int_equal(inode("t/b.ko"), old);
	replace("t/a.ko");
	ms_tree_relink(&p->tree);
	assert_int_not_equal(inode("t/a.ko"), old);
	assert_int_equal(inode("t/b.ko"), inode("t/a.ko"));
	assert_int_equal(inode("t/d/c.ko"), inode("t/a.ko"));
	assert_int_not_equal(inode("t/link.ko"), inode("t/a.ko"));
	assert_int_equal(p->failures, 0);
}

/* A name that has become one of something else is somebody else's. */
static void test_links_that_changed(void **state)
{
	struct place *p = *state;
	ino_t other;

	make_links(p);
	replace("t/a.ko");
	replace("t/b.ko");
	other = inode("t/b.ko");
	assert_int_equal(unlink("t/d/c.ko"), 0);
	ms_tree_relink(&p->tree);
	assert_int_equal(inode("t/b.ko"), other);
	assert_int_equal(access("t/d/c.ko", F_OK), -1);
	assert_int_equal(p->failures, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kind),
		cmocka_unit_test_setup_teardown(test_walk, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_compressed_otherwise, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_refusals, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_any_name, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_links, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_links_that_changed, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
