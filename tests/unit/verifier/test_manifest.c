/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/verifier/fixture.h"
#include "verifier/manifest.h"

#define ZERO "0000000000000000000000000000000000000000000000000000000000000000"
#define ONES "1111111111111111111111111111111111111111111111111111111111111111"

static const char text[] =
	"{\"version\":1,\"build\":{\"id\":\"b1\",\"kernel\":\"6.1\",\"ended\":77},"
	"\"modules\":[{\"path\":\"k/b.ko\",\"hash\":\"sha256\",\"digest\":\"" ZERO "\"},"
	"{\"path\":\"k/a.ko\",\"hash\":\"sha256\",\"digest\":\"" ONES "\"}]}";

static int parse(const char *s, struct ms_manifest_file *ret)
{
	struct ms_error err = {0};

	return ms_manifest_parse((const uint8_t *)s, strlen(s), ret, &err);
}

static void test_parse(void **state)
{
	_cleanup_manifest_file_ struct ms_manifest_file m = {0};

	assert_int_equal(parse(text, &m), 0);
	assert_string_equal(m.build, "b1");
	assert_string_equal(m.kernel, "6.1");
	assert_int_equal(m.ended, 77);
	assert_int_equal(m.n, 2);
	assert_string_equal(m.v[0].path, "k/a.ko");
	assert_string_equal(m.v[0].digest, "sha256:" ONES);
	assert_string_equal(m.by_digest[0]->path, "k/b.ko");
}

static void test_parse_refuses(void **state)
{
	static const char *const bad[] = {
		"",
		"[]",
		"{}",
		"{\"version\":1}",
		"{\"version\":2,\"build\":{\"id\":\"a\",\"kernel\":\"b\"},\"modules\":[]"
		"}",
		"{\"version\":1,\"build\":{\"id\":\"a\"},\"modules\":[]}",
		"{\"version\":1,\"build\":{\"id\":\"a\",\"kernel\":\"b\"},\"modules\":[{}"
		"]}",
		"{\"version\":1,\"build\":{\"id\":\"a\",\"kernel\":\"b\"},\"modules\":["
		"{\"path\":\"p\",\"hash\":\"sha256\",\"digest\":\"00\"}]}",
		"{\"version\":1,\"version\":1,\"build\":{\"id\":\"a\",\"kernel\":\"b\"},"
		"\"modules\":[]}",
	};
	struct ms_manifest_file m = {.n = 99};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(parse(bad[i], &m), -EBADMSG);
		assert_int_equal(m.n, 99);
	}
}

static int split(const char *s, size_t *ret_len, struct ms_buf *sig)
{
	struct ms_error err = {0};

	return ms_manifest_split((const uint8_t *)s, strlen(s), ret_len, sig, &err);
}

static void test_split(void **state)
{
	_cleanup_buf_ struct ms_buf sig = MS_BUF_INIT(100);
	size_t len = 0;

	assert_int_equal(split("abc", &len, &sig), 0);
	assert_int_equal(len, 3);
	assert_int_equal(split("abcd\n", &len, &sig), 0);
	assert_int_equal(len, 4);
	assert_int_equal(sig.len, 0);
	assert_int_equal(split("ab\n{\"signature\":\"MAA=\"}\n", &len, &sig), 0);
	assert_int_equal(len, 2);
	assert_int_equal(sig.len, 2);
	assert_memory_equal(sig.data, "\x30\x00", 2);
	len = 99;
	assert_int_equal(split("ab\n{\"signature\":\"M\"}", &len, &sig), -EBADMSG);
	assert_int_equal(split("ab\n{\"signature\":\"MAA=\",\"x\":1}", &len, &sig),
			 -EBADMSG);
	assert_int_equal(split("ab\nMAA=", &len, &sig), -EBADMSG);
	assert_int_equal(len, 99);
}

static void add(struct ms_results *r, const char *path, const char *digest)
{
	struct ms_result *m = &r->v[r->n++];

	m->path = strdup(path);
	m->digest = digest ? strdup(digest) : NULL;
	m->policy.verdict = digest ? MS_POLICY_TRUSTED : MS_POLICY_UNCHECKED;
	m->policy.checked = digest != NULL;
}

static enum ms_finding_code code(const struct ms_results *r, size_t i)
{
	assert_true(i < r->n && r->v[i].policy.n_findings <= 1);
	return r->v[i].policy.n_findings ? r->v[i].policy.findings[0].code
					 : MS_FINDING_NONE;
}

static void test_compare(void **state)
{
	_cleanup_manifest_file_ struct ms_manifest_file m = {0};
	_cleanup_results_ struct ms_results r = {.v = calloc(4, sizeof(*r.v))};
	char tree[] = "t";

	assert_int_equal(parse(text, &m), 0);
	add(&r, "t/k/a.ko", "sha256:" ZERO);	/* changed: has b's content */
	add(&r, "t/x/b.ko.xz", "sha256:" ZERO); /* moved, and compressed */
	add(&r, "t/k/c.ko", "sha256:" ONES);	/* a's content, which a lacks */
	assert_int_equal(ms_manifest_compare(&m, &r, tree), 0);
	assert_int_equal(r.n, 3);
	assert_int_equal(code(&r, 0), MS_FINDING_MANIFEST_CHANGED);
	assert_int_equal(code(&r, 1), MS_FINDING_MANIFEST_MOVED);
	assert_int_equal(code(&r, 2), MS_FINDING_NOT_IN_MANIFEST);
	assert_int_equal(r.findings, 3);
}

static void test_compare_missing(void **state)
{
	_cleanup_manifest_file_ struct ms_manifest_file m = {0};
	_cleanup_results_ struct ms_results r = {.v = calloc(2, sizeof(*r.v))};
	char tree[] = "t";

	assert_int_equal(parse(text, &m), 0);
	add(&r, "t/k/a.ko.gz", "sha256:" ONES);
	assert_int_equal(ms_manifest_compare(&m, &r, tree), 0);
	assert_int_equal(r.n, 2);
	assert_int_equal(code(&r, 0), MS_FINDING_NONE);
	assert_int_equal(code(&r, 1), MS_FINDING_MANIFEST_MISSING);
	assert_string_equal(r.v[1].path, "t/k/b.ko");
	assert_int_equal(r.trusted, 1);
	assert_int_equal(r.findings, 1);
}

/* What could not be read is there, whatever is in it; and never trusted. */
static void test_compare_unreadable(void **state)
{
	_cleanup_manifest_file_ struct ms_manifest_file m = {0};
	_cleanup_results_ struct ms_results r = {.v = calloc(2, sizeof(*r.v))};
	char tree[] = "t";

	assert_int_equal(parse(text, &m), 0);
	add(&r, "t/k/a.ko", NULL);
	add(&r, "t/k/b.ko", "sha256:" ZERO);
	assert_int_equal(ms_manifest_compare(&m, &r, tree), 0);
	assert_int_equal(r.n, 2);
	assert_int_equal(r.unchecked, 1);
	assert_int_equal(r.trusted, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_parse_refuses),
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_compare),
		cmocka_unit_test(test_compare_missing),
		cmocka_unit_test(test_compare_unreadable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
