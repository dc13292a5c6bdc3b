/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MS_HASH_H
#define MS_HASH_H

#include <stdbool.h>
#include <stdint.h>
#include "lib/limits.h"

/* Every hash that a module signature may name. The numbers are on wire and disk. */
enum ms_hash {
	MS_HASH_NONE = 0,
	MS_HASH_SHA256 = 1,
	MS_HASH_SHA384 = 2,
	MS_HASH_SHA512 = 3,
	MS_HASH_SHA3_256 = 4,
	MS_HASH_SHA3_384 = 5,
	MS_HASH_SHA3_512 = 6,
	/* recognised when verifying, never used for signing */
	MS_HASH_SHA224 = 16,
	MS_HASH_SHA1 = 17,
	MS_HASH_MD5 = 18,
	MS_HASH_MD4 = 19,
	MS_HASH_SM3 = 20,
};

/**
 * ms_hash_from_name() - "sha256", "SHA-256", "sha3-256", "sha1", ... (any case)
 * Return: 0 or -EINVAL.
 */
int ms_hash_from_name(const char *name, enum ms_hash *ret) _must_check_;
/** ms_hash_name() - as in CONFIG_MODULE_SIG_HASH: "sha256", "sha3-256" */
const char *ms_hash_name(enum ms_hash h);
/** ms_hash_size() - bytes of a digest; 0 for MS_HASH_NONE */
size_t ms_hash_size(enum ms_hash h);
/** ms_hash_may_sign() - SHA-256/384/512 and SHA-3 (FIPS 180-4, 202); no others */
bool ms_hash_may_sign(enum ms_hash h);
/** ms_hash_oid() - DER of the digest's OBJECT IDENTIFIER with tag and length */
const uint8_t *ms_hash_oid(enum ms_hash h, size_t *ret_len);
/** ms_hash_from_oid() - reverse; @der with tag and length. Return: 0 or -ENOPKG */
int ms_hash_from_oid(const uint8_t *der, size_t len, enum ms_hash *ret) _must_check_;

struct evp_md_st;
/** ms_hash_md() - OpenSSL's method, fetched once and kept; NULL where OpenSSL lacks it */
const struct evp_md_st *ms_hash_md(enum ms_hash h);

/**
 * ms_digest() - digest of @len bytes at @data
 * @ret: at least ms_hash_size(@h) bytes
 * Return: 0 or -ENOPKG (OpenSSL lacks the hash).
 */
int ms_digest(enum ms_hash h, const void *data, size_t len, uint8_t *ret) _must_check_;

/** ms_hex() - lower-case hex with NUL into @dst (2 * @n + 1 bytes), which is returned */
char *ms_hex(const uint8_t *p, size_t n, char *dst);
/** ms_unhex() - 2 * @n hex digits, of either case, and nothing after them. Return: 0,
 * -EINVAL */
int ms_unhex(const char *text, uint8_t *ret, size_t n) _must_check_;

#endif
