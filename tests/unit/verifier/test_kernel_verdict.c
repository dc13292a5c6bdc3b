/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of what insmod said on running kernels, and the order in which the kernel
 * looks at several signers.
 */
#include "tests/unit/verifier/fixture.h"
#include "verifier/kernel_verdict.h"

static struct ms_anchors anchors;

static int load_anchors(void **state)
{
	fixture_anchor(&anchors, "rsa2048");
	fixture_anchor(&anchors, "p256");
	return 0;
}

static int clear_anchors(void **state)
{
	ms_anchors_clear(&anchors);
	return 0;
}

/* A module with one good signer, RSA and SHA-256. */
static struct ms_evidence good(void)
{
	struct ms_evidence ev = {.checked = true, .len = 1000};

	ev.msg.version = 1;
	ev.msg.detached = true;
	ev.msg.n_signers = 1;
	ev.msg.signers[0].version = 1;
	ev.msg.signers[0].hash = MS_HASH_SHA256;
	ev.signers[0].kind = MS_SIG_RSA;
	ev.signers[0].anchor = &anchors.v[0];
	ev.signers[0].cert = -1;
	return ev;
}

static void expect(const struct ms_evidence *ev, const char *kernel,
		   enum ms_enforce enforce, enum ms_kernel_verdict want, int want_error)
{
	const struct ms_kernel_profile *p = ms_kernel_profile_find(kernel);
	int error = 1;

	assert_int_equal(ms_kernel_judge(ev, p, enforce, &error), want);
	assert_int_equal(error, want_error);
}

static void expect_fatal(const struct ms_evidence *ev, const char *kernel, int want_error)
{
	expect(ev, kernel, MS_ENFORCE, MS_KERNEL_REFUSED, want_error);
	expect(ev, kernel, MS_PERMISSIVE, MS_KERNEL_REFUSED, want_error);
	expect(ev, kernel, MS_LOCKDOWN, MS_KERNEL_REFUSED, want_error);
}

static void expect_untrusted(const struct ms_evidence *ev, const char *kernel)
{
	expect(ev, kernel, MS_ENFORCE, MS_KERNEL_REFUSED, -EKEYREJECTED);
	expect(ev, kernel, MS_PERMISSIVE, MS_KERNEL_TAINTS, 0);
	expect(ev, kernel, MS_LOCKDOWN, MS_KERNEL_REFUSED, -EPERM);
}

static void expect_loads(const struct ms_evidence *ev, const char *kernel)
{
	expect(ev, kernel, MS_ENFORCE, MS_KERNEL_LOADS, 0);
	expect(ev, kernel, MS_LOCKDOWN, MS_KERNEL_LOADS, 0);
}

static void test_insmod_table(void **state)
{
	struct ms_evidence ev = good();

	expect_loads(&ev, "5.10");
	expect_loads(&ev, "6.1");
	expect_loads(&ev, "7.2");

	ev = good(), ev.trailer_rc = -ENODATA;
	expect_untrusted(&ev, "6.1");
	ev = good(), ev.trailer_rc = -ENOPKG;
	expect_untrusted(&ev, "6.1");
	ev = good(), ev.trailer_rc = -EBADMSG;
	expect_fatal(&ev, "6.1", -EBADMSG);
	ev = good(), ev.kernel_rc = -EBADMSG;
	expect_fatal(&ev, "6.1", -EBADMSG);
	ev = good(), ev.signers[0].anchor = NULL;
	expect_untrusted(&ev, "6.1");
	ev = good(), ev.signers[0].anchor_rc = -EKEYREJECTED;
	expect_fatal(&ev, "6.1", -EKEYREJECTED);
	ev = good(), ev.checked = false;
	expect_fatal(&ev, "6.1", -EKEYREJECTED);
	ev = good(), ev.msg.detached = false;
	expect_fatal(&ev, "6.1", -EBADMSG);
	ev = good(), ev.kernel_elf_rc = -ENOEXEC;
	expect(&ev, "6.1", MS_ENFORCE, MS_KERNEL_REFUSED, -ENOEXEC);
	ev = good(), ev.len = 0;
	expect_fatal(&ev, "6.1", -EINVAL);
}

static void test_algorithms(void **state)
{
	struct ms_evidence ev = good();

	ev.msg.signers[0].hash = MS_HASH_SHA512;
	expect_untrusted(&ev, "6.1");
	expect_loads(&ev, "6.12");
	ev.msg.signers[0].hash = MS_HASH_SHA3_256;
	expect_untrusted(&ev, "6.1");
	expect_loads(&ev, "6.12");
	expect_untrusted(&ev, "7.2");
	ev.msg.signers[0].hash = MS_HASH_SHA1;
	expect_loads(&ev, "7.2");
	ev.msg.signers[0].hash = MS_HASH_MD5;
	expect_untrusted(&ev, "6.12");
	ev = good();
	ev.signers[0].kind = MS_SIG_OTHER;
	expect_untrusted(&ev, "7.2");
	ev.signers[0].kind = MS_SIG_ECDSA;
	ev.signers[0].anchor = &anchors.v[1];
	expect_untrusted(&ev, "5.10");
	expect_loads(&ev, "6.12");
}

/* What keyrings are searched for must not be empty. */
static void test_empty_names(void **state)
{
	struct ms_evidence ev = good();

	ev.msg.version = ev.msg.signers[0].version = 3;
	ev.signers[0].anchor = NULL;
	expect_fatal(&ev, "6.1", -EINVAL);
	ev.msg.signers[0].skid = (const uint8_t *)"1";
	ev.msg.signers[0].skid_len = 1;
	expect_untrusted(&ev, "6.1");
	ev.msg.version = ev.msg.signers[0].version = 1;
	expect_fatal(&ev, "6.1", -EINVAL);
}

/* Any one good signer is enough, unless one is provably bad. */
static void test_several_signers(void **state)
{
	struct ms_evidence ev = good();

	ev.msg.n_signers = 2;
	ev.msg.signers[1] = ev.msg.signers[0];
	ev.signers[1] = ev.signers[0];
	ev.signers[0].anchor = NULL;
	expect_loads(&ev, "6.1");
	ev.signers[0].anchor = ev.signers[1].anchor;
	ev.signers[1].anchor = NULL;
	expect_loads(&ev, "6.1");
	ev.signers[0].anchor = NULL;
	expect_untrusted(&ev, "6.1");
	ev.signers[0].anchor = &anchors.v[0];
	ev.signers[1].anchor = &anchors.v[0];
	ev.signers[1].anchor_rc = -EKEYREJECTED;
	expect_fatal(&ev, "6.1", -EKEYREJECTED);
	ev.signers[1].anchor_rc = 0;
	ev.msg.signers[1].hash = MS_HASH_SHA512;
	expect_loads(&ev, "6.1");
	ev.msg.signers[1].hash = MS_HASH_NONE;
	expect_untrusted(&ev, "6.1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_insmod_table),
		cmocka_unit_test(test_algorithms),
		cmocka_unit_test(test_empty_names),
		cmocka_unit_test(test_several_signers),
	};

	return cmocka_run_group_tests(tests, load_anchors, clear_anchors);
}
