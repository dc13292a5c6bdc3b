/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/denied.h"

#include <ctype.h>
#include <errno.h>

#include "lib/escape.h"
#include "signer/agent/store_change.h"

struct entry {
	char *hex, *data;
};

struct ms_denied {
	struct entry *v; /* sorted */
	size_t n;
	struct ms_strv config;
};

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
	for (size_t i = 0; i < d->n; i++) {
		free(d->v[i].hex);
		free(d->v[i].data);
	}
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
	free(d->v[i].hex);
	free(d->v[i].data);
	memmove(d->v + i, d->v + i + 1, (d->n - i - 1) * sizeof(*d->v));
	d->n--;
}

int ms_denied_set(struct ms_denied *d, const char *hex, const char *data)
{
	struct entry *v, e;
	bool found;
	size_t i = where(d, hex, &found);

	if (!data || !data[0]) {
		if (found)
			take_off(d, i);
		return 0;
	}
	e = (struct entry){.hex = strdup(hex), .data = strdup(data)};
	v = found ? d->v : reallocarray(d->v, d->n + 1, sizeof(*v));
	if (v)
		d->v = v;
	if (!v || !e.hex || !e.data) {
		free(e.hex);
		free(e.data);
		return -ENOMEM;
	}
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

	(void)where(d, hex, &found);
	return found || ms_strv_has(&d->config, hex);
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
