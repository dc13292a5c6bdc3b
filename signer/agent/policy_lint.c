/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/policy_lint.h"

#include <errno.h>
#include <stdarg.h>

struct lint {
	const struct ms_config *c;
	ms_policy_user_fn *user;
	ms_policy_finding_fn *fn;
	void *arg;
};

static void found(const struct lint *l, const struct ms_rule *r, const char *fmt, ...)
	_printf_(3, 4);

static void found(const struct lint *l, const struct ms_rule *r, const char *fmt, ...)
{
	char text[300];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	l->fn(l->arg, r->file, r->line, r->name, text);
}

static const struct ms_group *group_of(const struct ms_config *c, const char *word)
{
	if (strncmp(word, "group:", 6) != 0)
		return NULL;
	for (size_t i = 0; i < c->n_groups; i++) {
		if (strcmp(c->groups[i].name, word + 6) == 0)
			return &c->groups[i];
	}
	return NULL;
}

/* Is everybody that @word stands for in @list? */
static bool who_has(const struct ms_config *c, const struct ms_strv *list,
		    const char *word)
{
	const struct ms_group *g = group_of(c, word);

	if (ms_strv_has(list, word))
		return true;
	for (size_t i = 0; i < list->n && !g; i++) {
		const struct ms_group *in = group_of(c, list->v[i]);

		if (in && ms_strv_has(&in->members, word))
			return true;
	}
	if (!g)
		return false;
	for (size_t i = 0; i < g->members.n; i++) {
		if (!who_has(c, list, g->members.v[i]))
			return false;
	}
	return true;
}

static bool is_glob(const char *s)
{
	return strpbrk(s, "*?[") != NULL;
}

/*
 * Where @pattern has stars only, and fits the text of @word, which has no brackets, it
 * fits whatever @word does: what is special in that text is below one of the stars.
 */
static bool compares(const char *pattern, const char *word)
{
	return !is_glob(word) || (!strpbrk(pattern, "?[\\") && !strpbrk(word, "[\\"));
}

static bool globs_have(const struct ms_strv *list, const char *word, bool module)
{
	for (size_t i = 0; i < list->n; i++) {
		if (strcmp(list->v[i], "*") == 0 || strcmp(list->v[i], word) == 0)
			return true;
		if (compares(list->v[i], word) &&
		    (module ? ms_glob_module(list->v[i], word)
			    : ms_glob(list->v[i], word)))
			return true;
	}
	return false;
}

/* An empty list is any, for kernels and modules. */
static bool globs_cover(const struct ms_strv *a, const struct ms_strv *b, bool module)
{
	if (a->n == 0)
		return true;
	for (size_t i = 0; i < b->n; i++) {
		if (!globs_have(a, b->v[i], module))
			return false;
	}
	return b->n > 0;
}

static uint32_t types(const struct ms_rule *r)
{
	return r->types ? r->types : UINT32_C(1) << MS_SIGN_MODULE;
}

/* Does @a decide whatever @b could? Says no where it is not certain. */
static bool covers(const struct ms_config *c, const struct ms_rule *a,
		   const struct ms_rule *b)
{
	bool b_in_build = b->build_required || b->n_tiers > 0;

	for (size_t i = 0; i < b->who.n; i++) {
		if (!who_has(c, &a->who, b->who.v[i]))
			return false;
	}
	if (a->n_when > 0 || a->n_min > 0 ||
	    ((a->build_required || a->n_tiers > 0) && !b_in_build))
		return false;
	if (a->hashes != 0 && (b->hashes == 0 || (b->hashes & ~a->hashes)))
		return false;
	if (types(b) & ~types(a) || !globs_cover(&a->files, &b->files, false))
		return false;
	if (b->digest_suffices && !a->digest_suffices)
		return false;
	return globs_cover(&a->keys, &b->keys, false) &&
	       globs_cover(&a->kernels, &b->kernels, false) &&
	       globs_cover(&a->modules, &b->modules, true);
}

