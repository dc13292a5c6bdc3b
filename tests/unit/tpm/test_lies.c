// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A TPM that lies, or somebody between it and us: whatever bit of an answer is changed,
 * and whatever old answer comes again, nothing wrong is taken for right.
 */
#include "tests/unit/tpm/proxy.h"
#include "lib/hash.h"
#include "tpm/internal.h"
#include "tpm/sign.h"

static struct swtpm tpm;
static struct ms_error err;
static const uint8_t secret[MS_TPM_SECRET_LEN] = {1, 2, 3};

#define good(call)                                                  \
	do {                                                        \
		int _r = (call);                                    \
		if (_r != 0)                                        \
			fail_msg("%s: %d: %s", #call, _r, err.msg); \
	} while (0)

/* Of the @lie_at-th answer to @lie_cc one bit is another; @lied says that there was one.
 */
static uint32_t lie_cc;
static size_t lie_at, lie_len;
static bool lied;

static void flip(struct proxy *p, uint32_t cc, uint8_t *answer, size_t *len)
{
	if (lied || cc != lie_cc)
		return;
	lie_len = *len;
	lied = true;
	if (lie_at < *len)
		answer[lie_at] ^= (uint8_t)(1u << (lie_at & 7));
}

/* The first answer, again and again. */
static uint8_t old[4096];
static size_t old_len;

static void replay(struct proxy *p, uint32_t cc, uint8_t *answer, size_t *len)
{
	if (cc != TPM2_CC_Sign)
		return;
	if (!old_len) {
		memcpy(old, answer, *len);
		old_len = *len;
		return;
	}
	memcpy(answer, old, old_len);
	*len = old_len;
	lied = true;
}

/* Return: 0, the signature being good; or an error, nothing being handed out */
static int sign(struct ms_tpm *t, const struct ms_tpm_blob *b, uint8_t first)
{
	uint8_t digest[MS_DIGEST_MAX] = {first}, sig[MS_SIG_MAX] = {0};
	EVP_PKEY *key = NULL;
	size_t len = 0;
	int r = ms_tpm_sign(t, b, NULL, MS_HASH_SHA256, digest, sig, &len, &err);

	if (r < 0) {
		assert_int_equal(len, 0);
		assert_int_equal(sig[0], 0);
		assert_true(err.msg[0]);
		return r;
	}
	good(ms_tpm_key_public(b, &key, &err));
	assert_int_equal(ms_key_verify_digest(key, MS_HASH_SHA256, digest, sig, len), 0);
	EVP_PKEY_free(key);
	return 0;
}

static int unseal(struct ms_tpm *t, const struct ms_tpm_blob *b)
{
	uint8_t out[MS_TPM_SECRET_LEN] = {0};
	int r = ms_tpm_unseal(t, b, NULL, out, &err);

	if (r == 0)
		assert_memory_equal(out, secret, sizeof(secret));
	return r;
}

static struct ms_tpm_blob signer, sealed;

static int use_signer(struct ms_tpm *t)
{
	return sign(t, &signer, 1);
}

static int use_sealed(struct ms_tpm *t)
{
	return unseal(t, &sealed);
}

/* What is made is what was asked for, and an honest connection can use it. */
static int make_key(struct ms_tpm *t)
{
	struct ms_tpm_blob b;
	struct ms_tpm *honest;
	int r = ms_tpm_key_create(t, MS_ALG_P256, 1u << 7, NULL, &b, &err);

	if (r < 0)
		return r;
	ms_tpm_let_go(t);
	good(ms_tpm_open(tpm.tcti, &honest, &err));
	good(ms_tpm_key_check(&b, &err));
	good(sign(honest, &b, 2));
	ms_tpm_close(honest);
	return 0;
}

/* @must: however it lies, this answer is found out in all its bytes from @from on */
static void lie(uint32_t cc, int (*use)(struct ms_tpm *t), bool must, size_t from)
{
	struct proxy p = {.alter = flip};
	struct ms_tpm *t;
	size_t tried = 0;

	proxy_start(&p, &tpm);
	lie_cc = cc;
	lie_len = 10;
	for (lie_at = 0; lie_at < lie_len; lie_at += lie_at < 24 ? 1 : 9) {
		int r;

		/* An answer's size is the transport's: only more waiting comes of it. */
		if (lie_at >= 2 && lie_at < 6)
			continue;
		lied = true;
		good(ms_tpm_open(p.tcti, &t, &err));
		lied = false;
		r = use(t);
		if (!lied)
			fail_msg("0x%x was not asked", cc);
		if (r == 0 && must && lie_at >= from)
			fail_msg("0x%x, byte %zu: not noticed", cc, lie_at);
		tried++;
		ms_tpm_close(t);
	}
	proxy_end(&p);
	assert_true(tried >= 10);
}

static void test_signing(void **state)
{
	lie(TPM2_CC_Load, use_signer, false, 0);
	lie(TPM2_CC_CreatePrimary, use_signer, false, 0);
	lie(TPM2_CC_Sign, use_signer, false, 0);
}

static void test_unsealing(void **state)
{
	lie(TPM2_CC_Load, use_sealed, false, 0);
	lie(TPM2_CC_StartAuthSession, use_sealed, false, 0);
	lie(TPM2_CC_Unseal, use_sealed, true, 10);
}

static void test_making(void **state)
{
	lie(TPM2_CC_StartAuthSession, make_key, false, 0);
	lie(TPM2_CC_Create, make_key, true, 10);
}

static void test_replay(void **state)
{
	struct proxy p = {.alter = replay};
	struct ms_tpm *t;

	proxy_start(&p, &tpm);
	good(ms_tpm_open(p.tcti, &t, &err));
	lied = false;
	good(sign(t, &signer, 1));
	assert_int_equal(sign(t, &signer, 2), -EIO);
	assert_string_equal(err.code, "tpm-bad-signature");
	assert_true(lied);
	ms_tpm_close(t);
	proxy_end(&p);
}

static int setup(void **state)
{
	struct ms_tpm *t;

	swtpm_new(&tpm);
	good(ms_tpm_open(tpm.tcti, &t, &err));
	good(ms_tpm_key_create(t, MS_ALG_P256, 0, NULL, &signer, &err));
	good(ms_tpm_seal(t, secret, 1u << 7, NULL, &sealed, &err));
	ms_tpm_close(t);
	return 0;
}

static int teardown(void **state)
{
	swtpm_end(&tpm);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_replay),
		cmocka_unit_test(test_signing),
		cmocka_unit_test(test_unsealing),
		cmocka_unit_test(test_making),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
