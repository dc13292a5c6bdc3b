/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pkcs11/mechanism.h"
#include <errno.h>
#include "lib/der.h"

static const struct ms_p11_mechanism mechanisms[] = {
	{CKM_RSA_PKCS, CKK_RSA, MS_HASH_NONE},
	{CKM_SHA256_RSA_PKCS, CKK_RSA, MS_HASH_SHA256},
	{CKM_SHA384_RSA_PKCS, CKK_RSA, MS_HASH_SHA384},
	{CKM_SHA512_RSA_PKCS, CKK_RSA, MS_HASH_SHA512},
	{CKM_ECDSA, CKK_EC, MS_HASH_NONE},
	{CKM_ECDSA_SHA256, CKK_EC, MS_HASH_SHA256},
	{CKM_ECDSA_SHA384, CKK_EC, MS_HASH_SHA384},
	{CKM_ECDSA_SHA512, CKK_EC, MS_HASH_SHA512},
};

const struct ms_p11_mechanism *ms_p11_mechanism_at(size_t i)
{
	return i < ARRAY_SIZE(mechanisms) ? &mechanisms[i] : NULL;
}

const struct ms_p11_mechanism *ms_p11_mechanism(ck_mechanism_type_t type)
{
	for (size_t i = 0; i < ARRAY_SIZE(mechanisms); i++)
		if (mechanisms[i].type == type)
			return &mechanisms[i];
	return NULL;
}

int ms_p11_digest_info(const uint8_t *data, size_t len, enum ms_hash *ret_hash,
		       const uint8_t **ret_digest)
{
	struct ms_reader r = MS_READER(data, len);
	struct ms_der info, algorithm, oid, null, digest;
	enum ms_hash hash;

	if (ms_der_get(&r, MS_DER_SEQUENCE, &info) < 0 || ms_reader_end(&r) < 0 ||
	    ms_der_get(&info.body, MS_DER_SEQUENCE, &algorithm) < 0 ||
	    ms_der_oid(&algorithm.body, &oid) < 0 ||
	    ms_der_get(&algorithm.body, MS_DER_NULL, &null) < 0 || null.body.left ||
	    ms_reader_end(&algorithm.body) < 0 ||
	    ms_der_get(&info.body, MS_DER_OCTETS, &digest) < 0 ||
	    ms_reader_end(&info.body) < 0)
		return -EBADMSG;
	if (ms_hash_from_oid(oid.der, oid.der_len, &hash) < 0 || !ms_hash_may_sign(hash))
		return -ENOPKG;
	if (digest.body.left != ms_hash_size(hash))
		return -EBADMSG;
	*ret_hash = hash;
	*ret_digest = digest.body.p;
	return 0;
}

int ms_p11_digest_of_size(size_t len, enum ms_hash *ret)
{
	static const enum ms_hash sha2[] = {MS_HASH_SHA256, MS_HASH_SHA384,
					    MS_HASH_SHA512};

	for (size_t i = 0; i < ARRAY_SIZE(sha2); i++) {
		if (ms_hash_size(sha2[i]) == len) {
			*ret = sha2[i];
			return 0;
		}
	}
	return -ENOPKG;
}

/* A positive INTEGER of at most @width bytes, right-aligned. */
static int put_number(struct ms_reader *r, size_t width, uint8_t *dst)
{
	struct ms_der n;

	if (ms_der_integer(r, &n) < 0 || (n.body.p[0] & 0x80))
		return -EBADMSG;
	if (n.body.p[0] == 0)
		(void)ms_reader_u8(&n.body);
	if (n.body.left == 0 || n.body.left > width)
		return -EBADMSG;
	memset(dst, 0, width);
	memcpy(dst + width - n.body.left, n.body.p, n.body.left);
	return 0;
}

int ms_p11_ecdsa_plain(const uint8_t *der, size_t len, size_t width, uint8_t *ret)
{
	struct ms_reader r = MS_READER(der, len);
	uint8_t plain[2 * 66];
	struct ms_der seq;

	if (2 * width > sizeof(plain) || ms_der_get(&r, MS_DER_SEQUENCE, &seq) < 0 ||
	    ms_reader_end(&r) < 0 || put_number(&seq.body, width, plain) < 0 ||
	    put_number(&seq.body, width, plain + width) < 0 ||
	    ms_reader_end(&seq.body) < 0)
		return -EBADMSG;
	memcpy(ret, plain, 2 * width);
	return 0;
}
