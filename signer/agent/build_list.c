/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/build_list.h"

#include <errno.h>
#include <openssl/crypto.h>

#include "lib/escape.h"

void ms_build_list_free(struct ms_build_list *l)
{
	if (!l)
		return;
	free(l->digests);
	free(l);
}

static bool fits(const json_t *j, size_t max, bool needed)
{
	size_t n = json_string_length(j);

	if (!j)
		return !needed;
	return json_is_string(j) && n <= max && strlen(json_string_value(j)) == n &&
	       (n > 0 || !needed);
}

static int bad(struct ms_error *err, size_t i, const char *what)
{
	return ms_error_set(err, -EINVAL, "bad-list", "module %zu of the list: %s", i + 1,
			    what);
}

static int check_item(const json_t *m, size_t i, struct ms_error *err)
{
	static const char *const facts[] = {"name", "version", "srcversion", "build_id",
					    "vermagic"};
	size_t known = 2 + (json_object_get(m, "file") ? 1 : 0);

	if (!json_is_object(m))
		return bad(err, i, "is not an object");
	if (!fits(json_object_get(m, "path"), MS_MODULE_PATH_MAX, true))
		return bad(err, i, "path is not a text of 1 to 1024 bytes");
	if (!fits(json_object_get(m, "file"), MS_PATH_MAX, false))
		return bad(err, i, "file is not a text of up to 4096 bytes");
	for (size_t f = 0; f < ARRAY_SIZE(facts); f++) {
		const json_t *v = json_object_get(m, facts[f]);

		if (!fits(v, MS_FACT_MAX - 1, false))
			return bad(err, i, "a fact is not a text of up to 255 bytes");
		known += v ? 1 : 0;
	}
	return known == json_object_size(m) ? 0 : bad(err, i, "has unknown members");
}

static int get_digest(const json_t *m, enum ms_hash hash, uint8_t *ret)
{
	const char *text = json_string_value(json_object_get(m, "digest"));
	size_t n = ms_hash_size(hash), len;

	if (!text || strlen(text) != 2 * n || strchr(text, ':'))
		return -EINVAL;
	return OPENSSL_hexstr2buf_ex(ret, n, &len, text, '\0') == 1 && len == n ? 0
										: -EINVAL;
}

/* qsort() has no room for the size of a digest. */
static _Thread_local size_t digest_size;

static int by_digest(const void *a, const void *b)
{
	return memcmp(a, b, digest_size);
}

static int get_digests(const json_t *modules, struct ms_build_list *l,
		       struct ms_error *err)
{
	size_t size = ms_hash_size(l->hash), i;
	json_t *m;

	l->digests = calloc(l->n, size);
	if (!l->digests)
		return ms_error_set(err, -ENOMEM, NULL, "out of memory");
	json_array_foreach((json_t *)(uintptr_t)modules, i, m)
	{
		if (get_digest(m, l->hash, l->digests + i * size) < 0)
			return bad(err, i, "digest is not the hex digits of the hash");
	}
	digest_size = size;
	qsort(l->digests, l->n, size, by_digest);
	return 0;
}

static int check_paths(const json_t *modules, struct ms_error *err)
{
	json_t *seen = json_object(), *m;
	char shown[200];
	size_t i;
	int r = seen ? 0 : -ENOMEM;

	json_array_foreach((json_t *)(uintptr_t)modules, i, m)
	{
		const char *path;

		if (r == 0)
			r = check_item(m, i, err);
		if (r < 0)
			break;
		path = json_string_value(json_object_get(m, "path"));
		if (json_object_get(seen, path))
			r = ms_error_set(err, -EINVAL, "bad-list",
					 "the list has %s twice",
					 ms_escape_str(path, shown, sizeof(shown)));
		else if (json_object_set_new(seen, path, json_true()) < 0)
			r = -ENOMEM;
	}
	json_decref(seen);
	return r == -ENOMEM ? ms_error_set(err, r, NULL, "out of memory") : r;
}

static int read_list(const json_t *j, struct ms_build_list *l, struct ms_error *err)
{
	const json_t *modules = json_object_get(j, "modules");
	const char *hash = json_string_value(json_object_get(j, "hash"));

	if (!hash || !json_is_array(modules) || json_object_size(j) != 2)
		return ms_error_set(err, -EINVAL, "bad-list",
				    "the list is not {\"hash\": NAME, \"modules\": "
				    "[...]}");
	l->n = json_array_size(modules);
	if (l->n == 0 || l->n > MS_BUILD_LIST_MAX)
		return ms_error_set(err, -EINVAL, "bad-list",
				    "a list has 1 to %u modules", MS_BUILD_LIST_MAX);
	if (ms_hash_from_name(hash, &l->hash) < 0 || !ms_hash_may_sign(l->hash))
		return ms_error_set(err, -EINVAL, "hash-not-allowed",
				    "the hash of the list is not allowed for signing: "
				    "use sha256");
	if (check_paths(modules, err) < 0)
		return err->code[0] ? -EINVAL : -ENOMEM;
	return get_digests(modules, l, err);
}

int ms_build_list_read(const json_t *j, struct ms_build_list **ret, char **ret_text,
		       struct ms_error *err)
{
	struct ms_build_list *l = calloc(1, sizeof(*l));
	_cleanup_free_ char *text = NULL;
	int r = l ? read_list(j, l, err)
		  : ms_error_set(err, -ENOMEM, NULL, "out of memory");

	if (r == 0) {
		text = json_dumps(j, JSON_COMPACT | JSON_SORT_KEYS);
		r = text ? ms_digest(MS_HASH_SHA256, text, strlen(text), l->sha256)
			 : ms_error_set(err, -ENOMEM, NULL, "out of memory");
	}
	if (r < 0) {
		ms_build_list_free(l);
		return r;
	}
	*ret = l;
	*ret_text = TAKE_PTR(text);
	return 0;
}

int ms_build_list_restore(struct ms_build_list *l, const char *text)
{
	struct ms_build_list *again = NULL;
	_cleanup_free_ char *same = NULL;
	struct ms_error err = {0};
	json_t *j = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	int r = ms_build_list_read(j, &again, &same, &err);

	json_decref(j);
	if (r == 0 && (again->hash != l->hash || again->n != l->n ||
		       memcmp(again->sha256, l->sha256, sizeof(l->sha256)) != 0))
		r = -EBADMSG;
	if (r == 0) {
		free(l->digests);
		l->digests = TAKE_PTR(again->digests);
	}
	ms_build_list_free(again);
	return r == -EINVAL ? -EBADMSG : r;
}

static bool has(const struct ms_build_list *l, const uint8_t *digest)
{
	size_t size = ms_hash_size(l->hash);

	digest_size = size;
	return l->digests && bsearch(digest, l->digests, l->n, size, by_digest);
}

bool ms_build_list_has(const struct ms_build_list *l, enum ms_hash hash,
		       const uint8_t *digest, const uint8_t sha256[32])
{
	static const uint8_t unknown[32];

	if (hash == l->hash)
		return has(l, digest);
	return l->hash == MS_HASH_SHA256 && memcmp(sha256, unknown, 32) != 0 &&
	       has(l, sha256);
}
