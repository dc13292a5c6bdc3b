/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Builds as JSON. */
#include "signer/agent/build.h"

#include <errno.h>
#include <openssl/crypto.h>

/* A certificate may have more names than two; the others, each with a newline. */
static json_t *put_more(json_t *j, const struct ms_person *p)
{
	if (j && p->more[0])
		json_object_set_new(j, "more", json_string(p->more));
	return j;
}

static json_t *json_person(const struct ms_person *p)
{
	return put_more(json_pack("{s:s, s:s}", "identity", p->id, "user", p->user), p);
}

static json_t *json_tiers(const struct ms_build *b)
{
	json_t *list = json_array();

	for (size_t i = 0; i < b->n_tiers; i++)
		json_array_append_new(list, json_pack("{s:i, s:s}", "need",
						      (int)b->tiers[i].need, "group",
						      b->tiers[i].group));
	return list;
}

static json_t *json_approvals(const struct ms_build *b, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++) {
		const struct ms_approval *a = &b->approvals[i];

		json_array_append_new(
			list,
			put_more(json_pack("{s:s, s:s, s:i, s:I}", "identity", a->who.id,
					   "user", a->who.user, "tier", (int)a->tier + 1,
					   "time", (json_int_t)a->when),
				 &a->who));
	}
	return list;
}

/* NULL for a build without one. */
static json_t *json_list(const struct ms_build_list *l)
{
	char hex[2 * sizeof(l->sha256) + 1];

	return l ? json_pack("{s:s, s:I, s:s}", "hash", ms_hash_name(l->hash), "modules",
			     (json_int_t)l->n, "sha256",
			     ms_hex(l->sha256, sizeof(l->sha256), hex))
		 : NULL;
}

json_t *ms_build_json(const struct ms_build *b, const struct ms_build_life *l)
{
	json_t *reason = json_string(l->reason);

	return json_pack(
		"{s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:I, "
		"s:I, s:I, s:o, s:o, s:b, s:o*}",
		"id", b->id, "key", b->key, "kernel", b->kernel, "series", b->series,
		"rule", b->rule, "state", ms_build_state_name(l->state), "opener",
		json_person(&b->opener), "tiers", json_tiers(b), "approvals",
		json_approvals(b, l->n_approvals), "requested", (json_int_t)b->requested,
		"lasts", (json_int_t)b->lasts_s, "opened", (json_int_t)l->opened,
		"expires", (json_int_t)l->expires, "ended", (json_int_t)l->ended, "max",
		(json_int_t)b->max, "signed", (json_int_t)b->signed_, "ended_by",
		json_person(&l->by), "reason", reason ? reason : json_string(""),
		"request", b->request, "list", json_list(b->list));
}

/* -------------------------------------------------------------------- reading */

static int get_text(const json_t *j, const char *name, char *dst, size_t size)
{
	const char *text = json_string_value(json_object_get(j, name));

	if (!text || strlen(text) >= size)
		return -EBADMSG;
	memcpy(dst, text, strlen(text) + 1);
	return 0;
}

static int64_t get_number(const json_t *j, const char *name)
{
	return json_integer_value(json_object_get(j, name));
}

static int get_person(const json_t *j, struct ms_person *p)
{
	if (get_text(j, "identity", p->id, sizeof(p->id)) < 0 ||
	    (json_object_get(j, "more") &&
	     get_text(j, "more", p->more, sizeof(p->more)) < 0))
		return -EBADMSG;
	return get_text(j, "user", p->user, sizeof(p->user));
}

static int get_state(const json_t *j, enum ms_build_state *ret)
{
	const char *text = json_string_value(json_object_get(j, "state"));

	for (int s = MS_BUILD_PENDING; text && s <= MS_BUILD_REJECTED; s++) {
		if (strcmp(text, ms_build_state_name((enum ms_build_state)s)) == 0) {
			*ret = (enum ms_build_state)s;
			return 0;
		}
	}
	return -EBADMSG;
}

