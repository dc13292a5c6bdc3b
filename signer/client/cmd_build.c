/* SPDX-License-Identifier: GPL-2.0-or-later */
/* modseal build open, list, show, approve, reject, close */
#include <time.h>
#include "lib/escape.h"
#include "lib/hash.h"
#include "signer/client/cmd_build.h"
#include "signer/client/facts.h"
#include "signer/client/module_list.h"
#include "signer/client/talk.h"

int ms_build_target(const struct ms_cli *cli, const char *id, const char *tail,
		    char ret[MS_BUILD_TARGET_MAX])
{
	char shown[2 * MS_KEY_NAME_MAX];

	if (!ms_key_name_valid(id))
		return ms_cli_usage(cli, "\"%s\" cannot be the id of a build",
				    ms_escape_str(id, shown, sizeof(shown)));
	snprintf(ret, MS_BUILD_TARGET_MAX, "/v1/builds/%s%s", id, tail);
	return MS_EXIT_OK;
}

int ms_build_post(const struct ms_cli *cli, const char *target, json_t *body,
		  json_t **ret)
{
	_cleanup_buf_ struct ms_buf buf = MS_BUF_INIT(16u << 20);
	_cleanup_talk_ struct ms_talk talk = {0};
	_cleanup_json_ json_t *j = body;
	_cleanup_free_ char *text = j ? json_dumps(j, JSON_COMPACT) : NULL;
	int status;

	if (!text)
		return ms_cli_usage(cli, "the arguments have to be UTF-8 text");
	ms_buf_put(&buf, text, strlen(text));
	status = ms_talk_open(cli, &talk);
	if (status)
		return status;
	return ms_talk_ask(&talk, "POST", target, "application/json", &buf, ret);
}

/* ------------------------------------------------------------------- showing */

static const char *time_text(const json_t *build, const char *name, char ret[32])
{
	time_t t = (time_t)json_integer_value(json_object_get(build, name));
	struct tm tm;

	if (!t || !gmtime_r(&t, &tm) || !strftime(ret, 32, "%F %T UTC", &tm))
		return NULL;
	return ret;
}

static void time_line(const char *label, const json_t *build, const char *name)
{
	char text[32];

	if (time_text(build, name, text))
		printf("%-14s %s\n", label, text);
}

static void show_tiers(const json_t *build)
{
	const json_t *tiers = json_object_get(build, "tiers");
	const json_t *approvals = json_object_get(build, "approvals");
	char group[MS_FACT_TEXT], need[MS_FACT_TEXT], who[MS_FACT_TEXT],
		user[MS_FACT_TEXT], when[32];

	for (size_t i = 0; i < json_array_size(tiers); i++) {
		const json_t *t = json_array_get(tiers, i);

		printf("%-14s %s of group %s\n", i ? "  then" : "Approvals",
		       ms_fact_text(t, "need", need), ms_fact_text(t, "group", group));
	}
	for (size_t i = 0; i < json_array_size(approvals); i++) {
		const json_t *a = json_array_get(approvals, i);
		const char *at = time_text(a, "time", when);

		printf("%-14s %s (%s), %s\n", "  given by",
		       ms_fact_text(a, "identity", who), ms_fact_text(a, "user", user),
		       at ? at : "-");
	}
}

static int print_build(const struct ms_cli *cli, const json_t *b)
{
	char signed_[MS_FACT_TEXT], max[MS_FACT_TEXT];

	if (cli->json) {
		ms_fact_json(b);
		return MS_EXIT_OK;
	}
	ms_fact_line("Build", b, "id");
	ms_fact_line("State", b, "state");
	ms_fact_line("Key", b, "key");
	ms_fact_line("Kernel", b, "kernel");
	ms_fact_line("Series", b, "series");
	if (json_is_true(json_object_get(b, "request")))
		ms_fact_line("Request for", b, "list.modules");
	else
		ms_fact_line("List of", b, "list.modules");
	ms_fact_line("Follows", b, "previous");
	ms_fact_line("Rule", b, "rule");
	ms_fact_line("Opened by", b, "opener.identity");
	ms_fact_line("  user", b, "opener.user");
	show_tiers(b);
	time_line("Requested", b, "requested");
	time_line("Opened", b, "opened");
	time_line(json_integer_value(json_object_get(b, "ended")) ? "Would expire"
								  : "Expires",
		  b, "expires");
	time_line("Ended", b, "ended");
	ms_fact_line("  by", b, "ended_by.identity");
	ms_fact_line("  reason", b, "reason");
	printf("%-14s %s of at most %s\n", "Signed", ms_fact_text(b, "signed", signed_),
	       ms_fact_text(b, "max", max));
	return MS_EXIT_OK;
}

