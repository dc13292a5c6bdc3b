/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <elf.h>
#include <errno.h>
#include "verifier/kernel_profile.h"

#define H(name) (1u << MS_HASH_##name)
#define S(name) (1u << MS_SIG_##name)

#define Z(name) (1u << MS_##name)

#define SHA2 (H(SHA224) | H(SHA256) | H(SHA384) | H(SHA512))
#define SHA3 (H(SHA3_256) | H(SHA3_384) | H(SHA3_512))

/*
 * Read in Debian's source packages; usable is what Debian's configuration has built in
 * when the first modules are loaded. Oldest first.
 */
static const struct ms_kernel_profile profiles[] = {
	{
		.name = "5.10",
		.major = 5,
		.minor = 10,
		.hashes_parsed = SHA2 | H(SHA1) | H(MD5) | H(MD4),
		.hashes_usable = H(SHA1) | H(SHA224) | H(SHA256) | H(MD5),
		.sigs_parsed = S(RSA),
		.sigs_usable = S(RSA),
		.unusable_sig_error = -ENOPKG,
		.inflate_error = -EINVAL,
		.digest_blacklist = true,
		.firmware_keys = true,
		.modversions = true,
		.source = "crypto/asymmetric_keys/pkcs7_parser.c, pkcs7_verify.c of 5.10",
	},
	{
		.name = "6.1",
		.major = 6,
		.minor = 1,
		.hashes_parsed = SHA2 | H(SHA1) | H(MD5) | H(MD4) | H(SM3),
		.hashes_usable = H(SHA1) | H(SHA224) | H(SHA256) | H(MD5),
		.sigs_parsed = S(RSA) | S(ECDSA),
		.sigs_usable = S(RSA),
		.unusable_sig_error = -ENOENT,
		.inflate_error = -EOPNOTSUPP,
		.digest_blacklist = true,
		.firmware_keys = true,
		.modversions = true,
		.source = "crypto/asymmetric_keys/pkcs7_parser.c, public_key.c of 6.1; "
			  "Debian "
			  "has CRYPTO_ECDSA unset and CRYPTO_SHA512=m",
	},
	{
		.name = "6.8",
		.major = 6,
		.minor = 8,
		.hashes_parsed = SHA2 | SHA3 | H(SHA1) | H(SM3),
		.hashes_usable = SHA2 | SHA3 | H(SHA1),
		.sigs_parsed = S(RSA) | S(ECDSA),
		.sigs_usable = S(RSA),
		.unusable_sig_error = -ENOENT,
		.extensions = MS_EXTENSIONS_USAGE,
		.rsa_payload_strict = true,
		.inflates = Z(ZSTD),
		.inflate_error = -EOPNOTSUPP,
		.revocation_list = true,
		.firmware_keys = true,
		.modversions = true,
		.source =
			"crypto/asymmetric_keys/ of 6.12 without what came later; for "
			"Ubuntu, not seen running: it signs with RSA and SHA-512, SHA-3 "
			"comes with the jitter RNG, ECDSA is not taken for granted",
	},
	{
		.name = "6.12",
		.major = 6,
		.minor = 12,
		.hashes_parsed = SHA2 | SHA3 | H(SHA1) | H(SM3),
		.hashes_usable = SHA2 | SHA3 | H(SHA1),
		.sigs_parsed = S(RSA) | S(ECDSA) | S(P521),
		.sigs_usable = S(RSA) | S(ECDSA) | S(P521),
		.unusable_sig_error = -ENOENT,
		.extensions = MS_EXTENSIONS_STRICT,
		.rsa_payload_strict = true,
		.inflates = Z(XZ),
		.inflate_error = -EOPNOTSUPP,
		.digest_blacklist = true,
		.firmware_keys = true,
		.modversions = true,
		.source = "crypto/asymmetric_keys/pkcs7_parser.c, public_key.c of 6.12",
	},
	{
		.name = "7.2",
		.major = 7,
		.minor = 0,
		.hashes_parsed = SHA2 | SHA3 | H(SHA1) | H(SM3),
		.hashes_usable = SHA2 | H(SHA1),
		.sigs_parsed = S(RSA) | S(ECDSA) | S(P521) | S(MLDSA),
		.sigs_usable = S(RSA) | S(ECDSA) | S(P521),
		.unusable_sig_error = -ENOENT,
		.extensions = MS_EXTENSIONS_STRICT,
		.rsa_payload_strict = true,
		.inflates = Z(XZ),
		.inflate_error = -EOPNOTSUPP,
		.inflated_nothing = -EACCES,
		.firmware_keys = true,
		.source = "crypto/asymmetric_keys/pkcs7_parser.c, public_key.c of 7.2; "
			  "Debian "
			  "has CRYPTO_MLDSA unset and CRYPTO_SHA3=m",
	},
};

