/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What kernels accept, by version: one table, a new kernel is a new row.
 */
#ifndef MS_KERNEL_PROFILE_H
#define MS_KERNEL_PROFILE_H

#include <stdbool.h>
#include <stdint.h>
#include "lib/hash.h"

/* Kinds of signature, as the signerInfo's OID and the key tell them apart. */
enum ms_sig_kind {
	MS_SIG_OTHER = 0,
	MS_SIG_RSA,   /* rsaEncryption */
	MS_SIG_ECDSA, /* ecdsa-with-SHA*, P-256 and P-384 */
	MS_SIG_P521,  /* the same OIDs, but a P-521 key */
	MS_SIG_MLDSA, /* ML-DSA-44, -65, -87 */
};

/* What x509_process_extension() reads beside the key identifiers. */
enum ms_extensions {
	MS_EXTENSIONS_IDS = 0, /* nothing */
	MS_EXTENSIONS_USAGE,   /* key usage and basic constraints, since 6.4 */
	MS_EXTENSIONS_STRICT,  /* the latter all the way */
};

/**
 * struct ms_kernel_profile - how one line of kernels treats signatures
 * @name: "6.1"
 * @major, @minor: the first version that the row holds for
 * @hashes_parsed: bit per enum ms_hash: the PKCS#7 parser knows the OID
 * @hashes_usable: the distribution's configuration has the digest built in
 * @sigs_parsed, @sigs_usable: the same for enum ms_sig_kind
 * @unusable_sig_error: what verifying with a key of a kind that is parsed but not built
 * in answers
 * @extensions: how much of a certificate's extensions is read
 * @rsa_payload_strict: RSA takes signatures between 1 and n - 1 only
 * @source: where this was read
 */
struct ms_kernel_profile {
	const char *name;
	unsigned int major, minor;
	uint32_t hashes_parsed, hashes_usable, sigs_parsed, sigs_usable;
	int unusable_sig_error;
	enum ms_extensions extensions;
	bool rsa_payload_strict;
	const char *source;
};

/**
 * ms_kernel_profile_find() - the row for a kernel
 * @release: "6.1", "6.1.0-56-amd64", ...: what follows major.minor is not looked at
 *
 * Return: the row, or NULL (older than the first row, or not a version).
 */
const struct ms_kernel_profile *ms_kernel_profile_find(const char *release);

/** ms_kernel_profile_at() - the @i-th row, oldest first; NULL behind the last one */
const struct ms_kernel_profile *ms_kernel_profile_at(size_t i);

/** ms_sig_kind_of_oid() - what a SignerInfo's signatureAlgorithm means; @der with tag and
 * length. MS_SIG_ECDSA for every curve */
enum ms_sig_kind ms_sig_kind_of_oid(const uint8_t *der, size_t len);

bool ms_profile_parses_hash(const struct ms_kernel_profile *p, enum ms_hash h);
bool ms_profile_has_hash(const struct ms_kernel_profile *p, enum ms_hash h);
bool ms_profile_parses_sig(const struct ms_kernel_profile *p, enum ms_sig_kind k);
bool ms_profile_has_sig(const struct ms_kernel_profile *p, enum ms_sig_kind k);

#endif