int ms_build_get(const struct ms_cli *cli, const char *target, json_t **ret)
{
	_cleanup_buf_ struct ms_buf out = MS_BUF_INIT(MS_BUILD_ANSWER_MAX);
	_cleanup_talk_ struct ms_talk talk = {0};
	int status = ms_talk_open(cli, &talk);

	if (!status)
		status = ms_talk_fetch(&talk, target, "application/json", &out);
	if (status)
		return status;
	*ret = json_loadb((const char *)out.data, out.len, JSON_REJECT_DUPLICATES, NULL);
	if (json_is_object(*ret))
		return MS_EXIT_OK;
	json_decref(*ret);
	*ret = NULL;
	fprintf(stderr,
		"modseal: the agent's answer to %s is not a JSON object: is the agent at "
		"%s a modseald?\n",
		target, talk.config.agent);
	return MS_EXIT_FAILED;
}

int ms_cmd_build_show(const struct ms_cli *cli)
{
	_cleanup_json_ json_t *build = NULL;
	char target[MS_BUILD_TARGET_MAX];
	int status = ms_build_target(cli, cli->operands[0], "", target);

	if (ms_cli_opt(cli, "diff"))
		return ms_cmd_build_diff(cli);
	if (cli->n_operands > 1)
		return ms_cli_usage(cli, "PREVIOUS goes with --diff");

	if (!status)
		status = ms_build_get(cli, target, &build);
	return status ? status : print_build(cli, build);
}

static void print_row(const json_t *b)
{
	char id[MS_FACT_TEXT], state[MS_FACT_TEXT], key[MS_FACT_TEXT],
		kernel[MS_FACT_TEXT], series[MS_FACT_TEXT], signed_[MS_FACT_TEXT];

	printf("%-26s  %-8s  %6s  %-16s  %-20s  %s\n", ms_fact_text(b, "id", id),
	       ms_fact_text(b, "state", state), ms_fact_text(b, "signed", signed_),
	       ms_fact_text(b, "key", key), ms_fact_text(b, "kernel", kernel),
	       json_is_true(json_object_get(b, "request"))
		       ? "(request)"
		       : ms_fact_text(b, "series", series));
}

int ms_cmd_build_list(const struct ms_cli *cli)
{
	_cleanup_json_ json_t *answer = NULL;
	const char *state = ms_cli_opt(cli, "state");
	const json_t *list;
	char target[64];
	bool requests = ms_cli_opt(cli, "requests");
	int status;

	snprintf(target, sizeof(target), "/v1/builds%s%s%s%s", state ? "?state=" : "",
		 state ? state : "", state && requests ? "&" : (requests ? "?" : ""),
		 requests ? "request=1" : "");
	status = ms_build_get(cli, target, &answer);
	if (status)
		return status;
	list = json_object_get(answer, "builds");
	if (cli->json) {
		ms_fact_json(list);
		return MS_EXIT_OK;
	}
	if (json_array_size(list) > 0)
		printf("%-26s  %-8s  %6s  %-16s  %-20s  %s\n", "ID", "STATE", "SIGNED",
		       "KEY", "KERNEL", "SERIES");
	for (size_t i = 0; i < json_array_size(list); i++)
		print_row(json_array_get(list, i));
	return MS_EXIT_OK;
}

/* ------------------------------------------------------------------ changing */

static void list_failure(void *arg, const char *path, const struct ms_error *err)
{
	++*(size_t *)arg;
	ms_cli_complain(err);
}

int ms_build_list_of(const struct ms_cli *cli, char *const *paths, size_t n,
		     bool recursive, bool with_files, struct ms_module_list *ret)
{
	const char *name = ms_cli_opt(cli, "hash");
	size_t failed = 0;
	_cleanup_tree_ struct ms_tree tree = {.failed = list_failure, .arg = &failed};
	enum ms_hash hash = MS_HASH_SHA256;
	int r = 0;

	if (name && (ms_hash_from_name(name, &hash) < 0 || !ms_hash_may_sign(hash)))
		return ms_cli_usage(cli, "--hash needs a hash to sign with, say sha256");
	for (size_t i = 0; i < n && r == 0; i++)
		r = ms_tree_add(&tree, paths[i], recursive);
	ms_tree_sort(&tree);
	if (r == 0)
		r = ms_module_list_make(&tree, paths, n, hash, with_files, ret);
	if (r < 0)
		fprintf(stderr, "modseal: out of memory\n");
	else if (failed)
		fprintf(stderr, "modseal: %zu cannot be listed: nothing was opened\n",
			failed);
	return r < 0 || failed ? MS_EXIT_FAILED : MS_EXIT_OK;
}

