/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/revocation.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "lib/hash.h"
#include "signer/agent/denied.h"

#define KEYID_MAX 64u
#define SERIAL_MAX 64u
#define ISSUER_MAX 4096u
#define TEXT_MAX 255u

void ms_revocation_row_clear(struct ms_revocation_row *r)
{
	free(r->key);
	json_decref(r->data);
	*r = (struct ms_revocation_row){0};
}

int ms_revocation_time(const char *text, int64_t *ret)
{
	struct tm tm = {0};
	const char *end = strptime(text, "%Y-%m-%d", &tm);

	if (end && *end == 'T')
		end = strptime(end, "T%H:%M:%SZ", &tm);
	if (!end || *end)
		return -EINVAL;
	*ret = timegm(&tm);
	return 0;
}

const char *ms_revocation_time_text(int64_t t, char dst[32])
{
	time_t when = (time_t)t;
	struct tm tm;

	if (!gmtime_r(&when, &tm) || !strftime(dst, 32, "%Y-%m-%dT%H:%M:%SZ", &tm))
		snprintf(dst, 32, "1970-01-01");
	return dst;
}

/* Hex digits of @least to @most bytes, copied in one case. */
static char *hex_copy(const char *s, size_t least, size_t most, bool upper)
{
	size_t n = strlen(s);
	char *copy;

	if (n % 2 || n / 2 < least || n / 2 > most)
		return NULL;
	for (size_t i = 0; i < n; i++)
		if (!isxdigit((unsigned char)s[i]))
			return NULL;
	copy = strdup(s);
	for (size_t i = 0; copy && i < n; i++)
		copy[i] = (char)(upper ? toupper((unsigned char)s[i])
				       : tolower((unsigned char)s[i]));
	return copy;
}

/* Without leading zeros, but whole bytes. */
static const char *trim(const char *serial)
{
	while (serial[0] == '0' && serial[1] == '0' && serial[2])
		serial += 2;
	return serial;
}

const char *ms_revocation_serial_hex(const uint8_t *der, size_t len, char *dst,
				     size_t size)
{
	dst[0] = '\0';
	if (len < 3 || der[0] != 0x02 || der[1] != len - 2 || 2 * len >= size)
		return dst;
	ms_hex(der + 2, len - 2, dst);
	for (char *p = dst; *p; p++)
		*p = (char)toupper((unsigned char)*p);
	return trim(dst);
}

struct entry {
	const char *certificate, *issuer, *serial, *key, *digest, *name, *below,
		*srcversion, *reason, *since;
};

static int bad(struct ms_error *err, const char *why)
{
	return ms_error_set(err, -EINVAL, "bad-revocation",
			    "what is revoked is not understood: %s", why);
}

static bool is_text(const char *s)
{
	return !s || (*s && strlen(s) <= TEXT_MAX);
}

static int parse_digest(const struct entry *e, struct ms_revocation_row *ret,
			struct ms_error *err)
{
	const char *colon = strchr(e->digest, ':');
	char hex[2 * MS_DIGEST_MAX + 1];
	_cleanup_free_ char *name =
		colon ? strndup(e->digest, (size_t)(colon - e->digest)) : NULL;
	enum ms_hash hash;

	if (!name || ms_hash_from_name(name, &hash) < 0 ||
	    ms_denied_hex(colon + 1, hex) < 0 || strlen(hex) != 2 * ms_hash_size(hash))
		return bad(err, "a digest is sha256:HEX, or another hash's name and hex");
	json_object_set_new(ret->data, "hash", json_string(ms_hash_name(hash)));
	ret->key = strdup(hex);
	return ret->key ? 0 : -ENOMEM;
}

