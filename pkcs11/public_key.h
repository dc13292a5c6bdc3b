/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A certificate's public key, read without OpenSSL: where the host's OpenSSL has an
 * engine for PKCS#11, keys that OpenSSL reads belong to that engine, also in here.
 */
#ifndef MS_PKCS11_PUBLIC_KEY_H
#define MS_PKCS11_PUBLIC_KEY_H

#include "lib/cert.h"

/**
 * struct ms_p11_public - points into the certificate
 * @info: DER of SubjectPublicKeyInfo
 * @n, @e: RSA: big-endian, without leading zeros
 * @curve, @point: EC: DER of the named curve's OID; 04, X, Y
 * @sig_len: bytes of a signature as PKCS#11 has it
 */
struct ms_p11_public {
	enum ms_alg alg;
	const uint8_t *info, *n, *e, *curve, *point;
	size_t info_len, n_len, e_len, curve_len, point_len, sig_len;
};

/**
 * ms_p11_public_read() - of a certificate that ms_cert_parse() took
 * Return: 0, -EBADMSG, -ENOPKG (neither RSA of 2048, 3072, 4096 bits nor P-256, -384,
 * -521).
 */
int ms_p11_public_read(const struct ms_cert *cert,
		       struct ms_p11_public *ret) _must_check_;

#endif
