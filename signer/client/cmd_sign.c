/* SPDX-License-Identifier: GPL-2.0-or-later */
/* modseal sign */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include "lib/escape.h"
#include "lib/hash.h"
#include "signer/client/cmd_build.h"
#include "signer/client/cmd_sign.h"
#include "signer/client/cmd_sign_file.h"
#include "signer/client/detached.h"
#include "signer/client/facts.h"
#include "signer/client/tree.h"

#define DEFAULT_HASH "sha256"

void ms_sign_failure(void *arg, const char *path, const struct ms_error *err)
{
	struct ms_sign_outcome *o = arg;
	_cleanup_free_ char *shown = NULL;

	o->failed++;
	ms_cli_complain(err);
	if (!o->list)
		return;
	/* Paths are bytes; JSON is text. */
	shown = malloc(4 * strlen(path) + 4);
	if (!shown)
		return;
	ms_escape_str(path, shown, 4 * strlen(path) + 4);
	json_array_append_new(o->list, json_pack("{s:s, s:s, s:s}", "path", shown, "code",
						 err->code, "error", err->msg));
}

static unsigned int cpus(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set))
		return 1;
	return MS_MIN((unsigned int)CPU_COUNT(&set), (unsigned int)MS_POOL_JOBS_MAX);
}

int ms_sign_jobs(const struct ms_cli *cli, unsigned int *ret)
{
	const char *text = ms_cli_opt(cli, "jobs");
	long jobs = cpus();

	if (text && ms_cli_number(text, 1, MS_POOL_JOBS_MAX, &jobs))
		return ms_cli_usage(cli, "--jobs needs a number from 1 to %d",
				    MS_POOL_JOBS_MAX);
	*ret = (unsigned int)jobs;
	return MS_EXIT_OK;
}

int ms_sign_options_read(const struct ms_cli *cli, const struct ms_client_config *config,
			 struct ms_sign_options *ret, unsigned int *ret_jobs)
{
	const char *hash = ms_cli_opt(cli, "hash");
	const char *key = ms_cli_opt(cli, "key"), *build = ms_cli_opt(cli, "build");
	enum ms_hash h;
	char shown[256];
	int status = ms_sign_jobs(cli, ret_jobs);

	if (status)
		return status;
	hash = hash ? hash : DEFAULT_HASH;
	if (ms_hash_from_name(hash, &h))
		return ms_cli_usage(
			cli,
			"there is no hash \"%s\": sha256 is what every kernel "
			"can check",
			ms_escape_str(hash, shown, sizeof(shown)));
	if (!ms_hash_may_sign(h))
		return ms_cli_usage(cli, "%s is too weak to sign with: use sha256",
				    ms_hash_name(h));
	key = key ? key : config->key;
	if (!key[0])
		return ms_cli_usage(
			cli,
			"no key: use --key NAME, MODSEAL_KEY, or key = NAME in "
			"%s",
			ms_client_config_path(shown, sizeof(shown)));
	if (!ms_key_name_valid(key))
		return ms_cli_usage(cli, "\"%s\" cannot be the name of a key",
				    ms_escape_str(key, shown, sizeof(shown)));
	if (build && !ms_key_name_valid(build))
		return ms_cli_usage(cli, "\"%s\" cannot be the id of a build",
				    ms_escape_str(build, shown, sizeof(shown)));
	*ret = (struct ms_sign_options){.key = key,
					.build = build ? build : config->build,
					.hash = ms_hash_name(h),
					.keyid = ms_cli_opt(cli, "keyid"),
					.sync = true};
	return MS_EXIT_OK;
}

static int options_check(const struct ms_cli *cli, const struct ms_client_config *config,
			 struct ms_sign_options *ret, unsigned int *ret_jobs)
{
	int status = ms_sign_options_read(cli, config, ret, ret_jobs);

