// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/tpm/swtpm.h"
#include "lib/cert.h"
#include "tpm/keyfile.h"

static const uint8_t kek[MS_TPM_SECRET_LEN] = "0123456789abcdefghijklmnopqrstu";

static void test_roundtrip(void **state)
{
	static struct ms_keyfile k, back;
	_cleanup_buf_ struct ms_buf text = MS_BUF_INIT(MS_KEY_FILE_MAX);
	const struct ms_cert_request req = {.common_name = "test", .days = 1};
	struct ms_error err = {0};
	struct ms_tpm *t = NULL;
	EVP_PKEY *key = NULL, *again = NULL;
	uint8_t *der = NULL;
	struct swtpm tpm;

	swtpm_new(&tpm);
	assert_int_equal(ms_key_generate(MS_ALG_P256, &key), 0);
	assert_int_equal(ms_cert_self_sign(key, &req, &der, &k.cert_len), 0);
	memcpy(k.cert, der, k.cert_len);
	free(der);
	if (ms_tpm_open(tpm.tcti, &t, &err) ||
	    ms_tpm_seal(t, kek, 1u << 7, "1234", &k.blob, &err))
		fail_msg("%s", err.msg);
	ms_tpm_close(t);
	k.created = 1234567890;
	assert_int_equal(ms_keyfile_seal(&k, kek, key, &err), 0);
	assert_int_equal(ms_keyfile_write(&k, &text), 0);
	if (ms_keyfile_parse((const char *)text.data, text.len, &back, &err))
		fail_msg("%s", err.msg);
	assert_memory_equal(&back, &k, sizeof(k));
	if (ms_keyfile_unseal(&back, kek, &again, &err))
		fail_msg("%s", err.msg);
	assert_int_equal(EVP_PKEY_eq(key, again), 1);
	EVP_PKEY_free(key);
	EVP_PKEY_free(again);
	swtpm_end(&tpm);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_roundtrip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