static int canonical(json_t *j, struct ms_revocation_row *ret)
{
	ret->key = j ? json_dumps(j, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
	json_decref(j);
	return ret->key ? 0 : -ENOMEM;
}

static int parse_cert(const struct entry *e, struct ms_revocation_row *ret,
		      struct ms_error *err)
{
	_cleanup_free_ char *id = NULL, *serial = NULL;

	if (e->certificate) {
		id = hex_copy(e->certificate, 32, 32, false);
		return id ? canonical(json_pack("{s:s}", "certificate", id), ret)
			  : bad(err, "certificate is the SHA-256 of its DER, in hex");
	}
	if (e->key) {
		id = hex_copy(e->key, 1, KEYID_MAX, false);
		return id ? canonical(json_pack("{s:s}", "key", id), ret)
			  : bad(err, "key is a subjectKeyIdentifier in hex");
	}
	id = hex_copy(e->issuer, 2, ISSUER_MAX, false);
	serial = hex_copy(e->serial, 1, SERIAL_MAX, true);
	if (!id || !serial)
		return bad(err, "issuer is the DER of a name, serial a number, both in "
				"hex, with two digits for each byte");
	return canonical(json_pack("{s:s, s:s}", "issuer", id, "serial", trim(serial)),
			 ret);
}

static int parse_what(const struct entry *e, struct ms_revocation_row *ret,
		      struct ms_error *err)
{
	if (!!e->certificate + !!e->issuer + !!e->key + !!e->digest + !!e->name != 1 ||
	    !e->issuer != !e->serial || (!e->name && (e->below || e->srcversion)))
		return bad(err, "it has one of certificate, issuer and serial, key, "
				"digest, and name (with below or srcversion)");
	if (e->digest)
		return parse_digest(e, ret, err);
	if (!e->name)
		return parse_cert(e, ret, err);
	if (!is_text(e->name) || !is_text(e->below) || !is_text(e->srcversion))
		return bad(err, "names and versions have 1 to 255 bytes");
	return canonical(json_pack("{s:s, s:s*, s:s*}", "name", e->name, "below",
				   e->below, "srcversion", e->srcversion),
			 ret);
}

int ms_revocation_parse(const json_t *j, struct ms_revocation_row *ret,
			struct ms_error *err)
{
	_cleanup_(ms_revocation_row_clear) struct ms_revocation_row row = {0};
	struct entry e = {0};
	int64_t since = 0;
	int r;

	if (json_unpack((json_t *)(uintptr_t)j,
			"{s?s, s?s, s?s, s?s, s?s, s?s, s?s, s?s, s?s, s?s !}",
			"certificate", &e.certificate, "issuer", &e.issuer, "serial",
			&e.serial, "key", &e.key, "digest", &e.digest, "name", &e.name,
			"below", &e.below, "srcversion", &e.srcversion, "reason",
			&e.reason, "since", &e.since) < 0)
		return bad(err, "it has a member that is unknown, or no text");
	if (e.since && ms_revocation_time(e.since, &since) < 0)
		return bad(err, "since is YYYY-MM-DD or YYYY-MM-DDTHH:MM:SSZ");
	if (e.reason && strlen(e.reason) > MS_REVOCATION_REASON_MAX)
		return bad(err, "reason is too long");
	row.data = json_object();
	r = row.data ? parse_what(&e, &row, err) : -ENOMEM;
	if (r < 0)
		return r;
	if (e.reason)
		json_object_set_new(row.data, "reason", json_string(e.reason));
	if (e.since)
		json_object_set_new(row.data, "since", json_integer(since));
	*ret = row;
	row = (struct ms_revocation_row){0};
	return 0;
}

/* Rows without a hash's name are older than that, and were compared by length. */
static json_t *digest_entry(const char *hex, const json_t *data)
{
	const char *hash = json_string_value(json_object_get(data, "hash"));
	size_t n = strlen(hex);

	if (!hash)
		hash = n == 64 ? "sha256" : n == 96 ? "sha384" : "sha512";
	return json_pack("{s:o}", "digest", json_sprintf("%s:%s", hash, hex));
}

json_t *ms_revocation_entry(const char *key, const char *data)
{
	json_t *d = json_loads(data, 0, NULL), *entry;
	const char *reason = json_string_value(json_object_get(d, "reason"));
	int64_t since = json_integer_value(json_object_get(d, "since"));
	char text[32];

	entry = *key == '{' ? json_loads(key, 0, NULL) : digest_entry(key, d);
	if (entry && reason && *reason)
		json_object_set_new(entry, "reason", json_string(reason));
	if (entry && since)
		json_object_set_new(entry, "since",
				    json_string(ms_revocation_time_text(since, text)));
	json_decref(d);
	return entry;
}