	if (status)
		return status;
	ret->dest = ms_cli_opt(cli, "dest");
	ret->detached = ms_cli_opt(cli, "detached");
	ret->keep_detached = ms_cli_opt(cli, "keep-detached");
	ret->sig_dir = ms_cli_opt(cli, "to");
	if (ret->sig_dir && (ret->dest || (!ret->detached && !ret->keep_detached)))
		return ms_cli_usage(cli, "--to is for the signatures of --detached and "
					 "--keep-detached");
	if (ret->dest && (cli->n_operands != 1 || ms_cli_opt(cli, "recursive")))
		return ms_cli_usage(cli, "--dest is for one file");
	return MS_EXIT_OK;
}

/* ------------------------------------------------- modules that are signed already */

static bool leave_own(const struct ms_packed *m, void *arg)
{
	size_t i;

	return ms_signers_find(arg, 1, m->data, m->len, &i) == MS_SIGNED_BY;
}

static bool leave_signed(const struct ms_packed *m, void *arg)
{
	return m->payload_len < m->len;
}

int ms_sign_leave_own(const struct ms_cli *cli, struct ms_talk *talk,
		      struct ms_signer *own, struct ms_pool *p)
{
	p->leave = leave_own;
	p->leave_arg = own;
	own->build = p->sign->build;
	own->strict_sid = true;
	own->keyid = p->sign->keyid;
	if (ms_hash_from_name(p->sign->hash, &own->hash))
		return MS_EXIT_USAGE;
	return ms_signer_fetch(cli, talk, p->sign->key, own);
}

/* --signed: which modules stay as they are */
static int choose_left(const struct ms_cli *cli, struct ms_talk *talk,
		       struct ms_signer *own, struct ms_pool *p)
{
	const char *how = ms_cli_opt(cli, "signed");

	if (!how || !strcmp(how, "replace"))
		return MS_EXIT_OK;
	if (p->sign->dest || p->sign->detached || p->sign->keep_detached)
		return ms_cli_usage(cli,
				    "--signed %s is for modules that are signed in "
				    "place: not with --dest, --detached and "
				    "--keep-detached",
				    how);
	if (!strcmp(how, "keep")) {
		p->leave = leave_signed;
		return MS_EXIT_OK;
	}
	return ms_sign_leave_own(cli, talk, own, p);
}

void ms_sign_totals(const struct ms_cli *cli, const struct ms_pool *p,
		    const struct ms_sign_outcome *o)
{
	size_t left = p->n - MS_MIN(p->n, atomic_load(&p->done));

	if (cli->json) {
		_cleanup_json_ json_t *j = json_pack(
			"{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:f, s:s?, s:O}", "key",
			p->sign->key, "hash", p->sign->hash, "signed",
			(json_int_t)p->signed_files, "signed_already",
			(json_int_t)p->left_files, "failed", (json_int_t)o->failed,
			"not_tried", (json_int_t)left, "bytes",
			(json_int_t)p->signed_bytes, "seconds",
			(double)(long)(p->seconds * 1000 + 0.5) / 1000, "stopped",
			p->stopped ? p->fatal.msg : NULL, "failures", o->list);

		ms_fact_json(j);
		return;
	}
	if (ms_cli_opt(cli, "quiet"))
		return;
	printf("%zu signed with %s%s", p->signed_files, p->sign->key,
	       p->sign->detached ? " (detached)" : "");
	if (p->left_files)
		printf(", %zu were signed already", p->left_files);
	if (o->failed)
		printf(", %zu failed", o->failed);
	if (left)
		printf(", %zu not tried", left);
	if (p->signed_files > 1)
		printf("; %.1f MB in %.1f s", (double)p->signed_bytes / 1e6, p->seconds);
	printf("\n");
}

void ms_sign_die_of(int sig)
{
	fflush(stdout);
	signal(sig, SIG_DFL);
	raise(sig);
}

static int sign_list(const struct ms_cli *cli, struct ms_tree *tree, struct ms_pool *p,
		     struct ms_sign_outcome *o)
{
	struct ms_error err = {0};
	int rc = ms_pool_run(p);

