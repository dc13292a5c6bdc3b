/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What UEFI firmware and shim keep of certificates: signature lists (UEFI 2.10, 32.4.1)
 * and updates of authenticated variables (8.2.2). Little-endian; no I/O.
 */
#ifndef MS_EFI_H
#define MS_EFI_H

#include <time.h>
#include "lib/buf.h"
#include "lib/cert.h"

#define MS_ESL_MAX (256u << 10) /* bytes of a signature list that is taken in */

/** struct ms_guid - as it is in memory: the first three fields are little-endian */
struct ms_guid {
	uint8_t b[16];
};

/** ms_guid_parse() - "8be4df61-93ca-11d2-aa0d-00e098032b8c". Return: 0 or -EINVAL */
int ms_guid_parse(const char *text, struct ms_guid *ret) _must_check_;

/** ms_esl_put_cert() - a list with one X.509 certificate (EFI_CERT_X509_GUID) */
void ms_esl_put_cert(struct ms_buf *out, const struct ms_guid *owner, const uint8_t *der,
		     size_t len);
/**
 * ms_esl_put_tbs() - a list with the SHA-256 of a certificate's TBSCertificate
 * (EFI_CERT_X509_SHA256_GUID), and since when it is revoked
 * @from: 0: always
 */
void ms_esl_put_tbs(struct ms_buf *out, const struct ms_guid *owner,
		    const uint8_t sha256[32], time_t from);
/**
 * ms_esl_put_tbs_bare() - the same without a time: 32 bytes for each entry
 *
 * Against UEFI 2.10, but the only form that Linux matches: it takes the whole entry for
 * the hash (security/integrity/platform_certs/keyring_handler.c). Firmware that checks
 * lists before it stores them refuses this one.
 */
void ms_esl_put_tbs_bare(struct ms_buf *out, const struct ms_guid *owner,
			 const uint8_t sha256[32]);
/** ms_esl_put_hash() - a list with the SHA-256 of a file (EFI_CERT_SHA256_GUID) */
void ms_esl_put_hash(struct ms_buf *out, const struct ms_guid *owner,
		     const uint8_t sha256[32]);

/**
 * ms_esl_check() - are these bytes signature lists, back to back, nothing after them?
 * @ret_n: number of signatures in all of them
 * Return: 0, -ENODATA (none), -EBADMSG.
 */
int ms_esl_check(const uint8_t *data, size_t len, size_t *ret_n) _must_check_;

/**
 * struct ms_efi_update - SetVariable() with
 * EFI_VARIABLE_TIME_BASED_AUTHENTICATED_WRITE_ACCESS
 * @variable: "db", "dbx" (of the image security database), "KEK" or "PK" (global)
 * @append: add to what is there, instead of replacing it
 * @time: has to be later than that of the last update, unless it appends
 * @data, @len: the signature list
 */
struct ms_efi_update {
	const char *variable;
	bool append;
	time_t time;
	const uint8_t *data;
	size_t len;
};

/**
 * ms_efi_bundle() - the bytes that are signed: name, vendor, attributes, time, data
 * Return: 0, -EINVAL (no such variable, or no time that EFI_TIME has), -ENOMEM, -EFBIG
 */
int ms_efi_bundle(const struct ms_efi_update *u, struct ms_buf *out) _must_check_;

/**
 * ms_efi_signed_data() - PKCS#7 SignedData, without ContentInfo, without attributes
 * @cert: the signer's, which goes into it; @sig: of the bundle's SHA-256
 * Return: 0, -ENOPKG (neither RSA nor ECDSA), -ENOMEM, -EFBIG
 */
int ms_efi_signed_data(const struct ms_cert *cert, const uint8_t *sig, size_t sig_len,
		       struct ms_buf *out) _must_check_;

/**
 * ms_efi_auth() - the update: EFI_VARIABLE_AUTHENTICATION_2, then the signature list
 * @signed_data: as ms_efi_signed_data() makes it
 */
int ms_efi_auth(const struct ms_efi_update *u, const uint8_t *signed_data, size_t len,
		struct ms_buf *out) _must_check_;

/**
 * ms_efi_unwrap() - a PKCS#7 message of openssl without its ContentInfo
 * A SignedData alone is taken as it is.
 * Return: 0 or -EBADMSG.
 */
int ms_efi_unwrap(const uint8_t *msg, size_t len, const uint8_t **ret,
		  size_t *ret_len) _must_check_;

#endif
