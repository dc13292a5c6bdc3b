/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a key signs besides certificates: a request for one (PKCS#10) and a list of those
 * that are revoked (CRL). The key may be anywhere.
 */
#ifndef MS_SIGNED_H
#define MS_SIGNED_H

#include "lib/buf.h"
#include "lib/cert.h"

/**
 * ms_csr_make() - PKCS#10 (RFC 2986) with a certificate's subject and public key
 * @cert: of the key that @sign signs with; asks for the extensions of its profile
 * @out: DER is appended
 *
 * Signed with SHA-256, and verified before it is handed out.
 *
 * Return: 0, -ENOMEM, -EIO (OpenSSL, or the signature is wrong), or what @sign returned.
 */
int ms_csr_make(const struct ms_cert *cert, ms_cert_sign_fn *sign, void *arg,
		struct ms_buf *out) _must_check_;

/** ms_crl_reason() - number of RFC 5280's reason ("keyCompromise"), or -EINVAL */
int ms_crl_reason(const char *name) _must_check_;

/**
 * ms_crl_make() - version 2 CRL (RFC 5280, 5) with one entry
 * @issuer: of the list; its SKI is the list's AKID
 * @serial, @serial_len: DER INTEGER
 * @when: when it stopped to be trusted; @reason: of ms_crl_reason()
 * @now: thisUpdate, and the list's number; nextUpdate is ten years later, as whoever is
 * revoked cannot sign another list
 */
int ms_crl_make(const struct ms_cert *issuer, const uint8_t *serial, size_t serial_len,
		time_t when, int reason, time_t now, ms_cert_sign_fn *sign, void *arg,
		struct ms_buf *out) _must_check_;

#endif