struct oid {
	enum ms_sig_kind kind;
	uint8_t len, der[11];
};

static const struct oid sig_oids[] = {
	/* rsaEncryption */
	{MS_SIG_RSA, 11, {6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1}},
	/* ecdsa-with-SHA1, ecdsa-with-SHA224 to SHA512 */
	{MS_SIG_ECDSA, 9, {6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 1}},
	{MS_SIG_ECDSA, 10, {6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 1}},
	{MS_SIG_ECDSA, 10, {6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2}},
	{MS_SIG_ECDSA, 10, {6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3}},
	{MS_SIG_ECDSA, 10, {6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 4}},
	/* id-ecdsa-with-sha3-256, -384, -512 */
	{MS_SIG_ECDSA, 11, {6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 10}},
	{MS_SIG_ECDSA, 11, {6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 11}},
	{MS_SIG_ECDSA, 11, {6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 12}},
	/* id-ml-dsa-44, -65, -87 */
	{MS_SIG_MLDSA, 11, {6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 17}},
	{MS_SIG_MLDSA, 11, {6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 18}},
	{MS_SIG_MLDSA, 11, {6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 19}},
};

static const char *number(const char *s, unsigned int *ret)
{
	unsigned int v = 0;
	const char *p;

	for (p = s; *p >= '0' && *p <= '9' && p - s < 5; p++)
		v = v * 10 + (unsigned int)(*p - '0');
	if (p == s)
		return NULL;
	*ret = v;
	return p;
}

const struct ms_kernel_profile *ms_kernel_profile_find(const char *release)
{
	const struct ms_kernel_profile *found = NULL;
	unsigned int major, minor;
	const char *p;

	p = number(release, &major);
	if (!p || *p != '.')
		return NULL;
	p = number(p + 1, &minor);
	if (!p || (*p >= '0' && *p <= '9'))
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(profiles); i++)
		if (profiles[i].major < major ||
		    (profiles[i].major == major && profiles[i].minor <= minor))
			found = &profiles[i];
	return found;
}

const struct ms_kernel_profile *ms_kernel_profile_at(size_t i)
{
	return i < ARRAY_SIZE(profiles) ? &profiles[i] : NULL;
}

int ms_profile_of_release(const char *release, struct ms_kernel_profile *ret)
{
	static const struct {
		const char *end;
		uint16_t machine;
	} machines[] = {
		{"-amd64", EM_X86_64},
		{"-arm64", EM_AARCH64},
	};
	const struct ms_kernel_profile *p = ms_kernel_profile_find(release);
	size_t len = strlen(release);

	if (!p)
		return -ENOENT;
	*ret = *p;
	ret->release = strchr(release, '-') ? release : NULL;
	for (size_t i = 0; i < ARRAY_SIZE(machines); i++) {
		size_t n = strlen(machines[i].end);

		if (len > n && !strcmp(release + len - n, machines[i].end))
			ret->machine = machines[i].machine;
	}
	return 0;
}

bool ms_rsa_size_ok(unsigned int bits)
{
	static const unsigned int sizes[] = {512, 1024, 1536, 2048, 3072, 4096};

	bits = (bits + 63) / 64 * 64;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		if (bits == sizes[i])
			return true;
	return false;
}

bool ms_profile_inflates(const struct ms_kernel_profile *p, enum ms_compression c)
{
	return c != MS_PLAIN && (p->inflates & 1u << c);
}

static bool has(uint32_t set, unsigned int bit)
{
	return bit > 0 && bit < 32 && (set & (1u << bit));
}

enum ms_sig_kind ms_sig_kind_of_oid(const uint8_t *der, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(sig_oids); i++)
		if (sig_oids[i].len == len && !memcmp(sig_oids[i].der, der, len))
			return sig_oids[i].kind;
	return MS_SIG_OTHER;
}

bool ms_profile_parses_hash(const struct ms_kernel_profile *p, enum ms_hash h)
{
	return has(p->hashes_parsed, h);
}

bool ms_profile_has_hash(const struct ms_kernel_profile *p, enum ms_hash h)
{
	return has(p->hashes_usable, h);
}

bool ms_profile_parses_sig(const struct ms_kernel_profile *p, enum ms_sig_kind k)
{
	return has(p->sigs_parsed, k);
}

bool ms_profile_has_sig(const struct ms_kernel_profile *p, enum ms_sig_kind k)
{
	return has(p->sigs_usable, k);
}
