/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where lib/asn1_decoder.c is not as the standard is. */
#include "tests/unit/verifier/fixture.h"
#include "verifier/kernel_ber.h"

/* Takes one element of all that is in @bytes: its content's length, or the errno. */
static int taken(const uint8_t *bytes, size_t len, int tag)
{
	struct ms_ber_in in = {.p = bytes, .left = len};
	struct ms_ber e;
	int rc = ms_ber_take(&in, tag, &e);

	if (rc)
		assert_int_equal(in.left, len);
	else
		assert_int_equal(in.left, len - e.len);
	return rc ? rc : (int)e.body_len;
}

#define TAKEN(tag, ...) \
	taken((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}), tag)

static void test_lengths(void **state)
{
	assert_int_equal(TAKEN(MS_BER_INTEGER, 2, 1, 5), 1);
	assert_int_equal(TAKEN(MS_BER_INTEGER, 2, 0), 0);
	assert_int_equal(TAKEN(MS_BER_INTEGER, 2, 0x81, 1, 5), 1);
	assert_int_equal(TAKEN(MS_BER_INTEGER, 2, 0x82, 0, 1, 5), 1);
	assert_int_equal(TAKEN(MS_BER_INTEGER, 2, 0x83, 0, 0, 1, 5), -EBADMSG);
	assert_int_equal(TAKEN(MS_BER_INTEGER, 2, 2, 5), -EBADMSG);
	assert_int_equal(TAKEN(MS_BER_INTEGER, 2), -EBADMSG);
	assert_int_equal(TAKEN(MS_BER_INTEGER, 2, 0x80, 0, 0), -EBADMSG);
}

static void test_tags(void **state)
{
	assert_int_equal(TAKEN(MS_BER_SEQUENCE, 0x10, 0), 0);
	assert_int_equal(TAKEN(MS_BER_OCTETS, 0x24, 0), -EBADMSG);
	assert_int_equal(TAKEN(MS_BER_ANY, 0x3f, 1, 0), -EBADMSG);
	assert_int_equal(TAKEN(MS_BER_SET, 0x30, 0), -EBADMSG);
}

static void test_open_ends(void **state)
{
	assert_int_equal(TAKEN(MS_BER_SEQUENCE, 0x30, 0x80, 2, 1, 5, 0, 0), 3);
	assert_int_equal(TAKEN(MS_BER_SEQUENCE, 0x30, 0x80, 0x30, 0x80, 0, 0, 0, 0), 4);
	assert_int_equal(TAKEN(MS_BER_SEQUENCE, 0x30, 0x80, 0x30, 0x80, 0, 0), -EBADMSG);
	assert_int_equal(TAKEN(MS_BER_SEQUENCE, 0x30, 0x80, 0, 1, 0, 0), -EBADMSG);
	/* Only there: a long tag, a long length. */
	assert_int_equal(TAKEN(MS_BER_ANY, 0x30, 0x80, 0x3f, 0x81, 1, 0, 0, 0), 4);
	assert_int_equal(TAKEN(MS_BER_ANY, 0x30, 0x80, 4, 0x84, 0, 0, 0, 1, 9, 0, 0), 7);
	assert_int_equal(TAKEN(MS_BER_ANY, 0x30, 0x80, 4, 0x88, 0, 0, 0, 0, 0, 0, 0, 0),
			 -EBADMSG);
}

static void test_name(void **state)
{
	static const uint8_t good[] = {0x30, 8, 0x31, 6, 0x30, 4, 6, 0, 12, 0};
	struct ms_ber_in in = {.p = good, .left = sizeof(good)};
	struct ms_ber e;
	uint8_t bad[sizeof(good)];

	assert_int_equal(ms_ber_name(&in, &e), 0);
	assert_int_equal(ms_ber_end(&in), 0);
	for (size_t i = 1; i <= 7; i += 2) {
		memcpy(bad, good, sizeof(bad));
		bad[i]++;
		in = (struct ms_ber_in){.p = bad, .left = sizeof(bad)};
		assert_int_equal(ms_ber_name(&in, &e), -EBADMSG);
	}
	in = (struct ms_ber_in){.p = (const uint8_t[]){0x30, 0}, .left = 2};
	assert_int_equal(ms_ber_name(&in, &e), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_tags),
		cmocka_unit_test(test_open_ends),
		cmocka_unit_test(test_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
