/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fixture.h"
#include <openssl/rsa.h>
#include "pkcs11/mechanism.h"

static const char data[] = "what is signed";

/* The digest of @data, its hex, and a signature of it by the token's key. */
struct signature {
	uint8_t digest[MS_DIGEST_MAX], sig[MS_SIG_MAX];
	char hex[2 * MS_DIGEST_MAX + 1];
	size_t len;
};

static void sign_data(const struct token *t, enum ms_hash hash, struct signature *ret)
{
	assert_int_equal(ms_digest(hash, data, strlen(data), ret->digest), 0);
	ms_hex(ret->digest, ms_hash_size(hash), ret->hex);
	assert_int_equal(
		ms_key_sign_digest(t->key, hash, ret->digest, ret->sig, &ret->len), 0);
}

static ck_rv_t init(struct token *t, ck_mechanism_type_t type)
{
	struct ck_mechanism m = {type, NULL, 0};

	return C_SignInit(t->session, &m, token_find(t, CKO_PRIVATE_KEY));
}

static unsigned char *bytes(const void *p)
{
	return (unsigned char *)(uintptr_t)p;
}

/* One call, and in parts; a question for the length, or too little room, ends nothing. */
static void test_rsa(void **state)
{
	struct token t = {0};
	struct signature s;
	unsigned char out[512];
	unsigned long len = 0;

	token_key(&t, MS_ALG_RSA2048);
	sign_data(&t, MS_HASH_SHA256, &s);
	token_has_key(&t);
	token_signs(&t, s.hex, s.sig, s.len);
	token_signs(&t, s.hex, s.sig, s.len);
	token_start(&t);
	assert_int_equal(init(&t, CKM_SHA256_RSA_PKCS), CKR_OK);
	assert_int_equal(C_Sign(t.session, bytes(data), strlen(data), NULL, &len),
			 CKR_OK);
	assert_int_equal(len, 256);
	len = 255;
	assert_int_equal(C_Sign(t.session, bytes(data), strlen(data), out, &len),
			 CKR_BUFFER_TOO_SMALL);
	assert_int_equal(len, 256);
	len = sizeof(out);
	assert_int_equal(C_Sign(t.session, bytes(data), strlen(data), out, &len), CKR_OK);
	assert_int_equal(len, 256);
	assert_memory_equal(out, s.sig, 256);
	assert_int_equal(C_Sign(t.session, bytes(data), strlen(data), out, &len),
			 CKR_OPERATION_NOT_INITIALIZED);

	memset(out, 0, sizeof(out));
	assert_int_equal(init(&t, CKM_SHA256_RSA_PKCS), CKR_OK);
	assert_int_equal(C_SignUpdate(t.session, bytes(data), 5), CKR_OK);
	assert_int_equal(C_Sign(t.session, bytes(data), 3, out, &len),
			 CKR_OPERATION_ACTIVE);
	assert_int_equal(C_SignUpdate(t.session, bytes(data + 5), strlen(data) - 5),
			 CKR_OK);
	len = 0;
	assert_int_equal(C_SignFinal(t.session, out, &len), CKR_BUFFER_TOO_SMALL);
	assert_int_equal(C_SignFinal(t.session, out, &len), CKR_OK);
	assert_memory_equal(out, s.sig, 256);
	token_stop(&t);
}

static size_t digest_info(const struct signature *s, uint8_t *ret)
{
	static const uint8_t head[19] = {0x30, 0x51, 0x30, 0x0d, 0x06, 0x09, 0x60,
					 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,
					 0x03, 0x05, 0x00, 0x04, 0x40};

	memcpy(ret, head, sizeof(head));
	memcpy(ret + sizeof(head), s->digest, 64);
	return sizeof(head) + 64;
}

static void test_rsa_digest_info(void **state)
{
	struct token t = {0};
	struct signature s;
	unsigned char out[256], info[128];
	unsigned long len = sizeof(out), n;

	token_key(&t, MS_ALG_RSA2048);
	sign_data(&t, MS_HASH_SHA512, &s);
	n = digest_info(&s, info);
	token_has_key(&t);
	token_signs(&t, s.hex, s.sig, s.len);
	token_start(&t);
	assert_int_equal(init(&t, CKM_RSA_PKCS), CKR_OK);
	assert_int_equal(C_Sign(t.session, info, n, out, &len), CKR_OK);
	assert_memory_equal(out, s.sig, 256);
	token_stop(&t);
}

