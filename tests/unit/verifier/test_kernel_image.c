/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <lz4.h>
#include <lzma.h>
#include <lzo/lzo1x.h>
#include <zlib.h>
#include <zstd.h>
#include "tests/unit/verifier/fixture.h"
#include "verifier/kernel_image.h"

#define SIZE 30000u

static uint8_t kernel[SIZE];

static int make_kernel(void **state)
{
	for (size_t i = 0; i < SIZE; i++)
		kernel[i] = (uint8_t)(i * i >> 11);
	memcpy(kernel, "\177ELF", 4);
	return lzo_init() != LZO_E_OK;
}

static void put_le32(struct ms_buf *b, size_t v)
{
	for (int i = 0; i < 4; i++)
		ms_buf_put_u8(b, (uint8_t)(v >> 8 * i));
}

static void set_le32(struct ms_buf *b, size_t at, size_t v)
{
	for (int i = 0; i < 4; i++)
		b->data[at + (size_t)i] = (uint8_t)(v >> 8 * i);
}

static void fill(struct ms_buf *b, size_t len)
{
	while (b->len < len)
		ms_buf_put_u8(b, 0);
}

/* Compressed payloads, each with the size behind it, as the kernel's build makes them. */
static void pack_zstd(struct ms_buf *b)
{
	uint8_t out[2 * SIZE];
	size_t n = ZSTD_compress(out, sizeof(out), kernel, SIZE, 3);

	ms_buf_put(b, out, n);
	put_le32(b, SIZE);
}

static void pack_xz(struct ms_buf *b)
{
	uint8_t out[2 * SIZE];
	size_t n = 0;

	assert_int_equal(lzma_easy_buffer_encode(0, LZMA_CHECK_CRC32, NULL, kernel, SIZE,
						 out, &n, sizeof(out)),
			 LZMA_OK);
	ms_buf_put(b, out, n);
	put_le32(b, SIZE);
}

static void pack_gzip(struct ms_buf *b)
{
	uint8_t out[2 * SIZE];
	z_stream z = {.next_in = kernel,
		      .avail_in = SIZE,
		      .next_out = out,
		      .avail_out = sizeof(out)};

	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY),
			 Z_OK);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	ms_buf_put(b, out, z.total_out);
	deflateEnd(&z);
}

static void pack_lz4(struct ms_buf *b)
{
	char out[2 * SIZE];
	int n;

	ms_buf_put(b, "\x02\x21\x4c\x18", 4);
	/* Two blocks. */
	for (size_t at = 0; at < SIZE; at += SIZE / 2) {
		n = LZ4_compress_default((char *)kernel + at, out, SIZE / 2, sizeof(out));
		assert_true(n > 0);
		put_le32(b, (size_t)n);
		ms_buf_put(b, out, (size_t)n);
	}
	put_le32(b, SIZE);
}

static void pack_lzo(struct ms_buf *b)
{
	static uint8_t work[LZO1X_1_MEM_COMPRESS], out[2 * SIZE];
	lzo_uint n;

	ms_buf_put(b, "\x89LZO\0\r\n\x1a\n", 9);
	ms_buf_put(b, "\x10\x30\x20\xa0\x09\x40\x03\x09",
		   8);					   /* versions, method, level */
	ms_buf_put_u32(b, 0x03000001);			   /* flags */
	ms_buf_put(b, "\0\0\x81\xa4\0\0\0\0\0\0\0\0", 12); /* mode, time */
	ms_buf_put(b, "\x07vmlinux\x12\x34\x56\x78", 12);  /* name, checksum */
	for (size_t at = 0; at < SIZE; at += SIZE / 2) {
		lzo1x_1_compress(kernel + at, SIZE / 2, out, &n, work);
		ms_buf_put_u32(b, SIZE / 2);
		ms_buf_put_u32(b, (uint32_t)n);
		ms_buf_put_u32(b, 0); /* checksum, which nobody reads */
		ms_buf_put(b, out, n);
	}
	ms_buf_put_u32(b, 0);
	put_le32(b, SIZE);
}

static void pack_none(struct ms_buf *b)
{
	ms_buf_put(b, kernel, SIZE);
}

static void (*const packers[])(struct ms_buf *b) = {pack_zstd, pack_xz,	 pack_gzip,
						    pack_lz4,  pack_lzo, pack_none};

static void bzimage(struct ms_buf *out, void (*pack)(struct ms_buf *b))
{
	size_t start;

	fill(out, 1024);
	out->data[0x1f1] = 3;
	memcpy(out->data + 0x202, "HdrS\x0f\x02", 6);
	fill(out, 4 * 512 + 64);
	start = out->len;
	pack(out);
	set_le32(out, 0x248, 64);
	set_le32(out, 0x24c, out->len - start);
	fill(out, out->len + 300);
}

static void zboot(struct ms_buf *out, void (*pack)(struct ms_buf *b))
{
	size_t start;

	ms_buf_put(out, "MZ\0\0zimg", 8);
	fill(out, 512);
	start = out->len;
	pack(out);
	set_le32(out, 8, start);
	set_le32(out, 12, out->len - start);
	fill(out, out->len + 300);
}

