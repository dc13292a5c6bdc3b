/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Public keys from their numbers. */
#ifndef MS_KEY_PUBLIC_H
#define MS_KEY_PUBLIC_H

#include <stdint.h>
#include <openssl/evp.h>

/** ms_key_from_rsa() - @n: modulus, big-endian, at most 512 bytes. NULL if it cannot be
 */
EVP_PKEY *ms_key_from_rsa(const uint8_t *n, size_t len, uint32_t e);
/** ms_key_from_ec() - @group: "P-256", ...; @point: 04, X, Y. NULL if it cannot be */
EVP_PKEY *ms_key_from_ec(const char *group, const uint8_t *point, size_t len);

#endif
