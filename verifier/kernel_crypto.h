/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Signatures as kernels verify them: not only whether one is good, but which errno one
 * that is not gets. crypto/asymmetric_keys/public_key.c, crypto/rsa.c, rsa_helper.c,
 * rsa-pkcs1pad.c (rsassa-pkcs1.c since 6.13) and ecdsa.c.
 */
#ifndef MS_KERNEL_CRYPTO_H
#define MS_KERNEL_CRYPTO_H

#include "verifier/kernel_cert.h"

/**
 * struct ms_kernel_sig - struct public_key_signature
 * @digest: NULL where the kernel has no code for @hash
 * @good: OpenSSL has found that this very key made it: what is left to look at is
 *	whether the kernel has the code
 */
struct ms_kernel_sig {
	enum ms_sig_kind kind;
	enum ms_hash hash;
	const uint8_t *digest;
	struct ms_bytes sig;
	bool good;
};

/**
 * ms_kernel_key_verify() - public_key_verify_signature()
 * @cert: whose key
 *
 * Return: 0, -EKEYREJECTED, -EBADMSG, -EINVAL, -ENOPKG, -ENOENT (no such algorithm),
 * -ENOMEM.
 */
int ms_kernel_key_verify(const struct ms_kernel_profile *profile,
			 const struct ms_kernel_cert *cert,
			 const struct ms_kernel_sig *sig) _must_check_;

/** ms_kernel_cert_signature() - a certificate's own signature; @digest: MS_DIGEST_MAX
 * bytes that it will point to */
struct ms_kernel_sig ms_kernel_cert_signature(const struct ms_kernel_profile *profile,
					      const struct ms_kernel_cert *cert,
					      uint8_t *digest);

#endif
