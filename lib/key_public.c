// SPDX-License-Identifier: GPL-2.0-or-later
#include "lib/key_public.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>

#define RSA_MAX 512u
#define POINT_MAX 133u /* P-521 */

static EVP_PKEY *from_params(const char *type, OSSL_PARAM *params)
{
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *key = NULL;

	if (!c || EVP_PKEY_fromdata_init(c) != 1 ||
	    EVP_PKEY_fromdata(c, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(c);
	ERR_clear_error();
	return key;
}

/* OSSL_PARAM has numbers in the processor's byte order. */
EVP_PKEY *ms_key_from_rsa(const uint8_t *n, size_t len, uint32_t e)
{
	uint8_t native[RSA_MAX];
	OSSL_PARAM params[3];

	if (len == 0 || len > sizeof(native))
		return NULL;
	for (size_t i = 0; i < len; i++)
		native[__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? len - 1 - i : i] =
			n[i];
	params[0] = OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_N, native, len);
	params[1] = OSSL_PARAM_construct_uint32(OSSL_PKEY_PARAM_RSA_E, &e);
	params[2] = OSSL_PARAM_construct_end();
	return from_params("RSA", params);
}

EVP_PKEY *ms_key_from_ec(const char *group, const uint8_t *point, size_t len)
{
	char name[16];
	uint8_t bytes[POINT_MAX];
	OSSL_PARAM params[3];

	if (len == 0 || len > sizeof(bytes))
		return NULL;
	snprintf(name, sizeof(name), "%s", group);
	memcpy(bytes, point, len);
	params[0] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, name, 0);
	params[1] =
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, bytes, len);
	params[2] = OSSL_PARAM_construct_end();
	return from_params("EC", params);
}
