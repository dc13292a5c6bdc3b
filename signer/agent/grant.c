/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/grant.h"

#include <errno.h>
#include <time.h>

#include "signer/agent/turns.h"

int ms_grants_load(struct ms_front *f, struct ms_error *err)
{
	if (ms_builds_new(&f->builds) < 0 || ms_limits_new(&f->limits) < 0 ||
	    ms_turns_new(&f->turns) < 0 || ms_denied_new(&f->denied) < 0)
		return ms_error_set(err, -ENOMEM, NULL, "out of memory");
	if (ms_builds_load(f->builds, f->store, err) < 0 ||
	    ms_limits_load(f->limits, f->store, time(NULL), err) < 0)
		return -EIO;
	if (ms_denied_config(f->denied, &f->config->denied) < 0)
		return ms_error_set(err, -ENOMEM, NULL, "out of memory");
	return ms_denied_load(f->denied, f->store, err);
}

void ms_grants_free(struct ms_front *f)
{
	ms_builds_free(f->builds);
	ms_limits_free(f->limits);
	ms_turns_free(f->turns);
	ms_denied_free(f->denied);
}

int ms_grant_rule(const struct ms_front *f, const struct ms_policy_request *req,
		  const struct ms_rule **ret, struct ms_error *err)
{
	int r = ms_policy_decide(f->config, req, ret, err);

	if (r < 0 && strcmp(err->code, "no-rule") == 0 && ms_key_link_loaded(f->keys) &&
	    !ms_key_link_find(f->keys, req->key) &&
	    ms_identity_is_admin(f->config, req->who))
		return ms_error_set(err, -ENOENT, "no-such-key",
				    "no key %s: 'modseal key list' shows the keys",
				    req->key);
	return r;
}

int ms_grant_take(struct ms_front *f, const struct ms_rule *rule,
		  const struct ms_policy_request *req, const struct ms_content *what,
		  const char *build, struct ms_grant *ret, struct ms_error *err)
{
	struct ms_grant g = {0};
	int r;

	if (build[0]) {
		g.build = ms_builds_find(f->builds, build);
		if (!g.build)
			return ms_error_set(err, -ENOENT, "no-such-build",
					    "there is no such build: 'modseal build "
					    "list' shows them");
		r = ms_build_take(f->config, g.build, rule, req->who, req->key,
				  req->facts->release, req->now, err);
		if (r < 0)
			return r;
		r = ms_build_listed(g.build, what->hash, what->digest, what->sha256, err);
		if (r < 0) {
			ms_build_give(g.build, false);
			return r;
		}
	}
	if (rule->limit_hour || rule->limit_day) {
		r = ms_limits_take(f->limits, rule, ms_front_steady(f), &g.minute, err);
		if (r < 0) {
			if (g.build)
				ms_build_give(g.build, false);
			return r;
		}
		g.limited = true;
		snprintf(g.rule, sizeof(g.rule), "%s", rule->name);
	}
	*ret = g;
	return 0;
}

int ms_grant_changes(const struct ms_grant *g, const json_t *fields,
		     struct ms_change **ret)
{
	struct ms_change *list = NULL;
	_cleanup_free_ char *text = NULL;
	int r = 0;

	if (g->build) {
		json_t *j = json_pack("{s:O, s:O, s:O, s:O*, s:O*}", "module",
				      json_object_get(fields, "module"), "digest",
				      json_object_get(fields, "digest"), "hash",
				      json_object_get(fields, "hash"), "file",
				      json_object_get(fields, "file"), "path",
				      json_object_get(fields, "path"));

		text = j ? json_dumps(j, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
		json_decref(j);
		r = text ? ms_change_add(&list, MS_CHANGE_MODULE, g->build->id, 0, text)
			 : -ENOMEM;
	}
	if (r == 0 && g->limited)
		r = ms_change_add(&list, MS_CHANGE_RULE_USE, g->rule, g->minute, NULL);
	if (r < 0) {
		ms_change_free(list);
		return r;
	}
	*ret = list;
	return 0;
}

void ms_grant_end(struct ms_front *f, struct ms_grant *g, bool was_signed)
{
	struct ms_grant done = *g;

	*g = (struct ms_grant){0};
	if (done.limited && !was_signed)
		ms_limits_give_back(f->limits, done.rule, done.minute);
	if (done.build)
		ms_build_give(done.build, was_signed);
}