static void check_order(const struct lint *l, size_t n)
{
	const struct ms_rule *b = &l->c->rules[n];

	for (size_t i = 0; i < n; i++) {
		const struct ms_rule *a = &l->c->rules[i];

		if (!covers(l->c, a, b))
			continue;
		found(l, b,
		      "rule %s is never reached: rule %s (%s:%u) comes first and decides "
		      "all that it could",
		      b->name, a->name, a->file, a->line);
		return;
	}
}

static bool some_who(const struct ms_config *c, const struct ms_rule *a,
		     const struct ms_rule *b)
{
	for (size_t i = 0; i < b->who.n; i++) {
		if (who_has(c, &a->who, b->who.v[i]))
			return true;
	}
	for (size_t i = 0; i < a->who.n; i++) {
		if (who_has(c, &b->who, a->who.v[i]))
			return true;
	}
	return false;
}

static bool some_key(const struct ms_strv *a, const struct ms_strv *b)
{
	for (size_t i = 0; i < b->n; i++) {
		if (globs_have(a, b->v[i], false))
			return true;
	}
	for (size_t i = 0; i < a->n; i++) {
		if (globs_have(b, a->v[i], false))
			return true;
	}
	return false;
}

/* The agent believes what the digest is of, and its signature is good for a module, too.
 */
static bool signs_anything(const struct ms_rule *r)
{
	return r->digest_suffices &&
	       types(r) & (UINT32_C(1) << MS_SIGN_FILE | UINT32_C(1) << MS_SIGN_IMA |
			   UINT32_C(1) << MS_SIGN_RAW);
}

/*
 * A rule with approvals is only about modules of builds: without a build, another one
 * that has none decides. Where that is about all the kernels and modules of the first,
 * nobody needs the approvals. Says nothing where it is not certain.
 */
static void check_bypass(const struct lint *l, const struct ms_rule *b)
{
	const struct ms_config *c = l->c;
	bool any = signs_anything(b);

	if (b->build_required || b->n_tiers > 0 ||
	    !(any || types(b) & UINT32_C(1) << MS_SIGN_MODULE))
		return;
	for (size_t i = 0; i < c->n_rules; i++) {
		const struct ms_rule *a = &c->rules[i];

		if (a->n_tiers == 0 || !some_who(c, a, b) ||
		    !some_key(&a->keys, &b->keys) ||
		    !(any || (globs_cover(&b->kernels, &a->kernels, false) &&
			      globs_cover(&b->modules, &a->modules, true))))
			continue;
		found(l, b,
		      "rule %s lets who has no build sign without the approvals that "
		      "rule %s (%s:%u) asks for",
		      b->name, a->name, a->file, a->line);
		return;
	}
}

static void check_keys(const struct lint *l, const struct ms_rule *r,
		       const char *const *keys, size_t n)
{
	for (size_t i = 0; keys && i < r->keys.n; i++) {
		bool any = false;

		for (size_t j = 0; j < n && !any; j++)
			any = ms_glob(r->keys.v[i], keys[j]);
		if (!any)
			found(l, r, "rule %s names the key %s, and there is no such key",
			      r->name, r->keys.v[i]);
	}
}

/* The [person] who has the identity @id, or NULL. */
static const struct ms_group *person_of(const struct ms_config *c, const char *id)
{
	for (size_t i = 0; i < c->n_persons; i++) {
		if (ms_strv_has(&c->persons[i].members, id))
			return &c->persons[i];
	}
	return NULL;
}

/* Does @id, or the person whose identity it is, sign by the rule? */
static bool signs(const struct ms_config *c, const struct ms_rule *r, const char *id)
{
	const struct ms_group *person = person_of(c, id);

	if (!person)
		return who_has(c, &r->who, id);
	for (size_t i = 0; i < person->members.n; i++) {
		if (who_has(c, &r->who, person->members.v[i]))
			return true;
	}
	return false;
}

/* Is one of the first @n members the same person as @id? They count once. */
static bool person_among(const struct ms_config *c, const struct ms_group *g, size_t n,
			 const char *id)
{
	const struct ms_group *person = person_of(c, id);

	for (size_t i = 0; i < n; i++) {
		if (strcmp(g->members.v[i], id) == 0 ||
		    (person && ms_strv_has(&person->members, g->members.v[i])))
			return true;
	}
	return false;
}