	if (rc) {
		(void)ms_error_set(&err, rc, NULL, "sign: cannot start: %s",
				   ms_strerror(rc));
		ms_cli_complain(&err);
		return MS_EXIT_FAILED;
	}
	if (p->stopped)
		ms_cli_complain(&p->fatal);
	ms_tree_relink(tree);
	ms_sign_totals(cli, p, o);
	if (p->signal)
		ms_sign_die_of(p->signal);
	if (p->lost)
		return MS_EXIT_AGENT;
	return o->failed || p->stopped ? MS_EXIT_FAILED : MS_EXIT_OK;
}

/* What is no module may be signed in another way. */
static void failed(void *arg, const char *path, const struct ms_error *err)
{
	const char *slash = strrchr(path, '/');
	struct ms_error said = *err;
	size_t len = strlen(said.msg);

	if (!strcmp(err->code, "no-module"))
		snprintf(said.msg + len, sizeof(said.msg) - len,
			 "; other files have to be named one by one, with --detached or "
			 "--format");
	else if (!strcmp(err->code, "not-a-module") &&
		 ms_tree_kind(slash ? slash + 1 : path) == MS_TREE_OTHER)
		snprintf(said.msg + len, sizeof(said.msg) - len,
			 "; files that are no modules: --detached or --format");
	ms_sign_failure(arg, path, &said);
}

int ms_cmd_sign(const struct ms_cli *cli)
{
	_cleanup_json_ json_t *list = cli->json ? json_array() : NULL;
	struct ms_sign_outcome o = {.list = list};
	_cleanup_tree_ struct ms_tree tree = {.failed = failed, .arg = &o};
	_cleanup_(ms_signer_clear) struct ms_signer own = {0};
	_cleanup_talk_ struct ms_talk talk = {0};
	struct ms_sign_options sign;
	struct ms_pool pool = {
		.config = &talk.config, .sign = &sign, .failed = failed, .arg = &o};
	struct ms_error err = {0};
	bool files;
	int status = ms_sign_is_of_files(cli, &files);

	if (status || files)
		return status ? status : ms_cmd_sign_files(cli);
	if (ms_cli_opt(cli, "by-content") || ms_cli_opt(cli, "xattr"))
		return ms_cli_usage(cli, "--by-content and --xattr are for --format");
	if (ms_cli_opt(cli, "resume"))
		return ms_cmd_sign_resume(cli);
	if (cli->n_operands == 0)
		return ms_cli_usage(cli, "PATH... is missing");
	if (ms_cli_opt(cli, "request"))
		return ms_cmd_sign_request(cli);
	status = ms_talk_config(cli, &talk.config);
	if (!status)
		status = options_check(cli, &talk.config, &sign, &pool.jobs);
	/* Without an agent there is nothing to look for. */
	if (!status)
		status = ms_talk_open(cli, &talk);
	if (!status)
		status = choose_left(cli, &talk, &own, &pool);
	if (status)
		return status;
	ms_talk_close(&talk);
	pool.by_digest = ms_cli_opt(cli, "by-digest") || ms_agent_is_remote(&talk.config);
	for (int i = 0; i < cli->n_operands; i++) {
		if (ms_tree_add(&tree, cli->operands[i], ms_cli_opt(cli, "recursive"))) {
			fprintf(stderr, "modseal: sign: out of memory\n");
			return MS_EXIT_FAILED;
		}
	}
	ms_tree_sort(&tree);
	/* With signatures beside them, each name has one of its own. */
	if (!sign.detached && !sign.keep_detached && !sign.dest &&
	    ms_tree_fold(&tree) < 0) {
		fprintf(stderr, "modseal: sign: out of memory\n");
		return MS_EXIT_FAILED;
	}
	sign.roots = cli->operands;
	sign.n_roots = (size_t)cli->n_operands;
	if (ms_detached_distinct(tree.path, tree.n, sign.roots, sign.n_roots,
				 sign.sig_dir, &err) < 0) {
		ms_error_prefix(&err, "sign");
		ms_cli_complain(&err);
		return MS_EXIT_USAGE;
	}
	pool.path = tree.path;
	pool.n = tree.n;
	pool.quiet = ms_cli_opt(cli, "quiet");
	return sign_list(cli, &tree, &pool, &o);
}
