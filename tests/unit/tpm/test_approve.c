// SPDX-License-Identifier: GPL-2.0-or-later
/* Approved PCR values, keys that stay loaded, and raw RSA. */
#include "tests/unit/tpm/proxy.h"
#include "lib/cert.h"
#include "lib/hash.h"
#include "tpm/internal.h"
#include "tpm/sign.h"

static const uint8_t secret[MS_TPM_SECRET_LEN] = "0123456789abcdefghijklmnopqrstu";
static struct swtpm tpm;
static struct ms_error err;

#define good(call)                                                  \
	do {                                                        \
		int _r = (call);                                    \
		if (_r != 0)                                        \
			fail_msg("%s: %d: %s", #call, _r, err.msg); \
	} while (0)

#define refused(call, errno_, code_)                                             \
	do {                                                                     \
		int _r = (call);                                                 \
		if (_r != (errno_) || strcmp(err.code, code_) != 0)              \
			fail_msg("%s: %d %s: %s", #call, _r, err.code, err.msg); \
	} while (0)

static uint32_t held(struct ms_tpm *t, uint32_t first)
{
	TPMS_CAPABILITY_DATA *caps;
	TPMI_YES_NO more;
	uint32_t n;

	assert_int_equal(Esys_GetCapability(t->esys, MS_NO_SESSIONS, TPM2_CAP_HANDLES,
					    first, TPM2_MAX_CAP_HANDLES, &more, &caps),
			 0);
	n = caps->data.handles.count;
	Esys_Free(caps);
	return n;
}

static void extend(struct ms_tpm *t)
{
	TPML_DIGEST_VALUES v = {.count = 1, .digests[0].hashAlg = TPM2_ALG_SHA256};

	assert_int_equal(Esys_PCR_Extend(t->esys, ESYS_TR_PCR11, ESYS_TR_PASSWORD,
					 ESYS_TR_NONE, ESYS_TR_NONE, &v),
			 0);
}

/* As the offline machine does it, with what PCR 11 is now. */
static void approve(struct ms_tpm *t, EVP_PKEY *key, struct ms_tpm_blob *b)
{
	struct ms_pcr_approval *a = &b->approvals[b->n_approvals++];

	*a = (struct ms_pcr_approval){.name = "now", .pcrs = 1u << 11};
	good(ms_pcr_digest(t, a->pcrs, a->pcr_digest, &err));
	assert_int_equal(ms_pcr_approval_sign(a, key), 0);
}

static void unseals(struct ms_tpm *t, const struct ms_tpm_blob *b, const char *pin)
{
	uint8_t out[MS_TPM_SECRET_LEN] = {0};

	good(ms_tpm_unseal(t, b, pin, out, &err));
	assert_memory_equal(out, secret, sizeof(out));
	assert_int_equal(held(t, MS_TPM_TRANSIENT_FIRST), 0);
	assert_int_equal(held(t, TPM2_LOADED_SESSION_FIRST), 0);
}

static void sealed(struct ms_tpm *t, enum ms_alg alg, const char *pin)
{
	struct ms_tpm_blob want = {.parent = 0}, b;
	EVP_PKEY *key, *other;
	uint8_t out[MS_TPM_SECRET_LEN];

	assert_int_equal(ms_key_generate(alg, &key), 0);
	assert_int_equal(ms_key_generate(alg, &other), 0);
	assert_int_equal(ms_policy_key_encode(key, &want.policy_key), 0);
	approve(t, key, &want);
	good(ms_tpm_seal_for(t, secret, &want, false, pin, &b, &err));
	good(ms_tpm_blob_check(&b, &err));
	unseals(t, &b, pin);
	extend(t);
	refused(ms_tpm_unseal(t, &b, pin, out, &err), -EPERM, "tpm-not-approved");
	/* somebody else's word for it is found out by the TPM itself */
	approve(t, other, &b);
	refused(ms_tpm_unseal(t, &b, pin, out, &err), -EPERM, "approval-forged");
	approve(t, key, &b);
	unseals(t, &b, pin);
	/* and does not stand in the way of what is good */
	approve(t, other, &b);
	unseals(t, &b, pin);
	b.approvals[2].sig[20] ^= 1;
	refused(ms_tpm_unseal(t, &b, pin, out, &err), -EPERM, "approval-forged");
	b.n_approvals = 0;
	refused(ms_tpm_unseal(t, &b, pin, out, &err), -EPERM, "tpm-not-approved");
	EVP_PKEY_free(key);
	EVP_PKEY_free(other);
}

static void test_sealed(void **state)
{
	sealed(*state, MS_ALG_P256, NULL);
	sealed(*state, MS_ALG_P256, "1234");
	sealed(*state, MS_ALG_RSA2048, NULL);
}

static void sign(struct ms_tpm *t, const struct ms_tpm_blob *b, const char *pin,
		 enum ms_hash hash)
{
	uint8_t digest[MS_DIGEST_MAX], sig[MS_SIG_MAX];
	size_t len = 0;

	memset(digest, 0x42, sizeof(digest));
	good(ms_tpm_sign(t, b, pin, hash, digest, sig, &len, &err));
	assert_true(len > 60);
}

/* One key and one session stay, whatever was before, and go when they are told to. */
static void test_resident_stays_loaded(void **state)
{
	static const char *const pins[] = {NULL, "1234"};
	struct ms_tpm *t = *state;
	struct ms_tpm_blob want = {.pcrs = 0}, b[4];
	EVP_PKEY *key;

	assert_int_equal(ms_key_generate(MS_ALG_P256, &key), 0);
	assert_int_equal(ms_policy_key_encode(key, &want.policy_key), 0);
	approve(t, key, &want);
	for (int i = 0; i < 2; i++) {
		good(ms_tpm_key_create_for(t, MS_ALG_P256, false, &want, pins[i], &b[i],
					   &err));
		good(ms_tpm_key_create(t, MS_ALG_P256, 1u << 7, pins[i], &b[2 + i],
				       &err));
	}
	for (int i = 0; i < 24; i++) {
		int k = i / 3 % 4;

		sign(t, &b[k], pins[k & 1], MS_HASH_SHA256);
		assert_int_equal(held(t, MS_TPM_TRANSIENT_FIRST), 1);
		assert_int_equal(held(t, TPM2_LOADED_SESSION_FIRST), 1);
	}
	extend(t);
	{
		uint8_t digest[32] = {0}, sig[MS_SIG_MAX];
		size_t len;

		refused(ms_tpm_sign(t, &b[0], NULL, MS_HASH_SHA256, digest, sig, &len,
				    &err),
			-EPERM, "tpm-not-approved");
	}
	assert_int_equal(held(t, MS_TPM_TRANSIENT_FIRST), 0);
	approve(t, key, &b[0]);
	sign(t, &b[0], NULL, MS_HASH_SHA256);
	ms_tpm_let_go(t);
	assert_int_equal(held(t, MS_TPM_TRANSIENT_FIRST), 0);
	assert_int_equal(held(t, TPM2_LOADED_SESSION_FIRST), 0);
	EVP_PKEY_free(key);
}

/* Somebody flushes it under our hands, as a suspend does: it is loaded again. */
static void test_lost_key_is_loaded_again(void **state)
{
	struct ms_tpm *t = *state;
	struct ms_tpm_blob b;

	good(ms_tpm_key_create(t, MS_ALG_P256, 1u << 7, NULL, &b, &err));
	sign(t, &b, NULL, MS_HASH_SHA256);
	{
		TPMS_CAPABILITY_DATA *caps;
		TPMI_YES_NO more;
		ESYS_TR tr;

		assert_int_equal(
			Esys_GetCapability(t->esys, MS_NO_SESSIONS, TPM2_CAP_HANDLES,
					   MS_TPM_TRANSIENT_FIRST, 1, &more, &caps),
			0);
		assert_int_equal(Esys_TR_FromTPMPublic(t->esys,
						       caps->data.handles.handle[0],
						       MS_NO_SESSIONS, &tr),
				 0);
		assert_int_equal(Esys_FlushContext(t->esys, tr), 0);
		Esys_Free(caps);
	}
	sign(t, &b, NULL, MS_HASH_SHA256);
	ms_tpm_let_go(t);
}

/* Real TPMs have no SHA-512: only a key that was made for it gets around that. */
static void test_raw(void **state)
{
	static const enum ms_hash hashes[] = {MS_HASH_SHA256, MS_HASH_SHA384,
					      MS_HASH_SHA512, MS_HASH_SHA3_256,
					      MS_HASH_SHA3_384, MS_HASH_SHA3_512};
	const struct ms_tpm_blob want = {.pcrs = 1u << 7};
	struct ms_tpm *t = *state;
	struct ms_tpm_blob raw, plain;
	uint8_t digest[MS_DIGEST_MAX] = {0}, sig[MS_SIG_MAX];
	TPML_ALG_PROPERTY *l = &t->hashes.data.algorithms;
	size_t len;

	good(ms_tpm_key_create_for(t, MS_ALG_RSA2048, true, &want, "1234", &raw, &err));
	good(ms_tpm_key_check(&raw, &err));
	good(ms_tpm_key_create(t, MS_ALG_RSA2048, 1u << 7, "1234", &plain, &err));
	refused(ms_tpm_key_create_for(t, MS_ALG_P256, true, &want, NULL, &plain, &err),
		-EINVAL, "bad-algorithm");
	assert_true(ms_tpm_has_hash(t, TPM2_ALG_SHA512));
	for (uint32_t i = 0; i < l->count; i++)
		if (l->algProperties[i].alg == TPM2_ALG_SHA384 ||
		    l->algProperties[i].alg == TPM2_ALG_SHA512)
			l->algProperties[i].alg = TPM2_ALG_ERROR;
	assert_false(ms_tpm_has_hash(t, TPM2_ALG_SHA512));
	/* every one is verified by OpenSSL before it is handed out */
	for (size_t i = 0; i < ARRAY_SIZE(hashes); i++)
		sign(t, &raw, "1234", hashes[i]);
	sign(t, &plain, "1234", MS_HASH_SHA256);
	refused(ms_tpm_sign(t, &plain, "1234", MS_HASH_SHA512, digest, sig, &len, &err),
		-ENOPKG, "tpm-unsupported");
	assert_non_null(strstr(err.msg, "this TPM has no sha512"));
	assert_non_null(strstr(err.msg, "--scheme raw"));
	ms_tpm_let_go(t);
}

/* Sealed to what is to come: shut now, open then. */
static void test_foretold(void **state)
{
	struct ms_tpm *t = *state;
	struct ms_tpm_blob want = {.pcrs = 1u << 11}, b;
	uint8_t both[MS_PCRS * 32] = {0}, out[MS_TPM_SECRET_LEN];
	size_t len;

	good(ms_tpm_pcrs(t, 1u << 11, both, &len, &err));
	assert_int_equal(len, 32);
	assert_int_equal(ms_digest(MS_HASH_SHA256, both, 64, both), 0);
	assert_int_equal(ms_digest(MS_HASH_SHA256, both, 32, want.pcr_digest), 0);
	good(ms_tpm_seal_for(t, secret, &want, true, NULL, &b, &err));
	refused(ms_tpm_unseal(t, &b, NULL, out, &err), -EPERM, "tpm-pcr");
	extend(t);
	unseals(t, &b, NULL);
}

static int setup(void **state)
{
	struct ms_tpm *t;

	swtpm_new(&tpm);
	good(ms_tpm_open(tpm.tcti, &t, &err));
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	ms_tpm_close(*state);
	swtpm_end(&tpm);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sealed),
		cmocka_unit_test(test_resident_stays_loaded),
		cmocka_unit_test(test_lost_key_is_loaded_again),
		cmocka_unit_test(test_raw),
		cmocka_unit_test(test_foretold),
	};

	return cmocka_run_group_tests_name("approve", tests, setup, teardown);
}
