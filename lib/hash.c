/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/hash.h"
#include <errno.h>
#include <stdatomic.h>
#include <strings.h>
#include <openssl/err.h>
#include <openssl/evp.h>

/* OBJECT IDENTIFIERs with tag and length: 2.16.840.1.101.3.4.2 and 1.2.840.113549.2 */
#define NIST "\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02"
#define RSADSI "\x06\x08\x2a\x86\x48\x86\xf7\x0d\x02"

static const struct hash_info {
	enum ms_hash hash;
	uint8_t size;
	bool may_sign;
	uint8_t oid_len;
	const char *oid, *name, *alias, *ossl;
} hashes[] = {
	{ MS_HASH_SHA256, 32, true, 11, NIST "\x01", "sha256", "sha-256", "SHA2-256" },
	{ MS_HASH_SHA384, 48, true, 11, NIST "\x02", "sha384", "sha-384", "SHA2-384" },
	{ MS_HASH_SHA512, 64, true, 11, NIST "\x03", "sha512", "sha-512", "SHA2-512" },
	{ MS_HASH_SHA3_256, 32, true, 11, NIST "\x08", "sha3-256", "sha3_256",
	  "SHA3-256" },
	{ MS_HASH_SHA3_384, 48, true, 11, NIST "\x09", "sha3-384", "sha3_384",
	  "SHA3-384" },
	{ MS_HASH_SHA3_512, 64, true, 11, NIST "\x0a", "sha3-512", "sha3_512",
	  "SHA3-512" },
	{ MS_HASH_SHA224, 28, false, 11, NIST "\x04", "sha224", "sha-224", "SHA2-224" },
	{ MS_HASH_SHA1, 20, false, 7, "\x06\x05\x2b\x0e\x03\x02\x1a", "sha1", "sha-1",
	  "SHA1" },
	{ MS_HASH_MD5, 16, false, 10, RSADSI "\x05", "md5", "md-5", "MD5" },
	{ MS_HASH_MD4, 16, false, 10, RSADSI "\x04", "md4", "md-4", "MD4" },
	{ MS_HASH_SM3, 32, false, 10, "\x06\x08\x2a\x81\x1c\xcf\x55\x01\x83\x11", "sm3",
	  "sm-3", "SM3" },
};

static _Atomic(EVP_MD *) methods[ARRAY_SIZE(hashes)];

static const struct hash_info *find(enum ms_hash h)
{
	for (size_t i = 0; i < ARRAY_SIZE(hashes); i++)
		if (hashes[i].hash == h)
			return &hashes[i];
	return NULL;
}

int ms_hash_from_name(const char *name, enum ms_hash *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(hashes); i++) {
		if (strcasecmp(name, hashes[i].name) == 0 ||
		    strcasecmp(name, hashes[i].alias) == 0) {
			*ret = hashes[i].hash;
			return 0;
		}
	}
	return -EINVAL;
}

const char *ms_hash_name(enum ms_hash h)
{
	const struct hash_info *i = find(h);

	return i ? i->name : "unknown";
}

size_t ms_hash_size(enum ms_hash h)
{
	const struct hash_info *i = find(h);

	return i ? i->size : 0;
}

bool ms_hash_may_sign(enum ms_hash h)
{
	const struct hash_info *i = find(h);

	return i && i->may_sign;
}

const uint8_t *ms_hash_oid(enum ms_hash h, size_t *ret_len)
{
	const struct hash_info *i = find(h);

	*ret_len = i ? i->oid_len : 0;
	return i ? (const uint8_t *)i->oid : NULL;
}

int ms_hash_from_oid(const uint8_t *der, size_t len, enum ms_hash *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(hashes); i++) {
		if (len == hashes[i].oid_len && memcmp(der, hashes[i].oid, len) == 0) {
			*ret = hashes[i].hash;
			return 0;
		}
	}
	return -ENOPKG;
}

const struct evp_md_st *ms_hash_md(enum ms_hash h)
{
	const struct hash_info *info = find(h);
	EVP_MD *md, *none = NULL;
	size_t i;

	if (!info)
		return NULL;
	i = (size_t)(info - hashes);
	md = atomic_load_explicit(&methods[i], memory_order_acquire);
	if (md)
		return md;
	ERR_set_mark();
	md = EVP_MD_fetch(NULL, info->ossl, NULL);
	ERR_pop_to_mark();
	if (!md)
		return NULL;
	/* Two threads may come here at once: one method stays, for good. */
	if (!atomic_compare_exchange_strong(&methods[i], &none, md)) {
		EVP_MD_free(md);
		md = none;
	}
	return md;
}

int ms_digest(enum ms_hash h, const void *data, size_t len, uint8_t *ret)
{
	const EVP_MD *md = ms_hash_md(h);
	uint8_t out[EVP_MAX_MD_SIZE];
	int ok;

	if (!md)
		return -ENOPKG;
	ERR_set_mark();
	ok = EVP_Digest(data, len, out, NULL, md, NULL);
	ERR_pop_to_mark();
	if (ok != 1)
		return -ENOPKG;
	memcpy(ret, out, ms_hash_size(h));
	return 0;
}

char *ms_hex(const uint8_t *p, size_t n, char *dst)
{
	static const char hex[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		dst[2 * i] = hex[p[i] >> 4];
		dst[2 * i + 1] = hex[p[i] & 15];
	}
	dst[2 * n] = '\0';
	return dst;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int ms_unhex(const char *text, uint8_t *ret, size_t n)
{
	if (strlen(text) != 2 * n)
		return -EINVAL;
	for (size_t i = 0; i < 2 * n; i++)
		if (hex_digit(text[i]) < 0)
			return -EINVAL;
	for (size_t i = 0; i < n; i++)
		ret[i] = (uint8_t)(hex_digit(text[2 * i]) << 4 |
				   hex_digit(text[2 * i + 1]));
	return 0;
}
