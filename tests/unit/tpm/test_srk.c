// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/tpm/swtpm.h"
#include "tpm/internal.h"

static const uint8_t secret[MS_TPM_SECRET_LEN] = "0123456789abcdefghijklmnopqrstu";

static struct swtpm tpm;
static struct ms_error err;
static char ctx[128];

#define good(call)                                                  \
	do {                                                        \
		int _r = (call);                                    \
		if (_r != 0)                                        \
			fail_msg("%s: %d: %s", #call, _r, err.msg); \
	} while (0)

#define tool(...) assert_int_equal(SWTPM_TOOL(&tpm, __VA_ARGS__), 0)

static char *arg(const char *s)
{
	return (char *)(uintptr_t)s;
}

static struct ms_tpm *open_tpm(void)
{
	struct ms_tpm *t = NULL;

	good(ms_tpm_open(tpm.tcti, &t, &err));
	return t;
}

/* As an administrator provisions it. Connections are closed by then: swtpm has but one.
 */
static void provision(const char *alg, const char *attributes)
{
	if (attributes)
		tool(arg("tpm2_createprimary"), arg("-Q"), arg("-C"), arg("o"), arg("-G"),
		     arg(alg), arg("-a"), arg(attributes), arg("-c"), ctx);
	else
		tool(arg("tpm2_createprimary"), arg("-Q"), arg("-C"), arg("o"), arg("-G"),
		     arg(alg), arg("-c"), ctx);
	tool(arg("tpm2_evictcontrol"), arg("-Q"), arg("-C"), arg("o"), arg("-c"), ctx,
	     arg("0x81000001"));
	tool(arg("tpm2_flushcontext"), arg("-t"));
}

static void evict(void)
{
	tool(arg("tpm2_evictcontrol"), arg("-Q"), arg("-C"), arg("o"), arg("-c"),
	     arg("0x81000001"));
}

static void unseals(struct ms_tpm *t, const struct ms_tpm_blob *b)
{
	uint8_t out[MS_TPM_SECRET_LEN] = {0};

	good(ms_tpm_unseal(t, b, "1234", out, &err));
	assert_memory_equal(out, secret, sizeof(out));
}

static void stays_sealed(struct ms_tpm *t, const struct ms_tpm_blob *b, int want,
			 const char *code)
{
	uint8_t out[MS_TPM_SECRET_LEN] = {0};
	int r = ms_tpm_unseal(t, b, "1234", out, &err);

	if (r != want || strcmp(err.code, code) != 0)
		fail_msg("%d %s: %s", r, err.code, err.msg);
}

static void persistent(const char *alg, const char *attributes)
{
	struct ms_tpm_info info;
	struct ms_tpm_blob b, ours;
	struct ms_tpm *t = open_tpm();

	good(ms_tpm_info(t, &info, &err));
	assert_false(info.srk_persistent);
	good(ms_tpm_seal(t, secret, 1u << 7, "1234", &ours, &err));
	assert_int_equal(ours.parent, MS_TPM_PARENT_OWNER);
	ms_tpm_close(t);

	provision(alg, attributes);
	t = open_tpm();
	good(ms_tpm_info(t, &info, &err));
	assert_true(info.srk_persistent);
	good(ms_tpm_seal(t, secret, 1u << 7, "1234", &b, &err));
	assert_int_equal(b.parent, MS_TPM_PARENT_SRK);
	assert_int_not_equal(memcmp(b.srk_name, ours.srk_name, ours.srk_name_len), 0);
	unseals(t, &b);
	/* a key from before it was provisioned still works */
	unseals(t, &ours);
	ms_tpm_close(t);

	evict();
	t = open_tpm();
	stays_sealed(t, &b, -ESTALE, "tpm-srk-changed");
	unseals(t, &ours);
	ms_tpm_close(t);
}

static void test_persistent_ecc(void **state)
{
	persistent("ecc", NULL);
}

static void test_persistent_rsa(void **state)
{
	persistent("rsa2048", NULL);
}

/* The same key, persistent or not: the Names are equal, so either way leads to it. */
static void test_persistent_from_the_template(void **state)
{
	struct ms_tpm_blob b;
	struct ms_tpm *t;

	provision("ecc", "restricted|decrypt|fixedtpm|fixedparent|sensitivedataorigin|"
			 "userwithauth|noda");
	t = open_tpm();
	good(ms_tpm_seal(t, secret, 1u << 7, "1234", &b, &err));
	assert_int_equal(b.parent, MS_TPM_PARENT_SRK);
	ms_tpm_close(t);
	evict();
	t = open_tpm();
	unseals(t, &b);
	good(ms_tpm_seal(t, secret, 1u << 7, "1234", &b, &err));
	assert_int_equal(b.parent, MS_TPM_PARENT_OWNER);
	ms_tpm_close(t);
}

/* tpm2_createprimary leaves noDA out: such an SRK is locked out together with the keys.
 */
static void test_lockout_of_the_srk(void **state)
{
	struct ms_tpm_blob b;
	struct ms_tpm *t;
	uint8_t out[MS_TPM_SECRET_LEN];

	provision("ecc", NULL);
	t = open_tpm();
	good(ms_tpm_seal(t, secret, 1u << 7, "1234", &b, &err));
	for (int i = 0; i < 3; i++)
		assert_int_equal(ms_tpm_unseal(t, &b, "4321", out, &err), -EACCES);
	stays_sealed(t, &b, -EAGAIN, "tpm-lockout");
	assert_non_null(strstr(err.msg, "gives one try back by"));
	assert_int_equal(ms_tpm_seal(t, secret, 1u << 7, "1234", &b, &err), -EAGAIN);
	ms_tpm_close(t);
	tool(arg("tpm2_dictionarylockout"), arg("-c"));
	t = open_tpm();
	unseals(t, &b);
	ms_tpm_close(t);
	evict();
}

/* Somebody puts a key of his own there, to which he knows the private part. */
static void test_swapped(void **state)
{
	struct ms_tpm_blob b;
	struct ms_tpm *t;

	provision("ecc", NULL);
	t = open_tpm();
	good(ms_tpm_seal(t, secret, 1u << 7, "1234", &b, &err));
	ms_tpm_close(t);
	evict();
	provision("rsa2048", NULL);
	t = open_tpm();
	stays_sealed(t, &b, -ESTALE, "tpm-srk-changed");
	ms_tpm_close(t);
	evict();
}

static void test_no_storage_key(void **state)
{
	struct ms_tpm_blob b;
	struct ms_tpm *t;

	provision("ecc", "sign|fixedtpm|fixedparent|sensitivedataorigin|userwithauth");
	t = open_tpm();
	assert_int_equal(ms_tpm_seal(t, secret, 1u << 7, "1234", &b, &err), -ENOPKG);
	assert_non_null(strstr(err.msg, "no storage key"));
	ms_tpm_close(t);
	evict();
}

static void test_owner_password(void **state)
{
	struct ms_tpm_info i;
	struct ms_tpm_blob b;
	struct ms_tpm *t;

	tool(arg("tpm2_changeauth"), arg("-c"), arg("owner"), arg("secret"));
	t = open_tpm();
	assert_int_equal(ms_tpm_seal(t, secret, 1u << 7, "1234", &b, &err), -EACCES);
	assert_string_equal(err.code, "tpm-auth");
	assert_non_null(strstr(err.msg, "owner password"));
	assert_non_null(strstr(err.msg, "0x81000001"));
	good(ms_tpm_info(t, &i, &err));
	assert_int_equal(i.lockout_counter, 0);
	ms_tpm_close(t);
	/* with a persistent one, nobody needs the password */
	tool(arg("tpm2_createprimary"), arg("-Q"), arg("-C"), arg("o"), arg("-P"),
	     arg("secret"), arg("-G"), arg("ecc"), arg("-c"), ctx);
	tool(arg("tpm2_evictcontrol"), arg("-Q"), arg("-C"), arg("o"), arg("-P"),
	     arg("secret"), arg("-c"), ctx, arg("0x81000001"));
	t = open_tpm();
	good(ms_tpm_seal(t, secret, 1u << 7, "1234", &b, &err));
	unseals(t, &b);
	ms_tpm_close(t);
	tool(arg("tpm2_evictcontrol"), arg("-Q"), arg("-C"), arg("o"), arg("-P"),
	     arg("secret"), arg("-c"), arg("0x81000001"));
	tool(arg("tpm2_changeauth"), arg("-c"), arg("owner"), arg("-p"), arg("secret"));
}

/* Known answer: the Name as tpm2-tools read it from the TPM. */
static void test_name(void **state)
{
	char name_file[160], pub_file[160];
	uint8_t name[128], pub[1024], ours[MS_TPM_NAME_MAX];
	size_t name_len, pub_len, len = 0;
	FILE *f;

	snprintf(name_file, sizeof(name_file), "%s/name", tpm.dir);
	snprintf(pub_file, sizeof(pub_file), "%s/pub", tpm.dir);
	provision("rsa2048", NULL);
	tool(arg("tpm2_readpublic"), arg("-Q"), arg("-c"), arg("0x81000001"), arg("-n"),
	     name_file, arg("-o"), pub_file);
	evict();
	f = fopen(name_file, "re");
	assert_non_null(f);
	name_len = fread(name, 1, sizeof(name), f);
	fclose(f);
	f = fopen(pub_file, "re");
	assert_non_null(f);
	pub_len = fread(pub, 1, sizeof(pub), f);
	fclose(f);
	assert_int_equal(ms_tpm_name(pub, pub_len, ours, &len), 0);
	assert_int_equal(len, name_len);
	assert_memory_equal(ours, name, len);
	/* refusals */
	len = 99;
	assert_int_equal(ms_tpm_name(pub, pub_len - 1, ours, &len), -EBADMSG);
	assert_int_equal(ms_tpm_name(pub, 5, ours, &len), -EBADMSG);
	assert_int_equal(ms_tpm_name(pub, 0, ours, &len), -EBADMSG);
	pub[5] = 0x04; /* SHA-1 */
	assert_int_equal(ms_tpm_name(pub, pub_len, ours, &len), -ENOPKG);
	assert_int_equal(len, 99);
}

static int setup(void **state)
{
	swtpm_new(&tpm);
	snprintf(ctx, sizeof(ctx), "%s/ctx", tpm.dir);
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
		cmocka_unit_test(test_persistent_ecc),
		cmocka_unit_test(test_persistent_rsa),
		cmocka_unit_test(test_persistent_from_the_template),
		cmocka_unit_test(test_lockout_of_the_srk),
		cmocka_unit_test(test_swapped),
		cmocka_unit_test(test_no_storage_key),
		cmocka_unit_test(test_owner_password),
		cmocka_unit_test(test_name),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
