/* SPDX-License-Identifier: GPL-2.0-or-later */
/* modseal sign --request, modseal sign --resume */
#include <sched.h>

#include "lib/escape.h"
#include "signer/client/cmd_build.h"
#include "signer/client/facts.h"
#include "signer/client/pool.h"

/* ------------------------------------------------------------------- requesting */

static int ask_for(const struct ms_cli *cli, const char *key,
		   const struct ms_module_list *list, json_t **ret)
{
	json_t *body = json_pack("{s:s, s:s, s:O, s:b}", "key", key, "kernel",
				 list->release, "list", list->json, "request", 1);

	return ms_build_post(cli, "/v1/builds", body, ret);
}

int ms_cmd_sign_request(const struct ms_cli *cli)
{
	_cleanup_module_list_ struct ms_module_list list = {0};
	_cleanup_json_ json_t *build = NULL;
	const char *key = ms_cli_opt(cli, "key"), *state;
	struct ms_client_config config;
	char id[MS_FACT_TEXT];
	int status = ms_talk_config(cli, &config);

	if (status)
		return status;
	if (ms_cli_opt(cli, "build"))
		return ms_cli_usage(cli, "a request is a build of its own: leave --build "
					 "out");
	key = key ? key : config.key;
	if (!key[0])
		return ms_cli_usage(cli, "--key NAME is missing");
	status = ms_build_list_of(cli, cli->operands, (size_t)cli->n_operands,
				  ms_cli_opt(cli, "recursive"), true, &list);
	if (!status)
		status = ask_for(cli, key, &list, &build);
	if (status)
		return status;
	if (cli->json) {
		ms_fact_json(build);
		return MS_EXIT_OK;
	}
	printf("%s\n", ms_fact_text(build, "id", id));
	state = json_string_value(json_object_get(build, "state"));
	fprintf(stderr, "modseal: the request %s: 'modseal sign --resume %s' signs%s\n",
		state && strcmp(state, "pending") == 0 ? "waits for approvals"
						       : "needs no approval",
		id, state && strcmp(state, "pending") == 0 ? " once it has them" : "");
	return MS_EXIT_OK;
}

/* --------------------------------------------------------------------- resuming */

/**
 * struct work - what is to be signed
 * @files, @roots: of each module; @n
 */
struct work {
	char **files, **roots;
	size_t n, failed;
};

static void work_clear(struct work *w)
{
	for (size_t i = 0; i < w->n; i++) {
		free(w->files[i]);
		free(w->roots[i]);
	}
	free(w->files);
	free(w->roots);
}

static void failure(void *arg, const char *path, const struct ms_error *err)
{
	((struct work *)arg)->failed++;
	ms_cli_complain(err);
}

/* The folder that the file was below when it got its path. */
static char *root_of(const char *file, const char *path)
{
	size_t f = strlen(file), p = strlen(path);

	if (f > p + 1 && strcmp(file + f - p, path) == 0 && file[f - p - 1] == '/')
		return strndup(file, f - p - 1);
	return strdup("");
}

static int read_list(const json_t *modules, struct work *w)
{
	size_t n = json_array_size(modules);

	w->files = calloc(n + 1, sizeof(*w->files));
	w->roots = calloc(n + 1, sizeof(*w->roots));
	if (!w->files || !w->roots)
		return -1;
	for (size_t i = 0; i < n; i++) {
		const json_t *m = json_array_get(modules, i);
		const char *file = json_string_value(json_object_get(m, "file"));
		const char *path = json_string_value(json_object_get(m, "path"));

		if (!file || !path)
			continue;
		w->files[w->n] = strdup(file);
		w->roots[w->n] = root_of(file, path);
		w->n++;
		if (!w->files[w->n - 1] || !w->roots[w->n - 1])
			return -1;
	}
	return 0;
}

static unsigned int cpus(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set))
		return 1;
	return MS_MIN((unsigned int)CPU_COUNT(&set), (unsigned int)MS_POOL_JOBS_MAX);
}

