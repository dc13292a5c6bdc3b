/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/verifier/fixture.h"
#include "verifier/identity.h"

static void message(const char *name, struct ms_buf *buf, struct ms_pkcs7 *m)
{
	data_read(name, buf);
	assert_int_equal(ms_pkcs7_parse(buf->data, buf->len, m), 0);
	assert_int_equal(m->n_signers, 1);
}

static void test_both_names(void **state)
{
	_cleanup_buf_ struct ms_buf one = MS_BUF_INIT(DATA_MAX),
				    two = MS_BUF_INIT(DATA_MAX);
	_cleanup_anchors_ struct ms_anchors a = {0};
	const struct ms_identity *by_serial, *by_ski, *again;
	struct ms_pkcs7 m, k;
	struct ms_intern t;
	char ski[129];

	fixture_anchor(&a, "p256");
	fixture_anchor(&a, "p384");
	ms_intern_init(&t, ms_identity_free);
	message("pkcs7/p384-sha256.p7s", &one, &m);
	message("pkcs7/p384-sha256-keyid.p7s", &two, &k);
	assert_int_equal(ms_identity_get(&t, &a, &m.signers[0], &by_serial), 0);
	assert_int_equal(ms_identity_get(&t, &a, &k.signers[0], &by_ski), 0);
	assert_int_equal(ms_identity_get(&t, &a, &m.signers[0], &again), 0);
	assert_ptr_equal(again, by_serial);
	assert_ptr_not_equal(by_ski, by_serial);
	assert_ptr_equal(by_serial->anchor, &a.v[1]);
	assert_ptr_equal(by_ski->anchor, &a.v[1]);
	assert_string_equal(by_serial->issuer, "CN=test p384,O=modseal");
	assert_null(by_ski->issuer);
	ms_hex(a.v[1].cert->ski, a.v[1].cert->ski_len, ski);
	assert_string_equal(by_serial->ski, ski);
	assert_string_equal(by_ski->ski, ski);
	assert_null(ms_identity_next(&a, &m.signers[0], &a.v[1]));
	ms_intern_clear(&t);
}

static void test_unknown(void **state)
{
	_cleanup_buf_ struct ms_buf one = MS_BUF_INIT(DATA_MAX);
	const struct ms_anchors none = {0};
	const struct ms_identity *id;
	struct ms_pkcs7 m;
	struct ms_intern t;

	ms_intern_init(&t, ms_identity_free);
	message("pkcs7/rsa2048-sha256.p7s", &one, &m);
	assert_int_equal(ms_identity_get(&t, &none, &m.signers[0], &id), 0);
	assert_null(id->anchor);
	assert_null(id->ski);
	assert_non_null(id->serial);
	ms_intern_clear(&t);
}

static void test_name_text(void **state)
{
	/* CN = "a<ESC>" */
	static const uint8_t der[] = {0x30, 13, 0x31, 11,   0x30, 9,   6, 3,
				      0x55, 4,	3,    0x0c, 2,	  'a', 27};
	char *s = ms_name_text(der, sizeof(der));

	assert_string_equal(s, "CN=a\\1B");
	free(s);
	s = ms_name_text((const uint8_t *)"garbage", 7);
	assert_string_equal(s, "(damaged name)");
	free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_names),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_name_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
