/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include "lib/escape.h"
#include "lib/file.h"
#include "verifier/kernel_config.h"

#define CONFIG_MAX (4u << 20)

#define H(name) (1u << MS_HASH_##name)
#define S(name) (1u << MS_SIG_##name)

/* crypto/Kconfig: what an option brings. */
static const struct {
	const char *option;
	uint32_t hashes, sigs;
} options[] = {
	{"CONFIG_CRYPTO_MD4", H(MD4), 0},
	{"CONFIG_CRYPTO_MD5", H(MD5), 0},
	{"CONFIG_CRYPTO_SHA1", H(SHA1), 0},
	{"CONFIG_CRYPTO_SHA256", H(SHA224) | H(SHA256), 0},
	{"CONFIG_CRYPTO_SHA512", H(SHA384) | H(SHA512), 0},
	{"CONFIG_CRYPTO_SHA3", H(SHA3_256) | H(SHA3_384) | H(SHA3_512), 0},
	{"CONFIG_CRYPTO_SM3", H(SM3), 0},
	{"CONFIG_CRYPTO_SM3_GENERIC", H(SM3), 0},
	{"CONFIG_CRYPTO_RSA", 0, S(RSA)},
	{"CONFIG_CRYPTO_ECDSA", 0, S(ECDSA) | S(P521)},
	{"CONFIG_CRYPTO_MLDSA", 0, S(MLDSA)},
};

/* kernel/module/Kconfig */
static const struct {
	const char *option;
	enum ms_compression format;
} formats[] = {
	{"CONFIG_MODULE_COMPRESS_GZIP", MS_GZIP},
	{"CONFIG_MODULE_COMPRESS_XZ", MS_XZ},
	{"CONFIG_MODULE_COMPRESS_ZSTD", MS_ZSTD},
};

/* Is there a line "OPTION=y"? */
static bool built_in(const char *text, size_t len, const char *option)
{
	char line[64];
	size_t n = (size_t)snprintf(line, sizeof(line), "%s=y\n", option);
	const char *p = text, *end = text + len;

	while ((p = memmem(p, (size_t)(end - p), line, n))) {
		if (p == text || p[-1] == '\n')
			return true;
		p++;
	}
	return false;
}

int ms_kernel_config_apply(const char *text, size_t len, struct ms_kernel_profile *p)
{
	uint32_t hashes = 0, sigs = 0;

	if (!built_in(text, len, "CONFIG_MODULES") ||
	    !built_in(text, len, "CONFIG_MODULE_SIG"))
		return -EBADMSG;
	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		if (built_in(text, len, options[i].option)) {
			hashes |= options[i].hashes;
			sigs |= options[i].sigs;
		}
	p->inflates = 0;
	if (built_in(text, len, "CONFIG_MODULE_DECOMPRESS"))
		for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
			if (built_in(text, len, formats[i].option))
				p->inflates |= 1u << formats[i].format;
	p->modversions = built_in(text, len, "CONFIG_MODVERSIONS");
	p->revocation_list = built_in(text, len, "CONFIG_SYSTEM_REVOCATION_LIST");
	p->firmware_keys = p->firmware_keys &&
			   built_in(text, len, "CONFIG_INTEGRITY_PLATFORM_KEYRING");
	p->digest_blacklist = p->digest_blacklist &&
			      built_in(text, len, "CONFIG_SYSTEM_BLACKLIST_KEYRING");
	p->hashes_usable = hashes & p->hashes_parsed;
	p->sigs_usable = sigs & p->sigs_parsed;
	return 0;
}

int ms_kernel_config_load(const char *path, struct ms_kernel_profile *p,
			  struct ms_error *err)
{
	_cleanup_file_ struct ms_file f = {0};
	char shown[512];
	int rc = ms_file_read(AT_FDCWD, path, CONFIG_MAX, 0, &f, err);

	if (rc)
		return rc;
	rc = ms_kernel_config_apply((const char *)f.data, f.len, p);
	if (!rc)
		return 0;
	return ms_error_set(err, rc, "kernel-config",
			    "%s: not the configuration of a kernel with signed modules: "
			    "name the file /boot/config-RELEASE of that kernel",
			    ms_escape_str(path, shown, sizeof(shown)));
}
