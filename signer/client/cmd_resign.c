/* SPDX-License-Identifier: GPL-2.0-or-later */
/* modseal resign: a tree whose key was rotated */
#include <errno.h>
#include "lib/escape.h"
#include "signer/client/cmd_sign.h"
#include "signer/client/facts.h"
#include "signer/client/tree.h"

#define FROM_MAX 32
#define SHOWN_MAX 300

/**
 * struct resign - one run
 * @from, @name, @found: the old keys, what to call them, and how many modules are by each
 * @n: how many old keys; behind them in @from is the new one
 */
struct resign {
	const struct ms_cli *cli;
	struct ms_talk talk;
	struct ms_sign_options sign;
	struct ms_signer from[FROM_MAX + 1];
	char name[FROM_MAX][SHOWN_MAX];
	atomic_size_t found[FROM_MAX], unsigned_files, others, already;
	size_t n;
	bool dry_run;
	struct ms_sign_outcome outcome;
	struct ms_tree tree;
	struct ms_pool pool;
};

static void resign_clear(struct resign *r)
{
	for (size_t i = 0; i < ARRAY_SIZE(r->from); i++)
		ms_signer_clear(&r->from[i]);
	ms_tree_clear(&r->tree);
	ms_talk_close(&r->talk);
	json_decref(r->outcome.list);
}

/* -------------------------------------------------------------------- the old keys */

static int too_many(const struct resign *r)
{
	return ms_cli_usage(r->cli, "at most %d old keys at one time", FROM_MAX);
}

static int add_key(struct resign *r, const char *name)
{
	int status;

	if (r->n == FROM_MAX)
		return too_many(r);
	if (!strcmp(name, r->sign.key))
		return ms_cli_usage(r->cli, "%s is the new key: --from is for others",
				    name);
	status = ms_signer_fetch(r->cli, &r->talk, name, &r->from[r->n]);
	if (!status)
		snprintf(r->name[r->n++], SHOWN_MAX, "%s", name);
	return status;
}

static int add_certificates(struct resign *r, const char *path)
{
	struct ms_error err = {0};
	char shown[SHOWN_MAX];
	size_t n;

	if (ms_signers_load(path, &r->from[r->n], FROM_MAX - r->n, &n, &err) < 0) {
		ms_error_prefix(&err, "%s: %s", r->cli->cmd->name,
				ms_escape_str(path, shown, sizeof(shown)));
		ms_cli_complain(&err);
		return MS_EXIT_FAILED;
	}
	while (n--)
		ms_escape_str(path, r->name[r->n++], SHOWN_MAX);
	return MS_EXIT_OK;
}

/* --from: what has a slash is a file of certificates, all else the name of a key. */
static int add_listed(struct resign *r, const char *list)
{
	_cleanup_free_ char *copy = strdup(list);
	char *rest = copy, *item;
	int status = copy ? MS_EXIT_OK : MS_EXIT_FAILED;

	while (!status && (item = strsep(&rest, ",")))
		status = strchr(item, '/') ? add_certificates(r, item) : add_key(r, item);
	return status;
}

/* The keys whose successor the new one is. */
static int add_predecessors(struct resign *r)
{
	_cleanup_json_ json_t *answer = NULL;
	int status = ms_talk_ask(&r->talk, "GET", "/v1/keys", NULL, NULL, &answer);
	bool there = false, admin = false;
	const json_t *key;
	size_t i;

	json_array_foreach(json_object_get(answer, "keys"), i, key)
	{
		const char *next = json_string_value(json_object_get(key, "successor"));
		const char *name = json_string_value(json_object_get(key, "name"));

		there = there || (name && !strcmp(name, r->sign.key));
		if (!status && next && name && !strcmp(next, r->sign.key))
			status = add_key(r, name);
	}
	if (!status && !there)
		status = ms_talk_admin(&r->talk, &admin, NULL, 0);
	if (!status && admin)
		return ms_cli_usage(r->cli,
				    "no key %s: 'modseal key list' shows the keys",
				    r->sign.key);
	if (!status && !r->n)
		return ms_cli_usage(r->cli,
				    "no key has %s as its successor: name the old "
				    "ones, or their certificates, with --from",
				    r->sign.key);
	return status;
}

static int find_keys(struct resign *r)
{
	const char *from = ms_cli_opt(r->cli, "from");
	int status = from ? add_listed(r, from) : add_predecessors(r);

	return status ? status
		      : ms_signer_fetch(r->cli, &r->talk, r->sign.key, &r->from[r->n]);
}

/* --------------------------------------------------------------------------- modules */

/* By an old key: signed anew. All else stays, and is counted. */
static bool leave(const struct ms_packed *m, void *arg)
{
	struct resign *r = arg;
	size_t i = 0;

	switch (ms_signers_find(r->from, r->n + 1, m->data, m->len, &i)) {
	case MS_SIGNED_NOT:
		atomic_fetch_add(&r->unsigned_files, 1);
		return true;
	case MS_SIGNED_BY:
		if (i == r->n) {
			atomic_fetch_add(&r->already, 1);
			return true;
		}
		atomic_fetch_add(&r->found[i], 1);
		return r->dry_run;
	case MS_SIGNED_ELSE:
	case MS_SIGNED_UNKNOWN:
	default:
		atomic_fetch_add(&r->others, 1);
		return true;
	}
}

