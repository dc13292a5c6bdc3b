// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <cmocka.h>
#include "lib/pem.h"
#include "tests/unit/tpm/vector.h"
#include "tpm/tss2key.h"

static struct ms_error err;
static struct ms_buf der = {.max = MS_KEY_FILE_MAX};

static int parse(const uint8_t *p, size_t len)
{
	static struct ms_tpm_blob b, was;
	int r;

	memset(&b, 0x5a, sizeof(b));
	was = b;
	err = (struct ms_error){0};
	r = ms_tss2key_parse(p, len, MS_TSS2KEY_SEALED, &b, &err);
	if (r < 0)
		assert_memory_equal(&b, &was, sizeof(b));
	return r;
}

/* Offsets into the vector, as `openssl asn1parse` tells them. */
enum {
	AT_ARC = 7,	    /* second byte of the type, 133 is in it */
	AT_TYPE = 11,	    /* its last arc */
	AT_EMPTY_AUTH = 16, /* value of the BOOLEAN */
	AT_CC = 28,	    /* last byte of 0x17f */
	AT_BANK = 72,	    /* last byte of TPM_ALG_SHA256 */
	AT_CC2 = 84,	    /* last byte of 0x16b */
};

static void test_vector(void **state)
{
	_cleanup_buf_ struct ms_buf again = MS_BUF_INIT(MS_KEY_FILE_MAX);
	struct ms_tpm_blob b;

	assert_int_equal(ms_tss2key_parse(der.data, der.len, MS_TSS2KEY_SEALED, &b, &err),
			 0);
	assert_int_equal(b.parent, MS_TPM_PARENT_OWNER);
	assert_int_equal(b.pcrs, 1u << 7);
	assert_true(b.has_pin);
	assert_memory_equal(b.pcr_digest, vector_pcr_digest, 32);
	assert_int_equal(ms_tss2key_write(&b, MS_TSS2KEY_SEALED, &again), 0);
	assert_int_equal(again.len, der.len);
	assert_memory_equal(again.data, der.data, der.len);
}

/* Every profile that we write, we read. */
static void test_profiles(void **state)
{
	struct ms_tpm_blob b;

	assert_int_equal(ms_tss2key_parse(der.data, der.len, MS_TSS2KEY_SEALED, &b, &err),
			 0);
	for (unsigned int i = 0; i < 8; i++) {
		_cleanup_buf_ struct ms_buf out = MS_BUF_INIT(MS_KEY_FILE_MAX);
		struct ms_tpm_blob in = b, back;

		in.has_pin = i & 1;
		in.pcrs = i & 2 ? 0xffffff : 0;
		if (!in.pcrs)
			memset(in.pcr_digest, 0, sizeof(in.pcr_digest));
		in.parent = i & 4 ? MS_TPM_PARENT_SRK : MS_TPM_PARENT_OWNER;
		assert_int_equal(ms_tss2key_write(&in, MS_TSS2KEY_SEALED, &out), 0);
		assert_int_equal(ms_tss2key_parse(out.data, out.len, MS_TSS2KEY_SEALED,
						  &back, &err),
				 0);
		assert_memory_equal(&back, &in, sizeof(in));
		/* other programs refuse a policy, so there is none unless it says
		 * something */
		assert_int_equal(memmem(out.data, out.len, "\x02\x02\x01", 3) != NULL,
				 in.pcrs || in.has_pin);
		/* 0x81000001 as a positive INTEGER */
		if (in.parent == MS_TPM_PARENT_SRK)
			assert_non_null(memmem(out.data, out.len,
					       "\x02\x05\x00\x81\x00\x00\x01", 7));
	}
}

static void test_largest(void **state)
{
	_cleanup_buf_ struct ms_buf out = MS_BUF_INIT(MS_KEY_FILE_MAX);
	struct ms_tpm_blob b = {.parent = MS_TPM_PARENT_SRK}, back;

	b.pub_len = b.priv_len = MS_TPM_BLOB_MAX;
	memset(b.pub, 1, sizeof(b.pub));
	memset(b.priv, 2, sizeof(b.priv));
	assert_int_equal(ms_tss2key_write(&b, MS_TSS2KEY_SEALED, &out), 0);
	assert_int_equal(
		ms_tss2key_parse(out.data, out.len, MS_TSS2KEY_SEALED, &back, &err), 0);
	assert_memory_equal(&back, &b, sizeof(b));
	out.max = 10;
	assert_int_equal(ms_tss2key_write(&b, MS_TSS2KEY_SEALED, &out), -EFBIG);
}

static void test_truncated_and_longer(void **state)
{
	_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(MS_KEY_FILE_MAX);

	for (size_t n = 0; n < der.len; n++)
		assert_int_equal(parse(der.data, n), -EBADMSG);
	ms_buf_put(&b, der.data, der.len);
	ms_buf_put_u8(&b, 0);
	assert_int_equal(parse(b.data, b.len), -EBADMSG);
}

static int with(size_t at, uint8_t want, uint8_t value)
{
	int r;

	if (der.data[at] != want)
		fail_msg("offset %zu has 0x%02x, not 0x%02x", at, der.data[at], want);
	der.data[at] = value;
	r = parse(der.data, der.len);
	der.data[at] = want;
	return r;
}

