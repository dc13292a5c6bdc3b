// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <cmocka.h>
#include "lib/pem.h"
#include "tests/unit/tpm/vector.h"
#include "tpm/keyfile.h"

#define SEALED "MODSEAL SEALED KEY"

static struct ms_error err;
static struct ms_keyfile vector;

#define refused(call, errno_, code_, says)                                       \
	do {                                                                     \
		int _r = (call);                                                 \
		if (_r != (errno_) || strcmp(err.code, code_) != 0 ||            \
		    !strstr(err.msg, says))                                      \
			fail_msg("%s: %d %s: %s", #call, _r, err.code, err.msg); \
	} while (0)

/* Parses what is to be refused; the output must stay as it was. */
static int parse(const char *text, size_t len)
{
	static struct ms_keyfile k, was;
	int r;

	memset(&k, 0x5a, sizeof(k));
	was = k;
	err = (struct ms_error){0};
	r = ms_keyfile_parse(text, len, &k, &err);
	if (r < 0)
		assert_memory_equal(&k, &was, sizeof(k));
	return r;
}

static int parse_buf(const struct ms_buf *b)
{
	assert_int_equal(ms_buf_error(b), 0);
	return parse((const char *)b->data, b->len);
}

static void test_vector(void **state)
{
	assert_int_equal(vector.blob.parent, MS_TPM_PARENT_OWNER);
	assert_int_equal(vector.blob.pcrs, 1u << 7);
	assert_true(vector.blob.has_pin);
	assert_memory_equal(vector.blob.pcr_digest, vector_pcr_digest, 32);
	assert_int_equal(vector.blob.name_len, sizeof(vector_name));
	assert_memory_equal(vector.blob.name, vector_name, sizeof(vector_name));
	assert_int_equal(vector.blob.srk_name_len, sizeof(vector_srk_name));
	assert_memory_equal(vector.blob.srk_name, vector_srk_name,
			    sizeof(vector_srk_name));
	assert_memory_equal(vector.spki_sha256, vector_spki, sizeof(vector_spki));
	assert_int_equal(vector.created, 1767225600);
	assert_int_equal(vector.sealed_len, sizeof(vector_pkcs8));
}

static void test_written_as_it_was_read(void **state)
{
	_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(MS_KEY_FILE_MAX);

	assert_int_equal(ms_keyfile_write(&vector, &b), 0);
	assert_int_equal(b.len, strlen(vector_text));
	assert_memory_equal(b.data, vector_text, b.len);
}

static void test_no_room(void **state)
{
	_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(100);

	assert_int_equal(ms_keyfile_write(&vector, &b), -EFBIG);
}

static void test_text_around_it(void **state)
{
	_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(MS_KEY_FILE_MAX);

	ms_buf_printf(&b, "A key.\n%s\nThat was it.\n", vector_text);
	assert_int_equal(parse_buf(&b), 0);
}

static void test_truncated(void **state)
{
	/* without its last newline it is still whole */
	for (size_t n = 0; n < strlen(vector_text) - 1; n++) {
		int r = parse(vector_text, n);

		if (r != -EBADMSG)
			fail_msg("%zu: %d: %s", n, r, err.msg);
		assert_string_equal(err.code, "key-file-damaged");
	}
}

/* What is not protected by a check of its own: the time, the SRK's Name, the certificate.
 */
static bool harmless(const struct ms_keyfile *k)
{
	static const uint8_t kek[MS_TPM_SECRET_LEN] = {
		0,  1,	2,  3,	4,  5,	6,  7,	8,  9,	10, 11, 12, 13, 14, 15,
		16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,
	};
	static struct ms_keyfile same;
	EVP_PKEY *key = NULL;
	int r;

	same = *k;
	same.created = vector.created;
	memcpy(same.cert, vector.cert, sizeof(same.cert));
	same.cert_len = vector.cert_len;
	memcpy(same.blob.srk_name, vector.blob.srk_name, sizeof(same.blob.srk_name));
	/* priv is the TPM's to check, it authenticates it */
	memcpy(same.blob.priv, vector.blob.priv, sizeof(same.blob.priv));
	if (!memcmp(&same, &vector, sizeof(same)))
		return true;
	/* everything else fails at the latest when it is decrypted */
	r = ms_keyfile_unseal(k, kek, &key, &err);
	EVP_PKEY_free(key);
	return r == -EBADMSG;
}

static void test_bits_flipped(void **state)
{
	size_t len = strlen(vector_text);
	_cleanup_free_ char *text = strdup(vector_text);
	unsigned int refusals = 0;

	for (size_t i = 0; i < len; i++)
		for (unsigned int bit = 0; bit < 8; bit += 2) {
			static struct ms_keyfile k;
			int r;

			text[i] ^= (char)(1u << bit);
			r = ms_keyfile_parse(text, len, &k, &err);
			text[i] = vector_text[i];
			if (r < 0) {
				assert_true(r == -EBADMSG || r == -ENOPKG);
				assert_true(strlen(err.msg) > 20);
				refusals++;
			} else if (!harmless(&k)) {
				fail_msg("byte %zu bit %u", i, bit);
			}
		}
	assert_true(refusals > len);
}

static void test_foreign(void **state)
{
	refused(parse(loadable_text, strlen(loadable_text)), -ENOPKG, "key-file-foreign",
		"another type than sealed");
	refused(parse("", 0), -EBADMSG, "key-file-damaged", "no TSS2 PRIVATE KEY");
	refused(parse("\x7f\x45LF\0\0\0", 7), -EBADMSG, "key-file-damaged",
		"was not made by modseal");
}

static void test_too_large(void **state)
{
	_cleanup_free_ char *big = calloc(1, MS_KEY_FILE_MAX + 1);

	assert_non_null(big);
	memcpy(big, vector_text, strlen(vector_text));
	assert_int_equal(parse(big, MS_KEY_FILE_MAX), 0);
	refused(parse(big, MS_KEY_FILE_MAX + 1), -EBADMSG, "key-file-damaged",
		"too large");
}

static void test_twice(void **state)
{
	_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(MS_KEY_FILE_MAX);

	ms_buf_printf(&b, "%s%s", vector_text, vector_text);
	refused(parse_buf(&b), -EBADMSG, "key-file-damaged", "two");
}

/* The vector with its own block replaced by @der. */
static void with_sealed(const uint8_t *der, size_t len, struct ms_buf *out)
{
	const char *from = strstr(vector_text, "-----BEGIN " SEALED);
	const char *to = strstr(vector_text, "-----BEGIN CERTIFICATE");

	ms_buf_put(out, vector_text, (size_t)(from - vector_text));
	ms_pem_put(out, SEALED, der, len);
	ms_buf_put(out, to, strlen(to));
}

static void sealed_block(struct ms_buf *out)
{
	size_t used;

	assert_int_equal(
		ms_pem_find(vector_text, strlen(vector_text), SEALED, out, &used), 0);
}

static void test_versions(void **state)
{
	_cleanup_buf_ struct ms_buf der = MS_BUF_INIT(MS_KEY_FILE_MAX);

	sealed_block(&der);
	for (uint8_t v = 0; v < 4; v++) {
		_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(MS_KEY_FILE_MAX);

		der.data[3] = v;
		with_sealed(der.data, v > 1 ? 4 : der.len, &b);
		if (v == 0)
			refused(parse_buf(&b), -EBADMSG, "key-file-damaged", "malformed");
		else if (v == 1)
			assert_int_equal(parse_buf(&b), 0);
		else
			refused(parse_buf(&b), -ENOPKG, "key-file-version",
				"install a newer modseal");
	}
}

static void test_sealed_block_cut_or_longer(void **state)
{
	_cleanup_buf_ struct ms_buf der = MS_BUF_INIT(MS_KEY_FILE_MAX);
	size_t len;

	sealed_block(&der);
	len = der.len;
	ms_buf_put_u8(&der, 0);
	for (size_t n = 0; n <= len + 1; n++) {
		_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(MS_KEY_FILE_MAX);

		with_sealed(der.data, n, &b);
		if (parse_buf(&b) != (n == len ? 0 : -EBADMSG))
			fail_msg("%zu of %zu: %s", n, len, err.msg);
	}
}

static int setup(void **state)
{
	return ms_keyfile_parse(vector_text, strlen(vector_text), &vector, &err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vector),
		cmocka_unit_test(test_written_as_it_was_read),
		cmocka_unit_test(test_no_room),
		cmocka_unit_test(test_text_around_it),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_bits_flipped),
		cmocka_unit_test(test_foreign),
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_twice),
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_sealed_block_cut_or_longer),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
