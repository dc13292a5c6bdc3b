/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/hash.h"
#include <errno.h>
#include <stdatomic.h>
#include <strings.h>
#include <openssl/err.h>
#include <openssl/evp.h>

/* arcs below joint-iso-itu-t(2) country(16) us(840) gov(101) csor(3) algorithms(4) hash(2) */
#define NIST_HASH(n) { 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, (n) }

static const struct hash_info {
	enum ms_hash hash;
	const char *name, *alias, *ossl;
	uint8_t size, oid_len;
	uint8_t oid[11];
	bool may_sign;
} hashes[] = {
	{ MS_HASH_SHA256, "sha256", "sha-256", "SHA2-256", 32, 11, NIST_HASH(1), true },
	{ MS_HASH_SHA384, "sha384", "sha-384", "SHA2-384", 48, 11, NIST_HASH(2), true },
	{ MS_HASH_SHA512, "sha512", "sha-512", "SHA2-512", 64, 11, NIST_HASH(3), true },
	{ MS_HASH_SHA3_256, "sha3-256", "sha3_256", "SHA3-256", 32, 11, NIST_HASH(8), true },
	{ MS_HASH_SHA3_384, "sha3-384", "sha3_384", "SHA3-384", 48, 11, NIST_HASH(9), true },
	{ MS_HASH_SHA3_512, "sha3-512", "sha3_512", "SHA3-512", 64, 11, NIST_HASH(10), true },
	{ MS_HASH_SHA224, "sha224", "sha-224", "SHA2-224", 28, 11, NIST_HASH(4), false },
	{ MS_HASH_SHA1, "sha1", "sha-1", "SHA1", 20, 7,
	  { 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a }, false },
	{ MS_HASH_MD5, "md5", "md-5", "MD5", 16, 10,
	  { 0x06, 0x08, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x05 }, false },
	{ MS_HASH_MD4, "md4", "md-4", "MD4", 16, 10,
	  { 0x06, 0x08, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x04 }, false },
	{ MS_HASH_SM3, "sm3", "sm-3", "SM3", 32, 10,
	  { 0x06, 0x08, 0x2a, 0x81, 0x1c, 0xcf, 0x55, 0x01, 0x83, 0x11 }, false },
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
	return i ? i->oid : NULL;
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
