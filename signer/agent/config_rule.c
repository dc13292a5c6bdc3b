/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The settings of [rule NAME]. */
#include "signer/agent/config_parse.h"

#include <errno.h>

#include "signer/agent/duration.h"
#include "signer/agent/limits.h"

static struct ms_rule *rule(struct ms_cfg_parser *p)
{
	return &p->c->rules[p->c->n_rules - 1];
}

static int rule_begin(struct ms_cfg_parser *p, const char *name)
{
	struct ms_config *c = p->c;
	struct ms_rule *r;

	for (size_t i = 0; i < c->n_rules; i++) {
		if (strcmp(c->rules[i].name, name) == 0)
			return ms_cfg_fail(p, p->line,
					   "rule %s is defined twice, first at %s:%u",
					   name, c->rules[i].file, c->rules[i].line);
	}
	r = reallocarray(c->rules, c->n_rules + 1, sizeof(*r));
	if (!r)
		return ms_cfg_no_memory(p);
	c->rules = r;
	r += c->n_rules++;
	*r = (struct ms_rule){.name = strdup(name),
			      .file = strdup(p->name),
			      .line = p->line,
			      .approval_valid_s = 86400};
	return r->name && r->file ? 0 : ms_cfg_no_memory(p);
}

static int rule_who(struct ms_cfg_parser *p, const char *value)
{
	return ms_cfg_add_identities(p, &rule(p)->who, value, true);
}

static int rule_key(struct ms_cfg_parser *p, const char *value)
{
	return ms_cfg_add_globs(p, &rule(p)->keys, value);
}

static int rule_kernel(struct ms_cfg_parser *p, const char *value)
{
	return ms_cfg_add_globs(p, &rule(p)->kernels, value);
}

static int rule_module(struct ms_cfg_parser *p, const char *value)
{
	return ms_cfg_add_globs(p, &rule(p)->modules, value);
}

static int rule_file(struct ms_cfg_parser *p, const char *value)
{
	return ms_cfg_add_globs(p, &rule(p)->files, value);
}

static int rule_type(struct ms_cfg_parser *p, const char *value)
{
	const char *w;
	size_t len;

	while ((w = ms_word_next(&value, &len))) {
		char name[24];
		enum ms_sign_type t;

		snprintf(name, sizeof(name), "%.*s", (int)MS_MIN(len, sizeof(name)), w);
		if (len >= sizeof(name) || ms_sign_type_from_name(name, &t) < 0)
			return ms_cfg_fail(p, p->line,
					   "type: %s is none of module, file, fsverity, "
					   "ima and raw",
					   name);
		rule(p)->types |= UINT32_C(1) << t;
	}
	return 0;
}

/* What a rule about modules can ask for, and files do not have. */
static const char *of_modules(const struct ms_rule *r)
{
	return r->kernels.n > 0	    ? "kernel"
	       : r->modules.n > 0   ? "module"
	       : r->n_min > 0	    ? "min-version"
	       : r->build_required  ? "build = required"
	       : r->n_tiers > 0	    ? "approvals"
	       : r->limit_build > 0 ? "limit NUMBER/build"
				    : NULL;
}

static int check_types(struct ms_cfg_parser *p, const struct ms_rule *r)
{
	const uint32_t module = UINT32_C(1) << MS_SIGN_MODULE;
	uint32_t others = r->types & ~module;
	const char *setting = of_modules(r);

	if (r->files.n > 0 && (!others || (r->types & module)))
		return ms_cfg_fail(
			p, p->section_line,
			"rule %s is about modules, which file does not look at: make a "
			"rule of its own for type = file",
			r->name);
	if (others && setting)
		return ms_cfg_fail(
			p, p->section_line,
			"rule %s has types other than module, and %s, which is of "
			"modules and builds alone: make two rules of it",
			r->name, setting);
	for (unsigned int t = 0; t < MS_SIGN_TYPES; t++) {
		if (others & UINT32_C(1) << t && !r->digest_suffices &&
		    !ms_sign_type_has_content((enum ms_sign_type)t))
			return ms_cfg_fail(
				p, p->section_line,
				"rule %s has type = %s, of which the agent gets the "
				"digest alone: add content = digest",
				r->name, ms_sign_type_name((enum ms_sign_type)t));
	}
	return 0;
}

static int rule_hash(struct ms_cfg_parser *p, const char *value)
{
	const char *w;
	size_t len;

	while ((w = ms_word_next(&value, &len))) {
		char name[24];
		enum ms_hash h;

		snprintf(name, sizeof(name), "%.*s", (int)MS_MIN(len, sizeof(name)), w);
		if (len >= sizeof(name) || ms_hash_from_name(name, &h) < 0)
			return ms_cfg_fail(
				p, p->line,
				"hash: %s is not a hash: sha256, sha384, sha512, "
				"sha3-256, "
				"sha3-384 or sha3-512",
				name);
		if (!ms_hash_may_sign(h))
			return ms_cfg_fail(p, p->line,
					   "hash: %s is too weak to sign with", name);
		rule(p)->hashes |= UINT32_C(1) << h;
	}
	return 0;
}

static int rule_content(struct ms_cfg_parser *p, const char *value)
{
	if (strcmp(value, "required") != 0 && strcmp(value, "digest") != 0)
		return ms_cfg_fail(p, p->line,
				   "content: %s is neither required nor digest", value);
	rule(p)->digest_suffices = strcmp(value, "digest") == 0;
	return 0;
}

