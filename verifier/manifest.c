/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading a manifest. */
#include <errno.h>
#include <jansson.h>
#include "lib/base64.h"
#include "lib/hash.h"
#include "verifier/manifest.h"

void ms_manifest_file_clear(struct ms_manifest_file *m)
{
	for (size_t i = 0; i < m->n; i++) {
		free(m->v[i].path);
		free(m->v[i].digest);
	}
	free(m->v);
	free(m->by_digest);
	free(m->build);
	free(m->kernel);
	*m = (struct ms_manifest_file){0};
}

static int bad(struct ms_error *err, const char *why)
{
	return ms_error_set(err, -EBADMSG, "manifest", "it is no manifest of a build: %s",
			    why);
}

int ms_manifest_split(const uint8_t *data, size_t len, size_t *ret_len,
		      struct ms_buf *ret_sig, struct ms_error *err)
{
	const uint8_t *eol = len ? memchr(data, '\n', len) : NULL;
	const char *text = NULL;
	json_t *j;
	int r;

	if (!eol || eol + 1 == data + len) {
		*ret_len = eol ? (size_t)(eol - data) : len;
		return 0;
	}
	j = json_loadb((const char *)eol + 1, len - (size_t)(eol + 1 - data),
		       JSON_REJECT_DUPLICATES, NULL);
	if (json_unpack(j, "{s:s !}", "signature", &text) < 0 || !text)
		r = bad(err, "the second line is not {\"signature\": ...}");
	else
		r = ms_base64_decode(text, strlen(text), false, ret_sig);
	if (r == -EBADMSG && text)
		bad(err, "its signature is not base64");
	json_decref(j);
	if (r == 0)
		*ret_len = (size_t)(eol - data);
	return r;
}

static bool is_hex(const char *s, size_t n)
{
	return strlen(s) == n && strspn(s, "0123456789abcdef") == n;
}

static int read_module(const json_t *j, struct ms_listed *ret)
{
	const char *path = json_string_value(json_object_get(j, "path"));
	const char *digest = json_string_value(json_object_get(j, "digest"));
	const char *hash = json_string_value(json_object_get(j, "hash"));
	enum ms_hash h;

	if (!path || !path[0] || !digest || !hash || ms_hash_from_name(hash, &h) < 0 ||
	    !is_hex(digest, 2 * ms_hash_size(h)))
		return -EBADMSG;
	ret->path = strdup(path);
	if (!ret->path || asprintf(&ret->digest, "%s:%s", ms_hash_name(h), digest) < 0) {
		ret->digest = NULL;
		return -ENOMEM;
	}
	return 0;
}

static int by_path(const void *a, const void *b)
{
	const struct ms_listed *x = a, *y = b;

	return strcmp(x->path, y->path);
}

static int by_digest(const void *a, const void *b)
{
	struct ms_listed *const *x = a, *const *y = b;

	return strcmp((*x)->digest, (*y)->digest);
}

static int read_modules(const json_t *list, struct ms_manifest_file *m)
{
	size_t n = json_array_size(list);
	int r = 0;

	m->v = calloc(n + 1, sizeof(*m->v));
	m->by_digest = calloc(n + 1, sizeof(*m->by_digest));
	if (!m->v || !m->by_digest)
		return -ENOMEM;
	while (m->n < n && r == 0) {
		r = read_module(json_array_get(list, m->n), &m->v[m->n]);
		m->n++;
	}
	if (r < 0)
		return r;
	qsort(m->v, n, sizeof(*m->v), by_path);
	for (size_t i = 0; i < n; i++)
		m->by_digest[i] = &m->v[i];
	qsort(m->by_digest, n, sizeof(*m->by_digest), by_digest);
	return 0;
}

static int read_all(const json_t *j, struct ms_manifest_file *m, struct ms_error *err)
{
	const json_t *build = json_object_get(j, "build");
	const json_t *modules = json_object_get(j, "modules");
	const char *id = json_string_value(json_object_get(build, "id"));
	const char *kernel = json_string_value(json_object_get(build, "kernel"));
	int r;

	if (!json_is_object(j))
		return bad(err, "its first line is not a JSON object");
	if (json_integer_value(json_object_get(j, "version")) != 1)
		return bad(err, "it is of another version than 1");
	if (!id || !kernel || !json_is_array(modules))
		return bad(err, "it has no build, or no modules");
	if (json_array_size(modules) > MS_MANIFEST_MODULES)
		return bad(err, "it has too many modules");
	m->ended = (time_t)json_integer_value(json_object_get(build, "ended"));
	m->build = strdup(id);
	m->kernel = strdup(kernel);
	r = m->build && m->kernel ? read_modules(modules, m) : -ENOMEM;
	return r == -EBADMSG ? bad(err, "a module has no path or no digest") : r;
}

int ms_manifest_parse(const uint8_t *text, size_t len, struct ms_manifest_file *ret,
		      struct ms_error *err)
{
	_cleanup_manifest_file_ struct ms_manifest_file m = {0};
	json_t *j = json_loadb((const char *)text, len, JSON_REJECT_DUPLICATES, NULL);
	int r = read_all(j, &m, err);

	json_decref(j);
	if (r < 0)
		return r;
	*ret = m;
	m = (struct ms_manifest_file){0};
	return 0;
}
