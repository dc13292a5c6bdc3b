/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <errno.h>
#include <cmocka.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>
#include "lib/key_public.h"
#include "pkcs11/public_key.h"

static struct ms_cert *make(enum ms_alg alg)
{
	const struct ms_cert_request req = {.common_name = "k", .days = 9};
	struct ms_cert *cert = NULL;
	EVP_PKEY *key = NULL;
	uint8_t *der = NULL;
	size_t len;

	assert_int_equal(ms_key_generate(alg, &key), 0);
	assert_int_equal(ms_cert_self_sign(key, &req, &der, &len), 0);
	assert_int_equal(ms_cert_parse(der, len, &cert), 0);
	EVP_PKEY_free(key);
	free(der);
	return cert;
}

/* The key from its numbers. */
static EVP_PKEY *again(const struct ms_p11_public *p)
{
	const char *group = p->alg == MS_ALG_P256   ? "P-256"
			    : p->alg == MS_ALG_P384 ? "P-384"
						    : "P-521";
	uint32_t e = 0;

	for (size_t i = 0; i < p->e_len; i++)
		e = e << 8 | p->e[i];
	return ms_alg_is_rsa(p->alg) ? ms_key_from_rsa(p->n, p->n_len, e)
				     : ms_key_from_ec(group, p->point, p->point_len);
}

/* The key that we read is the one that OpenSSL reads. */
static void test_same(void **state)
{
	static const struct {
		enum ms_alg alg;
		size_t sig_len;
	} cases[] = {
		{MS_ALG_RSA2048, 256}, {MS_ALG_RSA3072, 384}, {MS_ALG_P256, 64},
		{MS_ALG_P384, 96},     {MS_ALG_P521, 132},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_cert_ struct ms_cert *c = make(cases[i].alg);
		struct ms_p11_public p;
		EVP_PKEY *key;

		assert_int_equal(ms_p11_public_read(c, &p), 0);
		assert_int_equal(p.alg, cases[i].alg);
		assert_int_equal(p.sig_len, cases[i].sig_len);
		key = again(&p);
		assert_non_null(key);
		assert_int_equal(EVP_PKEY_eq(key, c->pkey), 1);
		EVP_PKEY_free(key);
	}
}

/* Damage in the bytes up to the key's end is refused, or makes another key. */
static void test_damaged(void **state)
{
	_cleanup_cert_ struct ms_cert *c = make(MS_ALG_P256);
	struct ms_p11_public p = {.sig_len = 7}, good;
	uint8_t *tbs;
	size_t end;

	assert_int_equal(ms_p11_public_read(c, &good), 0);
	end = (size_t)(good.info + good.info_len - c->tbs);
	for (size_t len = 0; len < c->tbs_len; len++) {
		struct ms_cert cut = {.tbs = c->tbs, .tbs_len = len};

		assert_int_equal(ms_p11_public_read(&cut, &p), -EBADMSG);
	}
	assert_int_equal(p.sig_len, 7);
	tbs = malloc(c->tbs_len);
	assert_non_null(tbs);
	for (size_t i = 0; i < end; i++) {
		struct ms_cert other = {.tbs = tbs, .tbs_len = c->tbs_len};

		memcpy(tbs, c->tbs, c->tbs_len);
		tbs[i] ^= 1;
		if (ms_p11_public_read(&other, &p) < 0)
			continue;
		assert_true(p.point >= tbs &&
			    p.point + p.point_len <= tbs + other.tbs_len);
	}
	/* X, Y and a mark of a compressed point */
	memcpy(tbs, c->tbs, c->tbs_len);
	tbs[good.point - c->tbs] = 2;
	assert_int_equal(
		ms_p11_public_read(&(struct ms_cert){.tbs = tbs, .tbs_len = c->tbs_len},
				   &p),
		-EBADMSG);
	free(tbs);
}

static EVP_PKEY *rsa(unsigned int bits)
{
	EVP_PKEY *key = EVP_RSA_gen(bits);

	assert_non_null(key);
	return key;
}

static void test_other_sizes(void **state)
{
	const struct ms_cert_request req = {.common_name = "k", .days = 9};
	EVP_PKEY *keys[] = {rsa(1536), EVP_EC_gen("secp256k1")};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		struct ms_p11_public p;
		struct ms_cert *c = NULL;
		uint8_t *der = NULL;
		size_t len;

		assert_int_equal(ms_cert_self_sign(keys[i], &req, &der, &len), 0);
		assert_int_equal(ms_cert_parse(der, len, &c), 0);
		assert_int_equal(ms_p11_public_read(c, &p), -ENOPKG);
		ms_cert_free(c);
		free(der);
		EVP_PKEY_free(keys[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_other_sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
