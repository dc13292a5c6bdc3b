/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A signing key on its way to another machine: docs/KEY-FILE.md, "Provisioned keys".
 * One PEM block with the key-encryption key, wrapped to the other TPM's SRK, and the
 * private key encrypted under it; and the certificate.
 */
#ifndef MS_TPM_PROVISION_FILE_H
#define MS_TPM_PROVISION_FILE_H

#include "tpm/keyfile.h"

#define MS_PROVISION_LABEL "MODSEAL PROVISIONED KEY"
#define MS_PROVISION_VERSION 1
#define MS_PROVISION_SEED_MAX 600u

/**
 * struct ms_provision - taken apart
 * @key: @blob has the object (@priv: the duplicate), its Name and the Name of the SRK
 * that it is wrapped to; the sealed private key and the certificate are as in a key file
 * @seed: TPM2B_ENCRYPTED_SECRET
 */
struct ms_provision {
	struct ms_keyfile key;
	uint8_t seed[MS_PROVISION_SEED_MAX];
	size_t seed_len;
};

/** ms_provision_parse() - Return: 0, -EBADMSG, -ENOPKG (a later version), -ENOMEM */
int ms_provision_parse(const char *text, size_t len, struct ms_provision *ret,
		       struct ms_error *err) _must_check_;
/** ms_provision_write() - the text, appended */
int ms_provision_write(const struct ms_provision *p, struct ms_buf *out) _must_check_;

/**
 * ms_provision_wrap() - encrypt a private key for another machine's TPM
 * @srk: TPM2B_PUBLIC of its SRK
 * @key: with its certificate in @ret->key
 *
 * A fresh key-encryption key, in locked memory, for this one journey.
 *
 * Return: 0; -EINVAL not a storage root key that stays in its TPM; -EIO, -ENOMEM
 */
int ms_provision_wrap(const uint8_t *srk, size_t srk_len, EVP_PKEY *key,
		      struct ms_provision *ret, struct ms_error *err) _must_check_;

#endif
