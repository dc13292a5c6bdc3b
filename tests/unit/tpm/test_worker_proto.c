// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <cmocka.h>
#include "tpm/worker_proto.h"

static void fill(struct ms_tpm_blob *b, size_t len)
{
	memset(b, 0, sizeof(*b));
	b->parent = MS_TPM_PARENT_SRK;
	b->pcrs = 0x800080;
	b->has_pin = true;
	memset(b->pcr_digest, 0x11, sizeof(b->pcr_digest));
	b->pub_len = b->priv_len = MS_MIN(len, sizeof(b->pub));
	b->name_len = b->srk_name_len = MS_MIN(len, sizeof(b->name));
	memset(b->pub, 0x22, b->pub_len);
	memset(b->priv, 0x33, b->priv_len);
	memset(b->name, 0x44, b->name_len);
	memset(b->srk_name, 0x55, b->srk_name_len);
	b->policy_key.len = MS_MIN(len, sizeof(b->policy_key.pub));
	memset(b->policy_key.pub, 0x66, b->policy_key.len);
	b->n_approvals = len ? MS_PCR_APPROVALS_MAX : 0;
	for (size_t i = 0; i < b->n_approvals; i++) {
		struct ms_pcr_approval *a = &b->approvals[i];

		memset(a->name, 'a', MS_MIN(len, MS_PCR_APPROVAL_NAME_MAX));
		a->pcrs = 0x80;
		memset(a->pcr_digest, 0x77, sizeof(a->pcr_digest));
		a->sig_len = MS_MIN(len, sizeof(a->sig));
		memset(a->sig, 0x88, a->sig_len);
	}
	b->birth.known = len != 0;
	memset(b->birth.chip, 0x99, sizeof(b->birth.chip));
	memset(b->birth.owner, 0xaa, sizeof(b->birth.owner));
}

/* There and back, and every way of cutting it short or making it longer is refused. */
static void request(const struct ms_tpmw_request *q)
{
	_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(MS_TPMW_MSG_MAX);
	static struct ms_tpmw_request back;

	assert_int_equal(ms_tpmw_put_request(&b, q), 0);
	assert_int_equal(ms_tpmw_get_request(b.data, b.len, &back), 0);
	assert_memory_equal(&back, q, sizeof(*q));
	for (size_t n = 0; n < b.len; n++)
		assert_int_equal(ms_tpmw_get_request(b.data, n, &back), -EBADMSG);
	ms_buf_put_u8(&b, 0);
	assert_int_equal(ms_tpmw_get_request(b.data, b.len, &back), -EBADMSG);
}

static void answer(const struct ms_tpmw_answer *a)
{
	_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(MS_TPMW_MSG_MAX);
	static struct ms_tpmw_answer back;

	assert_int_equal(ms_tpmw_put_answer(&b, a), 0);
	assert_int_equal(ms_tpmw_get_answer(b.data, b.len, &back), 0);
	assert_memory_equal(&back, a, sizeof(*a));
	for (size_t n = 0; n < b.len; n++)
		assert_int_equal(ms_tpmw_get_answer(b.data, n, &back), -EBADMSG);
	ms_buf_put_u8(&b, 0);
	assert_int_equal(ms_tpmw_get_answer(b.data, b.len, &back), -EBADMSG);
}

static void test_requests(void **state)
{
	static struct ms_tpmw_request q;

	q = (struct ms_tpmw_request){.op = MS_TPMW_INFO};
	request(&q);
	q = (struct ms_tpmw_request){.op = MS_TPMW_SEAL, .foretold = true};
	fill(&q.blob, 0);
	memset(q.secret, 0x77, sizeof(q.secret));
	request(&q);
	q.has_pin = true;
	memset(q.pin, 'p', MS_PIN_MAX);
	request(&q);
	q = (struct ms_tpmw_request){
		.op = MS_TPMW_UNSEAL, .has_pin = true, .pin = "1234"};
	fill(&q.blob, 0);
	request(&q);
	fill(&q.blob, 99);
	request(&q);
	q.op = MS_TPMW_SIGN;
	q.hash = 1;
	q.digest_len = MS_DIGEST_MAX;
	memset(q.digest, 0x66, sizeof(q.digest));
	fill(&q.blob, SIZE_MAX);
	request(&q);
	q = (struct ms_tpmw_request){.op = MS_TPMW_CREATE, .alg = 4, .raw = true};
	fill(&q.blob, 99);
	request(&q);
	q = (struct ms_tpmw_request){.op = MS_TPMW_PCRS, .pcrs = 0x80};
	request(&q);
	q = (struct ms_tpmw_request){
		.op = MS_TPMW_SEAL, .has_pin = true, .foretold = true};
	memset(q.pin, 'p', MS_PIN_MAX);
	fill(&q.blob, SIZE_MAX);
	request(&q);
	q = (struct ms_tpmw_request){
		.op = MS_TPMW_UNSEAL, .has_pin = true, .pin = "1234"};
	/* the largest of all fits into a message */
	fill(&q.blob, SIZE_MAX);
	request(&q);
}

