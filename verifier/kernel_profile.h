/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What kernels accept, by version: one table, a new kernel is a new row.
 */
#ifndef MS_KERNEL_PROFILE_H
#define MS_KERNEL_PROFILE_H

#include <stdbool.h>
#include <stdint.h>
#include "lib/hash.h"
#include "compress/decompress.h"

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
 * @inflates: bit per enum ms_compression: what finit_module() decompresses itself
 *	(MODULE_INIT_COMPRESSED_FILE)
 * @inflate_error: what it answers to that flag where it decompresses nothing
 * @inflated_nothing: what it answers when that leaves an empty file; 0: as for any other
 *	file that is not signed
 * @digest_blacklist: modules whose SHA-256 is in dbx or MokListX are refused: a patch of
 *	Debian's up to 6.12
 * @revocation_list: so are those of X.509 certificates that are there
 * @firmware_keys: keys of db and MokListRT are asked after the built-in ones: a patch of
 *	Debian's and Ubuntu's. It is the same to it whether MokListTrustedRT has brought
 *the latter into .machine or they are in .platform.
 * @modversions: symbols have checksums, and a module that has them may be of another
 *	release
 * @release: the very kernel that is asked about, NULL: any; somebody else's
 * @machine: its ELF machine, 0: any
 * @source: where this was read
 */
struct ms_kernel_profile {
	const char *name;
	unsigned int major, minor;
	uint32_t hashes_parsed, hashes_usable, sigs_parsed, sigs_usable;
	int unusable_sig_error;
	enum ms_extensions extensions;
	bool rsa_payload_strict;
	uint32_t inflates;
	int inflate_error, inflated_nothing;
	bool digest_blacklist, revocation_list, firmware_keys, modversions;
	const char *release;
	uint16_t machine;
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

/** ms_profile_of_release() - the row for a kernel, as that very kernel: its release and,
 * where that ends in -amd64 or -arm64, its machine
 * @release: kept; without a dash it is a version only, which many kernels have
 * Return: 0, or -ENOENT for a kernel without a row */
int ms_profile_of_release(const char *release,
			  struct ms_kernel_profile *ret) _must_check_;

/** ms_rsa_size_ok() - rsa_check_key_length(): moduli that kernels take; @bits is rounded
 * up to whole words, as mpi_get_size() counts */
bool ms_rsa_size_ok(unsigned int bits);

/** ms_profile_inflates() - does finit_module() decompress this? */
bool ms_profile_inflates(const struct ms_kernel_profile *p, enum ms_compression c);

/** ms_sig_kind_of_oid() - what a SignerInfo's signatureAlgorithm means; @der with tag and
 * length. MS_SIG_ECDSA for every curve */
enum ms_sig_kind ms_sig_kind_of_oid(const uint8_t *der, size_t len);

bool ms_profile_parses_hash(const struct ms_kernel_profile *p, enum ms_hash h);
bool ms_profile_has_hash(const struct ms_kernel_profile *p, enum ms_hash h);
bool ms_profile_parses_sig(const struct ms_kernel_profile *p, enum ms_sig_kind k);
bool ms_profile_has_sig(const struct ms_kernel_profile *p, enum ms_sig_kind k);

#endif
