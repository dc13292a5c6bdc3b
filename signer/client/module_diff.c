/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/client/module_diff.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

struct diff {
	json_t *old_paths, *new_paths;	/* path: module */
	json_t *old_names, *new_names;	/* name: module; null where several have it */
	json_t *result;
	json_int_t same;
};

static const char *text(const json_t *module, const char *name)
{
	const char *s = json_string_value(json_object_get(module, name));

	return s ? s : "";
}

static int index_modules(const json_t *list, json_t *paths, json_t *names)
{
	json_t *m;
	size_t i;
	int r = 0;

	json_array_foreach((json_t *)(uintptr_t)list, i, m)
	{
		const char *path = text(m, "path"), *name = text(m, "name");

		if (!path[0])
			path = text(m, "file");
		r |= json_object_set(paths, path, m);
		if (!name[0])
			continue;
		if (json_object_get(names, name))
			r |= json_object_set_new(names, name, json_null());
		else
			r |= json_object_set(names, name, m);
	}
	return r ? -ENOMEM : 0;
}

static bool differs(const json_t *was, const json_t *now, const char *name)
{
	return strcmp(text(was, name), text(now, name)) != 0;
}

/* The names of what differs; of people's interest first. */
static json_t *changes(const json_t *was, const json_t *now, bool *ret_source)
{
	static const char *const source[] = {"name", "version", "srcversion"};
	static const char *const rest[] = {"digest", "build_id", "vermagic"};
	json_t *list = json_array();
	bool known = text(was, "version")[0] || text(was, "srcversion")[0] ||
		     text(now, "version")[0] || text(now, "srcversion")[0];

	for (size_t i = 0; i < ARRAY_SIZE(source); i++) {
		if (differs(was, now, source[i]))
			json_array_append_new(list, json_string(source[i]));
	}
	*ret_source = json_array_size(list) > 0;
	for (size_t i = 0; i < ARRAY_SIZE(rest); i++) {
		if (!differs(was, now, rest[i]))
			continue;
		json_array_append_new(list, json_string(rest[i]));
		*ret_source = *ret_source || !known;
	}
	return list;
}

static int put(struct diff *d, const char *what, json_t *entry)
{
	return json_array_append_new(json_object_get(d->result, what), entry) < 0
		       ? -ENOMEM
		       : 0;
}

/* A module that both have, perhaps at different places. */
static int compare(struct diff *d, const json_t *was, json_t *now, bool moved)
{
	bool source;
	json_t *list = changes(was, now, &source);
	int r = 0;

	if (moved)
		r = put(d, "moved",
			json_pack("{s:s, s:s, s:s}", "name", text(now, "name"), "from",
				  text(was, "path"), "to", text(now, "path")));
	if (json_array_size(list) == 0)
		d->same += !moved;
	else if (!source && r == 0)
		r = put(d, "rebuilt",
			json_pack("{s:s, s:s, s:O}", "path", text(now, "path"), "name",
				  text(now, "name"), "changes", list));
	else if (r == 0)
		r = put(d, "changed",
			json_pack("{s:s, s:s, s:O, s:O, s:O}", "path", text(now, "path"),
				  "name", text(now, "name"), "changes", list, "was", was,
				  "now", now));
	json_decref(list);
	return r;
}

/* The other side's module of this name, if its path is not on this side. */
static json_t *moved_to(const json_t *module, const json_t *own_names,
			const json_t *other_names, const json_t *own_paths)
{
	const char *name = text(module, "name");
	json_t *other = json_object_get(other_names, name);

	if (!name[0] || !json_is_object(other) ||
	    !json_is_object(json_object_get(own_names, name)) ||
	    json_object_get(own_paths, text(other, "path")))
		return NULL;
	return other;
}

static int walk(struct diff *d)
{
	const char *path;
	json_t *m, *was;
	int r = 0;

	json_object_foreach(d->new_paths, path, m)
	{
		was = json_object_get(d->old_paths, path);
		if (r == 0 && was)
			r = compare(d, was, m, false);
		if (r < 0 || was)
			continue;
		was = moved_to(m, d->new_names, d->old_names, d->new_paths);
		r = was ? compare(d, was, m, true) : put(d, "new", json_incref(m));
	}
	json_object_foreach(d->old_paths, path, m)
	{
		if (r == 0 && !json_object_get(d->new_paths, path) &&
		    !moved_to(m, d->old_names, d->new_names, d->old_paths))
			r = put(d, "gone", json_incref(m));
	}
	return r;
}

int ms_module_diff(const json_t *old, const json_t *new, json_t **ret)
{
	struct diff d = {
		.old_paths = json_object(),
		.new_paths = json_object(),
		.old_names = json_object(),
		.new_names = json_object(),
		.result = json_pack("{s:[], s:[], s:[], s:[], s:[]}", "new", "gone",
				    "changed", "moved", "rebuilt"),
	};
	int r = index_modules(old, d.old_paths, d.old_names);

	if (r == 0)
		r = index_modules(new, d.new_paths, d.new_names);
	if (r == 0)
		r = walk(&d);
	json_object_set_new(d.result, "same", json_integer(d.same));
	json_decref(d.old_paths);
	json_decref(d.new_paths);
	json_decref(d.old_names);
	json_decref(d.new_names);
	if (r < 0 || !d.result) {
		json_decref(d.result);
		return -ENOMEM;
	}
	*ret = d.result;
	return 0;
}
