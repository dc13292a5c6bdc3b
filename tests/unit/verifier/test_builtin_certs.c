/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Images laid out as certs/system_certificates.S and revocation_certificates.S do it. */
#include "tests/unit/verifier/fixture.h"
#include "verifier/builtin_certs.h"

struct image {
	struct ms_buf b;
	size_t at, first;
};

static void zeros(struct image *m, size_t n)
{
	while (n--)
		ms_buf_put_u8(&m->b, 0);
}

static void align8(struct image *m)
{
	while (m->b.len % 8)
		ms_buf_put_u8(&m->b, 0);
}

static void le64(struct image *m, uint64_t v)
{
	for (int i = 0; i < 8; i++)
		ms_buf_put_u8(&m->b, (uint8_t)(v >> 8 * i));
}

static void begin(struct image *m)
{
	m->b = MS_BUF_INIT(FIXTURE_MAX);
	ms_buf_put_str(&m->b, "\177ELF, code, and then the data begins here .........");
	align8(m);
}

static void list(struct image *m, const char *const *names, size_t n)
{
	m->at = m->b.len;
	m->first = 0;
	for (size_t i = 0; i < n; i++) {
		_cleanup_cert_ struct ms_cert *c = fixture_cert(names[i]);

		ms_buf_put(&m->b, c->der, c->der_len);
		m->first = m->first ? m->first : c->der_len;
	}
}

/* What follows a list: sizes, and something else. */
static void sizes(struct image *m, bool module_cert)
{
	size_t len = m->b.len - m->at;

	align8(m);
	le64(m, len);
	if (module_cert)
		le64(m, m->first);
	le64(m, UINT64_C(0xfeedfacefeedface));
}

static int find(struct image *m, struct ms_builtin_certs *c)
{
	assert_int_equal(ms_buf_error(&m->b), 0);
	return ms_builtin_certs_find(m->b.data, m->b.len, c);
}

static const char *const two[] = {"rsa4096", "p384"};
static const char *const bad[] = {"rsa2048", "p256"};

static void test_plain(void **state)
{
	_cleanup_cert_ struct ms_cert *first = fixture_cert("rsa4096");
	struct ms_builtin_certs c;
	struct image m;

	begin(&m);
	list(&m, two, 2);
	sizes(&m, true);
	assert_int_equal(find(&m, &c), 0);
	assert_int_equal(c.n, 2);
	assert_int_equal(c.v[0].len, first->der_len);
	assert_memory_equal(c.v[0].der, first->der, first->der_len);
	assert_false(c.v[0].revoked || c.v[1].revoked);
	ms_buf_clear(&m.b);
}

/* Before 5.13, and where modules are signed elsewhere: no length of a first certificate.
 */
static void test_old(void **state)
{
	struct ms_builtin_certs c;
	struct image m;

	begin(&m);
	list(&m, two, 2);
	sizes(&m, false);
	assert_int_equal(find(&m, &c), 0);
	assert_int_equal(c.n, 2);
	ms_buf_clear(&m.b);
}

static void test_gap(void **state)
{
	struct ms_builtin_certs c;
	struct image m;
	size_t len;

	begin(&m);
	list(&m, two, 2);
	len = m.b.len - m.at;
	zeros(&m, 4096 + 4);
	align8(&m);
	le64(&m, len);
	le64(&m, m.first);
	assert_int_equal(find(&m, &c), 0);
	assert_int_equal(c.n, 2);
	ms_buf_clear(&m.b);

	begin(&m);
	list(&m, two, 2);
	len = m.b.len - m.at;
	zeros(&m, 4096);
	ms_buf_put_u8(&m.b, 1); /* something is in the gap */
	align8(&m);
	le64(&m, len);
	le64(&m, m.first);
	assert_int_equal(find(&m, &c), -ENODATA);
	ms_buf_clear(&m.b);
}

static void test_revoked(void **state)
{
	struct ms_builtin_certs c;
	struct image m;

	begin(&m);
	list(&m, two, 1);
	sizes(&m, true);
	list(&m, bad, 2);
	sizes(&m, false);
	assert_int_equal(find(&m, &c), 0);
	assert_int_equal(c.n, 3);
	assert_false(c.v[0].revoked);
	assert_true(c.v[1].revoked && c.v[2].revoked);
	ms_buf_clear(&m.b);
}

/* Only a list of revoked certificates: they must not become anchors. */
static void test_only_revoked(void **state)
{
	struct ms_builtin_certs c = {.n = 77};
	struct image m;

	begin(&m);
	ms_buf_put_str(&m.b, "\0015Loading compiled-in revocation X.509 certificates\n");
	align8(&m);
	list(&m, bad, 2);
	sizes(&m, false);
	assert_int_equal(find(&m, &c), -EBADMSG);
	assert_int_equal(c.n, 77);
	ms_buf_clear(&m.b);
}

static void test_cannot_tell(void **state)
{
	struct ms_builtin_certs c;
	struct image m;

	begin(&m);
	list(&m, two, 1);
	sizes(&m, false);
	list(&m, bad, 1);
	sizes(&m, false);
	assert_int_equal(find(&m, &c), -EBADMSG);
	ms_buf_clear(&m.b);
	begin(&m);
	list(&m, two, 1);
	sizes(&m, true);
	list(&m, bad, 1);
	sizes(&m, true);
	assert_int_equal(find(&m, &c), -EBADMSG);
	ms_buf_clear(&m.b);
}

/* Certificates that lie about, as cfg80211's do, are not taken. */
static void test_stray(void **state)
{
	struct ms_builtin_certs c;
	struct image m;

	begin(&m);
	list(&m, bad, 2);
	align8(&m);
	le64(&m, 5);
	assert_int_equal(find(&m, &c), -ENODATA);
	list(&m, two, 1);
	sizes(&m, true);
	assert_int_equal(find(&m, &c), 0);
	assert_int_equal(c.n, 1);
	ms_buf_clear(&m.b);
}

static void test_cut(void **state)
{
	struct ms_builtin_certs c;
	struct image m;

	begin(&m);
	list(&m, two, 2);
	sizes(&m, true);
	for (size_t len = 0; len < m.b.len - 8; len++) {
		uint8_t *copy = malloc(len ? len : 1);

		assert_non_null(copy);
		memcpy(copy, m.b.data, len);
		assert_int_equal(ms_builtin_certs_find(copy, len, &c), -ENODATA);
		free(copy);
	}
	ms_buf_clear(&m.b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),	     cmocka_unit_test(test_old),
		cmocka_unit_test(test_gap),	     cmocka_unit_test(test_revoked),
		cmocka_unit_test(test_only_revoked), cmocka_unit_test(test_cannot_tell),
		cmocka_unit_test(test_stray),	     cmocka_unit_test(test_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
