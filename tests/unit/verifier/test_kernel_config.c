/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/verifier/fixture.h"
#include "verifier/kernel_config.h"

#define SIGNED "CONFIG_MODULES=y\nCONFIG_MODULE_SIG=y\n"

static int apply(const char *text, const char *version, struct ms_kernel_profile *ret)
{
	*ret = *ms_kernel_profile_find(version);
	return ms_kernel_config_apply(text, strlen(text), ret);
}

static void test_options(void **state)
{
	struct ms_kernel_profile p;

	assert_int_equal(apply(SIGNED "CONFIG_CRYPTO_RSA=y\nCONFIG_CRYPTO_SHA256=y\n"
				      "CONFIG_CRYPTO_SHA512=m\nCONFIG_CRYPTO_ECDSA=y\n",
			       "6.1", &p),
			 0);
	assert_true(ms_profile_has_hash(&p, MS_HASH_SHA224));
	assert_true(ms_profile_has_hash(&p, MS_HASH_SHA256));
	assert_false(ms_profile_has_hash(&p, MS_HASH_SHA512));
	assert_true(ms_profile_parses_hash(&p, MS_HASH_SHA512));
	assert_true(ms_profile_has_sig(&p, MS_SIG_RSA));
	assert_true(ms_profile_has_sig(&p, MS_SIG_ECDSA));
	/* 6.1 does not know of P-521, whatever is configured. */
	assert_false(ms_profile_has_sig(&p, MS_SIG_P521));

	assert_int_equal(apply("# CONFIG_CRYPTO_RSA is not set\n#CONFIG_CRYPTO_SHA1=y\n"
			       "XCONFIG_CRYPTO_SHA512=y\nCONFIG_CRYPTO_SHA3=ym\n" SIGNED,
			       "6.12", &p),
			 0);
	assert_int_equal(p.hashes_usable, 0);
	assert_int_equal(p.sigs_usable, 0);
}

static void test_modules(void **state)
{
	struct ms_kernel_profile p;

	assert_int_equal(apply(SIGNED, "6.12", &p), 0);
	assert_int_equal(p.inflates, 0);
	assert_false(p.modversions);
	assert_false(p.revocation_list);
	assert_false(p.firmware_keys);
	assert_false(p.digest_blacklist);
	assert_int_equal(apply(SIGNED "CONFIG_MODULE_COMPRESS_ZSTD=y\n", "6.12", &p), 0);
	assert_int_equal(p.inflates, 0);
	assert_int_equal(apply(SIGNED "CONFIG_MODULE_COMPRESS_ZSTD=y\n"
				      "CONFIG_MODULE_DECOMPRESS=y\n"
				      "CONFIG_MODVERSIONS=y\n"
				      "CONFIG_SYSTEM_REVOCATION_LIST=y\n"
				      "CONFIG_SYSTEM_BLACKLIST_KEYRING=y\n"
				      "CONFIG_INTEGRITY_PLATFORM_KEYRING=y\n",
			       "6.12", &p),
			 0);
	assert_true(ms_profile_inflates(&p, MS_ZSTD));
	assert_false(ms_profile_inflates(&p, MS_XZ));
	assert_false(ms_profile_inflates(&p, MS_PLAIN));
	assert_true(p.modversions && p.revocation_list && p.firmware_keys);
	assert_true(p.digest_blacklist);
}

static void test_refuses(void **state)
{
	static const char *const bad[] = {"", "CONFIG_MODULES=y\n",
					  "CONFIG_MODULE_SIG=y\n",
					  "# CONFIG_MODULE_SIG=y\nCONFIG_MODULES=y\n",
					  "CONFIG_MODULES=y\nCONFIG_MODULE_SIG=y"};
	struct ms_kernel_profile p, before = *ms_kernel_profile_find("6.12");

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(apply(bad[i], "6.12", &p), -EBADMSG);
		assert_int_equal(p.hashes_usable, before.hashes_usable);
	}
}

static void test_load(void **state)
{
	struct ms_kernel_profile p = *ms_kernel_profile_find("6.12");
	struct ms_error err = {0};

	assert_int_equal(ms_kernel_config_load("/nonexistent", &p, &err), -ENOENT);
	assert_int_equal(ms_kernel_config_load("COPYING", &p, &err), -EBADMSG);
	assert_non_null(strstr(err.msg, "COPYING: not the configuration"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_modules),
		cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_load),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
