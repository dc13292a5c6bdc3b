/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data.h"
#include "lib/trailer.h"

#define PAYLOAD "payload of a module"
#define MESSAGE "message"

/* PAYLOAD, MESSAGE and a good trailer. */
static void build(struct ms_buf *b)
{
	uint8_t t[MS_TRAILER_LEN];

	ms_trailer_build(strlen(MESSAGE), t);
	ms_buf_put(b, PAYLOAD, strlen(PAYLOAD));
	ms_buf_put(b, MESSAGE, strlen(MESSAGE));
	ms_buf_put(b, t, sizeof(t));
	assert_int_equal(ms_buf_error(b), 0);
}

#define GOOD(b)                                                \
	_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(DATA_MAX); \
	build(&b)

static void test_known_bytes(void **state)
{
	static const uint8_t want[] = "\0\0\2\0\0\0\0\0\x00\x01\x02\x03"
				      "~Module signature appended~\n";
	uint8_t t[MS_TRAILER_LEN];

	memset(t, 0xa5, sizeof(t));
	ms_trailer_build(0x10203, t);
	assert_int_equal(sizeof(t), sizeof(want) - 1);
	assert_memory_equal(t, want, sizeof(t));
}

static void test_round_trip(void **state)
{
	struct ms_trailer t;
	size_t n = 0;
	GOOD(b);

	assert_int_equal(ms_trailer_parse(b.data, b.len, &t), 0);
	assert_int_equal(t.payload_len, strlen(PAYLOAD));
	assert_ptr_equal(t.msg, b.data + strlen(PAYLOAD));
	assert_int_equal(t.msg_len, strlen(MESSAGE));
	assert_int_equal(ms_trailer_payload_len(b.data, b.len, &n), 0);
	assert_int_equal(n, strlen(PAYLOAD));
}

/* Every refusal leaves the output alone. */
static void refuse(const struct ms_buf *b, int rc)
{
	struct ms_trailer t, poison;
	size_t n = 4711;

	memset(&t, 0xa5, sizeof(t));
	poison = t;
	assert_int_equal(ms_trailer_parse(b->data, b->len, &t), rc);
	assert_memory_equal(&t, &poison, sizeof(t));
	if (rc == -ENODATA) {
		assert_int_equal(ms_trailer_payload_len(b->data, b->len, &n), 0);
		assert_int_equal(n, b->len);
	} else {
		assert_int_equal(ms_trailer_payload_len(b->data, b->len, &n), rc);
		assert_int_equal(n, 4711);
	}
}

static void test_unsigned(void **state)
{
	_cleanup_buf_ struct ms_buf empty = MS_BUF_INIT(10);
	_cleanup_buf_ struct ms_buf marker = MS_BUF_INIT(100);
	GOOD(b);

	refuse(&empty, -ENODATA);
	ms_buf_put(&marker, MS_TRAILER_MAGIC, MS_TRAILER_MAGIC_LEN);
	refuse(&marker, -ENODATA);
	ms_buf_put_u8(&b, 0);
	refuse(&b, -ENODATA); /* a byte after it */
	b.len -= 2;
	refuse(&b, -ENODATA); /* a byte less */
	b.len++;
	b.data[b.len - 2] = '-';
	refuse(&b, -ENODATA);
}

static void test_fields(void **state)
{
	for (size_t i = 0; i < 8; i++) {
		GOOD(b);
		b.data[b.len - MS_TRAILER_LEN + i] ^= 0x80;
		refuse(&b, i == 2 ? -ENOPKG : -EBADMSG);
	}
	for (unsigned int type = 0; type < 256; type++) {
		GOOD(b);
		if (type == 2)
			continue;
		b.data[b.len - MS_TRAILER_LEN + 2] = (uint8_t)type;
		refuse(&b, -ENOPKG);
	}
}

static void test_sizes(void **state)
{
	static const uint32_t bad[] = { 0,	    sizeof(PAYLOAD MESSAGE) - 1,
					26 + 12,    26 + 40,
					0x07000000, /* little-endian */
					0x7fffffff, 0x80000000,
					0xffffffff };
	struct ms_trailer t;
	GOOD(b);

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		ms_put_be32(b.data + b.len - MS_TRAILER_LEN + 8, bad[i]);
		refuse(&b, -EBADMSG);
	}
	/* One byte of payload is the least that can be signed. */
	ms_put_be32(b.data + b.len - MS_TRAILER_LEN + 8, sizeof(PAYLOAD MESSAGE) - 2);
	assert_int_equal(ms_trailer_parse(b.data, b.len, &t), 0);
	assert_int_equal(t.payload_len, 1);
}

static void test_nothing_but_a_trailer(void **state)
{
	_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(100);
	uint8_t t[MS_TRAILER_LEN];

	ms_trailer_build(0, t);
	ms_buf_put(&b, t, sizeof(t));
	refuse(&b, -EBADMSG);
	/* Cut from the front: the struct is incomplete. */
	for (size_t n = 1; n < MS_TRAILER_STRUCT_LEN; n++) {
		struct ms_buf cut = b;

		cut.data += n;
		cut.len -= n;
		refuse(&cut, -EBADMSG);
	}
}

static void test_signed_twice(void **state)
{
	uint8_t t[MS_TRAILER_LEN];
	struct ms_trailer outer;
	size_t n, once;
	GOOD(b);

	once = b.len;
	ms_trailer_build(3, t);
	ms_buf_put(&b, "abc", 3);
	ms_buf_put(&b, t, sizeof(t));
	assert_int_equal(ms_trailer_parse(b.data, b.len, &outer), 0);
	assert_int_equal(outer.payload_len, once);
	assert_int_equal(ms_trailer_payload_len(b.data, b.len, &n), 0);
	assert_int_equal(n, strlen(PAYLOAD));
	/* A bad trailer inside is not taken for content. */
	b.data[once - MS_TRAILER_LEN] = 1;
	n = 4711;
	assert_int_equal(ms_trailer_payload_len(b.data, b.len, &n), -EBADMSG);
	assert_int_equal(n, 4711);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_bytes),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_unsigned),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_nothing_but_a_trailer),
		cmocka_unit_test(test_signed_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