static int get_approvals(const json_t *j, struct ms_build *b)
{
	const json_t *tiers = json_object_get(j, "tiers");
	const json_t *list = json_object_get(j, "approvals");
	size_t needed = 0, n = json_array_size(list);

	if (json_array_size(tiers) > MS_TIERS_MAX)
		return -EBADMSG;
	for (size_t i = 0; i < json_array_size(tiers); i++) {
		const json_t *t = json_array_get(tiers, i);
		const char *group = json_string_value(json_object_get(t, "group"));
		int64_t need = get_number(t, "need");

		if (!group || need < 1 || need > MS_TIER_NEED_MAX)
			return -EBADMSG;
		b->tiers[b->n_tiers].need = (unsigned int)need;
		b->tiers[b->n_tiers].group = strdup(group);
		needed += (size_t)need;
		if (!b->tiers[b->n_tiers++].group)
			return -ENOMEM;
	}
	if (n > needed)
		return -EBADMSG;
	b->approvals = calloc(needed + 1, sizeof(*b->approvals));
	if (!b->approvals)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const json_t *a = json_array_get(list, i);

		if (get_person(a, &b->approvals[i].who) < 0)
			return -EBADMSG;
		b->approvals[i].tier = (unsigned int)get_number(a, "tier") - 1;
		b->approvals[i].when = get_number(a, "time");
	}
	b->life.n_approvals = n;
	return 0;
}

static int get_list(const json_t *j, struct ms_build *b)
{
	const json_t *list = json_object_get(j, "list");
	const char *hash = json_string_value(json_object_get(list, "hash"));
	const char *hex = json_string_value(json_object_get(list, "sha256"));
	int64_t n = get_number(list, "modules");
	size_t len;

	if (!list)
		return 0;
	b->list = calloc(1, sizeof(*b->list));
	if (!b->list)
		return -ENOMEM;
	if (!hash || ms_hash_from_name(hash, &b->list->hash) < 0 || !hex || n < 1 ||
	    n > MS_BUILD_LIST_MAX ||
	    OPENSSL_hexstr2buf_ex(b->list->sha256, sizeof(b->list->sha256), &len, hex,
				  '\0') != 1 ||
	    len != sizeof(b->list->sha256))
		return -EBADMSG;
	b->list->n = (size_t)n;
	return 0;
}

static int get_build(const json_t *j, struct ms_build *b)
{
	int r;

	if (get_text(j, "id", b->id, sizeof(b->id)) < 0 ||
	    get_text(j, "key", b->key, sizeof(b->key)) < 0 ||
	    get_text(j, "kernel", b->kernel, sizeof(b->kernel)) < 0 ||
	    get_text(j, "series", b->series, sizeof(b->series)) < 0 ||
	    get_text(j, "rule", b->rule, sizeof(b->rule)) < 0 ||
	    get_text(j, "reason", b->life.reason, sizeof(b->life.reason)) < 0 ||
	    get_person(json_object_get(j, "opener"), &b->opener) < 0 ||
	    get_person(json_object_get(j, "ended_by"), &b->life.by) < 0 ||
	    get_state(j, &b->life.state) < 0)
		return -EBADMSG;
	b->requested = get_number(j, "requested");
	b->lasts_s = (uint32_t)get_number(j, "lasts");
	b->life.opened = get_number(j, "opened");
	b->life.expires = get_number(j, "expires");
	b->life.ended = get_number(j, "ended");
	b->max = (uint64_t)get_number(j, "max");
	b->request = json_is_true(json_object_get(j, "request"));
	r = get_list(j, b);
	return r < 0 ? r : get_approvals(j, b);
}

int ms_build_from_json(const char *text, struct ms_build **ret)
{
	json_t *j = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	struct ms_build *b = calloc(1, sizeof(*b));
	int r = b ? -EBADMSG : -ENOMEM;

	if (b && json_is_object(j))
		r = get_build(j, b);
	json_decref(j);
	if (r < 0) {
		ms_build_free(b);
		return r;
	}
	*ret = b;
	return 0;
}