/* Nobody approves their own: a group of one who also signs alone cannot approve. */
static void check_approvers(const struct lint *l, const struct ms_rule *r)
{
	for (size_t i = 0; i < r->n_tiers; i++) {
		const struct ms_tier *t = &r->tiers[i];
		char word[64];
		const struct ms_group *g;
		size_t others = 0;

		snprintf(word, sizeof(word), "group:%s", t->group);
		g = group_of(l->c, word);
		for (size_t j = 0; g && j < g->members.n; j++)
			others += !signs(l->c, r, g->members.v[j]) &&
				  !person_among(l->c, g, j, g->members.v[j]);
		if (g && others < t->need)
			found(l, r,
			      "rule %s wants %u approvals of group %s, and only %zu of "
			      "its members do not sign by this rule themselves",
			      r->name, t->need, t->group, others);
	}
}

static bool names_group(const struct ms_strv *list, const char *name)
{
	for (size_t i = 0; i < list->n; i++) {
		if (strncmp(list->v[i], "group:", 6) == 0 &&
		    strcmp(list->v[i] + 6, name) == 0)
			return true;
	}
	return false;
}

static bool group_used(const struct ms_config *c, const char *name)
{
	bool used = names_group(&c->admins, name) || names_group(&c->auditors, name) ||
		    names_group(&c->metrics, name);

	for (size_t i = 0; i < c->n_rules && !used; i++) {
		const struct ms_rule *r = &c->rules[i];

		used = names_group(&r->who, name);
		for (size_t j = 0; j < r->n_tiers && !used; j++)
			used = strcmp(r->tiers[j].group, name) == 0;
	}
	return used;
}

/* @of, @name: what names them; @place: where that is */
static void name_users(const struct lint *l, struct ms_strv *list, const char *of,
		       const char *name, const struct ms_rule *place)
{
	for (size_t i = 0; i < list->n; i++) {
		char id[MS_IDENTITY_MAX], *copy;
		const char *word = list->v[i];
		int r;

		if (strncmp(word, "user:", 5) != 0)
			continue;
		r = l->user(word, id);
		copy = r == 0 ? strdup(id) : NULL;
		if (copy) {
			free(list->v[i]);
			list->v[i] = copy;
		} else if (r == -ENOENT) {
			found(l, place, "%s %s names %s, and there is no user %s here",
			      of, name, word, word + 5);
		} else if (r == -EEXIST) {
			found(l, place,
			      "%s %s names %s, which is %s and has another name here", of,
			      name, word, id);
		}
	}
}

static void name_members(const struct lint *l, const char *of, struct ms_group *g,
			 size_t n)
{
	for (size_t i = 0; i < n; i++) {
		static char no_rule[] = "";
		struct ms_rule place = {
			.name = no_rule, .file = g[i].file, .line = g[i].line};

		name_users(l, &g[i].members, of, g[i].name, &place);
	}
}

/* Whoever is written by name is from here on the uid that the name has. */
static void name_all_users(const struct lint *l, struct ms_config *c)
{
	for (size_t i = 0; i < c->n_rules; i++)
		name_users(l, &c->rules[i].who, "rule", c->rules[i].name, &c->rules[i]);
	name_members(l, "group", c->groups, c->n_groups);
	name_members(l, "person", c->persons, c->n_persons);
}

void ms_policy_lint(struct ms_config *c, const char *const *keys, size_t n_keys,
		    ms_policy_user_fn *user, ms_policy_finding_fn *fn, void *arg)
{
	struct lint l = {.c = c, .user = user, .fn = fn, .arg = arg};

	name_all_users(&l, c);
	for (size_t i = 0; i < c->n_rules; i++) {
		check_order(&l, i);
		check_bypass(&l, &c->rules[i]);
		check_keys(&l, &c->rules[i], keys, n_keys);
		check_approvers(&l, &c->rules[i]);
	}
	for (size_t i = 0; i < c->n_groups; i++) {
		const struct ms_group *g = &c->groups[i];
		char text[120];

		if (group_used(c, g->name))
			continue;
		snprintf(text, sizeof(text), "nothing names the group %s", g->name);
		fn(arg, g->file, g->line, "", text);
	}
}
