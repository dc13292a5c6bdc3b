/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include "compress/compress.h"
#include "lib/buf.h"
#include "lib/file.h"
#include "lib/limits.h"
#include "tests/unit/lib/data.h"

extern char **environ;

static const enum ms_compression kinds[] = {MS_GZIP, MS_XZ, MS_ZSTD};

/* What reads as a program does: runs that repeat, at distances near and far. */
static uint8_t *sample(size_t len)
{
	uint8_t *p = malloc(len + 1);
	uint32_t x = 1;

	assert_non_null(p);
	for (size_t i = 0; i < len; i++) {
		x = x * 1664525u + 1013904223u;
		p[i] = x >> 29 && i > 5000 ? p[i - 1 - (x >> 8) % 3000 / 7 * 11]
					   : (uint8_t)(x >> 20);
	}
	return p;
}

static void round_trip(enum ms_compression kind, const uint8_t *in, size_t len)
{
	_cleanup_inflater_ struct ms_inflater inf = {0};
	_cleanup_deflater_ struct ms_deflater def = {0};

	/* Twice: the second time all is reused. */
	for (int i = 0; i < 2; i++) {
		size_t used = 0;

		assert_int_equal(ms_deflate(&def, kind, in, len), 0);
		assert_int_equal(ms_compression_detect(def.out, def.len), kind);
		assert_int_equal(ms_inflate(&inf, kind, def.out, def.len, &used), 0);
		assert_int_equal(used, def.len);
		assert_int_equal(inf.len, len);
		if (len)
			assert_memory_equal(inf.out, in, len);
	}
}

static void test_round_trip(void **state)
{
	static const size_t sizes[] = {0, 1, 100, 131072, 131073, 1u << 20, 5000000};
	uint8_t *p = sample(5000000);

	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++)
		for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
			round_trip(kinds[k], p, sizes[i]);
	free(p);
}

static void test_noise_has_room(void **state)
{
	const size_t len = 3000001;
	uint8_t *p = malloc(len);
	uint32_t x = 7;

	assert_non_null(p);
	for (size_t i = 0; i < len; i++) {
		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		p[i] = (uint8_t)(x >> 11);
	}
	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++)
		round_trip(kinds[k], p, len);
	free(p);
}

/* What the kernel's own decoders look at. */
static void test_headers(void **state)
{
	static const uint8_t gzip_n[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3};
	static const uint8_t xz_crc32[] = {0xfd, '7', 'z', 'X', 'Z', 0, 0, 1};
	_cleanup_deflater_ struct ms_deflater def = {0};

	assert_int_equal(ms_deflate(&def, MS_GZIP, (const uint8_t *)"x", 1), 0);
	assert_memory_equal(def.out, gzip_n, sizeof(gzip_n));
	assert_int_equal(ms_deflate(&def, MS_XZ, (const uint8_t *)"x", 1), 0);
	assert_memory_equal(def.out, xz_crc32, sizeof(xz_crc32));
	/* LZMA2 alone, and the byte that says 1 MiB. */
	assert_memory_equal(def.out + 12, "\x02\x00\x21\x01\x10", 5);
	/* A content checksum, and the size in the header: one segment or a window. */
	assert_int_equal(ms_deflate(&def, MS_ZSTD, (const uint8_t *)"x", 1), 0);
	assert_int_equal(def.out[4] & 0x04, 0x04);
	assert_int_equal(def.out[4] & 0xe0, 0x20);
}

static void test_refusals(void **state)
{
	_cleanup_deflater_ struct ms_deflater def = {0};
	const uint8_t x = 0;

	assert_int_equal(ms_deflate(&def, MS_PLAIN, &x, 1), -ENOPKG);
	assert_int_equal(ms_deflate(&def, (enum ms_compression)9, &x, 1), -ENOPKG);
	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++)
		assert_int_equal(
			ms_deflate(&def, kinds[k], &x, (size_t)MS_MODULE_MAX + 1),
			-EFBIG);
	assert_null(def.out);
}

static bool have(const char *tool)
{
	char path[64];

	snprintf(path, sizeof(path), "/usr/bin/%s", tool);
	return !access(path, X_OK);
}

/* The file as another program compresses it, on its standard output. */
static void by_tool(const char *const argv[], struct ms_file *ret)
{
	char name[] = "/tmp/test_compress.XXXXXX";
	posix_spawn_file_actions_t act;
	struct ms_error err = {0};
	int fd = mkstemp(name), status = -1;
	pid_t pid;

	assert_true(fd >= 0);
	posix_spawn_file_actions_init(&act);
	posix_spawn_file_actions_adddup2(&act, fd, 1);
	assert_int_equal(posix_spawnp(&pid, argv[0], &act, NULL,
				      (char *const *)(uintptr_t)argv, environ),
			 0);
	posix_spawn_file_actions_destroy(&act);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(ms_file_read_fd(fd, MS_MODULE_MAX, 0, ret, &err), 0);
	close(fd);
	unlink(name);
}

static void same_as_tool(enum ms_compression kind, bool sizes, const uint8_t *in,
			 size_t len)
{
	_cleanup_deflater_ struct ms_deflater def = {.xz_sizes = sizes};
	_cleanup_file_ struct ms_file theirs = {0};
	char name[] = "/tmp/test_compress.XXXXXX";
	const char *xz[] = {"xz",
			    sizes ? "-T2" : "-T1",
			    "--check=crc32",
			    "--lzma2=dict=1MiB",
			    "-c",
			    name,
			    NULL};
	const char *zstd[] = {"zstd", "-T0", "-q", "-c", name, NULL};
	int fd = mkstemp(name);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, in, len), (ssize_t)len);
	close(fd);
	by_tool(kind == MS_XZ ? xz : zstd, &theirs);
	unlink(name);
	assert_int_equal(ms_deflate(&def, kind, in, len), 0);
	assert_int_equal(def.len, theirs.len);
	assert_memory_equal(def.out, theirs.data, def.len);
	assert_int_equal(kind == MS_XZ && ms_xz_has_sizes(def.out, def.len), sizes);
}

static void test_same_as_tools(void **state)
{
	static const size_t sizes[] = {1,      131072,	131073, 524288,
				       524289, 2500000, 9000000};
	_cleanup_buf_ struct ms_buf module = MS_BUF_INIT(DATA_MAX);
	uint8_t *p = sample(9000000);

	data_read("module/ms_test.ko", &module);
	for (enum ms_compression k = MS_XZ; k <= MS_ZSTD; k++) {
		if (!have(ms_compression_name(k))) {
			print_message("SKIP: no %s\n", ms_compression_name(k));
			continue;
		}
		same_as_tool(k, false, module.data, module.len);
		for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
			for (int b = 0; b <= (k == MS_XZ); b++)
				same_as_tool(k, b, p, sizes[i]);
	}
	free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_noise_has_room),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_same_as_tools),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
