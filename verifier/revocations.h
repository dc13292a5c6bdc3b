/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is no longer trusted: certificates, modules by digest, modules by version.
 */
#ifndef MS_REVOCATIONS_H
#define MS_REVOCATIONS_H

#include <time.h>
#include "lib/elf_facts.h"
#include "verifier/anchors.h"

#define MS_REVOCATION_FILE_MAX (64u << 20) /* bytes of a list */
#define MS_REVOCATIONS_MAX 1000000u	   /* entries of all lists */

enum ms_revocation_kind {
	MS_REVOKES_NOTHING = 0,
	MS_REVOKES_SERIAL,  /* a certificate by issuer and serial: a CRL's entry */
	MS_REVOKES_CERT,    /* a certificate by its SHA-256 */
	MS_REVOKES_TBS,	    /* a certificate by the digest of its TBSCertificate */
	MS_REVOKES_KEY,	    /* all certificates with this key identifier */
	MS_REVOKES_DIGEST,  /* a module by digest, without its signature or whole */
	MS_REVOKES_VERSION, /* a module's name, with version or srcversion */
};

/* What a kernel that boots with such an entry in dbx or MokListX does with it. */
enum ms_heeded {
	MS_HEEDED_NOT_ASKED = 0, /* it comes from a list that kernels do not read */
	MS_HEEDED_NEVER,
	MS_HEEDED_IF_EMBEDDED,	 /* only for a certificate that the signature carries */
	MS_HEEDED_IF_CONFIGURED, /* CONFIG_SYSTEM_REVOCATION_LIST, which Debian lacks */
	MS_HEEDED_BEFORE_7,	 /* a module's digest: 6.12 looks, 7.2 does not */
};
/** ms_heeded_name() - "not-asked", "never", "if-embedded", "if-configured", "before-7" */
const char *ms_heeded_name(enum ms_heeded h);

/**
 * struct ms_revocation - one entry
 * @key, @key_len: DER of the serial; SHA-256; key identifier; digest
 * @issuer, @issuer_len: DER of the issuer's name (MS_REVOKES_SERIAL)
 * @hash: of the digest (MS_REVOKES_DIGEST, MS_REVOKES_TBS)
 * @name, @below, @srcversion: module's name; versions below this one; this srcversion;
 *	without both every version
 * @since: not in effect before
 * @reason, @source: for people, raw
 */
struct ms_revocation {
	enum ms_revocation_kind kind;
	uint8_t *key, *issuer;
	size_t key_len, issuer_len;
	enum ms_hash hash;
	enum ms_heeded heeded;
	char *name, *below, *srcversion, *reason, *source;
	time_t since;
};

/**
 * struct ms_revocations - all lists together; read-only once the checking starts
 * @hashes: bit per enum ms_hash that a digest in the lists has
 * @expired: a list whose validity is over; NULL if none is; owned
 */
struct ms_revocations {
	struct ms_revocation *v;
	size_t n, cap;
	uint32_t hashes;
	char *expired;
};
void ms_revocations_clear(struct ms_revocations *r);

/**
 * ms_revocations_load() - add a list
 * @path: an X.509 CRL (PEM or DER), or a JSON document
 * (docs/schema/revocations.schema.json), with or without a signature, which is not looked
 * at: who named the file trusts it
 * @anchors: one of them must have signed a CRL
 * @now: what the list's validity is compared with
 *
 * An expired list is still in effect, and is noted in @r->expired.
 *
 * Return: 0 or a negative errno with a sentence.
 */
int ms_revocations_load(struct ms_revocations *r, const char *path,
			const struct ms_anchors *anchors, time_t now,
			struct ms_error *err) _must_check_;

/** ms_revocations_add() - add an entry; what it points to is taken over, also on failure.
 * Return: 0; -EFBIG; -ENOMEM, also for one without @key or @source */
int ms_revocations_add(struct ms_revocations *r,
		       const struct ms_revocation *e) _must_check_;

/** ms_revocations_parse_json() - entries of a JSON document; no I/O.
 * Return: 0, -EBADMSG with a sentence, -EFBIG, -ENOMEM */
int ms_revocations_parse_json(struct ms_revocations *r, const char *text, size_t len,
			      const char *source, time_t now,
			      struct ms_error *err) _must_check_;

/**
 * struct ms_revocation_head - what a list in JSON says of itself
 * @number: higher than those of all lists before it; 0 where it does not say
 * @issued, @expires: 0 where it does not say
 */
struct ms_revocation_head {
	long long number;
	time_t issued, expires;
	size_t entries;
};

/** ms_revocations_parse_list() - as ms_revocations_parse_json(), and tells the head */
int ms_revocations_parse_list(struct ms_revocations *r, const char *text, size_t len,
			      const char *source, time_t now,
			      struct ms_revocation_head *ret,
			      struct ms_error *err) _must_check_;

/** ms_revocations_parse_crl() - entries of a CRL in DER; no I/O.
 * Return: 0, -EBADMSG, -ENOKEY (no anchor has signed it), -EFBIG, -ENOMEM */
int ms_revocations_parse_crl(struct ms_revocations *r, const uint8_t *der, size_t len,
			     const char *source, const struct ms_anchors *anchors,
			     time_t now, struct ms_error *err) _must_check_;

/* The entry that is in effect at @now, or NULL. */
const struct ms_revocation *ms_revocations_cert(const struct ms_revocations *r,
						const struct ms_cert *c, time_t now);
const struct ms_revocation *ms_revocations_digest(const struct ms_revocations *r,
						  enum ms_hash hash,
						  const uint8_t *digest, time_t now);
const struct ms_revocation *ms_revocations_version(const struct ms_revocations *r,
						   const struct ms_elf_facts *f,
						   time_t now);

/** ms_revocations_heeded() - the entry that a kernel heeds in this way, whatever its time
 * @key: SHA-256 of what MS_HEEDED_IF_EMBEDDED (a TBSCertificate), MS_HEEDED_BEFORE_7 (a
 *	module, whole) or MS_HEEDED_IF_CONFIGURED (a certificate) speaks of */
const struct ms_revocation *ms_revocations_heeded(const struct ms_revocations *r,
						  enum ms_heeded heeded,
						  const uint8_t *key);

/** ms_version_compare() - as dpkg and rpm compare parts: numbers by value, letters by
 * order,
 * '~' before everything. Return: <0, 0, >0 */
int ms_version_compare(const char *a, const char *b);

#endif
