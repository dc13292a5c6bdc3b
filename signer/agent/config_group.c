/* SPDX-License-Identifier: GPL-2.0-or-later */
/* [group NAME] and [person NAME]: several identities under one name. */
#include "signer/agent/config_parse.h"

static int add_group(struct ms_cfg_parser *p, struct ms_group **list, size_t *n,
		     const char *name)
{
	struct ms_group *g = *list;

	for (size_t i = 0; i < *n; i++) {
		if (strcmp(g[i].name, name) == 0)
			return ms_cfg_fail(p, p->line,
					   "%s %s is defined twice, first at %s:%u",
					   p->section->name, name, g[i].file, g[i].line);
	}
	g = reallocarray(g, *n + 1, sizeof(*g));
	if (!g)
		return ms_cfg_no_memory(p);
	*list = g;
	g += (*n)++;
	*g = (struct ms_group){
		.name = strdup(name), .file = strdup(p->name), .line = p->line};
	return g->name && g->file ? 0 : ms_cfg_no_memory(p);
}

static int group_begin(struct ms_cfg_parser *p, const char *name)
{
	return add_group(p, &p->c->groups, &p->c->n_groups, name);
}

static int person_begin(struct ms_cfg_parser *p, const char *name)
{
	return add_group(p, &p->c->persons, &p->c->n_persons, name);
}

static int group_end(struct ms_cfg_parser *p)
{
	const struct ms_group *g = &p->c->groups[p->c->n_groups - 1];

	if (g->members.n > 0)
		return 0;
	return ms_cfg_fail(p, p->section_line,
			   "group %s has no members: add members = ID...", g->name);
}

static int person_end(struct ms_cfg_parser *p)
{
	const struct ms_group *g = &p->c->persons[p->c->n_persons - 1];

	if (g->members.n > 1)
		return 0;
	return ms_cfg_fail(p, p->section_line,
			   "person %s needs two identities: add is = ID...", g->name);
}

static int group_members(struct ms_cfg_parser *p, const char *value)
{
	return ms_cfg_add_identities(p, &p->c->groups[p->c->n_groups - 1].members, value,
				     false);
}

static int person_is(struct ms_cfg_parser *p, const char *value)
{
	return ms_cfg_add_identities(p, &p->c->persons[p->c->n_persons - 1].members,
				     value, false);
}

static const struct ms_cfg_setting group_settings[] = {
	{"members", group_members, true},
};

const struct ms_cfg_section ms_cfg_group = {
	.name = "group",
	.named = true,
	.begin = group_begin,
	.end = group_end,
	.settings = group_settings,
	.n = ARRAY_SIZE(group_settings),
};

static const struct ms_cfg_setting person_settings[] = {
	{"is", person_is, true},
};

const struct ms_cfg_section ms_cfg_person = {
	.name = "person",
	.named = true,
	.begin = person_begin,
	.end = person_end,
	.settings = person_settings,
	.n = ARRAY_SIZE(person_settings),
};
