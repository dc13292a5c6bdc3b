/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MS_KERNEL_EMBEDDED_H
#define MS_KERNEL_EMBEDDED_H

#include "verifier/evidence.h"
#include "verifier/kernel_cert.h"

/**
 * struct ms_kernel_keyring - the anchors that a kernel takes into its keyrings
 * @v: each as the kernel reads it, which anchor it is, and whether the kernel has it in
 *	its revocation list, too
 */
struct ms_kernel_keyring {
	size_t n;
	struct ms_kernel_key {
		struct ms_kernel_cert cert;
		const struct ms_anchor *anchor;
		bool revoked;
	} v[];
};

enum ms_key_heeded { MS_KEY_THERE = 0, MS_KEY_ABSENT, MS_KEY_REVOKED };

/** ms_kernel_key_heeds() - is an anchor in the keyrings, as far as its origin and the
 * firmware's revocations go; MS_KEY_REVOKED: it is, and what it signed is refused */
enum ms_key_heeded ms_kernel_key_heeds(const struct ms_evidence *ev,
				       const struct ms_kernel_profile *p,
				       const struct ms_anchor *a);

/**
 * ms_kernel_embedded_rc() - what a kernel answers to a message that has certificates
 * @ev: with ms_evidence.data still there
 *
 * pkcs7_parse_message(), pkcs7_verify(), pkcs7_validate_trust(), one after the other, on
 * the bytes of the message. Messages without certificates need less: kernel_verdict.c.
 *
 * Return: 0, -ENOKEY, -ENOPKG (these are not fatal by themselves), a fatal errno, or
 * -ENOMEM.
 */
int ms_kernel_embedded_rc(const struct ms_evidence *ev,
			  const struct ms_kernel_profile *profile) _must_check_;

#endif
