// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/tpm/swtpm.h"
#include "tpm/internal.h"
#include "tpm/worker_proto.h"

#define INDEX 0x01804d53u

static struct ms_error err;

static struct ms_tpm *must_open(const struct swtpm *tpm)
{
	struct ms_tpm *t = NULL;

	if (ms_tpm_open(tpm->tcti, &t, &err) < 0)
		fail_msg("%s", err.msg);
	return t;
}

static uint64_t must_count(struct ms_tpm *t, uint32_t index, bool increment)
{
	uint64_t v = 12345;

	if (ms_tpm_counter(t, index, increment, &v, &err) < 0)
		fail_msg("%s", err.msg);
	return v;
}

/* Only goes up: over a reset of the TPM, and over being deleted by its owner. */
static void test_up(void **state)
{
	struct swtpm tpm;
	struct ms_tpm *t;
	uint64_t first, v;
	ESYS_TR nv;

	swtpm_new(&tpm);
	t = must_open(&tpm);
	assert_int_equal(must_count(t, INDEX, false), 0);
	first = must_count(t, INDEX, true);
	assert_true(first > 0);
	assert_int_equal(must_count(t, INDEX, false), first);
	assert_int_equal(must_count(t, INDEX, true), first + 1);
	/* a second one is another counter */
	must_count(t, INDEX + 1, true);
	assert_int_equal(must_count(t, INDEX, false), first + 1);
	ms_tpm_close(t);

	swtpm_kill(&tpm);
	swtpm_start(&tpm);
	t = must_open(&tpm);
	assert_int_equal(must_count(t, INDEX, false), first + 1);
	for (int i = 0; i < 5; i++)
		v = must_count(t, INDEX, true);
	assert_int_equal(v, first + 6);

	assert_int_equal(Esys_TR_FromTPMPublic(t->esys, INDEX, MS_NO_SESSIONS, &nv), 0);
	assert_int_equal(Esys_NV_UndefineSpace(t->esys, ESYS_TR_RH_OWNER, nv,
					       ESYS_TR_PASSWORD, ESYS_TR_NONE,
					       ESYS_TR_NONE),
			 0);
	assert_int_equal(must_count(t, INDEX, false), 0);
	assert_true(must_count(t, INDEX, true) > v);
	ms_tpm_close(t);
	swtpm_end(&tpm);
}

static void test_refusals(void **state)
{
	const TPM2B_AUTH no_auth = {0};
	const TPM2B_NV_PUBLIC other = {
		.nvPublic = {.nvIndex = INDEX,
			     .nameAlg = TPM2_ALG_SHA256,
			     .attributes = TPMA_NV_AUTHREAD | TPMA_NV_AUTHWRITE,
			     .dataSize = 8}};
	struct swtpm tpm;
	struct ms_tpm *t;
	uint64_t v = 77;
	ESYS_TR nv;

	swtpm_new(&tpm);
	t = must_open(&tpm);
	assert_int_equal(ms_tpm_counter(t, 0x81000001, true, &v, &err), -EINVAL);
	assert_string_equal(err.code, "bad-nv-index");
	assert_int_equal(ms_tpm_counter(t, 0x01c00002, true, &v, &err), -EINVAL);
	assert_int_equal(Esys_NV_DefineSpace(t->esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD,
					     ESYS_TR_NONE, ESYS_TR_NONE, &no_auth, &other,
					     &nv),
			 0);
	assert_int_equal(ms_tpm_counter(t, INDEX, true, &v, &err), -EINVAL);
	assert_string_equal(err.code, "tpm-nv-taken");
	assert_int_equal(ms_tpm_counter(t, INDEX, false, &v, &err), -EINVAL);
	swtpm_kill(&tpm);
	assert_int_equal(ms_tpm_counter(t, INDEX, true, &v, &err), -ENODEV);
	assert_int_equal(v, 77);
	ms_tpm_close(t);
	swtpm_end(&tpm);
}

static void test_messages(void **state)
{
	static const uint8_t want_q[] = {4, 0x01, 0x80, 0x4d, 0x53, 1};
	static const uint8_t want_a[] = {4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
					 0, 0, 0, 0, 0, 0, 0, 0, 1, 2};
	struct ms_tpmw_request q = {
		.op = MS_TPMW_COUNTER, .index = INDEX, .increment = true};
	struct ms_tpmw_answer a = {.op = MS_TPMW_COUNTER, .counter = 0x102};
	_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(MS_TPMW_MSG_MAX);
	struct ms_tpmw_request q2;
	struct ms_tpmw_answer a2;

	assert_int_equal(ms_tpmw_put_request(&b, &q), 0);
	assert_int_equal(b.len, sizeof(want_q));
	assert_memory_equal(b.data, want_q, sizeof(want_q));
	assert_int_equal(ms_tpmw_get_request(b.data, b.len, &q2), 0);
	assert_int_equal(q2.index, INDEX);
	assert_true(q2.increment);
	b.data[5] = 2;
	assert_int_equal(ms_tpmw_get_request(b.data, b.len, &q2), -EBADMSG);
	assert_int_equal(ms_tpmw_get_request(b.data, b.len - 1, &q2), -EBADMSG);
	ms_buf_clear(&b);
	assert_int_equal(ms_tpmw_put_answer(&b, &a), 0);
	assert_int_equal(b.len, sizeof(want_a));
	assert_memory_equal(b.data, want_a, sizeof(want_a));
	assert_int_equal(ms_tpmw_get_answer(b.data, b.len, &a2), 0);
	assert_int_equal(a2.counter, 0x102);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_up),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