static void test_foreign(void **state)
{
	_cleanup_buf_ struct ms_buf tools = MS_BUF_INIT(MS_KEY_FILE_MAX);
	size_t used;

	assert_int_equal(with(AT_TYPE, 5, 3), -ENOPKG);
	assert_non_null(strstr(err.msg, "another type than sealed"));
	assert_int_equal(with(AT_TYPE, 5, 4), -ENOPKG);
	assert_int_equal(with(AT_ARC, 0x81, 0x82), -ENOPKG);
	assert_non_null(strstr(err.msg, "unknown type of key"));
	assert_int_equal(with(AT_CC, 0x7f, 0x6a), -ENOPKG);
	assert_non_null(strstr(err.msg, "a policy that is not one of modseal's"));
	assert_int_equal(with(AT_CC2, 0x6b, 0x6c), -ENOPKG);
	assert_int_equal(with(AT_BANK, 0x0b, 0x0c), -ENOPKG);
	/* emptyAuth that contradicts the policy, a BOOLEAN that is no DER */
	assert_int_equal(with(AT_EMPTY_AUTH, 0, 0xff), -EBADMSG);
	assert_int_equal(with(AT_EMPTY_AUTH, 0, 1), -EBADMSG);
	assert_int_equal(ms_pem_find(loadable_text, strlen(loadable_text),
				     MS_TSS2KEY_LABEL, &tools, &used),
			 0);
	assert_int_equal(parse(tools.data, tools.len), -ENOPKG);
}

static void test_loadable(void **state)
{
	_cleanup_buf_ struct ms_buf tools = MS_BUF_INIT(MS_KEY_FILE_MAX);
	_cleanup_buf_ struct ms_buf out = MS_BUF_INIT(MS_KEY_FILE_MAX);
	struct ms_tpm_blob b, back;
	size_t used;

	/* theirs */
	assert_int_equal(ms_pem_find(loadable_text, strlen(loadable_text),
				     MS_TSS2KEY_LABEL, &tools, &used),
			 0);
	assert_int_equal(
		ms_tss2key_parse(tools.data, tools.len, MS_TSS2KEY_LOADABLE, &b, &err),
		0);
	assert_int_equal(b.parent, MS_TPM_PARENT_OWNER);
	assert_int_equal(b.pub_len, 88);
	assert_int_equal(b.priv_len, 128);
	assert_true(!b.has_pin && !b.pcrs && b.pin_alone);
	/* ours, with a PIN and without */
	b.has_pin = true;
	assert_int_equal(ms_tss2key_write(&b, MS_TSS2KEY_LOADABLE, &out), 0);
	assert_int_equal(
		ms_tss2key_parse(out.data, out.len, MS_TSS2KEY_LOADABLE, &back, &err), 0);
	assert_true(back.pin_alone && !back.has_pin);
	out.len = 0;
	b.has_pin = b.pin_alone = false;
	assert_int_equal(ms_tss2key_write(&b, MS_TSS2KEY_LOADABLE, &out), 0);
	assert_int_equal(
		ms_tss2key_parse(out.data, out.len, MS_TSS2KEY_LOADABLE, &back, &err), 0);
	assert_memory_equal(&back, &b, sizeof(b));
	/* a sealed one is none */
	assert_int_equal(
		ms_tss2key_parse(der.data, der.len, MS_TSS2KEY_LOADABLE, &b, &err),
		-ENOPKG);
	assert_non_null(strstr(err.msg, "cannot be loaded"));
}

static void test_bits_flipped(void **state)
{
	for (size_t i = 0; i < der.len * 8; i++) {
		struct ms_tpm_blob b;
		int r;

		der.data[i / 8] ^= (uint8_t)(1u << (i % 8));
		r = ms_tss2key_parse(der.data, der.len, MS_TSS2KEY_SEALED, &b, &err);
		/* what is read is what would be written */
		if (r == 0) {
			_cleanup_buf_ struct ms_buf out = MS_BUF_INIT(MS_KEY_FILE_MAX);

			assert_int_equal(ms_tss2key_write(&b, MS_TSS2KEY_SEALED, &out),
					 0);
			assert_int_equal(out.len, der.len);
			assert_memory_equal(out.data, der.data, der.len);
		} else {
			assert_true(r == -EBADMSG || r == -ENOPKG);
		}
		der.data[i / 8] ^= (uint8_t)(1u << (i % 8));
	}
}

static int setup(void **state)
{
	size_t used;

	return ms_pem_find(vector_text, strlen(vector_text), MS_TSS2KEY_LABEL, &der,
			   &used);
}

static int teardown(void **state)
{
	ms_buf_clear(&der);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vector),
		cmocka_unit_test(test_profiles),
		cmocka_unit_test(test_largest),
		cmocka_unit_test(test_truncated_and_longer),
		cmocka_unit_test(test_foreign),
		cmocka_unit_test(test_loadable),
		cmocka_unit_test(test_bits_flipped),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
