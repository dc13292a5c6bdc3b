/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data.h"
#include "lib/der.h"

#define BYTES(...) ((const uint8_t[]){ __VA_ARGS__ })
#define R(...) MS_READER(BYTES(__VA_ARGS__), sizeof(BYTES(__VA_ARGS__)))

static void test_any(void **state)
{
	const uint8_t in[] = { 0x30, 0x03, 0x02, 0x01, 0x05, 0x05, 0x00 };
	struct ms_reader r = MS_READER(in, sizeof(in));
	struct ms_der e;
	unsigned int n = 0;

	assert_true(ms_der_next_is(&r, MS_DER_SEQUENCE));
	assert_false(ms_der_next_is(&r, MS_DER_SET));
	assert_int_equal(ms_der_get(&r, MS_DER_SEQUENCE, &e), 0);
	assert_ptr_equal(e.der, in);
	assert_int_equal(e.der_len, 5);
	assert_int_equal(ms_der_small(&e.body, &n), 0);
	assert_int_equal(n, 5);
	assert_int_equal(ms_reader_end(&e.body), 0);
	assert_int_equal(ms_der_any(&r, &e), 0);
	assert_int_equal(e.tag, MS_DER_NULL);
	assert_int_equal(e.body.left, 0);
	assert_int_equal(ms_reader_end(&r), 0);
	assert_false(ms_der_next_is(&r, MS_DER_NULL));
}

static void refuse(struct ms_reader r)
{
	struct ms_der e;

	assert_int_equal(ms_der_any(&r, &e), -EBADMSG);
	assert_int_equal(ms_reader_error(&r), -EBADMSG);
	assert_int_equal(e.body.left, 0);
	assert_int_equal(ms_reader_error(&e.body), -EBADMSG);
	/* and it stays so */
	assert_int_equal(ms_der_any(&r, &e), -EBADMSG);
}

static void test_lengths(void **state)
{
	uint8_t big[300] = { 0x04, 0x81, 0x80 };
	struct ms_reader r = MS_READER(big, 3 + 128);
	struct ms_der e;

	assert_int_equal(ms_der_any(&r, &e), 0);
	assert_int_equal(e.body.left, 128);
	assert_int_equal(e.der_len, 131);
	r = MS_READER(big, 3 + 127); /* a byte is missing */
	refuse(r);
	memcpy(big, BYTES(0x04, 0x82, 0x01, 0x00), 4);
	r = MS_READER(big, 4 + 256);
	assert_int_equal(ms_der_any(&r, &e), 0);
	assert_int_equal(e.body.left, 256);
	memcpy(big, BYTES(0x04, 0x81, 0x7f), 3); /* fits in one byte */
	refuse(MS_READER(big, sizeof(big)));
	memcpy(big, BYTES(0x04, 0x82, 0x00, 0x80), 4); /* a zero in front */
	refuse(MS_READER(big, sizeof(big)));
	refuse(R(0x30, 0x80, 0x00, 0x00)); /* indefinite */
	refuse(R(0x04, 0xff, 0x00));
	refuse(R(0x04, 0x85, 0x01, 0x00, 0x00, 0x00, 0x00));
	refuse(R(0x04, 0x84, 0xff, 0xff, 0xff, 0xff));
	refuse(R(0x04, 0x84, 0xff, 0xff));
	refuse(R(0x04, 0x01));
	refuse(R(0x04));
	refuse(MS_READER(NULL, 0));
	refuse(R(0x1f, 0x81, 0x01, 0x00)); /* high tag number */
	refuse(R(0xbf, 0x21, 0x00));
}

static void test_wrong_tag(void **state)
{
	struct ms_reader r = R(0x02, 0x01, 0x05);
	struct ms_der e;

	assert_int_equal(ms_der_get(&r, MS_DER_OCTETS, &e), -EBADMSG);
	assert_int_equal(ms_reader_error(&r), -EBADMSG);
}

static int oid(struct ms_reader r)
{
	struct ms_der e;

	return ms_der_oid(&r, &e);
}

static void test_oid(void **state)
{
	assert_int_equal(oid(R(0x06, 0x03, 0x55, 0x1d, 0x0e)), 0);
	assert_int_equal(oid(R(0x06, 0x03, 0x2a, 0x86, 0x48)), 0);
	assert_int_equal(oid(R(0x06, 0x00)), -EBADMSG);
	assert_int_equal(oid(R(0x06, 0x02, 0x2a, 0x86)), -EBADMSG);	  /* no end */
	assert_int_equal(oid(R(0x06, 0x03, 0x2a, 0x80, 0x01)), -EBADMSG); /* padding */
	assert_int_equal(oid(R(0x06, 0x02, 0x80, 0x01)), -EBADMSG);
	assert_int_equal(oid(R(0x02, 0x01, 0x01)), -EBADMSG);
}

static int integer(struct ms_reader r)
{
	struct ms_der e;

	return ms_der_integer(&r, &e);
}

static void test_integer(void **state)
{
	assert_int_equal(integer(R(0x02, 0x01, 0x00)), 0);
	assert_int_equal(integer(R(0x02, 0x01, 0xff)), 0);
	assert_int_equal(integer(R(0x02, 0x02, 0x00, 0x80)), 0);
	assert_int_equal(integer(R(0x02, 0x02, 0xff, 0x7f)), 0);
	assert_int_equal(integer(R(0x02, 0x00)), -EBADMSG);
	assert_int_equal(integer(R(0x02, 0x02, 0x00, 0x7f)), -EBADMSG);
	assert_int_equal(integer(R(0x02, 0x02, 0xff, 0x80)), -EBADMSG);
	assert_int_equal(integer(R(0x04, 0x01, 0x00)), -EBADMSG);
}

static void test_small(void **state)
{
	unsigned int n = 4711;
	struct ms_reader r;

	r = R(0x02, 0x01, 0x7f);
	assert_int_equal(ms_der_small(&r, &n), 0);
	assert_int_equal(n, 127);
	r = R(0x02, 0x01, 0xff);
	assert_int_equal(ms_der_small(&r, &n), -EBADMSG);
	r = R(0x02, 0x02, 0x01, 0x00);
	assert_int_equal(ms_der_small(&r, &n), -EBADMSG);
	assert_int_equal(ms_reader_error(&r), -EBADMSG);
	assert_int_equal(n, 127);
}

/* What is written is what is read, at every length where the encoding changes. */
static void test_writer(void **state)
{
	static const size_t sizes[] = { 0,   1,	  127,	 128,	255,
					256, 257, 65535, 65536, 100000 };
	uint8_t *body = calloc(1, 100000);

	assert_non_null(body);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(DATA_MAX);
		struct ms_reader r;
		struct ms_der e;

		ms_der_put(&b, MS_DER_OCTETS, body, sizes[i]);
		assert_int_equal(ms_buf_error(&b), 0);
		assert_int_equal(b.len, ms_der_size(sizes[i]));
		r = MS_READER(b.data, b.len);
		assert_int_equal(ms_der_get(&r, MS_DER_OCTETS, &e), 0);
		assert_int_equal(e.body.left, sizes[i]);
		assert_int_equal(ms_reader_end(&r), 0);
	}
	free(body);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any),	  cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_wrong_tag), cmocka_unit_test(test_oid),
		cmocka_unit_test(test_integer),	  cmocka_unit_test(test_small),
		cmocka_unit_test(test_writer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
