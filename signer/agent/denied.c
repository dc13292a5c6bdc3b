/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/denied.h"

#include <ctype.h>
#include <errno.h>
#include <time.h>

#include "lib/escape.h"
#include "signer/agent/modver.h"
#include "signer/agent/revocation.h"
#include "signer/agent/store_change.h"

/**
 * struct entry - a row of the store
 * @since: not in effect before
 * @module: name, below, srcversion; NULL where it is not about those
 */
struct entry {
	char *hex, *data;
	int64_t since;
	json_t *module;
};

struct ms_denied {
	struct entry *v; /* sorted: digests, and then what is JSON */
	size_t n;
	uint64_t number;
	struct ms_strv config;
};

static void entry_clear(struct entry *e)
{
	free(e->hex);
	free(e->data);
	json_decref(e->module);
}

int ms_denied_new(struct ms_denied **ret)
{
	struct ms_denied *d = calloc(1, sizeof(*d));

	if (!d)
		return -ENOMEM;
	*ret = d;
	return 0;
}

void ms_denied_free(struct ms_denied *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < d->n; i++)
		entry_clear(&d->v[i]);
	free(d->v);
	ms_strv_clear(&d->config);
	free(d);
}

static size_t where(const struct ms_denied *d, const char *hex, bool *ret_found)
{
	size_t lo = 0, hi = d->n;

	*ret_found = false;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int cmp = strcmp(d->v[mid].hex, hex);

		if (cmp == 0) {
			*ret_found = true;
			return mid;
		}
		if (cmp < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static void take_off(struct ms_denied *d, size_t i)
{
	entry_clear(&d->v[i]);
	memmove(d->v + i, d->v + i + 1, (d->n - i - 1) * sizeof(*d->v));
	d->n--;
}

static int entry_make(const char *hex, const char *data, struct entry *ret)
{
	struct entry e = {.hex = strdup(hex), .data = strdup(data)};
	json_t *j = json_loads(data, 0, NULL);

	e.since = json_integer_value(json_object_get(j, "since"));
	json_decref(j);
	if (*hex == '{') {
		j = json_loads(hex, 0, NULL);
		if (json_object_get(j, "name"))
			e.module = json_incref(j);
		json_decref(j);
	}
	if (!e.hex || !e.data) {
		entry_clear(&e);
		return -ENOMEM;
	}
	*ret = e;
	return 0;
}

int ms_denied_set(struct ms_denied *d, const char *hex, const char *data)
{
	struct entry *v, e;
	bool found;
	size_t i = where(d, hex, &found);

	if (data && strcmp(hex, MS_DENIED_NUMBER_KEY) == 0) {
		d->number = strtoull(data, NULL, 10);
		return 0;
	}
	if (!data || !data[0]) {
		if (found)
			take_off(d, i);
		return 0;
	}
	v = found ? d->v : reallocarray(d->v, d->n + 1, sizeof(*v));
	if (v)
		d->v = v;
	if (!v || entry_make(hex, data, &e) < 0)
		return -ENOMEM;
	if (found) {
		take_off(d, i);
	}
	memmove(v + i + 1, v + i, (d->n - i) * sizeof(*v));
	v[i] = e;
	d->n++;
	return 0;
}

static int load_row(const char *key, int64_t number, const char *data, void *arg)
{
	return ms_denied_set(arg, key, data);
}

int ms_denied_load(struct ms_denied *d, struct ms_store *s, struct ms_error *err)
{
	return ms_store_foreach_row(s, MS_CHANGE_DENIED, NULL, 0, load_row, d, err);
}

int ms_denied_config(struct ms_denied *d, const struct ms_strv *hex)
{
	struct ms_strv copy = {0};

	for (size_t i = 0; i < hex->n; i++) {
		if (ms_strv_add(&copy, hex->v[i], strlen(hex->v[i])) < 0) {
			ms_strv_clear(&copy);
			return -ENOMEM;
		}
	}
	ms_strv_clear(&d->config);
	d->config = copy;
	return 0;
}

uint64_t ms_denied_next_number(struct ms_denied *d)
{
	return ++d->number;
}

uint64_t ms_denied_number(const struct ms_denied *d)
{
	return d->number;
}

bool ms_denied_any(const struct ms_denied *d)
{
	return d->n > 0 || d->config.n > 0;
}

const char *ms_denied_at(const struct ms_denied *d, size_t i, const char **ret_data)
{
	if (i >= d->n)
		return NULL;
	*ret_data = d->v[i].data;
	return d->v[i].hex;
}

int ms_denied_hex(const char *text, char ret[2 * MS_DIGEST_MAX + 1])
{
	size_t n = strlen(text);

	if (n != 64 && n != 96 && n != 128)
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		if (!isxdigit((unsigned char)text[i]))
			return -EINVAL;
	}
	for (size_t i = 0; i <= n; i++)
		ret[i] = (char)tolower((unsigned char)text[i]);
	return 0;
}

int ms_denied_parse(const char *text, size_t len, struct ms_strv *ret,
		    unsigned int *ret_line)
{
	unsigned int line = 1;

	for (size_t pos = 0; pos < len; line++) {
		const char *s = text + pos, *end = memchr(s, '\n', len - pos);
		size_t n = end ? (size_t)(end - s) : len - pos, word = 0;
		char raw[2 * MS_DIGEST_MAX + 1], hex[2 * MS_DIGEST_MAX + 1];

		pos += n + 1;
		while (word < n && !isspace((unsigned char)s[word]))
			word++;
		if (n == 0 || *s == '#' || (n == 1 && *s == '\r'))
			continue;
		*ret_line = line;
		if (word >= sizeof(raw))
			return -EINVAL;
		memcpy(raw, s, word);
		raw[word] = '\0';
		if (ms_denied_hex(raw, hex) < 0)
			return -EINVAL;
		if (ms_strv_add(ret, hex, strlen(hex)) < 0)
			return -ENOMEM;
	}
	return 0;
}

static bool on_list(const struct ms_denied *d, const char *hex)
{
	bool found;
	size_t i;

	i = where(d, hex, &found);
	return (found && d->v[i].since <= (int64_t)time(NULL)) ||
	       ms_strv_has(&d->config, hex);
}

int ms_denied_check(const struct ms_denied *d, enum ms_hash hash, const uint8_t *digest,
		    const uint8_t sha256[32], struct ms_error *err)
{
	static const uint8_t unknown[32];
	char hex[2 * MS_DIGEST_MAX + 1];
	bool denied;

	if (!ms_denied_any(d))
		return 0;
	denied = on_list(d, ms_hex(digest, ms_hash_size(hash), hex));
	if (!denied && memcmp(sha256, unknown, sizeof(unknown)) != 0)
		denied = on_list(d, ms_hex(sha256, 32, hex));
	if (!denied)
		return 0;
	return ms_error_set(err, -EACCES, "denied",
			    "the digest %.16s... is on the list of denied modules: it is "
			    "not signed by any rule",
			    hex);
}

/* The same as the verifier's: a module that does not say its version is not known to be a
 * later one. */
static bool hits(const json_t *m, const struct ms_elf_facts *f)
{
	const char *name = json_string_value(json_object_get(m, "name"));
	const char *below = json_string_value(json_object_get(m, "below"));
	const char *srcversion = json_string_value(json_object_get(m, "srcversion"));

	return name && strcmp(name, f->name) == 0 &&
	       (!srcversion || strcmp(srcversion, f->srcversion) == 0) &&
	       (!below || !f->version[0] || ms_modver_compare(f->version, below) < 0);
}

int ms_denied_module(const struct ms_denied *d, const struct ms_elf_facts *f, int64_t now,
		     struct ms_error *err)
{
	char name[4 * MS_FACT_MAX], version[4 * MS_FACT_MAX];

	/* They are the last ones. */
	for (size_t i = d->n; i > 0 && d->v[i - 1].hex[0] == '{'; i--) {
		const struct entry *e = &d->v[i - 1];

		if (!e->module || e->since > now || !hits(e->module, f))
			continue;
		return ms_error_set(err, -EACCES, "denied",
				    "version %s of module %s is on the list of what is "
				    "revoked: it is not signed by any rule",
				    f->version[0] ? ms_escape_str(f->version, version,
								  sizeof(version))
						  : "(none)",
				    ms_escape_str(f->name, name, sizeof(name)));
	}
	return 0;
}

/* Takes over @what. Is it on the list, and in effect? Return: 1, 0, -ENOMEM */
static int has(const struct ms_denied *d, json_t *what, int64_t now)
{
	_cleanup_free_ char *key =
		what ? json_dumps(what, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
	bool found;
	size_t i;

	json_decref(what);
	if (!key)
		return -ENOMEM;
	i = where(d, key, &found);
	return found && d->v[i].since <= now;
}

int ms_denied_cert(const struct ms_denied *d, const struct ms_cert *c, int64_t now,
		   struct ms_error *err)
{
	char sha256[65], ski[2 * 64 + 1] = "", serial[2 * 64 + 8];
	_cleanup_free_ char *issuer = NULL;
	uint8_t digest[MS_DIGEST_MAX];
	int r;

	if (d->n == 0 || d->v[d->n - 1].hex[0] != '{')
		return 0;
	r = ms_digest(MS_HASH_SHA256, c->der, c->der_len, digest);
	issuer = malloc(2 * c->issuer_len + 1);
	if (r < 0 || !issuer)
		return -ENOMEM;
	ms_hex(c->issuer, c->issuer_len, issuer);
	if (c->ski_len <= 64)
		ms_hex(c->ski, c->ski_len, ski);
	r = has(d, json_pack("{s:s}", "certificate", ms_hex(digest, 32, sha256)), now);
	if (r == 0)
		r = has(d, json_pack("{s:s}", "key", ski), now);
	if (r == 0)
		r = has(d,
			json_pack("{s:s, s:s}", "issuer", issuer, "serial",
				  ms_revocation_serial_hex(c->serial, c->serial_len,
							   serial, sizeof(serial))),
			now);
	if (r <= 0)
		return r;
	return ms_error_set(err, -EACCES, "certificate-revoked",
			    "the key's certificate is on the list of what is revoked "
			    "('modseal revoke list'): the key signs no more");
}
