/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the token can do, and what the caller's bytes have to be for it. */
#ifndef MS_PKCS11_MECHANISM_H
#define MS_PKCS11_MECHANISM_H

#include "lib/hash.h"
#include "pkcs11/module.h"

/**
 * struct ms_p11_mechanism - one way to sign
 * @key_type: CKK_RSA or CKK_EC
 * @hash: what the data is hashed with; MS_HASH_NONE: the caller has done it
 */
struct ms_p11_mechanism {
	ck_mechanism_type_t type;
	ck_key_type_t key_type;
	enum ms_hash hash;
};

/** ms_p11_mechanism() - by its type; NULL: not one of ours */
const struct ms_p11_mechanism *ms_p11_mechanism(ck_mechanism_type_t type);
/** ms_p11_mechanism_at() - by its number, from 0; NULL behind the last */
const struct ms_p11_mechanism *ms_p11_mechanism_at(size_t i);

#define MS_P11_DIGEST_INFO_MAX 96u

/**
 * ms_p11_digest_info() - which hash is in it, and its digest (RFC 8017, 9.2)
 * @ret_digest: points into @data
 *
 * Takes what EMSA-PKCS1-v1_5 makes of a hash that may sign, and nothing else: the agent
 * signs digests, so that its log says what was signed.
 *
 * Return: 0, -EBADMSG (no DigestInfo), -ENOPKG (of a hash that modseal does not sign).
 */
int ms_p11_digest_info(const uint8_t *data, size_t len, enum ms_hash *ret_hash,
		       const uint8_t **ret_digest) _must_check_;

/**
 * ms_p11_digest_of_size() - the hash of a digest that comes alone (CKM_ECDSA): SHA-2
 * Return: 0 or -ENOPKG.
 */
int ms_p11_digest_of_size(size_t len, enum ms_hash *ret) _must_check_;

/**
 * ms_p11_ecdsa_plain() - ECDSA-Sig-Value (RFC 3279, 2.2.3) as PKCS#11 has it: r, s
 * @ret: 2 * @width bytes
 * Return: 0 or -EBADMSG.
 */
int ms_p11_ecdsa_plain(const uint8_t *der, size_t len, size_t width,
		       uint8_t *ret) _must_check_;

#endif
