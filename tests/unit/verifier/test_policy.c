/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/verifier/fixture.h"
#include "verifier/policy.h"

static struct ms_anchors anchors;
static struct ms_identity identity;
static const time_t now = 1800000000;

static int setup(void **state)
{
	static char issuer[] = "CN=\x1b[31mred", serial[] = "01";

	fixture_anchor(&anchors, "rsa2048");
	fixture_anchor(&anchors, "p256");
	anchors.v[0].cert->not_before = now - 10;
	anchors.v[0].cert->not_after = now + 10;
	identity = (struct ms_identity){.issuer = issuer, .serial = serial};
	return 0;
}

static int teardown(void **state)
{
	ms_anchors_clear(&anchors);
	return 0;
}

static struct ms_evidence good(void)
{
	struct ms_evidence ev = {.checked = true};

	ev.facts.has_symtab = true;
	ev.msg.detached = true;
	ev.msg.n_signers = 1;
	ev.msg.signers[0].hash = MS_HASH_SHA256;
	ev.signers[0].kind = MS_SIG_RSA;
	ev.signers[0].id = &identity;
	ev.signers[0].anchor = &anchors.v[0];
	ev.signers[0].cert = -1;
	return ev;
}

static int judge(const struct ms_evidence *ev, time_t when, struct ms_result *r)
{
	const struct ms_trust t = {.anchors = &anchors, .now = when};

	return ms_policy_judge(ev, &t, r);
}

/* Exactly this finding (none: MS_FINDING_NONE) and this verdict. */
static void expect_at(const struct ms_evidence *ev, time_t when,
		      enum ms_finding_code code, enum ms_policy_verdict verdict)
{
	_cleanup_result_ struct ms_result r = {0};

	assert_int_equal(judge(ev, when, &r), 0);
	assert_int_equal(r.policy.verdict, verdict);
	assert_int_equal(r.policy.n_findings, code == MS_FINDING_NONE ? 0 : 1);
	for (size_t i = 0; i < r.policy.n_findings; i++) {
		assert_int_equal(r.policy.findings[i].code, code);
		assert_null(strchr(r.policy.findings[i].detail, 0x1b));
	}
}

static void expect(const struct ms_evidence *ev, enum ms_finding_code code)
{
	expect_at(ev, now, code,
		  code == MS_FINDING_NONE      ? MS_POLICY_TRUSTED
		  : ms_finding_unchecked(code) ? MS_POLICY_UNCHECKED
					       : MS_POLICY_FINDINGS);
}

static void test_one_thing_wrong(void **state)
{
	struct ms_evidence ev = good();

	expect(&ev, MS_FINDING_NONE);
	ev = good(), ev.trailer_rc = -ENODATA, ev.checked = false;
	expect(&ev, MS_FINDING_UNSIGNED);
	ev = good(), ev.trailer_rc = -EBADMSG, ev.checked = false;
	expect(&ev, MS_FINDING_MALFORMED_SIGNATURE);
	ev = good(), ev.message_rc = -EBADMSG, ev.checked = false;
	expect(&ev, MS_FINDING_MALFORMED_SIGNATURE);
	ev = good(), ev.trailer_rc = -ENOPKG, ev.checked = false;
	expect(&ev, MS_FINDING_UNKNOWN_SIGNATURE_TYPE);
	ev = good(), ev.signers[0].anchor = NULL;
	expect(&ev, MS_FINDING_UNKNOWN_SIGNER);
	ev = good(), ev.signers[0].anchor_rc = -EKEYREJECTED;
	expect(&ev, MS_FINDING_BAD_SIGNATURE);
	ev = good(), ev.signers[0].anchor_rc = -ENOPKG;
	expect(&ev, MS_FINDING_UNSUPPORTED_ALGORITHM);
	ev = good(), ev.msg.signers[0].hash = MS_HASH_SHA1;
	expect(&ev, MS_FINDING_WEAK_DIGEST);
	ev = good(), ev.msg.trailing = 1;
	expect(&ev, MS_FINDING_TRAILING_BYTES);
	ev = good(), ev.extra = 1;
	expect(&ev, MS_FINDING_TRAILING_BYTES);
	ev = good(), ev.nested = true;
	expect(&ev, MS_FINDING_NESTED_SIGNATURE);
	ev = good(), ev.facts_rc = -ENOEXEC;
	expect(&ev, MS_FINDING_NOT_A_MODULE);
	ev = good(), ev.facts.has_symtab = false;
	expect(&ev, MS_FINDING_STRIPPED);
	ev = good(), ev.msg.detached = false, ev.checked = false;
	expect(&ev, MS_FINDING_EMBEDDED_CONTENT);
	ev = good(), ev.msg.n_signers = 0;
	expect(&ev, MS_FINDING_MALFORMED_SIGNATURE);
	ev = good(), ev.checked = false;
	ev.msg.signers[0].signed_attrs = (const uint8_t *)"";
	expect(&ev, MS_FINDING_SIGNED_ATTRIBUTES);
}

/* Not checked, and nothing else wrong: that is not "trusted". */
static void test_never_trusted_unchecked(void **state)
{
	struct ms_evidence ev = good();

	ev.checked = false;
	expect_at(&ev, now, MS_FINDING_NONE, MS_POLICY_UNCHECKED);
}

