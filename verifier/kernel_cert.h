/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Certificates as kernels read them: crypto/asymmetric_keys/x509_cert_parser.c and
 * x509_public_key.c. lib/cert.h has the parser that decides what is trusted.
 */
#ifndef MS_KERNEL_CERT_H
#define MS_KERNEL_CERT_H

#include "verifier/kernel_profile.h"

/** struct ms_bytes - a range of somebody else's bytes */
struct ms_bytes {
	const uint8_t *p;
	size_t len;
};

/**
 * struct ms_kernel_id - struct asymmetric_key_id
 * @there: there is one; it may be empty
 * @a, @b: it is the one and then the other, with nothing between them
 */
struct ms_kernel_id {
	bool there;
	struct ms_bytes a, b;
};

/** ms_kernel_id_same() - asymmetric_key_id_same() */
bool ms_kernel_id_same(const struct ms_kernel_id *x, const struct ms_kernel_id *y);

/**
 * struct ms_kernel_cert - struct x509_certificate
 * @tbs: with tag and length; @issuer, @subject without
 * @id: serial number and issuer; @skid: key identifier
 * @auth: of its authority: serial number and issuer, key identifier
 * @sig_kind, @hash, @sig: its own signature
 * @key_kind, @curve, @key: its public key; @curve has so many bits, or 0
 * @self_signed: and that was verified
 * @unsupported_sig: this kernel cannot verify its signature
 */
struct ms_kernel_cert {
	struct ms_bytes der, tbs, issuer, subject;
	struct ms_kernel_id id, skid, auth[2];
	enum ms_sig_kind sig_kind, key_kind;
	enum ms_hash hash;
	struct ms_bytes sig, key;
	unsigned int curve;
	bool self_signed, unsupported_sig;
};

/**
 * ms_kernel_cert_parse() - x509_cert_parse()
 * @der, @len: bytes after the certificate do not matter
 * @ret: points into @der
 *
 * A certificate that says it signed itself must have done so.
 *
 * Return: 0, -EBADMSG, -EINVAL, -ENOPKG (algorithms), -EKEYREJECTED or -ENOENT (self
 * signed).
 */
int ms_kernel_cert_parse(const struct ms_kernel_profile *profile, const uint8_t *der,
			 size_t len, struct ms_kernel_cert *ret) _must_check_;

/** ms_kernel_time_check() - x509_decode_time(). Return: 0 or -EBADMSG */
int ms_kernel_time_check(uint8_t tag, const uint8_t *text, size_t len) _must_check_;

#endif