static json_t *from_json(struct resign *r)
{
	json_t *list = json_array();

	for (size_t i = 0; i < r->n; i++)
		json_array_append_new(list,
				      json_pack("{s:s, s:I}", "from", r->name[i],
						"modules", (json_int_t)r->found[i]));
	return list;
}

static void print_json(struct resign *r, size_t left)
{
	const struct ms_pool *p = &r->pool;
	_cleanup_json_ json_t *j = json_pack(
		"{s:s, s:s, s:b, s:I, s:o, s:I, s:I, s:I, s:I, s:I, s:s?, s:O}", "key",
		r->sign.key, "hash", r->sign.hash, "dry_run", r->dry_run, "signed",
		(json_int_t)p->signed_files, "old", from_json(r), "signed_already",
		(json_int_t)r->already, "unsigned", (json_int_t)r->unsigned_files,
		"by_others", (json_int_t)r->others, "failed",
		(json_int_t)r->outcome.failed, "not_tried", (json_int_t)left, "stopped",
		p->stopped ? p->fatal.msg : NULL, "failures", r->outcome.list);

	ms_fact_json(j);
}

static const char *were(size_t n)
{
	return n == 1 ? "was" : "were";
}

static void print_totals(struct resign *r)
{
	const struct ms_pool *p = &r->pool;
	size_t left = p->n - MS_MIN(p->n, atomic_load(&p->done)), found = 0;

	for (size_t i = 0; i < r->n; i++)
		found += r->found[i];
	if (r->cli->json) {
		print_json(r, left);
		return;
	}
	if (ms_cli_opt(r->cli, "quiet"))
		return;
	printf("%zu %s with %s", r->dry_run ? found : p->signed_files,
	       r->dry_run ? "would be signed" : "signed", r->sign.key);
	if (r->already)
		printf(", %zu %s signed with it already", (size_t)r->already,
		       were(r->already));
	if (r->unsigned_files)
		printf(", %zu unsigned %s left", (size_t)r->unsigned_files,
		       were(r->unsigned_files));
	if (r->others)
		printf(", %zu signed by others %s left", (size_t)r->others,
		       were(r->others));
	if (r->outcome.failed)
		printf(", %zu failed", r->outcome.failed);
	if (left)
		printf(", %zu not tried", left);
	printf("\n");
	for (size_t i = 0; i < r->n; i++)
		if (r->found[i])
			printf("%zu %s by %s\n", (size_t)r->found[i],
			       !r->dry_run	  ? were(r->found[i])
			       : r->found[i] == 1 ? "is"
						  : "are",
			       r->name[i]);
}

static int run(struct resign *r)
{
	struct ms_pool *p = &r->pool;
	struct ms_error err = {0};
	int rc = ms_pool_run(p);

	if (rc) {
		(void)ms_error_set(&err, rc, NULL, "resign: cannot start: %s",
				   ms_strerror(rc));
		ms_cli_complain(&err);
		return MS_EXIT_FAILED;
	}
	if (p->stopped)
		ms_cli_complain(&p->fatal);
	ms_tree_relink(&r->tree);
	print_totals(r);
	if (p->signal)
		ms_sign_die_of(p->signal);
	if (p->lost)
		return MS_EXIT_AGENT;
	return r->outcome.failed || p->stopped ? MS_EXIT_FAILED : MS_EXIT_OK;
}

static int add_trees(struct resign *r)
{
	int rc = 0;

	for (int i = 0; i < r->cli->n_operands && !rc; i++)
		rc = ms_tree_add(&r->tree, r->cli->operands[i], true);
	ms_tree_sort(&r->tree);
	if (!rc)
		rc = ms_tree_fold(&r->tree);
	if (!rc)
		return MS_EXIT_OK;
	fprintf(stderr, "modseal: resign: out of memory\n");
	return MS_EXIT_FAILED;
}

static void pool_set_up(struct resign *r)
{
	r->sign.roots = r->cli->operands;
	r->sign.n_roots = (size_t)r->cli->n_operands;
	r->pool.config = &r->talk.config;
	r->pool.sign = &r->sign;
	r->pool.by_digest =
		ms_cli_opt(r->cli, "by-digest") || ms_agent_is_remote(&r->talk.config);
	r->pool.path = r->tree.path;
	r->pool.n = r->tree.n;
	r->pool.quiet = ms_cli_opt(r->cli, "quiet");
	r->pool.leave = leave;
	r->pool.leave_arg = r;
	r->pool.failed = ms_sign_failure;
	r->pool.arg = &r->outcome;
}

int ms_cmd_resign(const struct ms_cli *cli)
{
	_cleanup_(resign_clear) struct resign r = {
		.cli = cli,
		.dry_run = ms_cli_opt(cli, "dry-run"),
		.outcome.list = cli->json ? json_array() : NULL,
	};
	int status = ms_talk_config(cli, &r.talk.config);

	r.tree.failed = ms_sign_failure;
	r.tree.arg = &r.outcome;
	if (!status)
		status = ms_sign_options_read(cli, &r.talk.config, &r.sign, &r.pool.jobs);
	if (!status)
		status = ms_talk_open(cli, &r.talk);
	if (!status)
		status = find_keys(&r);
	if (!status)
		status = add_trees(&r);
	if (status)
		return status;
	ms_talk_close(&r.talk);
	pool_set_up(&r);
	return run(&r);
}
