/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <sys/stat.h>
#include "signer/client/batch_compress.h"

/* A folder of its own for each test. */
struct place {
	char dir[32];
	size_t failures;
	struct ms_error last;
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
	memcpy(p->dir, "/tmp/ms-comp.XXXXXX", sizeof("/tmp/ms-comp.XXXXXX"));
	assert_non_null(mkdtemp(p->dir));
	assert_int_equal(chdir(p->dir), 0);
	*state = p;
	return 0;
}

static int tear_down(void **state)
{
	static const char *const made[] = {"a.ko",    "b.ko",	 "a.ko.xz", "b.ko.xz",
					   "a.ko.gz", "c.ko.xz", "a.ko.zst"};
	struct place *p = *state;

	for (size_t i = 0; i < ARRAY_SIZE(made); i++)
		if (unlink(made[i]))
			rmdir(made[i]);
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(rmdir(p->dir), 0);
	free(p);
	return 0;
}

static void put(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY | O_CREAT, 0640);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

/* What the file says when it is decompressed. */
static void holds(const char *name, enum ms_compression kind, const char *text)
{
	_cleanup_inflater_ struct ms_inflater inf = {0};
	uint8_t data[4096];
	int fd = open(name, O_RDONLY);
	ssize_t n = read(fd, data, sizeof(data));
	size_t used;

	close(fd);
	assert_true(n > 0);
	assert_int_equal(ms_compression_detect(data, (size_t)n), kind);
	assert_int_equal(ms_inflate(&inf, kind, data, (size_t)n, &used), 0);
	assert_int_equal(inf.len, strlen(text));
	assert_memory_equal(inf.out, text, inf.len);
}

static void each_format(void **state)
{
	char a[] = "a.ko", *path[] = {a};
	struct place *p = *state;
	char packed[16];
	struct stat st;

	for (enum ms_compression c = MS_GZIP; c <= MS_ZSTD; c++) {
		put("a.ko", "module");
		assert_int_equal(ms_batch_compress(path, 1, c, 2, failed, p), 0);
		assert_int_equal(p->failures, 0);
		assert_int_equal(access("a.ko", F_OK), -1);
		snprintf(packed, sizeof(packed), "a.ko%s", ms_compression_suffix(c));
		holds(packed, c, "module");
		assert_int_equal(stat(packed, &st), 0);
		assert_int_equal(st.st_mode & 0777, 0640);
	}
	assert_string_equal(ms_compression_suffix(MS_PLAIN), "");
}

static void failures(void **state)
{
	char a[] = "a.ko", b[] = "b.ko", c[] = "c.ko.xz", gone[] = "gone.ko";
	char *path[] = {a, b, c, gone};
	struct place *p = *state;

	put("a.ko", "module");
	put("b.ko", "other");
	put("c.ko.xz", "left alone");
	assert_int_equal(mkdir("a.ko.xz", 0700), 0);
	assert_int_equal(ms_batch_compress(path, 3, MS_XZ, 1, failed, p), 0);
	assert_int_equal(p->failures, 1);
	assert_non_null(strstr(p->last.msg, "a.ko: compressed: is a directory"));
	assert_int_equal(access("a.ko", F_OK), 0);
	holds("b.ko.xz", MS_XZ, "other");
	assert_int_equal(ms_batch_compress(&path[3], 1, MS_XZ, 1, failed, p), 0);
	assert_int_equal(p->failures, 2);
	assert_non_null(strstr(p->last.msg, "gone.ko: no such file"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_format, set_up, tear_down),
		cmocka_unit_test_setup_teardown(failures, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
