// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/tpm/proxy.h"
#include "tpm/internal.h"

static const uint8_t secret[MS_TPM_SECRET_LEN] = "0123456789abcdefghijklmnopqrstu";

static struct swtpm tpm;
static struct ms_error err;

/* Fails the test in the words of @err. */
#define good(call)                                                  \
	do {                                                        \
		int _r = (call);                                    \
		if (_r != 0)                                        \
			fail_msg("%s: %d: %s", #call, _r, err.msg); \
	} while (0)

#define refused(call, errno_, code_, says)                                       \
	do {                                                                     \
		int _r = (call);                                                 \
		if (_r != (errno_) || strcmp(err.code, code_) != 0 ||            \
		    !strstr(err.msg, says))                                      \
			fail_msg("%s: %d %s: %s", #call, _r, err.code, err.msg); \
	} while (0)

static uint32_t wrong_pins(struct ms_tpm *t)
{
	struct ms_tpm_info i;

	good(ms_tpm_info(t, &i, &err));
	return i.lockout_counter;
}

static void extend(struct ms_tpm *t, ESYS_TR pcr)
{
	TPML_DIGEST_VALUES v = {.count = 1, .digests[0].hashAlg = TPM2_ALG_SHA256};

	assert_int_equal(Esys_PCR_Extend(t->esys, pcr, ESYS_TR_PASSWORD, ESYS_TR_NONE,
					 ESYS_TR_NONE, &v),
			 0);
}

static uint32_t count(struct ms_tpm *t, uint32_t first)
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

static void assert_nothing_held(struct ms_tpm *t)
{
	assert_int_equal(count(t, MS_TPM_TRANSIENT_FIRST), 0);
	assert_int_equal(count(t, TPM2_LOADED_SESSION_FIRST), 0);
	assert_int_equal(count(t, TPM2_ACTIVE_SESSION_FIRST), 0);
}

static void assert_unseals(struct ms_tpm *t, const struct ms_tpm_blob *b, const char *pin)
{
	uint8_t out[MS_TPM_SECRET_LEN] = {0};

	good(ms_tpm_unseal(t, b, pin, out, &err));
	assert_memory_equal(out, secret, sizeof(out));
	assert_nothing_held(t);
}

/* What a refusal must leave alone. */
#define assert_refused(t, b, pin, errno_, code_, says)                              \
	do {                                                                        \
		uint8_t _out[MS_TPM_SECRET_LEN], _was[MS_TPM_SECRET_LEN];           \
		memset(_out, 0xa5, sizeof(_out));                                   \
		memset(_was, 0xa5, sizeof(_was));                                   \
		refused(ms_tpm_unseal(t, b, pin, _out, &err), errno_, code_, says); \
		assert_memory_equal(_out, _was, sizeof(_out));                      \
	} while (0)

/* ----------------------------------------------------------------- tests */

static void test_roundtrip(void **state)
{
	static const char *const pins[] = {NULL, "1234",
					   "a PIN longer than the 32 bytes a TPM takes"};
	static const uint32_t masks[] = {0, 1u << 7, 0xffffff};
	struct ms_tpm *t = *state;

	for (size_t i = 0; i < 9; i++) {
		struct ms_tpm_blob b;

		good(ms_tpm_seal(t, secret, masks[i % 3], pins[i / 3], &b, &err));
		assert_int_equal(b.parent, MS_TPM_PARENT_OWNER);
		assert_int_equal(b.pcrs, masks[i % 3]);
		assert_int_equal(b.has_pin, pins[i / 3] != NULL);
		assert_int_equal(b.name_len, 34);
		assert_unseals(t, &b, pins[i / 3]);
		/* a PIN too many is no harm */
		if (!b.has_pin)
			assert_unseals(t, &b, "1234");
	}
}

static void test_what_is_sealed_is_what_was_asked_for(void **state)
{
	struct ms_tpm_blob plain, pin;
	struct ms_tpm *t = *state;

	good(ms_tpm_seal(t, secret, 1u << 7, NULL, &plain, &err));
	good(ms_tpm_seal(t, secret, 1u << 7, "1234", &pin, &err));
	/* TPM2B size, type, nameAlg, objectAttributes (part 2, 8.3): fixedTPM,
	 * fixedParent, and noDA only without a PIN; neither userWithAuth nor sign nor
	 * decrypt */
	assert_int_equal(ms_get_be32(plain.pub + 2), 0x0008000b);
	assert_int_equal(ms_get_be32(plain.pub + 6), 0x00000412);
	assert_int_equal(ms_get_be32(pin.pub + 6), 0x00000012);
	assert_int_not_equal(memcmp(plain.priv, pin.priv, plain.priv_len), 0);
}

static void test_wrong_pin_is_counted_once(void **state)
{
	struct ms_tpm_blob b, open;
	struct ms_tpm *t = *state;

	good(ms_tpm_seal(t, secret, 1u << 7, "1234", &b, &err));
	good(ms_tpm_seal(t, secret, 1u << 7, NULL, &open, &err));
	assert_int_equal(wrong_pins(t), 0);
	assert_refused(t, &b, "4321", -EACCES, "wrong-pin", "2 of 3 tries are left");
	assert_int_equal(wrong_pins(t), 1);
	assert_nothing_held(t);
	assert_refused(t, &b, NULL, -EACCES, "pin-needed", "it has a PIN");
	assert_int_equal(wrong_pins(t), 1);
	assert_unseals(t, &b, "1234");
	assert_refused(t, &b, "12345", -EACCES, "wrong-pin", "1 of 3 tries are left");
	assert_refused(t, &b, "123", -EACCES, "wrong-pin", "it was the last try");
	assert_refused(t, &b, "1234", -EAGAIN, "tpm-lockout", " UTC: wait");
	assert_non_null(strstr(err.msg, "locked after 3 wrong PINs (3 allowed)"));
	assert_int_equal(wrong_pins(t), 3);
	assert_nothing_held(t);
	/* a key without a PIN does not suffer from it */
	assert_unseals(t, &open, NULL);
	assert_int_equal(Esys_DictionaryAttackLockReset(t->esys, ESYS_TR_RH_LOCKOUT,
							ESYS_TR_PASSWORD, ESYS_TR_NONE,
							ESYS_TR_NONE),
			 0);
	assert_unseals(t, &b, "1234");
}

static void test_bad_arguments(void **state)
{
	char pin[MS_PIN_MAX + 2];
	struct ms_tpm_blob b, was;
	struct ms_tpm *t = *state;

	memset(&b, 0x5a, sizeof(b));
	was = b;
	memset(pin, 'x', sizeof(pin));
	pin[sizeof(pin) - 1] = '\0';
	refused(ms_tpm_seal(t, secret, 1u << 7, "", &b, &err), -EINVAL, "bad-pin",
		"empty");
	refused(ms_tpm_seal(t, secret, 1u << 7, pin, &b, &err), -EINVAL, "bad-pin",
		"longer");
	refused(ms_tpm_seal(t, secret, 1u << 24, NULL, &b, &err), -EINVAL, "bad-pcr",
		"23");
	assert_memory_equal(&b, &was, sizeof(b));
	pin[MS_PIN_MAX] = '\0';
	good(ms_tpm_seal(t, secret, 1u << 7, pin, &b, &err));
	assert_unseals(t, &b, pin);
	assert_nothing_held(t);
}

static void test_pcr_extended(void **state)
{
	struct ms_tpm_blob b, pin, many, other;
	struct ms_tpm *t = *state;

	good(ms_tpm_seal(t, secret, 1u << 7, NULL, &b, &err));
	good(ms_tpm_seal(t, secret, 1u << 7, "1234", &pin, &err));
	good(ms_tpm_seal(t, secret, 1u << 7 | 1u << 14, NULL, &many, &err));
	good(ms_tpm_seal(t, secret, 1u << 8, NULL, &other, &err));
	extend(t, ESYS_TR_PCR7);
	assert_refused(t, &b, NULL, -EPERM, "tpm-pcr", "PCR 7 is not what it was");
	assert_non_null(strstr(err.msg, "Secure Boot"));
	assert_refused(t, &many, NULL, -EPERM, "tpm-pcr", "PCRs 7, 14 are not");
	/* the PIN, right or wrong, is not spent on it */
	assert_refused(t, &pin, "wrong", -EPERM, "tpm-pcr", "PCR 7");
	assert_int_equal(wrong_pins(t), 0);
	assert_nothing_held(t);
	assert_unseals(t, &other, NULL);
	/* sealed again it is good */
	good(ms_tpm_seal(t, secret, 1u << 7, NULL, &b, &err));
	assert_unseals(t, &b, NULL);
}

/* What came from a disk and lies about its policy must not get past the TPM. */
static void test_forged_pcr_digest(void **state)
{
	struct ms_tpm_blob b, now;
	struct ms_tpm *t = *state;

	good(ms_tpm_seal(t, secret, 1u << 7, NULL, &b, &err));
	extend(t, ESYS_TR_PCR7);
	good(ms_tpm_seal(t, secret, 1u << 7, NULL, &now, &err));
	memcpy(b.pcr_digest, now.pcr_digest, sizeof(b.pcr_digest));
	assert_refused(t, &b, NULL, -EPERM, "tpm-pcr", "PCR 7");
	b.pcrs = 0;
	assert_refused(t, &b, NULL, -EPERM, "tpm-policy", "policy");
	good(ms_tpm_seal(t, secret, 1u << 7, "1234", &b, &err));
	b.pcrs = 0;
	assert_refused(t, &b, "1234", -EPERM, "tpm-policy", "policy is not met");
	assert_nothing_held(t);
}

static void test_damaged_blob(void **state)
{
	/* a few thousand operations are too many for valgrind */
	size_t step = getenv("TEST_VALGRIND") ? 17 : 1;
	struct ms_tpm_blob b, bad;
	struct ms_tpm *t = *state;

	good(ms_tpm_seal(t, secret, 1u << 7, NULL, &b, &err));
	for (size_t i = 0; i < b.pub_len + b.priv_len; i += step) {
		uint8_t out[MS_TPM_SECRET_LEN];
		int r;

		bad = b;
		if (i < b.pub_len)
			bad.pub[i] ^= (uint8_t)(1u << (i % 8));
		else
			bad.priv[i - b.pub_len] ^= (uint8_t)(1u << (i % 8));
		r = ms_tpm_unseal(t, &bad, NULL, out, &err);
		if (r != -EBADMSG)
			fail_msg("byte %zu: %d: %s", i, r, err.msg);
		assert_non_null(strstr(err.msg, "damaged"));
	}
	for (size_t n = 0; n < b.priv_len; n += 13) {
		bad = b;
		bad.priv_len = n;
		assert_refused(t, &bad, NULL, -EBADMSG, "key-file-damaged", "damaged");
		bad = b;
		bad.pub_len = n < b.pub_len ? n : b.pub_len - 1;
		assert_refused(t, &bad, NULL, -EBADMSG, "key-file-damaged", "damaged");
	}
	assert_unseals(t, &b, NULL);
}

static void test_cleared(void **state)
{
	struct ms_tpm_blob b;
	struct ms_tpm *t = *state;

	good(ms_tpm_seal(t, secret, 1u << 7, NULL, &b, &err));
	assert_int_equal(Esys_Clear(t->esys, ESYS_TR_RH_LOCKOUT, ESYS_TR_PASSWORD,
				    ESYS_TR_NONE, ESYS_TR_NONE),
			 0);
	assert_refused(t, &b, NULL, -ESTALE, "tpm-cleared",
		       "0 minutes since it was last cleared");
	/* a file from before there was a birth to compare cannot tell */
	b.birth.known = false;
	assert_refused(t, &b, NULL, -ESTALE, "tpm-other",
		       "was cleared, or it is another TPM");
	assert_nothing_held(t);
	good(ms_tpm_seal(t, secret, 1u << 7, NULL, &b, &err));
	assert_unseals(t, &b, NULL);
}

static void test_another_tpm(void **state)
{
	struct ms_tpm *t = *state, *u = NULL;
	struct ms_tpm_blob b;
	struct swtpm other;

	swtpm_new(&other);
	good(ms_tpm_open(other.tcti, &u, &err));
	good(ms_tpm_seal(u, secret, 1u << 7, NULL, &b, &err));
	assert_refused(t, &b, NULL, -ESTALE, "tpm-other",
		       "this is another TPM than the one");
	/* without the pinned Name, the blob cannot be loaded: it is not damaged but
	 * foreign */
	assert_unseals(u, &b, NULL);
	ms_tpm_close(u);
	swtpm_end(&other);
}

static void test_slots_are_full(void **state)
{
	struct ms_tpm *t = *state;
	struct ms_tpm_blob b;
	struct ms_srk s[3];
	size_t n = 0;

	good(ms_tpm_seal(t, secret, 1u << 7, NULL, &b, &err));
	while (n < 3 && ms_srk_use(t, MS_TPM_PARENT_OWNER, &s[n], &err) == 0)
		n++;
	assert_int_equal(n, 3);
	assert_refused(t, &b, NULL, -EAGAIN, "tpm-full", "no free object slot");
	ms_srk_drop(t, &s[--n]);
	assert_refused(t, &b, NULL, -EAGAIN, "tpm-full", "no free object slot");
	while (n > 0)
		ms_srk_drop(t, &s[--n]);
	assert_unseals(t, &b, NULL);
}

/* --------------------------------------- with someone between us and the TPM */

static const uint8_t extend_pcr11[] = {
	0x80, 0x02, 0, 0, 0,	65,   0, 0,    0x01, 0x82, 0, 0, 0,
	11,							    /* PCR_Extend(11) */
	0,    0,    0, 9, 0x40, 0,    0, 0x09, 0,    0,	   0, 0, 0, /* empty password */
	0,    0,    0, 1, 0,	0x0b, /* one SHA-256 digest */
};

static uint32_t pcr_changes(struct proxy *p, uint32_t cc, int server)
{
	uint8_t cmd[65] = {0}, answer[4096];

	if (cc != TPM2_CC_Unseal || p->counter == 0)
		return PROXY_PASS;
	p->counter--;
	memcpy(cmd, extend_pcr11, sizeof(extend_pcr11));
	if (!proxy_ask(server, cmd, sizeof(cmd), answer) || ms_get_be32(answer + 6) != 0)
		return TPM2_RC_FAILURE;
	return PROXY_PASS;
}

static void test_pcr_changes_in_between(void **state)
{
	struct proxy p = {.hook = pcr_changes};
	struct ms_tpm_blob b;
	struct ms_tpm *t;

	ms_tpm_close(*state);
	*state = NULL;
	proxy_start(&p, &tpm);
	good(ms_tpm_open(p.tcti, &t, &err));
	good(ms_tpm_seal(t, secret, 1u << 7, "1234", &b, &err));
	p.counter = 2;
	assert_unseals(t, &b, "1234");
	assert_int_equal(p.counter, 0);
	/* in a TPM that never rests we give up; no PIN was spent */
	p.counter = 1000;
	assert_refused(t, &b, "1234", -EAGAIN, "tpm-pcr-changed", "try again");
	assert_int_equal(p.counter, 995);
	assert_int_equal(wrong_pins(t), 0);
	p.counter = 0;
	assert_unseals(t, &b, "1234");
	ms_tpm_close(t);
	proxy_end(&p);
}

static uint32_t answers_instead;
static uint32_t answers_to;

static uint32_t answer_with(struct proxy *p, uint32_t cc, int server)
{
	if (cc != answers_to || !answers_instead)
		return PROXY_PASS;
	p->counter++;
	return answers_instead;
}

static void test_faults_at_each_command(void **state)
{
	static const uint32_t commands[] = {TPM2_CC_CreatePrimary,    TPM2_CC_Load,
					    TPM2_CC_StartAuthSession, TPM2_CC_PolicyPCR,
					    TPM2_CC_PolicyAuthValue,  TPM2_CC_Unseal};
	static const struct {
		uint32_t rc;
		int err;
	} faults[] = {{0x902, -EAGAIN}, {0x903, -EAGAIN}, {0x101, -ENODEV},
		      {0x920, -EAGAIN}, {0x922, -EAGAIN}, {0x143, -ENOPKG}};
	struct proxy p = {.hook = answer_with};
	uint8_t out[MS_TPM_SECRET_LEN];
	struct ms_tpm_blob b;
	struct ms_tpm *t;

	ms_tpm_close(*state);
	*state = NULL;
	proxy_start(&p, &tpm);
	good(ms_tpm_open(p.tcti, &t, &err));
	good(ms_tpm_seal(t, secret, 1u << 7, "1234", &b, &err));
	for (size_t c = 0; c < ARRAY_SIZE(commands); c++)
		for (size_t f = 0; f < ARRAY_SIZE(faults); f++) {
			int r;

			p.counter = 0;
			answers_to = commands[c];
			answers_instead = faults[f].rc;
			r = ms_tpm_unseal(t, &b, "1234", out, &err);
			answers_instead = 0;
			if (r != faults[f].err)
				fail_msg("0x%x to 0x%x: %d: %s", faults[f].rc,
					 commands[c], r, err.msg);
			assert_true(p.counter > 0);
			assert_nothing_held(t);
		}
	assert_unseals(t, &b, "1234");
	ms_tpm_close(t);
	proxy_end(&p);
}

static void test_connection_breaks(void **state)
{
	static const uint32_t commands[] = {
		TPM2_CC_CreatePrimary, TPM2_CC_Load,   TPM2_CC_StartAuthSession,
		TPM2_CC_PolicyPCR,     TPM2_CC_Unseal, TPM2_CC_FlushContext};
	struct proxy p = {.hook = answer_with};
	uint8_t out[MS_TPM_SECRET_LEN];
	struct ms_tpm_blob b;
	struct ms_tpm *t;

	ms_tpm_close(*state);
	*state = NULL;
	proxy_start(&p, &tpm);
	good(ms_tpm_open(p.tcti, &t, &err));
	good(ms_tpm_seal(t, secret, 1u << 7, NULL, &b, &err));
	for (size_t c = 0; c < ARRAY_SIZE(commands); c++) {
		int r;

		answers_to = commands[c];
		answers_instead = PROXY_HANG_UP;
		r = ms_tpm_unseal(t, &b, NULL, out, &err);
		answers_instead = 0;
		/* what was broken off after the secret came is no failure */
		if (r != (commands[c] == TPM2_CC_FlushContext ? 0 : -ENODEV))
			fail_msg("0x%x: %d: %s", commands[c], r, err.msg);
		/* the dead connection stays dead, */
		assert_int_equal(ms_tpm_ping(t, &err), -ENODEV);
		ms_tpm_close(t);
		/* and a new one finds and frees what the old one had loaded */
		good(ms_tpm_open(p.tcti, &t, &err));
		assert_unseals(t, &b, NULL);
	}
	ms_tpm_close(t);
	proxy_end(&p);
}

static int setup(void **state)
{
	struct ms_tpm *t = NULL;

	if (!tpm.pid)
		swtpm_new(&tpm);
	err = (struct ms_error){0};
	if (ms_tpm_open(tpm.tcti, &t, &err) < 0) {
		print_error("%s\n", err.msg);
		return -1;
	}
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
		test(test_roundtrip),
		test(test_what_is_sealed_is_what_was_asked_for),
		test(test_wrong_pin_is_counted_once),
		test(test_bad_arguments),
		test(test_pcr_extended),
		test(test_forged_pcr_digest),
		test(test_damaged_blob),
		test(test_cleared),
		test(test_another_tpm),
		test(test_slots_are_full),
		test(test_pcr_changes_in_between),
		test(test_faults_at_each_command),
		test(test_connection_breaks),
	};

	return cmocka_run_group_tests(tests, NULL, end);
}
