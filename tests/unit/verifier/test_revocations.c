/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/verifier/fixture.h"
#include "verifier/revocations.h"

static const time_t now = 1800000000;

static int parse(struct ms_revocations *r, const char *text)
{
	struct ms_error err = {0};
	int rc = ms_revocations_parse_json(r, text, strlen(text), "list", now, &err);

	assert_true(!rc == !*err.msg);
	return rc;
}

static void test_versions(void **state)
{
	/* Each is below the next. */
	static const char *const order[] = {"1.0~rc1", "1.0",  "1.0.1", "1.0a",
					    "1.2",     "1.10", "2",	"10",
					    "10.0-1",  "a",    "b1",	"b02"};

	for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
		assert_int_equal(ms_version_compare(order[i], order[i]), 0);
		for (size_t k = 0; k < i; k++) {
			if (order[k][0] >= '0' && order[k][0] <= '9' && order[i][0] > '9')
				continue;
			if (!strcmp(order[k], "1.0.1") && !strcmp(order[i], "1.0a"))
				continue; /* letters sort before '.' */
			assert_true(ms_version_compare(order[k], order[i]) < 0);
			assert_true(ms_version_compare(order[i], order[k]) > 0);
		}
	}
	assert_int_equal(ms_version_compare("1.01", "1.1"), 0);
	assert_int_equal(ms_version_compare("", ""), 0);
	assert_true(ms_version_compare("", "1") < 0);
	assert_true(ms_version_compare("~", "") < 0);
}

static void test_certificates(void **state)
{
	_cleanup_(ms_revocations_clear) struct ms_revocations r = {0};
	_cleanup_cert_ struct ms_cert *a = fixture_cert("rsa2048"),
				      *b = fixture_cert("p256");
	uint8_t sha256[MS_DIGEST_MAX];
	char hex[129], text[512];

	assert_int_equal(ms_digest(MS_HASH_SHA256, a->der, a->der_len, sha256), 0);
	snprintf(text, sizeof(text),
		 "{\"version\":1,\"entries\":[{\"certificate\":\"%s\"}]}",
		 ms_hex(sha256, 32, hex));
	assert_int_equal(parse(&r, text), 0);
	assert_ptr_equal(ms_revocations_cert(&r, a, now), &r.v[0]);
	assert_null(ms_revocations_cert(&r, b, now));
	snprintf(text, sizeof(text), "{\"version\":1,\"entries\":[{\"key\":\"%s\"}]}",
		 ms_hex(b->ski, b->ski_len, hex));
	assert_int_equal(parse(&r, text), 0);
	assert_ptr_equal(ms_revocations_cert(&r, b, now), &r.v[1]);
	assert_null(ms_revocations_cert(NULL, a, now));
}

static void test_modules(void **state)
{
	_cleanup_(ms_revocations_clear) struct ms_revocations r = {0};
	struct ms_elf_facts f = {.name = "foo", .version = "1.9", .srcversion = "AB"};
	uint8_t digest[MS_DIGEST_MAX] = {0};

	assert_int_equal(
		parse(&r,
		      "{\"version\":1,\"entries\":["
		      "{\"name\":\"foo\",\"below\":\"1.10\",\"since\":\"2027-01-15\"},"
		      "{\"name\":\"bar\",\"srcversion\":\"AB\"},"
		      "{\"digest\":\"sha256:"
		      "0000000000000000000000000000000000000000000000000000000000000000\""
		      "}]}"),
		0);
	assert_int_equal(r.hashes, 1u << MS_HASH_SHA256);
	assert_ptr_equal(ms_revocations_version(&r, &f, now), &r.v[0]);
	/* 2027-01-15 is 1799971200. */
	assert_null(ms_revocations_version(&r, &f, 1799971199));
	assert_non_null(ms_revocations_version(&r, &f, 1799971200));
	snprintf(f.version, sizeof(f.version), "1.10");
	assert_null(ms_revocations_version(&r, &f, now));
	/* It does not say: it may be one of them. */
	*f.version = 0;
	assert_non_null(ms_revocations_version(&r, &f, now));
	snprintf(f.name, sizeof(f.name), "bar");
	assert_ptr_equal(ms_revocations_version(&r, &f, now), &r.v[1]);
	*f.srcversion = 0;
	assert_null(ms_revocations_version(&r, &f, now));
	assert_ptr_equal(ms_revocations_digest(&r, MS_HASH_SHA256, digest, now), &r.v[2]);
	assert_null(ms_revocations_digest(&r, MS_HASH_SHA3_256, digest, now));
	digest[31] = 1;
	assert_null(ms_revocations_digest(&r, MS_HASH_SHA256, digest, now));
}

static void test_expiry(void **state)
{
	_cleanup_(ms_revocations_clear) struct ms_revocations r = {0};

	assert_int_equal(
		parse(&r, "{\"version\":1,\"expires\":\"2999-01-01\",\"entries\":[]}"),
		0);
	assert_null(r.expired);
	assert_int_equal(
		parse(&r, "{\"version\":1,\"expires\":\"2001-01-01\",\"entries\":[]}"),
		0);
	assert_string_equal(r.expired, "list");
}

static void test_crl(void **state)
{
	_cleanup_(ms_revocations_clear) struct ms_revocations r = {0};
	static const uint8_t junk[] = {0x30, 3, 2, 1, 5};
	const struct ms_anchors none = {0};
	struct ms_error err = {0};

	assert_int_equal(
		ms_revocations_parse_crl(&r, junk, sizeof(junk), "crl", &none, now, &err),
		-EBADMSG);
	assert_int_equal(r.n, 0);
	assert_int_equal(ms_revocations_load(&r, "/no/such/file", &none, now, &err),
			 -ENOENT);
	assert_non_null(strstr(err.msg, "/no/such/file"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_versions), cmocka_unit_test(test_certificates),
		cmocka_unit_test(test_modules),	 cmocka_unit_test(test_expiry),
		cmocka_unit_test(test_crl),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
