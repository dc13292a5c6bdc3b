/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MS_KERNEL_VERDICT_H
#define MS_KERNEL_VERDICT_H

#include "verifier/evidence.h"
#include "verifier/result.h"

/**
 * ms_kernel_judge() - what a kernel would do with a module
 * @ev: what there is to know; its anchors are taken for the kernel's trusted keys
 * @p: the kernel asked about
 * @ret_error: negative errno of finit_module(), 0 when it loads
 *
 * Follows module_sig_check() (kernel/module/signing.c), pkcs7_verify() and
 * pkcs7_validate_trust() (crypto/asymmetric_keys/). It does not look at expiry, key usage
 * or the CA flag, because the kernel does not. The release in vermagic and the
 * ELF machine count where @p is a very kernel; symbols and hardware are beyond it.
 */
enum ms_kernel_verdict ms_kernel_judge(const struct ms_evidence *ev,
				       const struct ms_kernel_profile *p,
				       enum ms_enforce enforce, int *ret_error);

/** ms_kernel_signature_rc() - what the kernel's signature check itself answers: 0,
 * -ENODATA, -ENOPKG, -ENOKEY (these three are not fatal by themselves), or a fatal errno
 */
int ms_kernel_signature_rc(const struct ms_evidence *ev,
			   const struct ms_kernel_profile *p);

/** ms_kernel_unpack_rc() - what finit_module() answers to a file as far as decompression
 * goes, if the stream itself is sound: 0 or the errno
 * @ret_kernel: the kernel is asked to decompress it */
int ms_kernel_unpack_rc(const struct ms_packed *packed, const struct ms_kernel_profile *p,
			bool *ret_kernel);

#endif
