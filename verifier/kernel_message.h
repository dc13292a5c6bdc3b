/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MS_KERNEL_MESSAGE_H
#define MS_KERNEL_MESSAGE_H

#include "lib/pkcs7.h"
#include "verifier/kernel_cert.h"

/**
 * struct ms_kernel_message - what a kernel makes of a message
 * @m: as ms_pkcs7_parse() would have it; beyond its caps signers and certificates are
 *	left out
 * @sids: what each of its signers is called
 * @certs: its certificates, where a profile was given
 */
struct ms_kernel_message {
	struct ms_pkcs7 m;
	struct ms_kernel_id sids[MS_PKCS7_SIGNERS_MAX];
	struct ms_kernel_cert certs[MS_PKCS7_CERTS_MAX];
};

/**
 * ms_kernel_message_parse() - take a message apart as a kernel does
 * @profile: the kernel; NULL: certificates and algorithms are not looked at
 *
 * lib/pkcs7.h has the strict parser, which decides what is trusted. This one is here to
 * say what a kernel answers: it fails where and how lib/asn1_decoder.c, pkcs7.asn1 and
 * pkcs7_parser.c of crypto/asymmetric_keys/ do, at the first thing that is wrong, and as
 * x509_cert_parse() does for the certificates.
 *
 * Return: 0, -EBADMSG, -EINVAL, -EKEYREJECTED; with a @profile also -ENOPKG, -ENOENT.
 */
int ms_kernel_message_parse(const struct ms_kernel_profile *profile, const uint8_t *msg,
			    size_t len, struct ms_kernel_message *ret) _must_check_;

#endif
