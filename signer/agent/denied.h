/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is revoked: digests and versions of modules, which are not signed whatever the
 * rules say, and certificates, whose keys sign no more. On the event loop's thread only.
 */
#ifndef MS_AGENT_DENIED_H
#define MS_AGENT_DENIED_H

#include "lib/cert.h"
#include "lib/elf_facts.h"
#include "lib/hash.h"
#include "signer/agent/store.h"
#include "signer/agent/strv.h"

struct ms_denied;

int ms_denied_new(struct ms_denied **ret) _must_check_;
void ms_denied_free(struct ms_denied *d);
/** ms_denied_load() - the list in the store, and the number of the last one handed out */
int ms_denied_load(struct ms_denied *d, struct ms_store *s,
		   struct ms_error *err) _must_check_;
/**
 * ms_denied_set() - put an entry on the list, or, without @data, take it off
 * @key, @data: as in struct ms_revocation_row (revocation.h)
 */
int ms_denied_set(struct ms_denied *d, const char *key, const char *data) _must_check_;

/* Row of the store with the number of the last list that was handed out. */
#define MS_DENIED_NUMBER_KEY "#number"
/** ms_denied_next_number() - of a list; each call counts one up */
uint64_t ms_denied_next_number(struct ms_denied *d);
/** ms_denied_number() - of the last one */
uint64_t ms_denied_number(const struct ms_denied *d);
/** ms_denied_config() - beside it, the list of a file; replaces the file's old one */
int ms_denied_config(struct ms_denied *d, const struct ms_strv *hex) _must_check_;

/** ms_denied_any() - is there anything on it */
bool ms_denied_any(const struct ms_denied *d);
/** ms_denied_at() - the @i-th of the store's list, or NULL past the last; @ret_data: JSON
 */
const char *ms_denied_at(const struct ms_denied *d, size_t i, const char **ret_data);

/** ms_denied_hex() - a digest in hex as the list has it: lower case, of a hash's length
 * Return: 0 or -EINVAL. */
int ms_denied_hex(const char *text, char ret[2 * MS_DIGEST_MAX + 1]) _must_check_;
/** ms_denied_parse() - a file of digests, one at the beginning of each line, as sha256sum
 * prints them; # comments. Return: 0, -ENOMEM, -EINVAL and the line's number. */
int ms_denied_parse(const char *text, size_t len, struct ms_strv *ret,
		    unsigned int *ret_line) _must_check_;

/**
 * ms_denied_check() - may it be signed
 * @digest: as it will be signed; @sha256: of the same module, or all zero if not known
 * Return: 0 or -EACCES "denied".
 */
int ms_denied_check(const struct ms_denied *d, enum ms_hash hash, const uint8_t *digest,
		    const uint8_t sha256[32], struct ms_error *err) _must_check_;

/**
 * ms_denied_module() - is it a version that is denied
 * @f: what the module, or, where only a digest is known, the client says it is
 * Return: 0 or -EACCES "denied".
 */
int ms_denied_module(const struct ms_denied *d, const struct ms_elf_facts *f, int64_t now,
		     struct ms_error *err) _must_check_;

/**
 * ms_denied_cert() - may a key with this certificate sign
 * Return: 0, -EACCES "certificate-revoked", -ENOMEM.
 */
int ms_denied_cert(const struct ms_denied *d, const struct ms_cert *c, int64_t now,
		   struct ms_error *err) _must_check_;

#endif
