/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MS_HOOK_X509_FILE_H
#define MS_HOOK_X509_FILE_H

#include <stdint.h>
#include "lib/buf.h"

/**
 * ms_x509_file_holds() - is this certificate one of those in a file?
 * @file, @len: PEM (any number of certificates, text around them) or DER (any number,
 * back to back), as extract-cert writes certs/signing_key.x509
 * @der, @der_len: the certificate that is looked for
 *
 * Compares bytes: no certificate is parsed, so that this needs no libcrypto.
 *
 * Return: 0 (it is), -ENOKEY (others are), -ENODATA (no certificate at all), -EBADMSG
 * (damaged before it was found), -EFBIG, -ENOMEM.
 */
int ms_x509_file_holds(const uint8_t *file, size_t len, const uint8_t *der,
		       size_t der_len) _must_check_;

/**
 * ms_x509_file_only() - the certificate of a file that holds one
 * @out: empty; its DER is put there, as far as there is room
 *
 * Return: 0, -ENOTUNIQ (there are several), -ENODATA, -EBADMSG, -EFBIG, -ENOMEM.
 */
int ms_x509_file_only(const uint8_t *file, size_t len, struct ms_buf *out) _must_check_;

#endif
