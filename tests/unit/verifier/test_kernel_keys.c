/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/verifier/fixture.h"
#include "verifier/kernel_keys.h"

static const char keys[] =
	"0f1e2d3c I------     1 perm 1f030000     0     0 keyring   .builtin: 2\n"
	"27d1e1d8 I------     1 perm 1f010000     0     0 asymmetri A: B: 00ff: X509.rsa "
	"bb419ea1 []\n"
	"2 I--- 1 perm 1f010000 1000 0 asymmetri Mine: 0011: X509.rsa bb419ea1 []\n"
	"3 I--- 1 perm 1f010000 0 0 asymmetri no id: X509.rsa bb419ea1 []\n"
	"4 I--- 1 perm 1f010000 0 0 asymmetri upper: 00FF: X509.rsa bb419ea1 []\n"
	"short\n\n"
	"5 I--- 1 3d 1f010000 0 0 asymmetri : 12: X509.id-ecPublicKey bb419ea1 []";

static void test_next(void **state)
{
	const char *p = keys, *end = keys + strlen(keys);
	struct ms_kernel_key k;

	assert_int_equal(ms_kernel_keys_next(&p, end, &k), 0);
	assert_string_equal(k.name, "A: B");
	assert_string_equal(k.id, "00ff");
	assert_int_equal(ms_kernel_keys_next(&p, end, &k), 0);
	assert_string_equal(k.name, "");
	assert_string_equal(k.id, "12");
	assert_int_equal(ms_kernel_keys_next(&p, end, &k), -ENODATA);
	assert_string_equal(k.id, "12");
}

static void test_compare(void **state)
{
	_cleanup_anchors_ struct ms_anchors a = {0}, firmware = {0};
	_cleanup_result_ struct ms_result r = {0}, same = {0}, other = {0};
	char line[512], hex[129];
	size_t n;

	assert_int_equal(ms_anchors_add_from(&a, fixture_cert("p256"), "/boot/vmlinuz",
					     MS_ANCHOR_KERNEL),
			 0);
	ms_hex(a.v[0].cert->ski, a.v[0].cert->ski_len, hex);
	assert_int_equal(ms_kernel_keys_compare(keys, strlen(keys), "/proc/keys", &a,
						&firmware, &r, &n),
			 0);
	assert_int_equal(n, 2);
	assert_int_equal(r.policy.n_findings, 3);
	assert_int_equal(r.policy.verdict, MS_POLICY_FINDINGS);
	assert_true(fixture_has(&r, MS_FINDING_KERNEL_KEY_UNKNOWN));
	assert_true(fixture_has(&r, MS_FINDING_KERNEL_KEY_MISSING));

	snprintf(line, sizeof(line),
		 "1 I 1 perm 1f010000 0 0 asymmetri x: %s: X509.rsa x []\n", hex);
	assert_int_equal(ms_kernel_keys_compare(line, strlen(line), "/proc/keys", &a,
						&firmware, &same, &n),
			 0);
	assert_int_equal(same.policy.n_findings, 0);
	assert_int_equal(same.policy.verdict, MS_POLICY_TRUSTED);

	/* Nothing is shown to us: nothing is said. */
	assert_int_equal(
		ms_kernel_keys_compare("", 0, "/proc/keys", &a, &firmware, &other, &n),
		0);
	assert_int_equal(n, 0);
	assert_int_equal(other.policy.n_findings, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_next),
		cmocka_unit_test(test_compare),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
