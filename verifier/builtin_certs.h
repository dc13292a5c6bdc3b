/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The certificates that are built into a kernel.
 */
#ifndef MS_BUILTIN_CERTS_H
#define MS_BUILTIN_CERTS_H

#include <stdbool.h>
#include <stdint.h>

#define MS_BUILTIN_CERTS_MAX 128u

/**
 * struct ms_builtin_cert - one of them
 * @der, @len: in place
 * @revoked: from the kernel's own revocation list: it must never become an anchor
 */
struct ms_builtin_cert {
	const uint8_t *der;
	size_t len;
	bool revoked;
};

struct ms_builtin_certs {
	struct ms_builtin_cert v[MS_BUILTIN_CERTS_MAX];
	size_t n;
};

/**
 * ms_builtin_certs_find() - find the list of trusted certificates in a vmlinux
 * @image: decompressed
 *
 * By structure, not by looking for certificates alone: certs/system_certificates.S lays
 * down the certificates back to back, room for an extra one where that is configured
 * (zeros while unused), then system_certificate_list_size and (since 5.13)
 * module_cert_size, the length of the first certificate. certs/revocation_certificates.S
 * lays down revoked ones in the same way, behind them, without the second size. Other
 * certificates in the image are not taken.
 *
 * Where more than one list could be the trusted one, none is taken.
 *
 * Return: 0 (at least one trusted certificate), -ENODATA (no list), -EBADMSG (cannot tell
 * which list is the trusted one), -EFBIG (more than MS_BUILTIN_CERTS_MAX).
 */
int ms_builtin_certs_find(const uint8_t *image, size_t len,
			  struct ms_builtin_certs *ret) _must_check_;

#endif