/* No raw blocks, no old hashes, no more than a digest: the agent is not even asked. */
static void test_bad_data(void **state)
{
	static const uint8_t sha1[35] = {0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e,
					 0x03, 0x02, 0x1a, 0x05, 0x00, 0x04, 0x14};
	static const uint8_t zeros[256];
	struct token t = {0};
	unsigned char out[256];
	unsigned long len = sizeof(out);

	token_key(&t, MS_ALG_RSA2048);
	token_has_key(&t);
	token_start(&t);
	assert_int_equal(init(&t, CKM_RSA_PKCS), CKR_OK);
	assert_int_equal(C_Sign(t.session, bytes(sha1), sizeof(sha1), out, &len),
			 CKR_DATA_INVALID);
	assert_said(&t, "a hash that modseal does not sign");
	assert_int_equal(init(&t, CKM_RSA_PKCS), CKR_OK);
	assert_int_equal(C_Sign(t.session, bytes(zeros), 32, out, &len),
			 CKR_DATA_INVALID);
	assert_int_equal(init(&t, CKM_RSA_PKCS), CKR_OK);
	assert_int_equal(C_Sign(t.session, bytes(zeros), 256, out, &len),
			 CKR_DATA_LEN_RANGE);
	assert_int_equal(init(&t, CKM_RSA_PKCS), CKR_OK);
	assert_int_equal(C_SignUpdate(t.session, bytes(zeros), 90), CKR_OK);
	assert_int_equal(C_SignUpdate(t.session, bytes(zeros), 90), CKR_DATA_LEN_RANGE);
	assert_int_equal(C_SignFinal(t.session, out, &len),
			 CKR_OPERATION_NOT_INITIALIZED);
	token_stop(&t);
	assert_int_equal(t.server.requests, 2);
}

static void test_ecdsa(void **state)
{
	static const enum ms_alg algs[] = {MS_ALG_P256, MS_ALG_P384, MS_ALG_P521};
	static const size_t widths[] = {32, 48, 66};

	for (size_t i = 0; i < ARRAY_SIZE(algs); i++) {
		struct token t = {0};
		struct signature s;
		unsigned char out[200];
		uint8_t plain[132];
		unsigned long len = sizeof(out);

		token_key(&t, algs[i]);
		sign_data(&t, MS_HASH_SHA384, &s);
		token_has_key(&t);
		token_signs(&t, s.hex, s.sig, s.len);
		token_signs(&t, s.hex, s.sig, s.len);
		token_start(&t);
		assert_int_equal(init(&t, CKM_ECDSA), CKR_OK);
		assert_int_equal(C_Sign(t.session, s.digest, 48, out, &len), CKR_OK);
		assert_int_equal(len, 2 * widths[i]);
		assert_int_equal(ms_p11_ecdsa_plain(s.sig, s.len, widths[i], plain), 0);
		assert_memory_equal(out, plain, len);
		memset(out, 0, sizeof(out));
		assert_int_equal(init(&t, CKM_ECDSA_SHA384), CKR_OK);
		assert_int_equal(C_Sign(t.session, bytes(data), strlen(data), out, &len),
				 CKR_OK);
		assert_memory_equal(out, plain, len);
		assert_int_equal(init(&t, CKM_ECDSA), CKR_OK);
		assert_int_equal(C_Sign(t.session, s.digest, 20, out, &len),
				 CKR_DATA_LEN_RANGE);
		token_stop(&t);
	}
}

