/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/verifier/fixture.h"
#include "verifier/evidence.h"

#define GATHER(anchor)                                             \
	_cleanup_(fixture_checker_clear) struct fixture_checker f; \
	_cleanup_buf_ struct ms_buf m = MS_BUF_INIT(FIXTURE_MAX);  \
	static struct ms_evidence ev;                              \
	fixture_checker_init(&f, anchor);                          \
	memset(&ev, 0xff, sizeof(ev));                             \
	fixture_module(&m)

static void gather(struct fixture_checker *f, const struct ms_buf *m,
		   struct ms_evidence *ev)
{
	assert_int_equal(
		ms_evidence_gather(m->data, m->len, 0, &f->anchors, &f->caches, ev), 0);
}

static void test_unsigned(void **state)
{
	GATHER(NULL);
	uint8_t digest[MS_DIGEST_MAX];

	gather(&f, &m, &ev);
	assert_int_equal(ev.trailer_rc, -ENODATA);
	assert_int_equal(ev.payload_len, m.len);
	assert_int_equal(ev.facts_rc, 0);
	assert_string_equal(ev.facts.name, "ms_test");
	assert_int_equal(ev.digest_hash, MS_HASH_SHA256);
	assert_int_equal(ms_digest(MS_HASH_SHA256, m.data, m.len, digest), 0);
	assert_memory_equal(ev.digest, digest, 32);
	assert_int_equal(ev.magic_gap, 0);
	assert_false(ev.checked);
}

static void test_signed(void **state)
{
	GATHER("p384");
	size_t len = m.len;

	fixture_sign(&m, "p384", MS_HASH_SHA384);
	gather(&f, &m, &ev);
	assert_int_equal(ev.trailer_rc, 0);
	assert_int_equal(ev.message_rc, 0);
	assert_int_equal(ev.payload_len, len);
	assert_true(ev.checked);
	assert_false(ev.nested);
	assert_int_equal(ev.signers[0].kind, MS_SIG_ECDSA);
	assert_ptr_equal(ev.signers[0].anchor, &f.anchors.v[0]);
	assert_int_equal(ev.signers[0].anchor_rc, 0);
	assert_int_equal(ev.signers[0].cert, -1);
	assert_int_equal(ev.digest_hash, MS_HASH_SHA384);
	m.data[100] ^= 1;
	gather(&f, &m, &ev);
	assert_int_equal(ev.signers[0].anchor_rc, -EKEYREJECTED);
}

static void test_lost_marker(void **state)
{
	GATHER("rsa2048");
	fixture_sign(&m, "rsa2048", MS_HASH_SHA256);
	ms_buf_put(&m, "123", 3);
	gather(&f, &m, &ev);
	assert_int_equal(ev.trailer_rc, -ENODATA);
	assert_int_equal(ev.magic_gap, 3);
}

static void test_nested(void **state)
{
	GATHER("rsa2048");
	fixture_sign(&m, "p256", MS_HASH_SHA256);
	fixture_sign(&m, "rsa2048", MS_HASH_SHA256);
	gather(&f, &m, &ev);
	assert_true(ev.nested);
	assert_int_equal(ev.signers[0].anchor_rc, 0);
}

/* An RSA signature that calls for an EC key: the names match, the kinds do not. */
static void test_kinds_of_keys(void **state)
{
	EVP_PKEY *rsa = fixture_key("rsa2048"), *ec = fixture_key("p256");

	assert_int_equal(ms_sig_kind_of_key(rsa), MS_SIG_RSA);
	assert_int_equal(ms_sig_kind_of_key(ec), MS_SIG_ECDSA);
	assert_int_equal(ms_sig_kind_of_key(NULL), MS_SIG_OTHER);
	EVP_PKEY_free(rsa);
	EVP_PKEY_free(ec);
	ec = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-521");
	assert_int_equal(ms_sig_kind_of_key(ec), MS_SIG_P521);
	EVP_PKEY_free(ec);
	ec = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	assert_int_equal(ms_sig_kind_of_key(ec), MS_SIG_OTHER);
	EVP_PKEY_free(ec);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unsigned),      cmocka_unit_test(test_signed),
		cmocka_unit_test(test_lost_marker),   cmocka_unit_test(test_nested),
		cmocka_unit_test(test_kinds_of_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
