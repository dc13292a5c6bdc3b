/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who may sign what with which key. */
#include "signer/agent/policy.h"

#include <errno.h>

#include "lib/escape.h"
#include "signer/agent/modver.h"

/* Is @word one of the lines of @more? */
static bool is_line(const char *more, const char *word)
{
	size_t len = strlen(word);

	while (*more) {
		size_t n = strcspn(more, "\n");

		if (n == len && memcmp(more, word, n) == 0)
			return true;
		more += n + (more[n] == '\n');
	}
	return false;
}

static bool is_identity(const struct ms_identity *who, const char *word)
{
	return strcmp(word, who->id) == 0 ||
	       (who->user[0] && strcmp(word, who->user) == 0) ||
	       (who->more[0] && is_line(who->more, word));
}

static bool shares_name(const struct ms_identity *a, const struct ms_identity *b)
{
	char name[MS_IDENTITY_MAX];
	const char *more = a->more;

	if (is_identity(b, a->id) || (a->user[0] && is_identity(b, a->user)))
		return true;
	while (*more) {
		size_t n = strcspn(more, "\n");

		snprintf(name, sizeof(name), "%.*s", (int)n, more);
		if (name[0] && is_identity(b, name))
			return true;
		more += n + (more[n] == '\n');
	}
	return false;
}

static bool in_group(const struct ms_config *c, const struct ms_identity *who,
		     const char *name)
{
	for (size_t i = 0; i < c->n_groups; i++) {
		const struct ms_group *g = &c->groups[i];

		if (strcmp(g->name, name) != 0)
			continue;
		for (size_t j = 0; j < g->members.n; j++) {
			if (is_identity(who, g->members.v[j]))
				return true;
		}
	}
	return false;
}

bool ms_identity_in(const struct ms_config *c, const struct ms_identity *who,
		    const struct ms_strv *list)
{
	for (size_t i = 0; i < list->n; i++) {
		const char *word = list->v[i];

		if (strncmp(word, "group:", 6) == 0 ? in_group(c, who, word + 6)
						    : is_identity(who, word))
			return true;
	}
	return false;
}

bool ms_identity_could_be(const struct ms_config *c, const struct ms_identity *a,
			  const struct ms_identity *b)
{
	if (shares_name(a, b))
		return true;
	for (size_t i = 0; i < c->n_persons; i++) {
		const struct ms_strv *is = &c->persons[i].members;

		if (ms_identity_in(c, a, is) && ms_identity_in(c, b, is))
			return true;
	}
	return false;
}

bool ms_identity_is_admin(const struct ms_config *c, const struct ms_identity *who)
{
	return ms_identity_in(c, who, &c->admins);
}

bool ms_identity_is_auditor(const struct ms_config *c, const struct ms_identity *who)
{
	return ms_identity_in(c, who, &c->auditors) || ms_identity_is_admin(c, who);
}

bool ms_identity_is_known(const struct ms_config *c, const struct ms_identity *who)
{
	if (ms_identity_is_auditor(c, who))
		return true;
	for (size_t i = 0; i < c->n_rules; i++)
		if (ms_identity_in(c, who, &c->rules[i].who))
			return true;
	for (size_t i = 0; i < c->n_groups; i++)
		if (in_group(c, who, c->groups[i].name))
			return true;
	return false;
}

static bool any_glob(const struct ms_strv *globs, const char *s)
{
	for (size_t i = 0; i < globs->n; i++) {
		if (ms_glob(globs->v[i], s))
			return true;
	}
	return false;
}

static bool any_module(const struct ms_strv *globs, const char *name)
{
	for (size_t i = 0; i < globs->n; i++) {
		if (ms_glob_module(globs->v[i], name))
			return true;
	}
	return false;
}

