/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MS_EFI_SIGLIST_H
#define MS_EFI_SIGLIST_H

#include <time.h>
#include "lib/hash.h"

enum ms_efi_kind {
	MS_EFI_OTHER = 0,
	MS_EFI_CERT, /* EFI_CERT_X509_GUID: a certificate */
	MS_EFI_TBS,  /* EFI_CERT_X509_SHA256_GUID, ...: digest of a TBSCertificate */
	MS_EFI_FILE, /* EFI_CERT_SHA256_GUID: digest of a file */
};

/**
 * struct ms_efi_signature - one EFI_SIGNATURE_DATA
 * @hash: of a digest
 * @data, @len: the certificate; the digest; in place
 * @since: from which time on a TBS entry revokes; 0: always
 * @has_time: the entry is in the form of the specification, digest and time; kernels
 *	compare both with a digest, so that such an entry never matches
 *	(certs/blacklist.c, security/integrity/platform_certs/keyring_handler.c)
 */
struct ms_efi_signature {
	enum ms_efi_kind kind;
	enum ms_hash hash;
	const uint8_t *data;
	size_t len;
	time_t since;
	bool has_time;
};

/**
 * struct ms_efi_siglist - EFI_SIGNATURE_LISTs, back to back
 */
struct ms_efi_siglist {
	const uint8_t *p;
	size_t left, list_left, each;
	enum ms_efi_kind kind;
	enum ms_hash hash;
};

/** ms_efi_siglist_parse() - begin at the start of a variable's value; nothing is read yet
 */
void ms_efi_siglist_parse(const uint8_t *data, size_t len, struct ms_efi_siglist *ret);

/**
 * ms_efi_siglist_next() - the next signature (UEFI 2.10, 32.4.1)
 *
 * Return: 0; -ENODATA: that was the last; -EBADMSG: sizes that do not fit together, and
 * nothing more comes.
 */
int ms_efi_siglist_next(struct ms_efi_siglist *l,
			struct ms_efi_signature *ret) _must_check_;

#endif
