/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checkpoints of the audit log: C2SP tlog-checkpoint inside a C2SP signed-note, signed
 * with Ed25519. Text of three lines and extensions, an empty line, signature lines:
 *
 *	modseal.example/log
 *	4023
 *	<base64 of the root>
 *	modseal-nv-counter 17
 *
 *	— modseal.example/log <base64 of key id and signature>
 */
#ifndef MS_CHECKPOINT_H
#define MS_CHECKPOINT_H

#include <stdbool.h>
#include <stdint.h>
#include <openssl/evp.h>
#include "lib/buf.h"
#include "lib/merkle.h"

#define MS_CHECKPOINT_MAX 4096u /* bytes of a signed checkpoint */
#define MS_ORIGIN_MAX 128u
#define MS_VKEY_MAX 256u /* bytes of a verifier key's text, with NUL */

/**
 * struct ms_checkpoint - the head of a log
 * @origin: the log's name, which is its key's name too; no spaces or '+'
 * @size, @root: number of entries, and the tree's root
 * @counter: value of the TPM's NV counter, where @has_counter
 */
struct ms_checkpoint {
	char origin[MS_ORIGIN_MAX];
	uint64_t size;
	uint8_t root[MS_MERKLE_HASH];
	uint64_t counter;
	bool has_counter;
};

/** ms_checkpoint_text() - append the text that is signed. Return: 0, -EINVAL, -ENOMEM */
int ms_checkpoint_text(const struct ms_checkpoint *c, struct ms_buf *out) _must_check_;

/**
 * ms_checkpoint_sign() - append the signed checkpoint
 * @key: Ed25519 private key
 * Return: 0, -EINVAL, -ENOMEM, -EIO (OpenSSL).
 */
int ms_checkpoint_sign(const struct ms_checkpoint *c, EVP_PKEY *key,
		       struct ms_buf *out) _must_check_;

/**
 * ms_checkpoint_parse() - read a signed checkpoint without checking signatures
 * @text, @len: the whole note
 * @ret_signed: bytes of @text that signatures cover
 * Return: 0 or -EBADMSG. Unknown extension lines are passed over.
 */
int ms_checkpoint_parse(const char *text, size_t len, struct ms_checkpoint *ret,
			size_t *ret_signed) _must_check_;

/**
 * ms_checkpoint_verify() - read a signed checkpoint and check one key's signature
 * @key: Ed25519 public key, whose name must be the origin
 * Signatures of other keys (witnesses) are passed over.
 * Return: 0; -ENOKEY no signature by @key; -EKEYREJECTED it is wrong; -EBADMSG; -EIO.
 */
int ms_checkpoint_verify(const char *text, size_t len, EVP_PKEY *key,
			 struct ms_checkpoint *ret) _must_check_;

/**
 * ms_note_vkey() - the public key as "NAME+HEXID+BASE64" (signed-note's verifier key)
 * @name: as the checkpoint's origin
 */
int ms_note_vkey(const char *name, EVP_PKEY *key, struct ms_buf *out) _must_check_;
/** ms_note_vkey_parse() - reverse. @ret_name: MS_ORIGIN_MAX bytes. Return: 0 or -EBADMSG
 */
int ms_note_vkey_parse(const char *text, size_t len, char *ret_name,
		       EVP_PKEY **ret) _must_check_;

#endif
