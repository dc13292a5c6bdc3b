// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/tpm/swtpm.h"
#include "tpm/tpm.h"

static const uint8_t secret[MS_TPM_SECRET_LEN] = "0123456789abcdefghijklmnopqrstu";

static struct swtpm tpm;

static void test_roundtrip(void **state)
{
	struct ms_error err = {0};
	struct ms_tpm *t = NULL;
	struct ms_tpm_blob blob;
	uint8_t out[MS_TPM_SECRET_LEN] = {0};
	static const char *const pins[] = {NULL, "1234",
					   "a PIN longer than the 32 bytes a TPM takes"};
	static const uint32_t masks[] = {0, 1u << 7, 0xffffff};

	if (ms_tpm_open(tpm.tcti, &t, &err))
		fail_msg("%s", err.msg);
	for (size_t i = 0; i < 9; i++) {
		if (ms_tpm_seal(t, secret, masks[i % 3], pins[i / 3], &blob, &err))
			fail_msg("%s", err.msg);
		if (ms_tpm_unseal(t, &blob, pins[i / 3], out, &err))
			fail_msg("%s", err.msg);
		assert_memory_equal(out, secret, sizeof(out));
	}
	ms_tpm_close(t);
}

static int setup(void **state)
{
	swtpm_new(&tpm);
	return 0;
}

static int teardown(void **state)
{
	swtpm_end(&tpm);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_roundtrip),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
