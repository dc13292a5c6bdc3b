/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whose signature a module has already. Stricter than any kernel: what is not exactly as
 * this program or the kernel's sign-file makes it is somebody else's.
 */
#ifndef MS_CLI_SIGNERS_H
#define MS_CLI_SIGNERS_H

#include "lib/cert.h"

/**
 * struct ms_signer - a key, as what it signed shows
 * @cert: its certificate; of an issuing key that of the issuer. Owned
 * @issues: modules are signed by leaf keys that it certifies
 * @either: with @issues: or by the key itself
 * @build: with @issues: the build that the leaf has to be of; NULL: any
 * @hash: that the signature has to be made with; MS_HASH_NONE: any that may sign
 * @strict_sid: the certificate has to be named in the way of @keyid
 * @keyid: by its subject key identifier, not by issuer and serial number
 */
struct ms_signer {
	struct ms_cert *cert;
	bool issues, either;
	const char *build;
	enum ms_hash hash;
	bool strict_sid, keyid;
};

enum ms_signed {
	MS_SIGNED_UNKNOWN = 0,
	MS_SIGNED_NOT,	/* there is no signature */
	MS_SIGNED_BY,	/* one, good, by one of those who were asked for */
	MS_SIGNED_ELSE, /* something else, whatever it is */
};

/**
 * ms_signers_find() - which of some keys has signed a module?
 * @s, @n: the keys
 * @mod, @len: the module, uncompressed
 * @ret: index of the key; only with MS_SIGNED_BY
 *
 * The signature is verified over the module with the key's public key, and the message
 * must be, byte for byte, the one that is made for this signature: one trailer, one
 * signer, no attributes, nothing else in it.
 */
enum ms_signed ms_signers_find(const struct ms_signer *s, size_t n, const uint8_t *mod,
			       size_t len, size_t *ret);

/** ms_signer_made() - is this message such a one, by this key, over these bytes? */
bool ms_signer_made(const struct ms_signer *s, const uint8_t *msg, size_t msg_len,
		    const uint8_t *payload, size_t len);

/**
 * ms_signers_load() - the keys of a file of certificates, PEM or DER
 * @v, @max: room for so many; a CA's is taken for either kind
 * Return: 0; -EFBIG (more than @max), as ms_file_read() and ms_cert_list_parse(); with a
 * sentence.
 */
int ms_signers_load(const char *path, struct ms_signer *v, size_t max, size_t *ret_n,
		    struct ms_error *err) _must_check_;

struct ms_cli;
struct ms_talk;
/** ms_signer_fetch() - certificate and custody of one of the agent's keys; the rest of
 * @ret is left as it is. Return: enum ms_exit, having complained */
int ms_signer_fetch(const struct ms_cli *cli, struct ms_talk *t, const char *key,
		    struct ms_signer *ret) _must_check_;
void ms_signer_clear(struct ms_signer *s);

#endif