static int add_list(const struct ms_cli *cli, const char *path, json_t *body)
{
	char *const paths[] = {(char *)(uintptr_t)path};
	_cleanup_module_list_ struct ms_module_list list = {0};
	int status = ms_build_list_of(cli, paths, 1, true, false, &list);

	if (!status && json_object_set(body, "list", list.json) < 0)
		status = MS_EXIT_FAILED;
	return status;
}

int ms_cmd_build_open(const struct ms_cli *cli)
{
	const char *kernel = ms_cli_opt(cli, "kernel"), *key = ms_cli_opt(cli, "key");
	const char *max_text = ms_cli_opt(cli, "max"), *state;
	struct ms_client_config config;
	_cleanup_json_ json_t *build = NULL;
	char id[MS_FACT_TEXT];
	json_t *body;
	long max = 0;
	int status = ms_talk_config(cli, &config);

	if (status)
		return status;
	key = key ? key : config.key;
	if (!kernel || !key[0])
		return ms_cli_usage(cli, "%s is missing",
				    kernel ? "--key NAME" : "--kernel RELEASE");
	if (max_text && ms_cli_number(max_text, 1, 1000000, &max))
		return ms_cli_usage(cli, "--max needs a number from 1 to 1000000");
	body = json_pack("{s:s, s:s, s:s*, s:s*}", "kernel", kernel, "key", key, "series",
			 ms_cli_opt(cli, "series"), "expires",
			 ms_cli_opt(cli, "expires"));
	if (body && max)
		json_object_set_new(body, "max", json_integer(max));
	if (body && ms_cli_opt(cli, "list"))
		status = add_list(cli, ms_cli_opt(cli, "list"), body);
	if (status) {
		json_decref(body);
		return status;
	}
	status = ms_build_post(cli, "/v1/builds", body, &build);
	if (status)
		return status;
	if (cli->json) {
		ms_fact_json(build);
		return MS_EXIT_OK;
	}
	printf("%s\n", ms_fact_text(build, "id", id));
	state = json_string_value(json_object_get(build, "state"));
	if (state && !strcmp(state, "pending"))
		fprintf(stderr,
			"modseal: the build waits for approvals: 'modseal build show %s' "
			"says whose\n",
			id);
	return MS_EXIT_OK;
}

/* How many approvals its tiers ask for together. */
static json_int_t needed(const json_t *build)
{
	const json_t *tier;
	json_int_t n = 0;
	size_t i;

	json_array_foreach(json_object_get(build, "tiers"), i, tier)
	{
		n += json_integer_value(json_object_get(tier, "need"));
	}
	return n;
}

static int change(const struct ms_cli *cli, const char *tail, json_t *body)
{
	_cleanup_json_ json_t *build = NULL;
	char target[MS_BUILD_TARGET_MAX], state[MS_FACT_TEXT];
	int status = ms_build_target(cli, cli->operands[0], tail, target);

	if (status) {
		json_decref(body);
		return status;
	}
	status = ms_build_post(cli, target, body, &build);
	if (status)
		return status;
	if (cli->json) {
		ms_fact_json(build);
		return MS_EXIT_OK;
	}
	printf("build %s is %s", cli->operands[0], ms_fact_text(build, "state", state));
	if (!strcmp(state, "pending"))
		printf(": it has %zu of %lld approvals",
		       json_array_size(json_object_get(build, "approvals")),
		       (long long)needed(build));
	printf("\n");
	return MS_EXIT_OK;
}

int ms_cmd_build_approve(const struct ms_cli *cli)
{
	return change(cli, "/approve", json_object());
}

int ms_cmd_build_reject(const struct ms_cli *cli)
{
	return change(cli, "/reject",
		      json_pack("{s:s*}", "reason", ms_cli_opt(cli, "reason")));
}

int ms_cmd_build_close(const struct ms_cli *cli)
{
	return change(cli, "/close", json_object());
}

int ms_cmd_build_manifest(const struct ms_cli *cli)
{
	_cleanup_buf_ struct ms_buf out = MS_BUF_INIT(256u << 20);
	_cleanup_talk_ struct ms_talk talk = {0};
	bool p7s = ms_cli_opt(cli, "signature"), text = ms_cli_opt(cli, "content");
	char target[MS_BUILD_TARGET_MAX];
	int status = ms_build_target(cli, cli->operands[0],
				     p7s    ? "/manifest?format=p7s"
				     : text ? "/manifest?format=json"
					    : "/manifest",
				     target);

	if (!status)
		status = ms_talk_open(cli, &talk);
	if (!status)
		status = ms_talk_fetch(&talk, target,
				       p7s    ? "application/pkcs7-signature"
				       : text ? "application/json"
					      : "application/jsonl",
				       &out);
	if (!status)
		fwrite(out.data, 1, out.len, stdout);
	return status;
}