/* How far a request got in a rule; the order is that of the checks. */
enum stage {
	STAGE_NONE, /* the rule is about somebody else or another key */
	STAGE_TYPE,
	STAGE_FILE,
	STAGE_KERNEL,
	STAGE_MODULE,
	STAGE_VERSION,
	STAGE_HASH,
	STAGE_CONTENT,
	STAGE_WHEN,
	STAGE_BUILD,
	STAGE_FITS,
};

/* Return: the least version that the module should have and has not, or NULL. */
static const struct ms_min_version *too_old(const struct ms_rule *r,
					    const struct ms_elf_facts *facts)
{
	for (size_t i = 0; i < r->n_min; i++) {
		if (ms_glob_module(r->min[i].module, facts->name) &&
		    (!facts->version[0] ||
		     ms_modver_compare(facts->version, r->min[i].version) < 0))
			return &r->min[i];
	}
	return NULL;
}

static bool in_time(const struct ms_rule *r, int64_t now)
{
	for (size_t i = 0; i < r->n_when; i++) {
		if (ms_when_fits(&r->when[i], now))
			return true;
	}
	return r->n_when == 0;
}

static enum stage try_facts(const struct ms_rule *r, const struct ms_elf_facts *facts)
{
	if (r->kernels.n > 0 && !any_glob(&r->kernels, facts->release))
		return STAGE_KERNEL;
	if (r->modules.n > 0 && !any_module(&r->modules, facts->name))
		return STAGE_MODULE;
	return too_old(r, facts) ? STAGE_VERSION : STAGE_FITS;
}

static bool has_type(const struct ms_rule *r, enum ms_sign_type t)
{
	return r->types ? r->types & UINT32_C(1) << t : t == MS_SIGN_MODULE;
}

static const char *base(const char *file)
{
	const char *slash = strrchr(file, '/');

	return slash ? slash + 1 : file;
}

static enum stage try_rule(const struct ms_config *c, const struct ms_rule *r,
			   const struct ms_policy_request *req)
{
	enum stage stage;

	if (!ms_identity_in(c, req->who, &r->who) || !any_glob(&r->keys, req->key))
		return STAGE_NONE;
	if (!has_type(r, req->type))
		return STAGE_TYPE;
	if (req->type != MS_SIGN_MODULE) {
		if (req->file && r->files.n > 0 && !any_glob(&r->files, base(req->file)))
			return STAGE_FILE;
	} else if (req->facts) {
		stage = try_facts(r, req->facts);
		if (stage != STAGE_FITS)
			return stage;
	}
	if (!ms_hash_may_sign(req->hash) ||
	    (r->hashes != 0 && !(r->hashes & UINT32_C(1) << req->hash)))
		return STAGE_HASH;
	if (!req->content && !r->digest_suffices)
		return STAGE_CONTENT;
	if (!in_time(r, req->now))
		return STAGE_WHEN;
	if (!req->in_build && (r->build_required || r->n_tiers > 0))
		return STAGE_BUILD;
	return STAGE_FITS;
}

/* The words of a list, as many as fit. */
static const char *join(const struct ms_strv *list, char *dst, size_t size)
{
	size_t n = 0;

	dst[0] = '\0';
	for (size_t i = 0; i < list->n; i++) {
		int len = snprintf(dst + n, size - n, "%s%s", i ? ", " : "", list->v[i]);

		if (len < 0 || (size_t)len >= size - n) {
			memcpy(dst + size - 4, "...", 4);
			break;
		}
		n += (size_t)len;
	}
	return dst;
}

static const char *join_hashes(uint32_t mask, char *dst, size_t size)
{
	size_t n = 0;

	dst[0] = '\0';
	for (unsigned int h = 1; h < 32; h++) {
		if (!ms_hash_may_sign((enum ms_hash)h) ||
		    (mask != 0 && !(mask & UINT32_C(1) << h)))
			continue;
		n += (size_t)snprintf(dst + n, size - n, "%s%s", n ? ", " : "",
				      ms_hash_name((enum ms_hash)h));
		if (n >= size)
			break;
	}
	return dst;
}

