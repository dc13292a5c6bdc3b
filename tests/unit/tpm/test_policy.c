// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include "tests/unit/tpm/swtpm.h"
#include "tests/unit/tpm/vector.h"
#include "tpm/internal.h"
#include "tpm/keyfile.h"
#include "tpm/policy.h"

static struct ms_error err;
static struct ms_keyfile vector;

/* From Python's hashlib; in tests/shell/20-tpm-keyfile.t tpm2-tools agree. */
static void test_known_answers(void **state)
{
	struct ms_tpm_blob b = {0};
	uint8_t policy[32];
	size_t len = 99;

	assert_int_equal(ms_policy_digest(&b, policy, &len), 0);
	assert_int_equal(len, 0);
	b = vector.blob;
	assert_int_equal(ms_policy_digest(&b, policy, &len), 0);
	assert_int_equal(len, 32);
	assert_memory_equal(policy, vector_policy, 32);
}

/* What we compute is what the TPM computes, for any PCRs. */
static void test_like_the_tpm(void **state)
{
	static const uint32_t masks[] = {1,	   1u << 7,  1u << 23, 0x00ff00,
					 0x555555, 0xffffff, 0};
	struct swtpm tpm;
	struct ms_tpm *t = NULL;

	swtpm_new(&tpm);
	assert_int_equal(ms_tpm_open(tpm.tcti, &t, &err), 0);
	for (size_t i = 0; i < 2 * ARRAY_SIZE(masks); i++) {
		struct ms_tpm_blob b = {.pcrs = masks[i / 2], .has_pin = i % 2};
		const TPMT_SYM_DEF none = {.algorithm = TPM2_ALG_NULL};
		const TPM2B_DIGEST any = {0};
		TPML_PCR_SELECTION pcrs;
		TPM2B_DIGEST *theirs;
		uint8_t ours[32];
		size_t len;
		ESYS_TR s;

		assert_int_equal(ms_pcr_digest(t, b.pcrs, b.pcr_digest, &err), 0);
		assert_int_equal(ms_policy_digest(&b, ours, &len), 0);
		assert_int_equal(Esys_StartAuthSession(t->esys, ESYS_TR_NONE,
						       ESYS_TR_NONE, MS_NO_SESSIONS, NULL,
						       TPM2_SE_TRIAL, &none,
						       TPM2_ALG_SHA256, &s),
				 0);
		ms_pcr_selection(b.pcrs, &pcrs);
		if (b.pcrs)
			assert_int_equal(
				Esys_PolicyPCR(t->esys, s, MS_NO_SESSIONS, &any, &pcrs),
				0);
		if (b.has_pin)
			assert_int_equal(Esys_PolicyAuthValue(t->esys, s, MS_NO_SESSIONS),
					 0);
		assert_int_equal(
			Esys_PolicyGetDigest(t->esys, s, MS_NO_SESSIONS, &theirs), 0);
		if (len)
			assert_memory_equal(ours, theirs->buffer, 32);
		else
			assert_true(!b.pcrs && !b.has_pin);
		Esys_Free(theirs);
		Esys_FlushContext(t->esys, s);
	}
	ms_tpm_close(t);
	swtpm_end(&tpm);
}

static int check(struct ms_tpm_blob *b)
{
	err = (struct ms_error){0};
	return ms_tpm_blob_check(b, &err);
}

static void test_blob_check(void **state)
{
	struct ms_tpm_blob b = vector.blob;

	memset(b.name, 0, sizeof(b.name));
	b.name_len = 0;
	assert_int_equal(check(&b), 0);
	assert_int_equal(b.name_len, sizeof(vector_name));
	assert_memory_equal(b.name, vector_name, sizeof(vector_name));

	/* a policy other than the one that the TPM will ask for */
	b = vector.blob;
	b.has_pin = false;
	assert_int_equal(check(&b), -EBADMSG);
	b = vector.blob;
	b.pcrs = 1u << 8;
	assert_int_equal(check(&b), -EBADMSG);
	b = vector.blob;
	b.pcr_digest[0] ^= 1;
	assert_int_equal(check(&b), -EBADMSG);
	assert_string_equal(err.code, "key-file-damaged");

	/* each byte of the public area but those of unique (the last 32) */
	for (size_t i = 0; i < vector.blob.pub_len - 32; i++) {
		int r;

		b = vector.blob;
		b.pub[i] ^= 1;
		r = check(&b);
		assert_true(r == -EBADMSG || r == -ENOPKG);
	}
	for (size_t n = 0; n < vector.blob.pub_len; n++) {
		b = vector.blob;
		b.pub_len = n;
		assert_int_equal(check(&b), -EBADMSG);
	}
	for (size_t n = 0; n < vector.blob.priv_len; n++) {
		b = vector.blob;
		b.priv_len = n;
		assert_int_equal(check(&b), -EBADMSG);
	}
	b = vector.blob;
	b.pub_len = sizeof(b.pub) + 1;
	assert_int_equal(check(&b), -EBADMSG);
}

static int setup(void **state)
{
	return ms_keyfile_parse(vector_text, strlen(vector_text), &vector, &err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_answers),
		cmocka_unit_test(test_like_the_tpm),
		cmocka_unit_test(test_blob_check),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
