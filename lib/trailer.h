/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MS_TRAILER_H
#define MS_TRAILER_H

#include <stdint.h>
#include "lib/buf.h"

#define MS_TRAILER_MAGIC "~Module signature appended~\n"
#define MS_TRAILER_MAGIC_LEN 28u
#define MS_TRAILER_STRUCT_LEN 12u
#define MS_TRAILER_LEN (MS_TRAILER_STRUCT_LEN + MS_TRAILER_MAGIC_LEN)

/**
 * struct ms_trailer - where things are in a signed module
 * @payload_len: bytes of the module without message and trailer; the digest covers these
 * @msg: the PKCS#7 message, pointing into the module
 * @msg_len: its size, never 0
 */
struct ms_trailer {
	size_t payload_len;
	const uint8_t *msg;
	size_t msg_len;
};

/**
 * ms_trailer_parse() - find the signature trailer at the end of a module
 * @mod: the whole module, in memory that no one else can change
 * @len: its size in bytes
 * @ret: payload and PKCS#7 ranges, pointing into @mod; untouched on failure
 *
 * As strict as the kernel's mod_check_sig() (kernel/module_signature.c), and refuses an
 * empty signature too. Does no I/O, trusts nothing: the message has yet to be verified.
 *
 * Return: 0, -ENODATA (not signed), -EBADMSG (malformed) or -ENOPKG (not PKCS#7).
 */
int ms_trailer_parse(const uint8_t *mod, size_t len, struct ms_trailer *ret) _must_check_;

/**
 * ms_trailer_payload_len() - size of a module without any signature that it carries
 *
 * Strips one trailer after another, as a module that was signed twice has two. A trailer
 * that cannot be parsed is an error and never taken for content: signing such a file
 * again would hide what is wrong with it.
 *
 * Return: 0, -EBADMSG or -ENOPKG.
 */
int ms_trailer_payload_len(const uint8_t *mod, size_t len, size_t *ret) _must_check_;

/** ms_trailer_build() - the 40 bytes that follow a message of @msg_len bytes */
void ms_trailer_build(uint32_t msg_len, uint8_t ret[MS_TRAILER_LEN]);

#endif
