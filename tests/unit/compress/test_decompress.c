/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>
#include "tests/unit/verifier/fixture.h"
#include "compress/decompress.h"

static void pack(enum ms_compression kind, const uint8_t *in, size_t len,
		 struct ms_buf *out)
{
	size_t cap = len + len / 2 + 65536, n = 0;
	uint8_t *p = malloc(cap);
	z_stream z = {0};

	assert_non_null(p);
	if (kind == MS_GZIP) {
		assert_int_equal(
			deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
		z.next_in = (Bytef *)(uintptr_t)in;
		z.avail_in = (uInt)len;
		z.next_out = p;
		z.avail_out = (uInt)cap;
		assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
		n = z.total_out;
		deflateEnd(&z);
	} else if (kind == MS_XZ) {
		assert_int_equal(lzma_easy_buffer_encode(0, LZMA_CHECK_CRC32, NULL, in,
							 len, p, &n, cap),
				 LZMA_OK);
	} else {
		n = ZSTD_compress(p, cap, in, len, 3);
		assert_false(ZSTD_isError(n));
	}
	ms_buf_put(out, p, n);
	assert_int_equal(ms_buf_error(out), 0);
	free(p);
}

static const enum ms_compression kinds[] = {MS_GZIP, MS_XZ, MS_ZSTD};

static void test_round_trip(void **state)
{
	_cleanup_inflater_ struct ms_inflater inf = {0};
	_cleanup_buf_ struct ms_buf module = MS_BUF_INIT(FIXTURE_MAX);

	fixture_module(&module);
	/* Twice, so that the second time everything is reused. */
	for (size_t i = 0; i < 2 * ARRAY_SIZE(kinds); i++) {
		_cleanup_buf_ struct ms_buf packed = MS_BUF_INIT(FIXTURE_MAX);
		enum ms_compression kind = kinds[i % ARRAY_SIZE(kinds)];
		size_t used = 0, whole;

		pack(kind, module.data, module.len, &packed);
		whole = packed.len;
		ms_buf_put(&packed, "tail", 4);
		assert_int_equal(ms_compression_detect(packed.data, packed.len), kind);
		assert_int_equal(ms_inflate(&inf, kind, packed.data, packed.len, &used),
				 0);
		assert_int_equal(used, whole);
		assert_int_equal(inf.len, module.len);
		assert_memory_equal(inf.out, module.data, module.len);
	}
}

static void test_cut_everywhere(void **state)
{
	_cleanup_inflater_ struct ms_inflater inf = {0};
	uint8_t data[300];

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 31);
	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
		_cleanup_buf_ struct ms_buf packed = MS_BUF_INIT(FIXTURE_MAX);
		size_t used = 4711;

		pack(kinds[k], data, sizeof(data), &packed);
		for (size_t len = 0; len < packed.len; len++)
			assert_int_equal(
				ms_inflate(&inf, kinds[k], packed.data, len, &used),
				-EBADMSG);
		assert_int_equal(used, 4711);
	}
}

static void test_every_byte_damaged(void **state)
{
	_cleanup_inflater_ struct ms_inflater inf = {0};
	uint8_t data[300];

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * i);
	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
		_cleanup_buf_ struct ms_buf packed = MS_BUF_INIT(FIXTURE_MAX);
		size_t used;

		pack(kinds[k], data, sizeof(data), &packed);
		for (size_t i = 0; i < packed.len; i++) {
			int rc;

			packed.data[i] ^= 0x55;
			rc = ms_inflate(&inf, kinds[k], packed.data, packed.len, &used);
			assert_true(rc == 0 || rc == -EBADMSG || rc == -ENOPKG ||
				    rc == -EFBIG);
			packed.data[i] ^= 0x55;
		}
	}
}

static void test_bombs(void **state)
{
	const size_t big = MS_INFLATE_FREE + 1;
	uint8_t *zeros = calloc(1, big);

	assert_non_null(zeros);
	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
		_cleanup_inflater_ struct ms_inflater inf = {0};
		_cleanup_buf_ struct ms_buf packed = MS_BUF_INIT(FIXTURE_MAX);
		size_t used;

		pack(kinds[k], zeros, big, &packed);
		assert_int_equal(
			ms_inflate(&inf, kinds[k], packed.data, packed.len, &used),
			-EFBIG);
		assert_true(inf.cap <= ms_inflate_limit(packed.len));
		/* And what fits exactly is no bomb. */
		packed.len = 0;
		pack(kinds[k], zeros, MS_INFLATE_FREE, &packed);
		assert_int_equal(
			ms_inflate(&inf, kinds[k], packed.data, packed.len, &used), 0);
		assert_int_equal(inf.len, MS_INFLATE_FREE);
	}
	free(zeros);
}

static void test_limit(void **state)
{
	assert_int_equal(ms_inflate_limit(0), MS_INFLATE_FREE);
	assert_int_equal(ms_inflate_limit(100000), MS_INFLATE_FREE);
	assert_int_equal(ms_inflate_limit(1u << 20), 20u << 20);
	assert_int_equal(ms_inflate_limit(1u << 30), MS_MODULE_MAX);
	assert_int_equal(ms_inflate_limit(SIZE_MAX), MS_MODULE_MAX);
}

static void test_detect(void **state)
{
	assert_int_equal(ms_compression_detect((const uint8_t *)"\177ELF", 4), MS_PLAIN);
	assert_int_equal(ms_compression_detect((const uint8_t *)"\x1f", 1), MS_PLAIN);
	assert_int_equal(ms_compression_detect((const uint8_t *)"\xfd"
								"7zXZ",
					       5),
			 MS_PLAIN);
	assert_int_equal(ms_compression_detect(NULL, 0), MS_PLAIN);
	assert_string_equal(ms_compression_name(MS_ZSTD), "zstd");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_cut_everywhere),
		cmocka_unit_test(test_every_byte_damaged),
		cmocka_unit_test(test_bombs),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_detect),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
