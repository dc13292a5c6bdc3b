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

/* finit_module() with MODULE_INIT_COMPRESSED_FILE, where it is told so or can do it. */
static void test_packed(void **state)
{
	struct ms_evidence ev = good();

	ev.packed = (struct ms_packed){.unpacker = MS_UNPACKER_KERNEL, .format = MS_XZ};
	expect_fatal(&ev, "5.10", -EINVAL);
	expect_fatal(&ev, "6.1", -EOPNOTSUPP);
	expect_loads(&ev, "6.12");
	ev.packed.xz_check = 1;
	expect_loads(&ev, "6.12");
	ev.packed.xz_check = 4;
	expect_fatal(&ev, "6.12", -EINVAL);
	ev.packed.unpacker = MS_UNPACKER_AUTO;
	expect_fatal(&ev, "6.12", -EINVAL);
	expect_loads(&ev, "6.1");
	ev.packed.unpacker = MS_UNPACKER_TOOL;
	expect_loads(&ev, "6.12");
	ev.packed = (struct ms_packed){.format = MS_ZSTD};
	expect_loads(&ev, "6.12");
	ev.packed.unpacker = MS_UNPACKER_KERNEL;
	expect_fatal(&ev, "6.12", -EINVAL);
	ev.packed.format = MS_PLAIN;
	expect_fatal(&ev, "6.12", -EINVAL);

	ev = good();
	ev.len = 0;
	ev.trailer_rc = -ENODATA;
	ev.packed = (struct ms_packed){.format = MS_XZ};
	ev.kernel_elf_rc = -ENOEXEC;
	expect(&ev, "6.12", MS_PERMISSIVE, MS_KERNEL_REFUSED, -ENOEXEC);
	expect(&ev, "6.12", MS_ENFORCE, MS_KERNEL_REFUSED, -EKEYREJECTED);
	expect_fatal(&ev, "7.2", -EACCES);
	expect_fatal(&ev, "6.1", -EINVAL);
}

/* A file's hash in dbx: a patch of Debian's, up to 6.12, and only for what is good. */
static void test_digest_in_dbx(void **state)
{
	struct ms_evidence ev = good();

	ev.digest_heeded = true;
	expect_fatal(&ev, "5.10", -EKEYREJECTED);
	expect_fatal(&ev, "6.12", -EKEYREJECTED);
	expect_loads(&ev, "6.8");
	expect_loads(&ev, "7.2");
	ev.signers[0].anchor = NULL;
	expect_untrusted(&ev, "6.12");
}

static void expect_as(const struct ms_evidence *ev, const char *release, int want)
{
	struct ms_kernel_profile p;
	int error = 1;

	assert_int_equal(ms_profile_of_release(release, &p), 0);
	assert_int_equal(ms_kernel_judge(ev, &p, MS_ENFORCE, &error),
			 want ? MS_KERNEL_REFUSED : MS_KERNEL_LOADS);
	assert_int_equal(error, want);
}

/* The release counts where symbols have no checksums, the machine where it is known. */
static void test_very_kernel(void **state)
{
	struct ms_evidence ev = good();

	memcpy(ev.facts.release, "7.3-amd64", sizeof("7.3-amd64"));
	ev.facts.machine = 62;
	expect_as(&ev, "7.3-amd64", 0);
	expect_as(&ev, "7.3-cloud-amd64", -ENOEXEC);
	expect_as(&ev, "7.3", 0);
	expect_as(&ev, "6.12.1-cloud-amd64", 0);
	expect_as(&ev, "6.12.1-arm64", -ENOEXEC);
	expect_as(&ev, "6.12.1-generic", 0);
	ev.facts.machine = 183;
	expect_as(&ev, "6.12.1-arm64", 0);
	expect_as(&ev, "6.12.1-amd64", -ENOEXEC);
}

/* Keys of the firmware, for a kernel that does not ask them. */
static void test_firmware_keys(void **state)
{
	struct ms_kernel_profile p = *ms_kernel_profile_find("6.12");
	struct ms_evidence ev = good();
	struct ms_anchor a = anchors.v[0];
	int error;

	ev.signers[0].anchor = &a;
	a.origin = MS_ANCHOR_DB;
	expect_loads(&ev, "6.12");
	p.firmware_keys = false;
	assert_int_equal(ms_kernel_judge(&ev, &p, MS_PERMISSIVE, &error),
			 MS_KERNEL_TAINTS);
	a.origin = MS_ANCHOR_KERNEL;
	assert_int_equal(ms_kernel_judge(&ev, &p, MS_PERMISSIVE, &error),
			 MS_KERNEL_LOADS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_insmod_table),
		cmocka_unit_test(test_algorithms),
		cmocka_unit_test(test_empty_names),
		cmocka_unit_test(test_several_signers),
		cmocka_unit_test(test_packed),
		cmocka_unit_test(test_digest_in_dbx),
		cmocka_unit_test(test_very_kernel),
		cmocka_unit_test(test_firmware_keys),
	};

	return cmocka_run_group_tests(tests, load_anchors, clear_anchors);
}
