/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The key file of custody sealed: a "TSS2 PRIVATE KEY" (draft-bottomley-tpm2-keys, type
 * 2.23.133.10.1.5, sealed) with the key-encryption key, a "MODSEAL SEALED KEY" with the
 * private key encrypted under it, and the certificate, all PEM in one file, so that it is
 * replaced whole. Of custody resident and leaf: a loadable "TSS2 PRIVATE KEY" that is
 * the key itself, a "MODSEAL RESIDENT KEY" with what a TPM key file has no place for, and
 * the certificate.
 */
#ifndef MS_TPM_KEYFILE_H
#define MS_TPM_KEYFILE_H

#include <time.h>
#include <openssl/evp.h>
#include "lib/buf.h"
#include "lib/error.h"
#include "lib/limits.h"
#include "tpm/tpm.h"

#define MS_KEYFILE_VERSION 1

/**
 * struct ms_keyfile - a key file taken apart
 * @resident: @blob is the key itself, and nothing is sealed
 * @blob: the sealed key-encryption key, or the key
 * @created: seconds since 1970
 * @nonce, @tag, @sealed, @sealed_len: AES-256-GCM of the PKCS#8 private key; AAD is the
 *     format version (u32), SHA-256 of the public key's SPKI and the sealed object's Name
 * @spki_sha256: that hash
 * @cert, @cert_len: DER certificate
 */
struct ms_keyfile {
	bool resident;
	struct ms_tpm_blob blob;
	time_t created;
	uint8_t nonce[12], tag[16], spki_sha256[32];
	uint8_t sealed[8192];
	size_t sealed_len;
	uint8_t cert[MS_CERT_MAX];
	size_t cert_len;
};

/**
 * ms_keyfile_parse() - read the text of a key file; no I/O
 * Return: 0; -EBADMSG damaged; -ENOPKG a later format version or another type of key; the
 * sentence in @err says which.
 */
int ms_keyfile_parse(const char *text, size_t len, struct ms_keyfile *ret,
		     struct ms_error *err) _must_check_;
/** ms_keyfile_write() - text of a key file appended to @out */
int ms_keyfile_write(const struct ms_keyfile *k, struct ms_buf *out) _must_check_;

/**
 * ms_keyfile_seal() - encrypt a private key under a key-encryption key
 * @k: @blob must be filled in (its Name goes into the AAD); nonce, tag, sealed, spki are
 * set The PKCS#8 copy lives in locked memory and is wiped.
 */
int ms_keyfile_seal(struct ms_keyfile *k, const uint8_t kek[MS_TPM_SECRET_LEN],
		    EVP_PKEY *key, struct ms_error *err) _must_check_;
/**
 * ms_keyfile_unseal() - decrypt it
 * Checks that the certificate's public key is the private key's.
 * Return: 0, -EBADMSG (tag wrong: damaged or a foreign file; or certificate does not
 * match).
 */
int ms_keyfile_unseal(const struct ms_keyfile *k, const uint8_t kek[MS_TPM_SECRET_LEN],
		      EVP_PKEY **ret, struct ms_error *err) _must_check_;

#endif
