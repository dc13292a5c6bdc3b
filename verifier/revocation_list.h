/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A list of revocations as it is published: signed, numbered, and good until a day
 * (docs/REVOCATIONS.md).
 *
 * The signature is in a file beside it, or in a second line, as that of a build's
 * manifest: the document without line breaks, then {"signature": BASE64}, which is over
 * the bytes of the first line without its line break.
 */
#ifndef MS_REVOCATION_LIST_H
#define MS_REVOCATION_LIST_H

#include <openssl/evp.h>
#include <time.h>
#include "lib/buf.h"
#include "verifier/revocations.h"

#define MS_PUBLISHER_KEYS_MAX 16u

/**
 * struct ms_publisher_keys - who may sign lists; keys are owned
 */
struct ms_publisher_keys {
	EVP_PKEY *v[MS_PUBLISHER_KEYS_MAX];
	size_t n;
};
void ms_publisher_keys_clear(struct ms_publisher_keys *k);

/** ms_publisher_keys_parse() - add the keys of a file: PEM with "PUBLIC KEY" or
 * "CERTIFICATE" blocks. No I/O. Return: 0 (at least one), -EBADMSG with a sentence,
 * -ENOMEM */
int ms_publisher_keys_parse(struct ms_publisher_keys *k, const char *text, size_t len,
			    struct ms_error *err) _must_check_;

/** ms_publisher_keys_load() - the same from a file. Return: and what ms_file_read() does
 */
int ms_publisher_keys_load(struct ms_publisher_keys *k, const char *path,
			   struct ms_error *err) _must_check_;

/**
 * struct ms_revocation_list - one with its signature
 * @text, @text_len: the document; somebody else's
 * @sig: owned
 */
struct ms_revocation_list {
	const char *text;
	size_t text_len;
	struct ms_buf sig;
};
void ms_revocation_list_clear(struct ms_revocation_list *l);
#define _cleanup_revocation_list_ _cleanup_(ms_revocation_list_clear)

/** ms_revocation_list_split() - take one of two lines apart; checks nothing.
 * @ret: points into @data
 * Return: 0; -EBADMSG; -ENODATA (it is of another form); -ENOMEM */
int ms_revocation_list_split(const char *data, size_t len,
			     struct ms_revocation_list *ret) _must_check_;

/**
 * ms_revocation_list_verify() - has one of the keys signed it?
 *
 * The signature is a detached CMS message with one signer and without signed attributes,
 * as modseal's keys make them, whose certificates are not looked at; or a raw one: PKCS#1
 * v1.5 or ECDSA with SHA-256, or Ed25519.
 *
 * Return: 0; -EKEYREJECTED with a sentence.
 */
int ms_revocation_list_verify(const struct ms_revocation_list *l,
			      const struct ms_publisher_keys *k,
			      struct ms_error *err) _must_check_;

/**
 * ms_revocation_list_head() - read a list as a publisher has to write it
 *
 * Has to have a number and expires; all entries are read and have to be understood.
 * Verifies nothing.
 *
 * Return: 0; -EBADMSG with a sentence; -EFBIG; -ENOMEM.
 */
int ms_revocation_list_head(const char *text, size_t len, struct ms_revocation_head *ret,
			    struct ms_error *err) _must_check_;

#endif
