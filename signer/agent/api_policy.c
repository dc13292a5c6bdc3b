/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /v1/policy: checking a configuration, explaining a decision. */
#include <ctype.h>
#include <errno.h>
#include <time.h>

#include "lib/agent_client.h"
#include "lib/escape.h"
#include "lib/trailer.h"
#include "signer/agent/grant.h"
#include "signer/agent/identity.h"
#include "signer/agent/policy_lint.h"
#include "signer/agent/web.h"

/* ------------------------------------------------------------------ checking */

#define BUNDLE_MAX (4u << 20) /* several files in one request */

static void on_finding(void *arg, const char *file, unsigned int line, const char *rule,
		       const char *text)
{
	json_array_append_new(arg, json_pack("{s:s, s:i, s:s, s:s}", "file", file, "line",
					     (int)line, "rule", rule, "text", text));
}

static void lint(struct ms_front *f, struct ms_config *c, json_t *findings)
{
	const struct ms_front_key *k;
	const char **names;
	size_t n = 0;

	while (ms_key_link_at(f->keys, n))
		n++;
	names = calloc(n + 1, sizeof(*names));
	if (!names)
		return;
	for (size_t i = 0; i < n && (k = ms_key_link_at(f->keys, i)); i++)
		names[i] = k->info.name;
	ms_policy_lint(c, names, n, ms_identity_uid_of_user, on_finding, findings);
	free(names);
}

void ms_api_policy_check(struct ms_web *w)
{
	_cleanup_config_ struct ms_config c = {};
	const char *format = ms_web_param(w, "format"), *body;
	bool bundle = format && strcmp(format, "bundle") == 0;
	struct ms_error err = {0};
	json_t *findings;
	size_t len;
	int r;

	body = (const char *)ms_web_body(w, &len);
	if (!ms_identity_is_admin(w->front->config, &w->who))
		r = ms_error_set(&err, -EACCES, "not-admin",
				 "%s may not check policies: 'admins' in the agent's "
				 "configuration says who may",
				 w->who.id);
	else if (!ms_key_link_loaded(w->front->keys))
		r = ms_error_set(&err, -EAGAIN, "not-ready",
				 "the keys are being loaded: try again");
	else if (len > (bundle ? BUNDLE_MAX : MS_CONFIG_MAX))
		r = ms_error_set(&err, -EFBIG, "too-large",
				 "a configuration file has at most %u bytes, and all of "
				 "them %u",
				 MS_CONFIG_MAX, BUNDLE_MAX);
	else
		r = bundle ? 0 : ms_config_init(&c);
	if (r < 0) {
		ms_web_problem(w, r, &err);
		return;
	}
	if (bundle)
		r = ms_config_unbundle(body ? body : "", len, &c, &err);
	else
		r = ms_config_parse("line", body ? body : "", len, &c, &err);
	if (r == 0 && !bundle)
		r = ms_config_check(&c, &err);
	findings = json_array();
	if (r == 0)
		lint(w->front, &c, findings);
	ms_web_json(w, 200,
		    json_pack("{s:o, s:b, s:o, s:I}", "error",
			      r < 0 ? ms_web_text(err.msg) : json_null(), "good",
			      r == 0 && json_array_size(findings) == 0, "findings",
			      findings, "rules", (json_int_t)c.n_rules));
}

/* ---------------------------------------------------------------- explaining */

/**
 * struct question - what is asked
 * @facts_known: a module came with it
 */
struct question {
	struct ms_identity who;
	struct ms_elf_facts facts;
	struct ms_policy_request req;
	const char *build;
	uint8_t digest[MS_DIGEST_MAX], sha256[32];
	bool facts_known;
};

static int read_module(struct ms_web *w, struct question *q, struct ms_error *err)
{
	const uint8_t *mod;
	size_t len, payload = 0;
	int r;

	mod = ms_web_body(w, &len);
	if (!mod) {
		/* None, or a stranger's, which was not taken: no rule is about them. */
		ms_web_drop_body(w);
		return 0;
	}
	r = ms_trailer_payload_len(mod, len, &payload);
	if (r < 0)
		return ms_error_set(err, r, "bad-trailer",
				    "it ends in a damaged signature: get the module "
				    "anew, or strip it first");
	r = ms_elf_facts_read(mod, payload, &q->facts);
	if (r < 0)
		return ms_elf_facts_complain(r, err);
	r = ms_digest(q->req.hash, mod, payload, q->digest);
	if (r == 0)
		r = ms_digest(MS_HASH_SHA256, mod, payload, q->sha256);
	if (r < 0)
		return ms_error_set(err, r, "hash-not-allowed", "hash %s: %s",
				    ms_hash_name(q->req.hash), ms_strerror(r));
	q->facts_known = true;
	q->req.facts = &q->facts;
	return 0;
}

static int read_as(const char *as, struct ms_identity *ret, struct ms_error *err)
{
	int r = ms_identity_from_text(as, ret);
	char shown[120];

	if (r == -ENOENT)
		return ms_error_set(err, -EINVAL, "bad-identity",
				    "--as: there is no user %s here",
				    ms_escape_str(as + 5, shown, sizeof(shown)));
	return r < 0 ? ms_error_set(err, -EINVAL, "bad-identity",
				    "--as is uid:NUMBER, user:NAME or cert:CN=NAME")
		     : 0;
}

