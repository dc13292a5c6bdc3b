/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data.h"
#include "lib/cert.h"
#include "lib/limits.h"

static void refuse(const void *data, size_t len, int rc)
{
	struct ms_cert_list l = { .n = 4711 };

	assert_int_equal(ms_cert_list_parse(data, len, &l), rc);
	assert_int_equal(l.n, 4711);
	assert_null(l.v);
}

static void test_pem(void **state)
{
	_cleanup_buf_ struct ms_buf pem = MS_BUF_INIT(DATA_MAX);
	_cleanup_buf_ struct ms_buf der = MS_BUF_INIT(DATA_MAX);
	struct ms_cert_list l;

	data_read("certs/bundle.pem", &pem);
	assert_int_equal(ms_cert_list_parse(pem.data, pem.len, &l), 0);
	assert_int_equal(l.n, 2);
	assert_string_equal(l.v[0]->subject_cn, "Example leaf");
	assert_string_equal(l.v[1]->subject_cn, "Example module CA");
	data_read("certs/leaf.der", &der);
	assert_int_equal(l.v[0]->der_len, der.len);
	assert_memory_equal(l.v[0]->der, der.data, der.len);
	ms_cert_list_clear(&l);
	assert_int_equal(l.n, 0);
	assert_null(l.v);
	/* One good certificate does not make up for a damaged one. */
	memcpy(memmem(pem.data, pem.len, "-----END CERTIFICATE-----\nand", 29), "!", 1);
	refuse(pem.data, pem.len, -EBADMSG);
}

static void test_der(void **state)
{
	_cleanup_buf_ struct ms_buf der = MS_BUF_INIT(DATA_MAX);
	struct ms_cert_list l;

	data_read("certs/leaf.der", &der);
	data_read("certs/ca.der", &der);
	data_read("certs/bare.der", &der);
	assert_int_equal(ms_cert_list_parse(der.data, der.len, &l), 0);
	assert_int_equal(l.n, 3);
	assert_string_equal(l.v[0]->subject_cn, "Example leaf");
	assert_string_equal(l.v[2]->subject_cn, "bare");
	ms_cert_list_clear(&l);
	refuse(der.data, der.len - 1, -EBADMSG);
	ms_buf_put_u8(&der, 0);
	refuse(der.data, der.len, -EBADMSG);
}

static void test_round_trip(void **state)
{
	_cleanup_buf_ struct ms_buf der = MS_BUF_INIT(DATA_MAX);
	_cleanup_buf_ struct ms_buf pem = MS_BUF_INIT(DATA_MAX);
	struct ms_cert_list l;

	data_read("certs/ca.der", &der);
	assert_int_equal(ms_cert_pem(der.data, der.len, &pem), 0);
	assert_memory_equal(pem.data, "-----BEGIN CERTIFICATE-----\n", 28);
	assert_int_equal(ms_cert_list_parse(pem.data, pem.len, &l), 0);
	assert_int_equal(l.n, 1);
	assert_int_equal(l.v[0]->der_len, der.len);
	assert_memory_equal(l.v[0]->der, der.data, der.len);
	ms_cert_list_clear(&l);
}

static void test_refusals(void **state)
{
	_cleanup_free_ char *big = calloc(1, MS_CERT_FILE_MAX + 1);

	refuse("", 0, -ENODATA);
	refuse("no certificate in here\n", 23, -ENODATA);
	refuse("0: a text that starts with the byte of a SEQUENCE", 49, -ENODATA);
	refuse("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n", 59,
	       -EBADMSG);
	refuse("-----BEGIN CERTIFICATE-----\nMAA=\n", 33, -EBADMSG);
	refuse("-----BEGIN EC PRIVATE KEY-----\nMAA=\n-----END EC PRIVATE KEY-----\n", 65,
	       -ENODATA);
	refuse("\x30\x82\x01\x00", 4, -EBADMSG);
	refuse(big, MS_CERT_FILE_MAX + 1, -EFBIG);
	refuse(big, MS_CERT_FILE_MAX, -ENODATA);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pem),
		cmocka_unit_test(test_der),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
