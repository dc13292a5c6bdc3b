/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A private key in a file of somebody else's making: PEM or DER, PKCS#8 (encrypted or
 * not), the older RSA and EC forms, PKCS#12; and the certificates that lie beside it.
 */
#ifndef MS_CLI_KEY_SOURCE_H
#define MS_CLI_KEY_SOURCE_H

#include "lib/buf.h"
#include "lib/cert.h"

/**
 * ms_passphrase_fn - asked once, and only if the key is encrypted
 * @ret: NUL-terminated; stays the callee's
 * Return: 0 or a negative errno with a sentence.
 */
typedef int ms_passphrase_fn(void *arg, const char **ret, struct ms_error *err);

/**
 * struct ms_key_source - what was found
 * @key: the private key; NULL where it is a TPM's
 * @tss2: DER of such a key ("TSS2 PRIVATE KEY"), which the TPM alone can use
 * @certs: certificates in the same file, in its order
 */
struct ms_key_source {
	EVP_PKEY *key;
	struct ms_buf tss2;
	struct ms_cert_list certs;
};
void ms_key_source_clear(struct ms_key_source *s);
#define _cleanup_key_source_ _cleanup_(ms_key_source_clear)

/**
 * ms_key_source_parse() - read a file's bytes
 *
 * Return: 0; -EKEYREJECTED wrong passphrase; -ENODATA there is no private key in it;
 * -ENOPKG a key file of modseal, or encrypted in a way that this OpenSSL does not do;
 * -EBADMSG damaged; or what @ask returned.
 */
int ms_key_source_parse(const uint8_t *data, size_t len, ms_passphrase_fn *ask, void *arg,
			struct ms_key_source *ret, struct ms_error *err) _must_check_;

/** ms_key_source_cert() - the one of @l with the key's public half, or NULL */
const struct ms_cert *ms_key_source_cert(EVP_PKEY *key, const struct ms_cert_list *l);

#endif
