/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's way to read a message. That it answers as kernels do is what
 * tests/shell/91-oracle.t shows; this shows that it agrees with the strict parser about
 * good messages and stays inside bad ones.
 */
#include "tests/unit/verifier/fixture.h"
#include "verifier/kernel_message.h"

static const char *const messages[] = {
	"pkcs7/rsa2048-sha256.p7s",   "pkcs7/rsa4096-sha512-keyid.p7s",
	"pkcs7/p256-sha256.p7s",      "pkcs7/p384-sha384-keyid.p7s",
	"pkcs7/rsa2048-sha3-256.p7s",
};

static void same_range(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	assert_ptr_equal(a, b);
	assert_int_equal(a_len, b_len);
}

static void test_agrees(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(messages); i++) {
		_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(DATA_MAX);
		struct ms_kernel_message km;
		const struct ms_pkcs7 *kernel = &km.m;
		struct ms_pkcs7 strict;
		const struct ms_pkcs7_signer *s = strict.signers, *k = km.m.signers;

		data_read(messages[i], &b);
		assert_int_equal(ms_pkcs7_parse(b.data, b.len, &strict), 0);
		memset(&km, 0xff, sizeof(km));
		assert_int_equal(ms_kernel_message_parse(NULL, b.data, b.len, &km), 0);
		assert_int_equal(kernel->version, strict.version);
		assert_int_equal(kernel->n_signers, 1);
		assert_int_equal(kernel->n_certs, 0);
		assert_true(kernel->detached);
		assert_int_equal(kernel->trailing, 0);
		assert_int_equal(k->version, s->version);
		assert_int_equal(k->hash, s->hash);
		same_range(k->issuer, k->issuer_len, s->issuer, s->issuer_len);
		same_range(k->serial, k->serial_len, s->serial, s->serial_len);
		same_range(k->skid, k->skid_len, s->skid, s->skid_len);
		same_range(k->sig_oid, k->sig_oid_len, s->sig_oid, s->sig_oid_len);
		same_range(k->sig, k->sig_len, s->sig, s->sig_len);
	}
}

static void test_cut(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(messages); i++) {
		_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(DATA_MAX);
		struct ms_kernel_message m;

		data_read(messages[i], &b);
		for (size_t len = 0; len < b.len; len++) {
			uint8_t *copy = malloc(len ? len : 1);

			assert_non_null(copy);
			memcpy(copy, b.data, len);
			assert_int_equal(ms_kernel_message_parse(NULL, copy, len, &m),
					 -EBADMSG);
			free(copy);
		}
		ms_buf_put(&b, "\0\0", 2);
		assert_int_equal(ms_kernel_message_parse(NULL, b.data, b.len, &m), 0);
		assert_int_equal(m.m.trailing, 2);
	}
}

/* Any byte, several values: it may fail, but only as it says. */
static void test_damage(void **state)
{
	static const uint8_t with[] = {0x01, 0x20, 0x7f, 0x80, 0xff};

	for (size_t i = 0; i < ARRAY_SIZE(messages); i++) {
		_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(DATA_MAX);
		struct ms_kernel_message m;

		data_read(messages[i], &b);
		for (size_t at = 0; at < b.len * ARRAY_SIZE(with); at++) {
			uint8_t *p = &b.data[at / ARRAY_SIZE(with)];
			uint8_t x = with[at % ARRAY_SIZE(with)];
			int rc;

			*p ^= x;
			rc = ms_kernel_message_parse(NULL, b.data, b.len, &m);
			assert_true(!rc || rc == -EBADMSG || rc == -EINVAL);
			*p ^= x;
		}
	}
}

/* Lengths that are left open, all the way in. */
static void test_indefinite(void **state)
{
	static const uint8_t deep[] = {0x30, 0x80, 0x30, 0x80, 0x30, 0x80, 0x30, 0x80,
				       0x30, 0x80, 0x30, 0x80, 0x30, 0x80, 0x30, 0x80};
	uint8_t many[400];
	struct ms_kernel_message m;

	assert_int_equal(ms_kernel_message_parse(NULL, deep, sizeof(deep), &m), -EBADMSG);
	for (size_t i = 0; i < sizeof(many); i++)
		many[i] = i % 2 ? 0x80 : 0x30;
	assert_int_equal(ms_kernel_message_parse(NULL, many, sizeof(many), &m), -EBADMSG);
	memset(many + 200, 0, 200);
	assert_int_equal(ms_kernel_message_parse(NULL, many, sizeof(many), &m), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_agrees),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_indefinite),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