static int rule_when(struct ms_cfg_parser *p, const char *value)
{
	struct ms_rule *r = rule(p);
	struct ms_when *list = reallocarray(r->when, r->n_when + 1, sizeof(*list));

	if (!list)
		return ms_cfg_no_memory(p);
	r->when = list;
	if (ms_when_parse(value, &list[r->n_when]) < 0)
		return ms_cfg_fail(
			p, p->line,
			"when: %s is not understood: write Mon..Fri 08:00-18:00 (UTC)",
			value);
	r->n_when++;
	return 0;
}

static int rule_limit(struct ms_cfg_parser *p, const char *value)
{
	const char *w;
	size_t len;

	while ((w = ms_word_next(&value, &len))) {
		char word[32], per;
		uint64_t n, *dst;

		snprintf(word, sizeof(word), "%.*s", (int)MS_MIN(len, sizeof(word)), w);
		if (len >= sizeof(word) || ms_limit_parse(word, &n, &per) < 0)
			return ms_cfg_fail(p, p->line,
					   "limit: %s is not NUMBER/hour, NUMBER/day or "
					   "NUMBER/build such as 6000/day",
					   word);
		dst = per == 'h'   ? &rule(p)->limit_hour
		      : per == 'd' ? &rule(p)->limit_day
				   : &rule(p)->limit_build;
		if (*dst)
			return ms_cfg_fail(p, p->line, "limit: two limits a %s",
					   strchr(word, '/') + 1);
		*dst = n;
	}
	return 0;
}

static int rule_approvals(struct ms_cfg_parser *p, const char *value)
{
	struct ms_rule *r = rule(p);
	const char *end;
	uint64_t need;

	if (r->n_tiers == MS_TIERS_MAX)
		return ms_cfg_fail(p, p->line, "approvals: a rule has at most %u tiers",
				   MS_TIERS_MAX);
	if (!ms_cfg_number(value, MS_TIER_NEED_MAX, &need, &end) || need == 0 ||
	    strncmp(end, " of group:", 10) != 0 ||
	    !ms_cfg_is_name(end + 10, strlen(end + 10)))
		return ms_cfg_fail(
			p, p->line,
			"approvals: %s is not NUMBER of group:NAME such as 2 of "
			"group:release-managers",
			value);
	r->tiers[r->n_tiers] =
		(struct ms_tier){.need = (unsigned int)need, .group = strdup(end + 10)};
	return r->tiers[r->n_tiers++].group ? 0 : ms_cfg_no_memory(p);
}

static int rule_approval_valid(struct ms_cfg_parser *p, const char *value)
{
	uint32_t s;

	if (ms_duration_parse(value, &s) < 0 || s < 60 || s > 90u * 86400)
		return ms_cfg_fail(
			p, p->line,
			"approval-valid: %s is not a time from 1m to 90d such as 8h",
			value);
	rule(p)->approval_valid_s = s;
	return 0;
}

static int rule_build(struct ms_cfg_parser *p, const char *value)
{
	if (strcmp(value, "required") != 0 && strcmp(value, "optional") != 0)
		return ms_cfg_fail(p, p->line,
				   "build: %s is neither required nor optional", value);
	rule(p)->build_required = strcmp(value, "required") == 0;
	rule(p)->build_optional = !rule(p)->build_required;
	return 0;
}

static int rule_min_version(struct ms_cfg_parser *p, const char *value)
{
	struct ms_rule *r = rule(p);
	struct ms_min_version *list;
	size_t n = strcspn(value, " \t"), gap = strspn(value + n, " \t");
	const char *version = value + n + gap;

	if (!*version || strpbrk(version, " \t") || strlen(version) >= MS_FACT_MAX)
		return ms_cfg_fail(
			p, p->line,
			"min-version: %s is not MODULE VERSION such as e1000e 3.8.4",
			value);
	list = reallocarray(r->min, r->n_min + 1, sizeof(*list));
	if (!list)
		return ms_cfg_no_memory(p);
	r->min = list;
	list[r->n_min] = (struct ms_min_version){.module = strndup(value, n),
						 .version = strdup(version)};
	r->n_min++;
	if (!list[r->n_min - 1].module || !list[r->n_min - 1].version)
		return ms_cfg_no_memory(p);
	return ms_cfg_check_glob(p, list[r->n_min - 1].module);
}

static int rule_end(struct ms_cfg_parser *p)
{
	const struct ms_rule *r = rule(p);

	if (r->who.n == 0)
		return ms_cfg_fail(p, p->section_line,
				   "rule %s does not say who: add who = ID...", r->name);
	if (r->n_tiers && r->build_optional)
		return ms_cfg_fail(
			p, p->section_line,
			"rule %s has approvals, so its builds cannot be optional: "
			"leave build = optional out",
			r->name);
	if (r->keys.n == 0)
		return ms_cfg_fail(p, p->section_line,
				   "rule %s names no key: add key = NAME", r->name);
	return check_types(p, r);
}

static const struct ms_cfg_setting rule_settings[] = {
	{"who", rule_who, true},
	{"key", rule_key, true},
	{"kernel", rule_kernel, true},
	{"module", rule_module, true},
	{"type", rule_type, true},
	{"file", rule_file, true},
	{"hash", rule_hash, true},
	{"content", rule_content, false},
	{"when", rule_when, true},
	{"limit", rule_limit, true},
	{"approvals", rule_approvals, true},
	{"approval-valid", rule_approval_valid, false},
	{"build", rule_build, false},
	{"min-version", rule_min_version, true},
};

const struct ms_cfg_section ms_cfg_rule = {
	.name = "rule",
	.named = true,
	.begin = rule_begin,
	.end = rule_end,
	.settings = rule_settings,
	.n = ARRAY_SIZE(rule_settings),
};
