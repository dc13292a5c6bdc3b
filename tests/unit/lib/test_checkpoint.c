/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "lib/checkpoint.h"

static EVP_PKEY *key, *other;

static int setup(void **state)
{
	static const uint8_t seed[32] = {1, 2, 3};
	static const uint8_t seed2[32] = {4};

	key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, 32);
	other = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed2, 32);
	return key && other ? 0 : -1;
}

static int teardown(void **state)
{
	EVP_PKEY_free(key);
	EVP_PKEY_free(other);
	return 0;
}

static struct ms_checkpoint example(void)
{
	struct ms_checkpoint c = {.size = 4023, .counter = 17, .has_counter = true};

	memcpy(c.origin, "modseal.example/log", 20);
	memset(c.root, 0xab, sizeof(c.root));
	return c;
}

/* The example of the signed-note specification: name, key id and public key. */
static void test_vkey_known_answer(void **state)
{
	static const char vkey[] =
		"PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
	_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(1024);
	char name[MS_ORIGIN_MAX];
	EVP_PKEY *pub;

	assert_int_equal(ms_note_vkey_parse(vkey, sizeof(vkey) - 1, name, &pub), 0);
	assert_string_equal(name, "PeterNeumann");
	assert_int_equal(ms_note_vkey(name, pub, &b), 0);
	assert_string_equal(ms_buf_cstr(&b), vkey);
	EVP_PKEY_free(pub);
	pub = key;
	/* Every changed character is found. */
	for (size_t i = 0; i < sizeof(vkey) - 1; i++) {
		char bad[sizeof(vkey)];

		memcpy(bad, vkey, sizeof(vkey));
		bad[i] = bad[i] == 'x' ? 'y' : 'x';
		assert_int_equal(ms_note_vkey_parse(bad, sizeof(bad) - 1, name, &pub),
				 -EBADMSG);
	}
	assert_ptr_equal(pub, key);
}

static void test_sign_and_verify(void **state)
{
	_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(MS_CHECKPOINT_MAX);
	struct ms_checkpoint c = example(), got;
	char *text;

	assert_int_equal(ms_checkpoint_sign(&c, key, &b), 0);
	assert_int_equal(ms_checkpoint_verify((char *)b.data, b.len, key, &got), 0);
	assert_string_equal(got.origin, c.origin);
	assert_int_equal(got.size, 4023);
	assert_memory_equal(got.root, c.root, 32);
	assert_true(got.has_counter);
	assert_int_equal(got.counter, 17);
	assert_int_equal(ms_checkpoint_verify((char *)b.data, b.len, other, &got),
			 -ENOKEY);

	text = (char *)b.data;
	for (size_t i = 0; i < b.len; i++) {
		text[i] ^= 1;
		assert_int_not_equal(ms_checkpoint_verify(text, b.len, key, &got), 0);
		text[i] ^= 1;
	}
	for (size_t n = 0; n < b.len; n++)
		assert_int_not_equal(ms_checkpoint_verify(text, n, key, &got), 0);
}

static void test_witnesses_and_extensions(void **state)
{
	static const char head[] = "o\n0\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";
	struct ms_checkpoint got = {.size = 99};
	char text[512];
	size_t covered;
	int n;

	n = snprintf(text, sizeof(text), "%sextension\n\n\xe2\x80\x94 w AAAA\n", head);
	assert_int_equal(ms_checkpoint_parse(text, (size_t)n, &got, &covered), 0);
	assert_int_equal(got.size, 0);
	assert_false(got.has_counter);
	assert_int_equal(covered, sizeof(head) - 1 + strlen("extension\n"));
	assert_int_equal(ms_checkpoint_verify(text, (size_t)n, key, &got), -ENOKEY);
}

static void test_refusals(void **state)
{
	static const char *const bad[] = {
		"",
		"o\n",
		"o\n1\n",
		"\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n",
		"a b\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n",
		"o+\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n",
		"o\n01\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n",
		"o\n-1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n",
		"o\n99999999999999999999\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
		"\n\n",
		"o\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==\n\n",
		"o\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n\n",
		"o\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
		"o\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
		"modseal-nv-counter 1\nmodseal-nv-counter 1\n\n",
		"o\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
		"modseal-nv-counter x\n\n",
	};
	struct ms_checkpoint got = {.size = 99}, c = example();
	_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(MS_CHECKPOINT_MAX);
	size_t covered = 7;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(
			ms_checkpoint_parse(bad[i], strlen(bad[i]), &got, &covered),
			-EBADMSG);
		assert_int_equal(got.size, 99);
		assert_int_equal(covered, 7);
	}
	c.origin[3] = ' ';
	assert_int_equal(ms_checkpoint_text(&c, &b), -EINVAL);
	assert_int_equal(b.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vkey_known_answer),
		cmocka_unit_test(test_sign_and_verify),
		cmocka_unit_test(test_witnesses_and_extensions),
		cmocka_unit_test(test_refusals),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