/* A unified kernel image: PE with two sections, .osrel and .linux. */
static void unified(struct ms_buf *out, void (*pack)(struct ms_buf *b))
{
	_cleanup_buf_ struct ms_buf inner = MS_BUF_INIT(FIXTURE_MAX);

	bzimage(&inner, pack);
	ms_buf_put(out, "MZ", 2);
	fill(out, 512);
	set_le32(out, 0x3c, 128);
	memcpy(out->data + 128, "PE\0\0\x64\x86\2\0", 8);
	out->data[128 + 20] = 16; /* optional header */
	memcpy(out->data + 128 + 24 + 16, ".osrel", 6);
	memcpy(out->data + 128 + 24 + 16 + 40, ".linux", 6);
	set_le32(out, 128 + 24 + 16 + 40 + 8, inner.len);
	set_le32(out, 128 + 24 + 16 + 40 + 16, inner.len + 100);
	set_le32(out, 128 + 24 + 16 + 40 + 20, 512);
	ms_buf_put(out, inner.data, inner.len);
	fill(out, out->len + 300);
}

static void (*const images[])(struct ms_buf *out,
			      void (*pack)(struct ms_buf *b)) = {bzimage, zboot, unified};

static void test_all_kinds(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(images); i++) {
		for (size_t k = 0; k < ARRAY_SIZE(packers); k++) {
			_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(FIXTURE_MAX);
			_cleanup_free_ uint8_t *out = NULL;
			size_t len = 0;

			images[i](&b, packers[k]);
			assert_int_equal(ms_buf_error(&b), 0);
			assert_int_equal(ms_kernel_unpack(b.data, b.len, &out, &len), 0);
			assert_int_equal(len, SIZE);
			assert_memory_equal(out, kernel, SIZE);
		}
	}
}

static void test_vmlinux(void **state)
{
	_cleanup_free_ uint8_t *out = NULL;
	size_t len;

	assert_int_equal(ms_kernel_unpack(kernel, SIZE, &out, &len), 0);
	assert_memory_equal(out, kernel, SIZE);
}

/* Cut anywhere: an error or, for what is not compressed, less; never out of bounds. */
static void test_cut(void **state)
{
	for (size_t k = 0; k < ARRAY_SIZE(packers); k++) {
		_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(FIXTURE_MAX);

		bzimage(&b, packers[k]);
		for (size_t n = 1; n < b.len - 300; n += n < 3000 ? 1 : 499) {
			_cleanup_free_ uint8_t *out = NULL;
			uint8_t *copy = malloc(n);
			size_t len;

			assert_non_null(copy);
			memcpy(copy, b.data, n);
			if (n > 0x206)
				assert_int_equal(ms_kernel_unpack(copy, n, &out, &len),
						 -EBADMSG);
			else
				assert_int_equal(ms_kernel_unpack(copy, n, &out, &len),
						 0);
			free(copy);
		}
	}
}

static void test_damage(void **state)
{
	for (size_t k = 0; k < ARRAY_SIZE(packers); k++) {
		_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(FIXTURE_MAX);

		bzimage(&b, packers[k]);
		for (size_t i = 0; i < b.len; i += i < 0x260 ? 1 : 331) {
			_cleanup_free_ uint8_t *out = NULL;
			size_t len;
			int rc;

			b.data[i] ^= 0xff;
			rc = ms_kernel_unpack(b.data, b.len, &out, &len);
			assert_true(rc == 0 || rc == -EBADMSG || rc == -EFBIG ||
				    rc == -ENOPKG);
			b.data[i] ^= 0xff;
		}
	}
}

static void test_huge(void **state)
{
	_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(FIXTURE_MAX);
	uint8_t *out;
	size_t len;

	zboot(&b, pack_zstd);
	memset(b.data + b.len - 304, 0xff, 4);
	assert_int_equal(ms_kernel_unpack(b.data, b.len, &out, &len), -EFBIG);
}

static void test_empty(void **state)
{
	uint8_t *out;
	size_t len;

	assert_int_equal(ms_kernel_unpack((const uint8_t *)"", 0, &out, &len), -EBADMSG);
}

static void test_release(void **state)
{
	static const char text[] =
		"Linux version %s (%s)\0Linux version 6.1.0-56-amd64 (x)";
	char release[64] = "kept", small[5];

	assert_int_equal(ms_kernel_release((const uint8_t *)text, 20, release, 64),
			 -ENODATA);
	assert_string_equal(release, "kept");
	assert_int_equal(
		ms_kernel_release((const uint8_t *)text, sizeof(text), release, 64), 0);
	assert_string_equal(release, "6.1.0-56-amd64");
	assert_int_equal(ms_kernel_release((const uint8_t *)text, sizeof(text), small, 5),
			 -ENODATA);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_kinds), cmocka_unit_test(test_vmlinux),
		cmocka_unit_test(test_cut),	  cmocka_unit_test(test_damage),
		cmocka_unit_test(test_huge),	  cmocka_unit_test(test_empty),
		cmocka_unit_test(test_release),
	};

	return cmocka_run_group_tests(tests, make_kernel, NULL);
}
