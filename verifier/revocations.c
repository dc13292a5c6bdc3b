/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The entries, and who is hit by them. Reading lists is in revocations_load.c. */
#include <ctype.h>
#include "lib/hash.h"
#include "verifier/revocations.h"

void ms_revocations_clear(struct ms_revocations *r)
{
	for (size_t i = 0; i < r->n; i++) {
		struct ms_revocation *e = &r->v[i];

		free(e->key);
		free(e->issuer);
		free(e->name);
		free(e->below);
		free(e->srcversion);
		free(e->reason);
		free(e->source);
	}
	free(r->v);
	free(r->expired);
	*r = (struct ms_revocations){0};
}

const char *ms_heeded_name(enum ms_heeded h)
{
	static const char *const names[] = {"not-asked", "never", "if-embedded",
					    "if-configured", "before-7"};

	return (unsigned int)h < ARRAY_SIZE(names) ? names[h] : "never";
}

static bool same(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	return a && b && a_len == b_len && !memcmp(a, b, a_len);
}

static bool hits_cert(const struct ms_revocation *e, const struct ms_cert *c,
		      const uint8_t *sha256)
{
	if (e->kind == MS_REVOKES_SERIAL)
		return same(e->key, e->key_len, c->serial, c->serial_len) &&
		       same(e->issuer, e->issuer_len, c->issuer, c->issuer_len);
	if (e->kind == MS_REVOKES_CERT)
		return same(e->key, e->key_len, sha256, 32);
	if (e->kind == MS_REVOKES_TBS) {
		uint8_t tbs[MS_DIGEST_MAX];

		return !ms_digest(e->hash, c->tbs, c->tbs_len, tbs) &&
		       same(e->key, e->key_len, tbs, ms_hash_size(e->hash));
	}
	return e->kind == MS_REVOKES_KEY && same(e->key, e->key_len, c->ski, c->ski_len);
}

const struct ms_revocation *ms_revocations_cert(const struct ms_revocations *r,
						const struct ms_cert *c, time_t now)
{
	uint8_t sha256[MS_DIGEST_MAX] = {0};

	if (!r || !r->n || ms_digest(MS_HASH_SHA256, c->der, c->der_len, sha256))
		return NULL;
	for (size_t i = 0; i < r->n; i++)
		if (r->v[i].since <= now && hits_cert(&r->v[i], c, sha256))
			return &r->v[i];
	return NULL;
}

const struct ms_revocation *ms_revocations_digest(const struct ms_revocations *r,
						  enum ms_hash hash,
						  const uint8_t *digest, time_t now)
{
	for (size_t i = 0; r && i < r->n; i++) {
		const struct ms_revocation *e = &r->v[i];

		if (e->kind == MS_REVOKES_DIGEST && e->hash == hash && e->since <= now &&
		    same(e->key, e->key_len, digest, ms_hash_size(hash)))
			return e;
	}
	return NULL;
}

const struct ms_revocation *ms_revocations_heeded(const struct ms_revocations *r,
						  enum ms_heeded heeded,
						  const uint8_t *key)
{
	for (size_t i = 0; r && i < r->n; i++) {
		const struct ms_revocation *e = &r->v[i];

		if (e->heeded == heeded &&
		    same(e->key, e->key_len, key, ms_hash_size(MS_HASH_SHA256)))
			return e;
	}
	return NULL;
}

/* Like '~' before the end, letters, and then everything else. */
static int weight(char c)
{
	if (c == '~')
		return -1;
	if (isalpha((unsigned char)c))
		return (unsigned char)c;
	return c ? (unsigned char)c + 256 : 0;
}

static bool digit(char c)
{
	return c >= '0' && c <= '9';
}

int ms_version_compare(const char *a, const char *b)
{
	while (*a || *b) {
		size_t na, nb;
		int c;

		while ((*a && !digit(*a)) || (*b && !digit(*b))) {
			c = weight(digit(*a) ? 0 : *a) - weight(digit(*b) ? 0 : *b);
			if (c)
				return c;
			a++;
			b++;
		}
		a += strspn(a, "0");
		b += strspn(b, "0");
		na = strspn(a, "0123456789");
		nb = strspn(b, "0123456789");
		c = na != nb ? (na < nb ? -1 : 1) : memcmp(a, b, na);
		if (c)
			return c;
		a += na;
		b += nb;
	}
	return 0;
}

const struct ms_revocation *ms_revocations_version(const struct ms_revocations *r,
						   const struct ms_elf_facts *f,
						   time_t now)
{
	for (size_t i = 0; r && i < r->n; i++) {
		const struct ms_revocation *e = &r->v[i];

		if (e->kind != MS_REVOKES_VERSION || e->since > now ||
		    strcmp(e->name, f->name))
			continue;
		if (e->srcversion && strcmp(e->srcversion, f->srcversion))
			continue;
		/* A module that does not say its version is not known to be a later one.
		 */
		if (e->below && *f->version &&
		    ms_version_compare(f->version, e->below) >= 0)
			continue;
		return e;
	}
	return NULL;
}
