/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <sys/stat.h>
#include "lib/efi.h"
#include "tests/unit/verifier/fixture.h"
#include "verifier/efi_vars.h"

#define DB "db-d719b2cb-3d3a-4596-a3bc-dad00e67656f"
#define DBX "dbx-d719b2cb-3d3a-4596-a3bc-dad00e67656f"
#define TRUSTED "MokListTrustedRT-605dab50-e046-4300-abb6-3dd810dd8b23"

static char dir[] = "/tmp/ms-efivars.XXXXXX";

static void variable(const char *name, const void *data, size_t len)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "we");
	assert_non_null(f);
	assert_int_equal(fwrite("\7\0\0\0", 1, 4, f), 4);
	assert_int_equal(fwrite(data, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static void absent(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	unlink(path);
}

static void test_load(void **state)
{
	_cleanup_cert_ struct ms_cert *c = fixture_cert("p256");
	_cleanup_buf_ struct ms_buf db = MS_BUF_INIT(65536), dbx = MS_BUF_INIT(65536);
	_cleanup_anchors_ struct ms_anchors a = {0};
	_cleanup_(ms_revocations_clear) struct ms_revocations r = {0};
	const struct ms_guid owner = {{0}};
	struct ms_efi_vars v = {.db = 4711};
	struct ms_error err = {0};
	uint8_t tbs[MS_DIGEST_MAX];

	assert_int_equal(ms_efi_vars_load("/no/such", &a, false, &r, &v, &err), -ENOENT);
	assert_int_equal(v.db, 4711);
	assert_non_null(mkdtemp(dir));
	assert_int_equal(ms_efi_vars_load(dir, &a, false, &r, &v, &err), 0);
	assert_int_equal(a.n + r.n + v.db + v.mok + v.variables, 0);

	/* What is no certificate is left out, as the kernel does it. */
	ms_esl_put_cert(&db, &owner, (const uint8_t *)"junk", 4);
	ms_esl_put_cert(&db, &owner, c->der, c->der_len);
	variable(DB, db.data, db.len);
	variable(TRUSTED, "\1", 1);
	assert_int_equal(ms_digest(MS_HASH_SHA256, c->tbs, c->tbs_len, tbs), 0);
	ms_esl_put_tbs(&dbx, &owner, tbs, 0);
	ms_esl_put_hash(&dbx, &owner, tbs);
	variable(DBX, dbx.data, dbx.len);
	assert_int_equal(ms_efi_vars_load(dir, &a, true, &r, &v, &err), 0);
	assert_int_equal(a.n, 0);
	assert_int_equal(r.n, 2);
	assert_int_equal(ms_efi_vars_load(dir, &a, false, &r, &v, &err), 0);
	assert_int_equal(a.n, 1);
	assert_int_equal(a.v[0].origin, MS_ANCHOR_DB);
	assert_int_equal(v.db, 1);
	assert_int_equal(v.variables, 3);
	assert_true(v.mok_trusted);
	assert_int_equal(r.v[0].kind, MS_REVOKES_TBS);
	assert_int_equal(r.v[0].heeded, MS_HEEDED_NEVER);
	assert_int_equal(r.v[1].kind, MS_REVOKES_DIGEST);
	assert_ptr_equal(ms_revocations_cert(&r, c, 1), &r.v[0]);

	v.db = 4711;
	variable(DBX, dbx.data, dbx.len - 1);
	assert_int_equal(ms_efi_vars_load(dir, &a, false, &r, &v, &err), -EBADMSG);
	assert_non_null(strstr(err.msg, DBX));
	assert_int_equal(v.db, 4711);
	absent(DB);
	absent(DBX);
	absent(TRUSTED);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_load),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