static void test_arguments(void **state)
{
	struct ck_mechanism m = {CKM_SHA256_RSA_PKCS, NULL, 0};
	struct token t = {0};
	ck_object_handle_t key;
	unsigned char out[256];
	unsigned long len = sizeof(out);

	token_key(&t, MS_ALG_RSA2048);
	token_has_key(&t);
	token_start(&t);
	key = token_find(&t, CKO_PRIVATE_KEY);
	assert_int_equal(C_SignInit(99, &m, key), CKR_SESSION_HANDLE_INVALID);
	assert_int_equal(C_SignInit(t.session, NULL, key), CKR_ARGUMENTS_BAD);
	assert_int_equal(C_SignInit(t.session, &m, 0), CKR_KEY_HANDLE_INVALID);
	assert_int_equal(C_SignInit(t.session, &m, key - 1), CKR_KEY_HANDLE_INVALID);
	m.mechanism = CKM_ECDSA;
	assert_int_equal(C_SignInit(t.session, &m, key), CKR_KEY_TYPE_INCONSISTENT);
	m.mechanism = CKM_SHA1_RSA_PKCS;
	assert_int_equal(C_SignInit(t.session, &m, key), CKR_MECHANISM_INVALID);
	m = (struct ck_mechanism){CKM_RSA_PKCS, &m, 4};
	assert_int_equal(C_SignInit(t.session, &m, key), CKR_MECHANISM_PARAM_INVALID);
	assert_int_equal(C_SignUpdate(t.session, out, 1), CKR_OPERATION_NOT_INITIALIZED);
	m = (struct ck_mechanism){CKM_RSA_PKCS, NULL, 0};
	assert_int_equal(C_SignInit(t.session, &m, key), CKR_OK);
	assert_int_equal(C_SignInit(t.session, &m, key), CKR_OPERATION_ACTIVE);
	assert_int_equal(C_Sign(t.session, out, 9, out, NULL), CKR_ARGUMENTS_BAD);
	assert_int_equal(C_Sign(t.session, NULL, 9, out, &len), CKR_ARGUMENTS_BAD);
	assert_int_equal(C_SignUpdate(t.session, NULL, 9), CKR_ARGUMENTS_BAD);
	assert_int_equal(C_SignFinal(t.session, out, NULL), CKR_ARGUMENTS_BAD);
	token_stop(&t);
}

/* One signature, from an agent that answers with @sig to a digest @hex of its own. */
static ck_rv_t hostile(struct token *t, const char *hex, const uint8_t *sig, size_t len)
{
	unsigned char out[256] = {0};
	unsigned long n = sizeof(out);
	ck_rv_t rv;

	token_has_key(t);
	token_signs(t, hex, sig, len);
	token_start(t);
	assert_int_equal(init(t, CKM_SHA256_RSA_PKCS), CKR_OK);
	rv = C_Sign(t->session, bytes(data), strlen(data), out, &n);
	for (size_t i = 0; i < sizeof(out); i++)
		assert_int_equal(out[i], 0);
	return rv;
}

static void test_wrong_digest(void **state)
{
	struct token t = {0};
	struct signature s;

	token_key(&t, MS_ALG_RSA2048);
	sign_data(&t, MS_HASH_SHA256, &s);
	s.hex[0] = s.hex[0] == '0' ? '1' : '0';
	assert_int_equal(hostile(&t, s.hex, s.sig, s.len), CKR_DEVICE_ERROR);
	assert_said(&t, "not what was asked for");
	token_stop(&t);
}

static void test_wrong_signature(void **state)
{
	struct token t = {0};
	struct signature s;

	token_key(&t, MS_ALG_RSA2048);
	sign_data(&t, MS_HASH_SHA256, &s);
	s.sig[100] ^= 1;
	assert_int_equal(hostile(&t, s.hex, s.sig, s.len), CKR_DEVICE_ERROR);
	assert_said(&t, "not one of key k");
	token_stop(&t);
}

static void test_truncated_signature(void **state)
{
	struct token t = {0};
	struct signature s;

	token_key(&t, MS_ALG_RSA2048);
	sign_data(&t, MS_HASH_SHA256, &s);
	assert_int_equal(hostile(&t, s.hex, s.sig, s.len - 1), CKR_DEVICE_ERROR);
	token_stop(&t);
}

static void test_refused(void **state)
{
	struct token t = {0};
	unsigned char out[256];
	unsigned long len = sizeof(out);

	token_key(&t, MS_ALG_RSA2048);
	token_has_key(&t);
	token_json(&t, "{\"items\":[]}");
	t.steps[2].reply = "HTTP/1.1 403 X\r\nContent-Type: text/plain\r\n"
			   "Content-Length: 24\r\n\r\nno-rule\nno rule for you\n";
	t.steps[2].reply_len = 0;
	token_start(&t);
	assert_int_equal(init(&t, CKM_SHA256_RSA_PKCS), CKR_OK);
	assert_int_equal(C_Sign(t.session, bytes(data), 4, out, &len),
			 CKR_FUNCTION_REJECTED);
	assert_said(&t, "key k did not sign: no rule for you\n");
	assert_int_equal(C_SignFinal(t.session, out, &len),
			 CKR_OPERATION_NOT_INITIALIZED);
	token_stop(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rsa),
		cmocka_unit_test(test_rsa_digest_info),
		cmocka_unit_test(test_bad_data),
		cmocka_unit_test(test_ecdsa),
		cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_wrong_digest),
		cmocka_unit_test(test_wrong_signature),
		cmocka_unit_test(test_truncated_signature),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