static void test_dates(void **state)
{
	struct ms_evidence ev = good();

	expect_at(&ev, now - 10, MS_FINDING_NONE, MS_POLICY_TRUSTED);
	expect_at(&ev, now + 10, MS_FINDING_NONE, MS_POLICY_TRUSTED);
	expect_at(&ev, now - 11, MS_FINDING_NOT_YET_VALID, MS_POLICY_FINDINGS);
	expect_at(&ev, now + 11, MS_FINDING_EXPIRED, MS_POLICY_FINDINGS);
}

static void test_usage(void **state)
{
	struct ms_cert *c = anchors.v[0].cert;
	struct ms_evidence ev = good();

	c->eku_code_signing = false;
	expect(&ev, MS_FINDING_WRONG_KEY_USAGE);
	c->has_eku = false;
	expect(&ev, MS_FINDING_NONE);
	c->may_sign = false;
	expect(&ev, MS_FINDING_WRONG_KEY_USAGE);
	c->has_key_usage = false;
	expect(&ev, MS_FINDING_NONE);
	c->has_eku = c->has_key_usage = c->eku_code_signing = c->may_sign = true;
}

static void test_revoked(void **state)
{
	struct ms_evidence ev = good();

	assert_int_equal(ms_anchors_revoke(&anchors, fixture_cert("p256"), "list"), 0);
	expect(&ev, MS_FINDING_NONE);
	assert_int_equal(ms_anchors_revoke(&anchors, fixture_cert("rsa2048"), "list"), 0);
	expect(&ev, MS_FINDING_REVOKED_CERTIFICATE);
	for (size_t i = 0; i < anchors.n_revoked; i++) {
		ms_cert_free(anchors.revoked[i].cert);
		free(anchors.revoked[i].source);
	}
	free(anchors.revoked);
	anchors.revoked = NULL;
	anchors.n_revoked = 0;
}

static void test_chain(void **state)
{
	struct ms_chain chain = {.n = 1};
	struct ms_evidence ev = good();
	bool was_ca = anchors.v[0].cert->is_ca;

	anchors.v[0].cert->is_ca = true;
	anchors.v[1].cert->not_before = now - 10;
	anchors.v[1].cert->not_after = now + 10;
	chain.v[0] = (struct ms_chain_cert){
		.cert = anchors.v[1].cert,
		.issuer = -1,
		.authority = &anchors.v[0],
	};
	ev.chain = &chain;
	ev.msg.n_certs = 1;
	ev.signers[0].anchor = NULL;
	ev.signers[0].cert = 0;
	expect(&ev, MS_FINDING_NONE);
	ev.signers[0].cert_rc = -EKEYREJECTED;
	expect(&ev, MS_FINDING_BAD_SIGNATURE);
	ev.signers[0].cert_rc = 0;
	chain.v[0].authority_rc = -EKEYREJECTED;
	expect(&ev, MS_FINDING_BAD_CHAIN);
	chain.v[0].authority_rc = 0;
	anchors.v[0].cert->is_ca = false;
	expect(&ev, MS_FINDING_ISSUER_NOT_CA);
	anchors.v[0].cert->is_ca = true;
	chain.v[0].authority = NULL;
	expect(&ev, MS_FINDING_UNKNOWN_SIGNER);
	chain.v[0].issuer = 0;
	expect(&ev, MS_FINDING_UNKNOWN_SIGNER);
	/* Named like an anchor, but not that certificate. */
	chain.v[0].same = &anchors.v[0];
	expect(&ev, MS_FINDING_UNKNOWN_SIGNER);
	anchors.v[0].cert->is_ca = was_ca;
}

static void test_stray_certificate(void **state)
{
	struct ms_chain chain = {.n = 1};
	struct ms_evidence ev = good();

	chain.v[0] = (struct ms_chain_cert){.cert = anchors.v[1].cert, .issuer = -1};
	ev.chain = &chain;
	ev.msg.n_certs = 1;
	expect(&ev, MS_FINDING_EXTRA_CERTIFICATE);
}

static void test_two_signers(void **state)
{
	_cleanup_result_ struct ms_result r = {0};
	struct ms_evidence ev = good();

	ev.msg.n_signers = 2;
	ev.msg.signers[1] = ev.msg.signers[0];
	ev.signers[1] = ev.signers[0];
	expect(&ev, MS_FINDING_EXTRA_SIGNER);
	ev.signers[1].anchor = NULL;
	assert_int_equal(judge(&ev, now, &r), 0);
	assert_int_equal(r.policy.verdict, MS_POLICY_FINDINGS);
	assert_true(fixture_has(&r, MS_FINDING_UNKNOWN_SIGNER));
	assert_true(fixture_has(&r, MS_FINDING_EXTRA_SIGNER));
	assert_int_equal(r.signers[0].state, MS_SIGNER_TRUSTED);
	assert_int_equal(r.signers[1].state, MS_SIGNER_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_thing_wrong),
		cmocka_unit_test(test_never_trusted_unchecked),
		cmocka_unit_test(test_dates),
		cmocka_unit_test(test_usage),
		cmocka_unit_test(test_revoked),
		cmocka_unit_test(test_chain),
		cmocka_unit_test(test_stray_certificate),
		cmocka_unit_test(test_two_signers),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
