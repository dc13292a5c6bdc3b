// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/tpm/proxy.h"
#include "lib/hash.h"
#include "lib/pem.h"
#include "tpm/internal.h"
#include "tpm/sign.h"
#include "tpm/tss2key.h"

static struct swtpm tpm;
static struct ms_error err;
static uint8_t digest[MS_DIGEST_MAX];

#define good(call)                                                  \
	do {                                                        \
		int _r = (call);                                    \
		if (_r != 0)                                        \
			fail_msg("%s: %d: %s", #call, _r, err.msg); \
	} while (0)

static int sign(struct ms_tpm *t, const struct ms_tpm_blob *b, const char *pin,
		enum ms_hash hash)
{
	uint8_t sig[MS_SIG_MAX] = {0};
	EVP_PKEY *key = NULL;
	size_t len = 0;
	int r = ms_tpm_sign(t, b, pin, hash, digest, sig, &len, &err);

	if (r < 0) {
		assert_int_equal(len, 0);
		assert_int_equal(sig[0], 0);
		return r;
	}
	good(ms_tpm_key_public(b, &key, &err));
	assert_int_equal(ms_key_verify_digest(key, hash, digest, sig, len), 0);
	digest[0] ^= 1;
	assert_int_equal(ms_key_verify_digest(key, hash, digest, sig, len),
			 -EKEYREJECTED);
	digest[0] ^= 1;
	EVP_PKEY_free(key);
	return 0;
}

static void refused(int r, int want, const char *code, const char *says)
{
	if (r != want || strcmp(err.code, code) != 0 || !strstr(err.msg, says))
		fail_msg("%d %s: %s", r, err.code, err.msg);
}

static void test_every_algorithm(void **state)
{
	static const enum ms_alg algs[] = {MS_ALG_RSA2048, MS_ALG_P256, MS_ALG_P384};
	static const char *const pins[] = {NULL, "1234"};
	struct ms_tpm *t = *state;

	for (size_t i = 0; i < ARRAY_SIZE(algs); i++)
		for (uint32_t k = 0; k < 4; k++) {
			struct ms_tpm_blob b, copy;

			good(ms_tpm_key_create(t, algs[i], k & 2 ? 1u << 7 : 0,
					       pins[k & 1], &b, &err));
			good(sign(t, &b, pins[k & 1], MS_HASH_SHA256));
			good(sign(t, &b, pins[k & 1], MS_HASH_SHA384));
			good(sign(t, &b, pins[k & 1], MS_HASH_SHA512));
			copy = b;
			memset(copy.name, 0, sizeof(copy.name));
			good(ms_tpm_key_check(&copy, &err));
			assert_memory_equal(&copy, &b, sizeof(b));
		}
}

static void test_refusals(void **state)
{
	struct ms_tpm *t = *state;
	struct ms_tpm_blob b, bad;
	struct ms_tpm_info i;

	/* swtpm has no RSA-4096 */
	refused(ms_tpm_key_create(t, MS_ALG_RSA4096, 0, NULL, &b, &err), -ENOPKG,
		"tpm-unsupported", "key size");
	refused(ms_tpm_key_create(t, MS_ALG_OTHER, 0, NULL, &b, &err), -EINVAL,
		"bad-algorithm", "rsa2048");
	refused(ms_tpm_key_create(t, MS_ALG_P256, 1u << 24, NULL, &b, &err), -EINVAL,
		"bad-pcr", "23");
	good(ms_tpm_key_create(t, MS_ALG_P256, 1u << 7, "1234", &b, &err));
	refused(sign(t, &b, "1234", MS_HASH_SHA1), -ENOPKG, "tpm-unsupported", "sha256");
	refused(sign(t, &b, NULL, MS_HASH_SHA256), -EACCES, "pin-needed", "give it");
	refused(sign(t, &b, "4321", MS_HASH_SHA256), -EACCES, "wrong-pin",
		"2 of 3 tries are left");
	good(ms_tpm_info(t, &i, &err));
	assert_int_equal(i.lockout_counter, 1);
	for (size_t n = 0; n < b.priv_len; n += 7) {
		bad = b;
		bad.priv[n] ^= 1;
		refused(sign(t, &bad, "1234", MS_HASH_SHA256), -EBADMSG,
			"key-file-damaged", "damaged");
	}
	bad = b;
	bad.pub[bad.pub_len - 1] ^= 1;
	assert_true(sign(t, &bad, "1234", MS_HASH_SHA256) < 0);
	bad = b;
	bad.has_pin = false;
	refused(ms_tpm_key_check(&bad, &err), -EBADMSG, "key-file-damaged", "damaged");
	good(sign(t, &b, "1234", MS_HASH_SHA256));
	/* a sealed object does not sign, a signing key does not unseal */
	good(ms_tpm_seal(t, digest, 0, NULL, &bad, &err));
	refused(ms_tpm_key_check(&bad, &err), -ENOPKG, "key-file-foreign",
		"may not sign");
	refused(ms_tpm_blob_check(&b, &err), -ENOPKG, "key-file-foreign",
		"not a sealed key");
}

static void test_leaky_firmware(void **state)
{
	struct ms_tpm_info i = {.manufacturer = "INTC", .firmware = "11.5.0.1058"};

	assert_true(ms_tpm_leaks_ecdsa(&i));
	snprintf(i.firmware, sizeof(i.firmware), "303.12.0.0");
	assert_true(ms_tpm_leaks_ecdsa(&i));
	snprintf(i.firmware, sizeof(i.firmware), "303.12.1.0");
	assert_false(ms_tpm_leaks_ecdsa(&i));
	snprintf(i.firmware, sizeof(i.firmware), "303.12.0.0");
	snprintf(i.manufacturer, sizeof(i.manufacturer), "IBM");
	assert_false(ms_tpm_leaks_ecdsa(&i));
}

/* A key that tpm2_create made, in a file that tpm2_encodeobject wrote. */
static void test_key_of_others(void **state)
{
	_cleanup_buf_ struct ms_buf der = MS_BUF_INIT(MS_KEY_FILE_MAX);
	char ctx[128], pub[128], priv[128], pem[128], text[4096];
	struct ms_tpm_blob b;
	struct ms_srk srk;
	struct ms_tpm *t;
	size_t len, used;
	FILE *f;
	char *const create_srk[] = {(char[]){"tpm2_createprimary"},
				    (char[]){"-Q"},
				    (char[]){"-C"},
				    (char[]){"o"},
				    (char[]){"-G"},
				    (char[]){"ecc"},
				    (char[]){"-a"},
				    (char[]){"restricted|decrypt|fixedtpm|fixedparent|"
					     "sensitivedataorigin|userwithauth|noda"},
				    (char[]){"-c"},
				    ctx,
				    NULL};
	char *const create[] = {(char[]){"tpm2_create"},
				(char[]){"-Q"},
				(char[]){"-C"},
				ctx,
				(char[]){"-G"},
				(char[]){"rsa2048"},
				(char[]){"-u"},
				pub,
				(char[]){"-r"},
				priv,
				NULL};
	char *const flush[] = {(char[]){"tpm2_flushcontext"}, (char[]){"-t"}, NULL};
	char *const encode[] = {(char[]){"tpm2_encodeobject"},
				(char[]){"-C"},
				ctx,
				(char[]){"-u"},
				pub,
				(char[]){"-r"},
				priv,
				(char[]){"-o"},
				pem,
				NULL};

	ms_tpm_close(*state);
	*state = NULL;
	setenv("TPM2TOOLS_TCTI", tpm.tcti, 1);
	snprintf(ctx, sizeof(ctx), "%s/ctx", tpm.dir);
	snprintf(pub, sizeof(pub), "%s/pub", tpm.dir);
	snprintf(priv, sizeof(priv), "%s/priv", tpm.dir);
	snprintf(pem, sizeof(pem), "%s/pem", tpm.dir);
	assert_int_equal(swtpm_command(create_srk), 0);
	assert_int_equal(swtpm_command(flush), 0);
	assert_int_equal(swtpm_command(create), 0);
	assert_int_equal(swtpm_command(flush), 0);
	assert_int_equal(swtpm_command(encode), 0);
	f = fopen(pem, "re");
	assert_non_null(f);
	len = fread(text, 1, sizeof(text), f);
	fclose(f);
	good(ms_pem_find(text, len, MS_TSS2KEY_LABEL, &der, &used));
	good(ms_tss2key_parse(der.data, der.len, MS_TSS2KEY_LOADABLE, &b, &err));
	good(ms_tpm_key_check(&b, &err));
	/* the SRK's Name is pinned when a key is imported */
	good(ms_tpm_open(tpm.tcti, &t, &err));
	good(ms_srk_use(t, b.parent, &srk, &err));
	memcpy(b.srk_name, srk.name, srk.name_len);
	b.srk_name_len = srk.name_len;
	ms_srk_drop(t, &srk);
	good(sign(t, &b, NULL, MS_HASH_SHA256));
	ms_tpm_close(t);
}

static uint32_t spoil_sign(struct proxy *p, uint32_t cc, int server)
{
	return cc == TPM2_CC_Sign && p->counter-- > 0 ? TPM2_RC_RETRY : PROXY_PASS;
}

static void test_busy(void **state)
{
	struct proxy p = {.hook = spoil_sign};
	struct ms_tpm_blob b;
	struct ms_tpm *t;

	ms_tpm_close(*state);
	*state = NULL;
	proxy_start(&p, &tpm);
	good(ms_tpm_open(p.tcti, &t, &err));
	good(ms_tpm_key_create(t, MS_ALG_P256, 1u << 7, NULL, &b, &err));
	p.counter = 2;
	good(sign(t, &b, NULL, MS_HASH_SHA256));
	p.counter = 1000;
	refused(sign(t, &b, NULL, MS_HASH_SHA256), -EAGAIN, "tpm-busy", "try again");
	p.counter = 0;
	good(sign(t, &b, NULL, MS_HASH_SHA256));
	ms_tpm_close(t);
	proxy_end(&p);
}

static int setup(void **state)
{
	struct ms_tpm *t = NULL;

	if (!tpm.pid)
		swtpm_new(&tpm);
	memset(digest, 0x42, sizeof(digest));
	err = (struct ms_error){0};
	if (ms_tpm_open(tpm.tcti, &t, &err) < 0)
		return -1;
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	ms_tpm_close(*state);
	return 0;
}

static int end(void **state)
{
	swtpm_end(&tpm);
	return 0;
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_every_algorithm),
		test(test_refusals),
		cmocka_unit_test(test_leaky_firmware),
		test(test_key_of_others),
		test(test_busy),
	};

	return cmocka_run_group_tests(tests, NULL, end);
}
