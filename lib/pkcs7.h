/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MS_PKCS7_H
#define MS_PKCS7_H

#include <stdbool.h>
#include <stdint.h>
#include "lib/buf.h"
#include "lib/cert.h"
#include "lib/hash.h"

/**
 * struct ms_pkcs7_request - the parts of a message
 * @cert: the signer's certificate: names issuer and serial, and tells RSA from ECDSA
 * @use_keyid: sid is the subjectKeyIdentifier, as `sign-file -k` has it (version 3)
 * @embed: put @cert into the message, as a leaf under an enrolled issuer needs
 * @hash, @sig, @sig_len: algorithm and raw signature (RSA: PKCS#1 v1.5; ECDSA: DER)
 */
struct ms_pkcs7_request {
	const struct ms_cert *cert;
	bool use_keyid, embed;
	enum ms_hash hash;
	const uint8_t *sig;
	size_t sig_len;
};

/**
 * ms_pkcs7_build() - a detached SignedData without signed attributes (RFC 5652, 5.1)
 * @out: the DER message is appended
 *
 * For an RSA or ECDSA key, byte for byte what the kernel's scripts/sign-file makes of the
 * same signature: digest algorithm without parameters, rsaEncryption with NULL,
 * ecdsa-with-SHA2 without parameters.
 *
 * Return: 0, -EINVAL (no SKI but @use_keyid), -ENOPKG (unsupported), -EFBIG, -ENOMEM.
 */
int ms_pkcs7_build(const struct ms_pkcs7_request *req, struct ms_buf *out) _must_check_;

#define MS_PKCS7_SIGNERS_MAX 8u
#define MS_PKCS7_CERTS_MAX 16u

/**
 * struct ms_pkcs7_signer - one signerInfo; pointers into the message
 * @issuer, @serial: DER with tag and length; NULL when the sid is @skid
 * @skid: octets of the subjectKeyIdentifier; NULL when the sid is issuer and serial
 * @digest_oid, @sig_oid: DER of the OIDs with tag and length
 * @hash: MS_HASH_NONE where the OID is not known
 * @signed_attrs: [0] as it stands in the message; NULL where there are none
 * @unsigned_attrs: [1]; NULL where there are none
 */
struct ms_pkcs7_signer {
	unsigned int version;
	const uint8_t *issuer, *serial, *skid, *digest_oid, *sig_oid, *signed_attrs,
		*unsigned_attrs, *sig;
	size_t issuer_len, serial_len, skid_len, digest_oid_len, sig_oid_len,
		signed_attrs_len, unsigned_attrs_len, sig_len;
	enum ms_hash hash;
};

/**
 * struct ms_pkcs7 - a parsed message; pointers into it
 * @certs: embedded certificates, DER each
 * @detached: no content inside (a module's message must be so)
 * @trailing: bytes after the outermost SEQUENCE (the kernel overlooks them)
 */
struct ms_pkcs7 {
	unsigned int version;
	struct ms_pkcs7_signer signers[MS_PKCS7_SIGNERS_MAX];
	size_t n_signers;
	struct {
		const uint8_t *der;
		size_t len;
	} certs[MS_PKCS7_CERTS_MAX];
	size_t n_certs;
	bool has_crls, detached;
	size_t trailing;
};

/**
 * ms_pkcs7_parse() - take a message apart
 * @ret: ~2 KB; untouched on failure
 *
 * Strict DER, definite lengths, SignedData with pkcs7-data only. More signers or
 * certificates than the caps are refused. Verifies nothing. No allocation.
 *
 * Return: 0, -EBADMSG (malformed), -ENOPKG (not SignedData, other content type).
 */
int ms_pkcs7_parse(const uint8_t *msg, size_t len, struct ms_pkcs7 *ret) _must_check_;

#endif