static int sign_all(const struct ms_cli *cli, const json_t *build, const char *id,
		    const char *hash, struct work *w)
{
	struct ms_client_config config;
	const struct ms_sign_options sign = {
		.key = json_string_value(json_object_get(build, "key")),
		.build = id,
		.hash = hash,
		.roots = w->roots,
		.n_roots = w->n,
		.sync = true,
	};
	struct ms_pool pool = {.config = &config,
			       .sign = &sign,
			       .path = w->files,
			       .n = w->n,
			       .jobs = cpus(),
			       .quiet = ms_cli_opt(cli, "quiet"),
			       .failed = failure,
			       .arg = w};
	int status = ms_talk_config(cli, &config);

	if (status)
		return status;
	if (!sign.key || !hash || w->n == 0 || ms_pool_run(&pool) < 0) {
		fprintf(stderr, "modseal: sign: the request cannot be carried out: its "
				"list names no files\n");
		return MS_EXIT_FAILED;
	}
	if (pool.stopped)
		ms_cli_complain(&pool.fatal);
	if (!cli->json && !pool.quiet)
		printf("%zu signed with %s\n", pool.signed_files, sign.key);
	if (pool.lost)
		return MS_EXIT_AGENT;
	return w->failed || pool.stopped || pool.signal ||
			       pool.signed_files != w->n
		       ? MS_EXIT_FAILED
		       : MS_EXIT_OK;
}

static int not_yet(const json_t *build, const char *id)
{
	const json_t *tiers = json_object_get(build, "tiers"), *t;
	size_t given = json_array_size(json_object_get(build, "approvals")), need = 0;
	char group[MS_FACT_TEXT] = "-";
	size_t i, had = given;

	json_array_foreach((json_t *)(uintptr_t)tiers, i, t)
	{
		size_t n = (size_t)json_integer_value(json_object_get(t, "need"));

		need += n;
		if (group[0] == '-' && had < n)
			ms_fact_text(t, "group", group);
		had -= MS_MIN(had, n);
	}
	fprintf(stderr,
		"modseal: request %s has %zu of %zu approvals, and waits for group %s: "
		"try again later\n",
		id, given, need, group);
	return MS_EXIT_FAILED;
}

static int close_build(const struct ms_cli *cli, const char *id, json_t **ret)
{
	char target[MS_BUILD_TARGET_MAX];
	int status = ms_build_target(cli, id, "/close", target);

	return status ? status : ms_build_post(cli, target, json_object(), ret);
}

static int resume(const struct ms_cli *cli, const char *id, const json_t *build)
{
	_cleanup_(work_clear) struct work w = {0};
	_cleanup_json_ json_t *answer = NULL, *closed = NULL;
	char target[MS_BUILD_TARGET_MAX];
	const json_t *list;
	int status = ms_build_target(cli, id, "/modules?of=list", target);

	if (!status)
		status = ms_build_get(cli, target, &answer);
	if (status)
		return status;
	list = json_object_get(answer, "list");
	if (read_list(json_object_get(list, "modules"), &w) < 0) {
		fprintf(stderr, "modseal: sign: out of memory\n");
		return MS_EXIT_FAILED;
	}
	status = sign_all(cli, build, id,
			  json_string_value(json_object_get(list, "hash")), &w);
	if (!status)
		status = close_build(cli, id, &closed);
	if (!status && cli->json)
		ms_fact_json(closed);
	return status;
}

int ms_cmd_sign_resume(const struct ms_cli *cli)
{
	_cleanup_json_ json_t *build = NULL;
	const char *id = ms_cli_opt(cli, "resume"), *state;
	char target[MS_BUILD_TARGET_MAX], shown[MS_FACT_TEXT];
	int status;

	if (cli->n_operands > 0)
		return ms_cli_usage(cli, "--resume takes no files: the request names "
					 "them");
	status = ms_build_target(cli, id, "", target);
	if (!status)
		status = ms_build_get(cli, target, &build);
	if (status)
		return status;
	state = json_string_value(json_object_get(build, "state"));
	if (!json_is_true(json_object_get(build, "request"))) {
		fprintf(stderr,
			"modseal: %s is a build and no request: use sign --build\n", id);
		return MS_EXIT_FAILED;
	}
	if (state && strcmp(state, "pending") == 0)
		return not_yet(build, id);
	if (!state || strcmp(state, "open") != 0) {
		fprintf(stderr, "modseal: request %s is %s: make another one\n", id,
			ms_fact_text(build, "state", shown));
		return MS_EXIT_FAILED;
	}
	return resume(cli, id, build);
}