static int read_question(struct ms_web *w, struct question *q, struct ms_error *err)
{
	const char *as = ms_web_param(w, "as"), *key = ms_web_param(w, "key");
	const char *hash = ms_web_param(w, "hash"), *build = ms_web_param(w, "build");
	const char *type = ms_web_param(w, "type");
	int r;

	q->who = w->who;
	r = as ? read_as(as, &q->who, err) : 0;
	if (r < 0)
		return r;
	if (strcmp(q->who.id, w->who.id) != 0 &&
	    !ms_identity_is_admin(w->front->config, &w->who))
		return ms_error_set(err, -EACCES, "not-admin",
				    "%s may not ask about others: 'admins' in the "
				    "agent's configuration says who may",
				    w->who.id);
	if (!key || !ms_key_name_valid(key))
		return ms_error_set(err, -EINVAL, "bad-request",
				    "key is not the name of a key");
	q->req = (struct ms_policy_request){.who = &q->who,
					    .key = key,
					    .hash = MS_HASH_SHA256,
					    .content = true,
					    .in_build = build && build[0],
					    .now = time(NULL)};
	q->build = build ? build : "";
	if (hash && ms_hash_from_name(hash, &q->req.hash) < 0)
		return ms_error_set(err, -EINVAL, "hash-not-allowed",
				    "there is no such hash");
	q->req.file = ms_web_param(w, "file");
	if (type && ms_sign_type_from_name(type, &q->req.type) < 0)
		return ms_error_set(err, -EINVAL, "bad-request",
				    "type is module, file, fsverity, ima or raw");
	/* Of these the agent never gets more than a digest. */
	q->req.content = ms_sign_type_has_content(q->req.type);
	if (q->req.type == MS_SIGN_MODULE)
		return read_module(w, q, err);
	ms_web_drop_body(w);
	if (q->req.in_build)
		return ms_error_set(err, -EINVAL, "build-type",
				    "builds are of modules: ask without a build");
	return 0;
}

/* The same steps as for signing; what they count is given back. */
static int decide(struct ms_front *f, struct question *q, const struct ms_rule **ret,
		  struct ms_error *err)
{
	const struct ms_content what = {
		.hash = q->req.hash, .digest = q->digest, .sha256 = q->sha256};
	const struct ms_front_key *key;
	struct ms_grant grant = {0};
	int r = 0;

	if (q->facts_known)
		r = ms_denied_check(f->denied, q->req.hash, q->digest, q->sha256, err);
	if (r == 0 && q->facts_known)
		r = ms_denied_module(f->denied, &q->facts, q->req.now, err);
	if (r == 0)
		r = ms_grant_rule(f, &q->req, ret, err);
	key = ms_key_link_find(f->keys, q->req.key);
	if (r == 0 && !key)
		return ms_error_set(err, -ENOENT, "no-such-key",
				    "no key %s: 'modseal key list' shows the keys",
				    q->req.key);
	if (r == 0 && key->cert)
		r = ms_denied_cert(f->denied, key->cert, q->req.now, err);
	if (r == 0 && q->facts_known) {
		r = ms_grant_take(f, *ret, &q->req, &what, q->build, &grant, err);
		ms_grant_end(f, &grant, false);
	}
	return r;
}

static json_t *explain_rules(struct ms_front *f, const struct question *q, bool all)
{
	json_t *list = json_array();

	for (size_t i = 0; i < f->config->n_rules; i++) {
		const struct ms_rule *r = &f->config->rules[i];
		struct ms_error err = {0};
		int rc = ms_policy_try(f->config, r, &q->req, &err);

		/* Rules of others are nobody's business but the administrators'. */
		if (rc < 0 && strcmp(err.code, "no-rule") == 0 && !all)
			continue;
		json_array_append_new(
			list,
			json_pack("{s:s, s:b, s:s, s:o, s:I, s:I}", "rule", r->name,
				  "fits", rc == 0, "code", err.code, "reason",
				  ms_web_text(err.msg), "used_hour",
				  (json_int_t)ms_limits_used(f->limits, r->name,
							     ms_front_steady(f), 60),
				  "used_day",
				  (json_int_t)ms_limits_used(f->limits, r->name,
							     ms_front_steady(f), 1440)));
	}
	return list;
}

void ms_api_policy_explain(struct ms_web *w)
{
	struct question *q = calloc(1, sizeof(*q));
	const struct ms_rule *rule = NULL;
	struct ms_error err = {0};
	json_t *rules;
	int r = q ? read_question(w, q, &err) : -ENOMEM;

	if (r < 0) {
		free(q);
		ms_web_problem(w, r, &err);
		return;
	}
	r = decide(w->front, q, &rule, &err);
	rules = explain_rules(w->front, q,
			      ms_identity_is_admin(w->front->config, &w->who));
	ms_web_json(w, 200,
		    json_pack("{s:s, s:b, s:b, s:s, s:s, s:o, s:o}", "identity",
			      q->who.id, "allowed", r == 0, "module", q->facts_known,
			      "rule", rule ? rule->name : "", "code", err.code, "reason",
			      ms_web_text(err.msg), "rules", rules));
	free(q);
}
