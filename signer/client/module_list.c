/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/client/module_list.h"

#include <errno.h>

#include "lib/elf_facts.h"
#include "lib/escape.h"
#include "lib/module_path.h"
#include "signer/client/packed.h"

#define SHOWN_MAX 300

void ms_module_list_clear(struct ms_module_list *l)
{
	json_decref(l->json);
	l->json = NULL;
}

/* Text from a module is bytes; JSON is text. */
static int set_text(json_t *j, const char *name, const char *text)
{
	_cleanup_free_ char *shown = NULL;

	if (!text[0])
		return 0;
	if (json_object_set_new(j, name, json_string(text)) == 0)
		return 0;
	shown = malloc(4 * strlen(text) + 1);
	if (!shown)
		return -ENOMEM;
	ms_escape_str(text, shown, 4 * strlen(text) + 1);
	return json_object_set_new(j, name, json_string(shown)) < 0 ? -ENOMEM : 0;
}

static int set_facts(json_t *j, const struct ms_elf_facts *f)
{
	char build_id[2 * sizeof(f->build_id) + 1];

	ms_hex(f->build_id, f->build_id_len, build_id);
	return set_text(j, "name", f->name) < 0 ||
			       set_text(j, "version", f->version) < 0 ||
			       set_text(j, "srcversion", f->srcversion) < 0 ||
			       set_text(j, "vermagic", f->vermagic) < 0 ||
			       set_text(j, "build_id", build_id) < 0
		       ? -ENOMEM
		       : 0;
}

/* The facts and the digest of what would be signed. */
static int look(const char *path, enum ms_hash hash, struct ms_packed *m, json_t *j,
		struct ms_elf_facts *ret, struct ms_error *err)
{
	char hex[2 * MS_DIGEST_MAX + 1];
	uint8_t digest[MS_DIGEST_MAX];
	int r = ms_packed_read(m, path, err);

	if (r < 0)
		return r;
	r = ms_elf_facts_read(m->data, m->payload_len, ret);
	if (r < 0)
		return ms_elf_facts_complain(r, err);
	r = ms_digest(hash, m->data, m->payload_len, digest);
	if (r < 0)
		return ms_error_set(err, r, "hash-unsupported", "%s", ms_strerror(r));
	json_object_set_new(j, "digest",
			    json_string(ms_hex(digest, ms_hash_size(hash), hex)));
	return set_facts(j, ret);
}

static int set_file(json_t *j, const char *path)
{
	_cleanup_free_ char *real = realpath(path, NULL);

	return set_text(j, "file", real ? real : path);
}

static int set_path(json_t *j, const char *in_tree)
{
	_cleanup_free_ char *plain = strndup(in_tree, ms_module_plain_len(in_tree));

	return plain ? set_text(j, "path", plain) : -ENOMEM;
}

static int check_release(struct ms_module_list *l, const struct ms_elf_facts *facts,
			 struct ms_error *err)
{
	char a[SHOWN_MAX], b[SHOWN_MAX];

	if (!l->release[0])
		memcpy(l->release, facts->release, sizeof(l->release));
	if (strcmp(l->release, facts->release) == 0)
		return 0;
	return ms_error_set(err, -EINVAL, "several-kernels",
			    "is for kernel %s, and those before it are for %s: open a "
			    "build for each kernel",
			    ms_escape_str(facts->release, a, sizeof(a)),
			    ms_escape_str(l->release, b, sizeof(b)));
}

static int add(const struct ms_tree *t, const char *path, const char *in_tree,
	       enum ms_hash hash, bool with_file, struct ms_packed *m,
	       struct ms_module_list *l)
{
	json_t *j = json_object();
	struct ms_elf_facts facts;
	struct ms_error err = {0};
	char shown[SHOWN_MAX];
	int r = j ? look(path, hash, m, j, &facts, &err) : -ENOMEM;

	if (r == 0)
		r = check_release(l, &facts, &err);
	if (r == 0)
		r = set_path(j, in_tree);
	if (r == 0 && with_file)
		r = set_file(j, path);
	if (r == 0)
		return json_array_append_new(json_object_get(l->json, "modules"), j) < 0
			       ? -ENOMEM
			       : 0;
	json_decref(j);
	if (r == -ENOMEM)
		return r;
	ms_error_prefix(&err, "%s", ms_escape_str(path, shown, sizeof(shown)));
	t->failed(t->arg, path, &err);
	return 0;
}

int ms_module_list_make(const struct ms_tree *t, char *const *roots, size_t n_roots,
			enum ms_hash hash, bool with_files, struct ms_module_list *ret)
{
	struct ms_module_list l = {0};
	_cleanup_packed_ struct ms_packed m = MS_PACKED_INIT;
	int r = 0;

	l.json = json_pack("{s:s, s:[]}", "hash", ms_hash_name(hash), "modules");
	if (!l.json)
		return -ENOMEM;
	for (size_t i = 0; i < t->n && r == 0; i++)
		r = add(t, t->path[i], ms_module_path(t->path[i], roots, n_roots), hash,
			with_files, &m, &l);
	if (r < 0) {
		ms_module_list_clear(&l);
		return r;
	}
	*ret = l;
	return 0;
}