static void test_answers(void **state)
{
	static struct ms_tpmw_answer a;

	a = (struct ms_tpmw_answer){
		.op = MS_TPMW_INFO,
		.info = {"IBM", "SW   TPM", "8217.4131.18.13878", 1, 3, 1000, true, true},
	};
	answer(&a);
	a = (struct ms_tpmw_answer){.op = MS_TPMW_SEAL};
	memset(a.err.msg, 'm', sizeof(a.err.msg) - 1);
	memset(a.err.code, 'c', sizeof(a.err.code) - 1);
	fill(&a.blob, SIZE_MAX);
	answer(&a);
	a.op = MS_TPMW_CREATE;
	answer(&a);
	a = (struct ms_tpmw_answer){.op = MS_TPMW_SIGN, .sig_len = MS_SIG_MAX};
	memset(a.sig, 0x88, sizeof(a.sig));
	answer(&a);
	a = (struct ms_tpmw_answer){.op = MS_TPMW_UNSEAL};
	memset(a.secret, 0x77, sizeof(a.secret));
	answer(&a);
	a = (struct ms_tpmw_answer){
		.op = MS_TPMW_UNSEAL, .rc = -EACCES, .err = {"wrong-pin", "wrong PIN"}};
	answer(&a);
}

/* A secret goes out only with a good answer. */
static void test_refusal_has_no_secret(void **state)
{
	_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(MS_TPMW_MSG_MAX);
	static struct ms_tpmw_answer a;

	a = (struct ms_tpmw_answer){.op = MS_TPMW_UNSEAL, .rc = -EPERM};
	memset(a.secret, 0x77, sizeof(a.secret));
	assert_int_equal(ms_tpmw_put_answer(&b, &a), 0);
	assert_null(memmem(b.data, b.len, a.secret, 4));
}

static void test_values_out_of_range(void **state)
{
	static struct ms_tpmw_request q;
	static struct ms_tpmw_answer a;
	/* secret, empty blob, foretold */
	uint8_t msg[200] = {MS_TPMW_SEAL};
	const size_t pin = 1 + 32 + 132 + 1, all = pin + 5;

	/* a PIN that is neither there nor not */
	msg[pin] = 2;
	assert_int_equal(ms_tpmw_get_request(msg, all, &q), -EBADMSG);
	msg[pin] = 1;
	assert_int_equal(ms_tpmw_get_request(msg, all, &q), 0);
	/* a PIN longer than any */
	msg[pin + 4] = MS_PIN_MAX + 1;
	assert_int_equal(ms_tpmw_get_request(msg, all, &q), -EBADMSG);
	for (unsigned int op = 0; op < 256; op++) {
		msg[0] = (uint8_t)op;
		if (op < MS_TPMW_INFO || op > MS_TPMW_LAST) {
			assert_int_equal(ms_tpmw_get_request(msg, all, &q), -EBADMSG);
			assert_int_equal(ms_tpmw_get_answer(msg, all, &a), -EBADMSG);
		}
	}
	/* an errno that is none */
	memset(msg, 0, sizeof(msg));
	msg[0] = MS_TPMW_INFO;
	msg[3] = 0x10;
	assert_int_equal(ms_tpmw_get_answer(msg, 13, &a), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_refusal_has_no_secret),
		cmocka_unit_test(test_values_out_of_range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
