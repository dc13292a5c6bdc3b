/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What security.ima, and a .sig file of evmctl's, has in it when a file is signed: struct
 * signature_v2_hdr (security/integrity/integrity.h), and the bare signature.
 */
#ifndef MS_IMA_SIG_H
#define MS_IMA_SIG_H

#include "lib/buf.h"
#include "lib/cert.h"
#include "lib/hash.h"

#define MS_IMA_HEADER_LEN 9u
#define MS_IMA_SIG_MAX (MS_IMA_HEADER_LEN + MS_SIG_MAX)

/**
 * struct ms_ima_sig - a signature of version 2
 * @hash: of the file
 * @keyid: the last four bytes of the signer's subject key identifier
 * @sig: raw: PKCS#1 v1.5 or ECDSA in DER; points into what was parsed
 */
struct ms_ima_sig {
	enum ms_hash hash;
	uint32_t keyid;
	const uint8_t *sig;
	size_t sig_len;
};

/**
 * ms_ima_sig_parse() - take one apart; no I/O, verifies nothing
 * Return: 0; -ENOPKG (not a signature, another version, a hash that is not known);
 * -EBADMSG (cut off, or something follows it).
 */
int ms_ima_sig_parse(const uint8_t *p, size_t len, struct ms_ima_sig *ret) _must_check_;

/** ms_ima_sig_put() - append one. Return: 0, -ENOPKG (no such hash), -EFBIG, -ENOMEM */
int ms_ima_sig_put(const struct ms_ima_sig *s, struct ms_buf *out) _must_check_;

/**
 * ms_ima_keyid() - how IMA names a certificate's key
 *
 * By its subject key identifier, as the kernel does; without one, by the SHA-1 of the
 * public key's bits, as evmctl does.
 *
 * Return: 0 or -EINVAL.
 */
int ms_ima_keyid(const struct ms_cert *c, uint32_t *ret) _must_check_;

#endif