static const char *join_types(uint32_t mask, char *dst, size_t size)
{
	size_t n = 0;

	mask = mask ? mask : UINT32_C(1) << MS_SIGN_MODULE;
	for (unsigned int t = 0; t < MS_SIGN_TYPES && n < size; t++) {
		if (mask & UINT32_C(1) << t)
			n += (size_t)snprintf(dst + n, size - n, "%s%s", n ? ", " : "",
					      ms_sign_type_name((enum ms_sign_type)t));
	}
	return dst;
}

static int refuse_version(const struct ms_rule *r, const struct ms_elf_facts *facts,
			  struct ms_error *err)
{
	const struct ms_min_version *min = too_old(r, facts);
	char name[120], version[120];

	ms_escape_str(facts->name, name, sizeof(name));
	ms_escape_str(facts->version, version, sizeof(version));
	return ms_error_set(
		err, -EACCES, "rule-version",
		"rule %s wants at least version %s of %s, and this module %s%s", r->name,
		min ? min->version : "", name,
		version[0] ? "is version " : "names no version", version);
}

static int refuse(const struct ms_policy_request *req, const struct ms_rule *r,
		  enum stage stage, struct ms_error *err)
{
	char list[160], shown[120], key[MS_KEY_NAME_MAX * 4 + 1], user[100];

	ms_escape_str(req->key, key, sizeof(key));
	switch (stage) {
	case STAGE_TYPE:
		return ms_error_set(
			err, -EACCES, "rule-type",
			"rule %s lets %s sign %s with key %s only, and this is of type "
			"%s: it needs a rule with 'type = %s'%s",
			r->name, req->who->id, join_types(r->types, list, sizeof(list)),
			key, ms_sign_type_name(req->type), ms_sign_type_name(req->type),
			req->content ? "" : " and 'content = digest'");
	case STAGE_FILE:
		ms_escape_str(base(req->file), shown, sizeof(shown));
		return ms_error_set(
			err, -EACCES, "rule-file",
			"rule %s lets %s sign files %s with key %s only, and this one "
			"is %s",
			r->name, req->who->id, join(&r->files, list, sizeof(list)), key,
			shown[0] ? shown : "without a name");
	case STAGE_KERNEL:
		ms_escape_str(req->facts->release, shown, sizeof(shown));
		return ms_error_set(
			err, -EACCES, "rule-kernel",
			"rule %s lets %s sign with key %s for kernels %s only, and "
			"this module is for %s",
			r->name, req->who->id, key, join(&r->kernels, list, sizeof(list)),
			shown[0] ? shown : "no kernel that it names");
	case STAGE_MODULE:
		ms_escape_str(req->facts->name, shown, sizeof(shown));
		return ms_error_set(
			err, -EACCES, "rule-module",
			"rule %s lets %s sign modules %s with key %s only, and this "
			"module is %s",
			r->name, req->who->id, join(&r->modules, list, sizeof(list)), key,
			shown[0] ? shown : "one without a name");
	case STAGE_VERSION:
		return refuse_version(r, req->facts, err);
	case STAGE_WHEN:
		return ms_error_set(
			err, -EACCES, "rule-when",
			"rule %s lets %s sign with key %s at %s%s (UTC) only: try again "
			"then",
			r->name, req->who->id, key, r->when[0].text,
			r->n_when > 1 ? " and other times" : "");
	case STAGE_BUILD:
		return ms_error_set(
			err, -EACCES, "build-required",
			"rule %s signs modules of builds only: open one with 'modseal "
			"build open' and set MODSEAL_BUILD to its id",
			r->name);
	case STAGE_HASH:
		return ms_error_set(
			err, -EACCES, "hash-not-allowed",
			"rule %s does not allow the hash %s: ask for one of %s", r->name,
			ms_hash_name(req->hash),
			join_hashes(r->hashes, list, sizeof(list)));
	case STAGE_CONTENT:
		return ms_error_set(err, -EACCES, "content-required",
				    "rule %s asks for whole %s, not digests: sign on the "
				    "agent's machine and %s, or have "
				    "'content = digest' added to the rule",
				    r->name,
				    req->type == MS_SIGN_MODULE ? "modules" : "files",
				    req->type == MS_SIGN_MODULE ? "without --by-digest"
								: "with --by-content");
	case STAGE_NONE:
	case STAGE_FITS:
		break;
	}
	ms_escape_str(req->who->user, user, sizeof(user));
	return ms_error_set(
		err, -EACCES, "no-rule",
		"no rule lets %s%s%s%s sign with key %s: an administrator of the agent "
		"can add a [rule NAME] to its configuration",
		req->who->id, user[0] ? " (" : "", user, user[0] ? ")" : "", key);
}

