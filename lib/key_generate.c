/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fresh private keys.
 */
#include "lib/cert.h"
#include <errno.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

int ms_key_generate(enum ms_alg alg, EVP_PKEY **ret)
{
	static const struct {
		enum ms_alg alg;
		unsigned int bits;
		const char *curve;
	} kinds[] = {
		{ MS_ALG_RSA2048, 2048, NULL }, { MS_ALG_RSA3072, 3072, NULL },
		{ MS_ALG_RSA4096, 4096, NULL }, { MS_ALG_P256, 0, "P-256" },
		{ MS_ALG_P384, 0, "P-384" },    { MS_ALG_P521, 0, "P-521" },
	};
	EVP_PKEY *key = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (kinds[i].alg != alg)
			continue;
		ERR_set_mark();
		key = kinds[i].bits ? EVP_RSA_gen(kinds[i].bits) :
				      EVP_EC_gen(kinds[i].curve);
		ERR_pop_to_mark();
		if (!key)
			return -EIO;
		*ret = key;
		return 0;
	}
	return -EINVAL;
}
