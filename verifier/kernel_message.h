/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MS_KERNEL_MESSAGE_H
#define MS_KERNEL_MESSAGE_H

#include "lib/pkcs7.h"

/**
 * ms_kernel_message_parse() - take a message apart as a kernel does
 * @ret: as ms_pkcs7_parse() would have it; beyond its caps signers and certificates are
 *	left out
 *
 * lib/pkcs7.h has the strict parser, which decides what is trusted. This one is here to
 *say what a kernel answers: it reads BER with lengths of up to two bytes, takes SEQUENCE
 *OF for SET OF, and fails where and how lib/asn1_decoder.c, pkcs7.asn1 and pkcs7_parser.c
 *of crypto/asymmetric_keys/ do. Which algorithms a kernel knows is not its business.
 *
 * Return: 0, -EBADMSG, -EINVAL or -EKEYREJECTED.
 */
int ms_kernel_message_parse(const uint8_t *msg, size_t len,
			    struct ms_pkcs7 *ret) _must_check_;

#endif
