// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <cmocka.h>
#include "tpm/tpm.h"

/* Response codes as TPMs and TSS give them, with their position bits, and the answer. */
static const struct {
	uint32_t rc;
	int err;
	const char *code, *says;
} table[] = {
	{0xa000a, -ENODEV, "tpm-absent", "does not answer"},
	{0xa0008, -ENODEV, "tpm-absent", "does not answer"},
	{0x70007, -ENODEV, "tpm-absent", "connection to the TPM is broken"},
	{0x80007, -ENODEV, "tpm-absent", "connection to the TPM is broken"},
	{0xa0015, -ENODEV, "tpm-no-driver", "libtss2-tcti-NAME.so.0"},
	{0x18b, -ESTALE, "tpm-srk-missing", "was the TPM cleared?"},
	{0x1df, -EBADMSG, "tpm-blob", "damaged, or was made by another TPM"},
	{0x98e, -EACCES, "wrong-pin", "counted the attempt"},
	{0x9a2, -EACCES, "tpm-auth", "owner password"},
	{0xaa2, -EACCES, "tpm-auth", "not counted"},
	{0x921, -EAGAIN, "tpm-lockout", "tpm2_dictionarylockout"},
	{0x99d, -EPERM, "tpm-policy", "policy is not met"},
	{0x1c4, -EPERM, "tpm-pcr", "PCRs are not what they were"},
	{0x128, -EAGAIN, "tpm-pcr-changed", "changed in the middle"},
	{0x12f, -EPERM, "tpm-policy", "wants a policy"},
	{0x902, -EAGAIN, "tpm-full", "no free object slot"},
	{0x903, -EAGAIN, "tpm-full", "no free session slot"},
	{0x901, -EAGAIN, "tpm-full", "very old TPM session"},
	{0x2c3, -ENOPKG, "tpm-unsupported", "does not have the hash"},
	{0x2d2, -ENOPKG, "tpm-unsupported", "signature scheme"},
	{0x2c4, -ENOPKG, "tpm-unsupported", "key size"},
	{0x182, -ENOPKG, "tpm-unsupported", "may not be used for this"},
	{0x1d5, -EINVAL, "tpm-size", "size that the TPM does not take"},
	{0x3e0, -ENOPKG, "tpm-unsupported", "restricted key"},
	{0x922, -EAGAIN, "tpm-busy", "busy"},
	{0x908, -EAGAIN, "tpm-busy", "busy"},
	{0x90a, -EAGAIN, "tpm-busy", "testing itself"},
	{0x920, -EAGAIN, "tpm-busy", "limits how often"},
	{0x923, -EAGAIN, "tpm-busy", "cannot be written at present"},
	{0x100, -ENODEV, "tpm-absent", "not been started"},
	{0x101, -ENODEV, "tpm-failed", "failure mode"},
	{0x1e, -ENODEV, "tpm-absent", "TPM 1.2"},
	{0x7001b, -EIO, "tpm-tampered", "not authentic"},
	{0x70017, -ENOMEM, "no-memory", "out of memory"},
	/* what resource managers pass on: the kernel's, then tpm2-abrmd's */
	{0xb0143, -ENOPKG, "tpm-unsupported", "does not have the command"},
	{0xb0902, -EAGAIN, "tpm-full", "no free object slot"},
	{0xc098e, -EACCES, "wrong-pin", "counted the attempt"},
	{0xb000a, -ENODEV, "tpm-absent", "does not answer"},
	/* the unknown: the TSS's words and the number */
	{0x1a3, -EIO, "tpm-error", "0x1a3"},
	{0x80001, -EIO, "tpm-error", "0x80001"},
};

static void test_table(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct ms_error err = {0};
		int r = ms_tpm_explain(table[i].rc, "unseal the key", &err);

		if (r != table[i].err || strcmp(err.code, table[i].code) != 0 ||
		    !strstr(err.msg, table[i].says))
			fail_msg("0x%x: %d %s \"%s\"", table[i].rc, r, err.code, err.msg);
		/* what failed: why: what to do; one sentence, not cut */
		assert_ptr_equal(strstr(err.msg, "cannot unseal the key: "), err.msg);
		assert_non_null(
			strstr(err.msg + strlen("cannot unseal the key: "), ": "));
		assert_null(strchr(err.msg, '\n'));
		assert_null(strstr(err.msg, "..."));
	}
}

static void test_every_code_has_an_answer(void **state)
{
	for (uint32_t layer = 0; layer < 16; layer++)
		for (uint32_t rc = layer ? 0 : 1; rc < 0x1000; rc++) {
			struct ms_error err = {0};
			int r = ms_tpm_explain(layer << 16 | rc, "do it", &err);

			if (layer == 0 || rc != 0)
				assert_true(r < 0 && r > -4096);
			assert_true(strlen(err.msg) > 20 || r == 0);
		}
}

static void test_success_and_null(void **state)
{
	struct ms_error err = {.msg = "untouched"};

	assert_int_equal(ms_tpm_explain(0, "do it", &err), 0);
	assert_string_equal(err.msg, "untouched");
	assert_int_equal(ms_tpm_explain(0x98e, "do it", NULL), -EACCES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_every_code_has_an_answer),
		cmocka_unit_test(test_success_and_null),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