int ms_policy_decide(const struct ms_config *c, const struct ms_policy_request *req,
		     const struct ms_rule **ret, struct ms_error *err)
{
	const struct ms_rule *nearest = NULL;
	enum stage far = STAGE_NONE;

	for (size_t i = 0; i < c->n_rules; i++) {
		enum stage stage = try_rule(c, &c->rules[i], req);

		if (stage == STAGE_FITS) {
			*ret = &c->rules[i];
			return 0;
		}
		if (stage > far) {
			far = stage;
			nearest = &c->rules[i];
		}
	}
	return refuse(req, nearest, far, err);
}

int ms_policy_try(const struct ms_config *c, const struct ms_rule *rule,
		  const struct ms_policy_request *req, struct ms_error *err)
{
	enum stage stage = try_rule(c, rule, req);

	if (stage == STAGE_NONE)
		return ms_error_set(err, -EACCES, "no-rule", "is about %s",
				    ms_identity_in(c, req->who, &rule->who) ? "other keys"
									    : "others");
	return stage == STAGE_FITS ? 0 : refuse(req, rule, stage, err);
}

int ms_policy_decide_build(const struct ms_config *c, const struct ms_identity *who,
			   const char *key, const char *kernel,
			   const struct ms_rule **ret, struct ms_error *err)
{
	struct ms_elf_facts facts = {0};
	struct ms_policy_request req = {.who = who, .key = key, .facts = &facts};
	const struct ms_rule *first = NULL, *nearest = NULL;

	snprintf(facts.release, sizeof(facts.release), "%s", kernel);
	for (size_t i = 0; i < c->n_rules; i++) {
		const struct ms_rule *r = &c->rules[i];

		if (!ms_identity_in(c, who, &r->who) || !any_glob(&r->keys, key))
			continue;
		nearest = nearest && has_type(nearest, MS_SIGN_MODULE) ? nearest : r;
		if (!has_type(r, MS_SIGN_MODULE) ||
		    (r->kernels.n > 0 && !any_glob(&r->kernels, kernel)))
			continue;
		first = first ? first : r;
		if (r->n_tiers > 0) {
			*ret = r;
			return 0;
		}
	}
	if (!first)
		return refuse(&req, nearest,
			      !nearest				  ? STAGE_NONE
			      : has_type(nearest, MS_SIGN_MODULE) ? STAGE_KERNEL
								  : STAGE_TYPE,
			      err);
	*ret = first;
	return 0;
}

bool ms_policy_knows(const struct ms_config *c, const struct ms_identity *who)
{
	for (size_t i = 0; i < c->n_rules; i++) {
		if (ms_identity_in(c, who, &c->rules[i].who))
			return true;
	}
	return ms_identity_is_admin(c, who);
}

bool ms_policy_names_key(const struct ms_rule *r, const char *key)
{
	return any_glob(&r->keys, key);
}

bool ms_policy_may_see(const struct ms_config *c, const struct ms_identity *who,
		       const char *key)
{
	if (ms_identity_is_admin(c, who))
		return true;
	for (size_t i = 0; i < c->n_rules; i++) {
		if (ms_identity_in(c, who, &c->rules[i].who) &&
		    any_glob(&c->rules[i].keys, key))
			return true;
	}
	return false;
}
