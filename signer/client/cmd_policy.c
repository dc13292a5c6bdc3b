/* SPDX-License-Identifier: GPL-2.0-or-later */
/* modseal policy check, policy explain, reload */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include "lib/escape.h"
#include "lib/file.h"
#include "signer/client/facts.h"
#include "signer/client/packed.h"
#include "signer/client/talk.h"

#define BUNDLE_MAX (4u << 20)
#define AGENT_CONFIG MS_SYSCONFDIR "/modseald.conf"

static int post(const struct ms_cli *cli, const char *target, const char *type,
		const struct ms_buf *body, json_t **ret)
{
	_cleanup_talk_ struct ms_talk talk = {0};
	int status = ms_talk_open(cli, &talk);

	return status ? status : ms_talk_ask(&talk, "POST", target, type, body, ret);
}

static int complain(const char *path, struct ms_error *err)
{
	ms_error_prefix(err, "%s", path);
	ms_cli_complain(err);
	return MS_EXIT_FAILED;
}

/* "-" is standard input, which may be a pipe. */
static int read_input(const char *path, size_t max, struct ms_buf *out)
{
	_cleanup_file_ struct ms_file f = {0};
	struct ms_error err = {0};
	char block[4096];
	size_t n;

	if (strcmp(path, "-") != 0) {
		if (ms_file_read(AT_FDCWD, path, max, 0, &f, &err) < 0)
			return complain(path, &err);
		ms_buf_put(out, f.data, f.len);
	} else {
		while ((n = fread(block, 1, sizeof(block), stdin)) > 0)
			ms_buf_put(out, block, n);
		if (ferror(stdin)) {
			ms_error_set(&err, -EIO, NULL, "cannot be read");
			return complain("standard input", &err);
		}
	}
	if (ms_buf_error(out) == 0)
		return MS_EXIT_OK;
	ms_error_set(&err, -EFBIG, NULL, "is over %zu bytes", max);
	return complain(path, &err);
}

/* One file of several, as the agent takes them (signer/agent/config_bundle.c). */
static int add_file(const char *path, struct ms_buf *out)
{
	_cleanup_buf_ struct ms_buf text = MS_BUF_INIT(MS_CONFIG_MAX);
	struct ms_error err = {0};
	int status = read_input(path, MS_CONFIG_MAX, &text);

	if (status)
		return status;
	ms_buf_printf(out, "c %zu %s\n", text.len, path);
	ms_buf_put(out, text.data, text.len);
	if (ms_buf_error(out) == 0)
		return MS_EXIT_OK;
	ms_error_set(&err, -EFBIG, NULL, "with the files before it is over %u bytes",
		     BUNDLE_MAX);
	return complain(path, &err);
}

static int is_conf(const struct dirent *e)
{
	size_t len = strlen(e->d_name);

	return len > 5 && e->d_name[0] != '.' &&
	       strcmp(e->d_name + len - 5, ".conf") == 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* FILE.d/ *.conf, by name, as far as there are some. */
static int add_folder(const char *file, struct ms_buf *out)
{
	struct dirent **list = NULL;
	char dir[MS_PATH_MAX], path[MS_PATH_MAX];
	int n, status = MS_EXIT_OK;

	if (snprintf(dir, sizeof(dir), "%s.d", file) >= (int)sizeof(dir))
		return MS_EXIT_OK;
	n = scandir(dir, &list, is_conf, by_name);
	for (int i = 0; i < n; i++) {
		if (!status && snprintf(path, sizeof(path), "%s/%s", dir,
					list[i]->d_name) < (int)sizeof(path))
			status = add_file(path, out);
		free(list[i]);
	}
	free(list);
	return status;
}

/* The agent's program knows how to read a configuration; it needs no agent for that. */
static int check_offline(const struct ms_cli *cli, const char *file)
{
	if (cli->json)
		return ms_cli_usage(cli, "--json needs the agent: leave --offline out");
	if (strcmp(file, "-") == 0)
		return ms_cli_usage(cli, "--offline needs a file");
	fflush(stdout);
	execlp("modseald", "modseald", "-t", "-s", "-c", file, (char *)NULL);
	execl("/usr/sbin/modseald", "modseald", "-t", "-s", "-c", file, (char *)NULL);
	fprintf(stderr,
		"modseal: policy check: cannot run modseald: %s: is it installed "
		"here?\n",
		ms_strerror(errno));
	return MS_EXIT_FAILED;
}

int ms_cmd_policy_check(const struct ms_cli *cli)
{
	_cleanup_buf_ struct ms_buf text = MS_BUF_INIT(BUNDLE_MAX);
	_cleanup_json_ json_t *answer = NULL;
	const char *file = cli->n_operands ? cli->operands[0] : AGENT_CONFIG;
	bool pipe = strcmp(file, "-") == 0;
	char a[MS_FACT_TEXT], b[MS_FACT_TEXT], c[MS_FACT_TEXT];
	const json_t *list, *v;
	size_t i;
	int status;

	if (ms_cli_opt(cli, "offline"))
		return check_offline(cli, file);
	status = pipe ? read_input(file, MS_CONFIG_MAX, &text) : add_file(file, &text);
	if (!status && !pipe)
		status = add_folder(file, &text);
	if (!status)
		status = post(
			cli, pipe ? "/v1/policy/check" : "/v1/policy/check?format=bundle",
			"text/plain", &text, &answer);
	if (status)
		return status;
	status = json_is_true(json_object_get(answer, "good")) ? MS_EXIT_OK
							       : MS_EXIT_FAILED;
	if (cli->json) {
		ms_fact_json(answer);
		return status;
	}
	if (!json_is_null(json_object_get(answer, "error")))
		printf("%s%s\n", pipe ? "standard input, " : "",
		       ms_fact_text(answer, "error", a));
	list = json_object_get(answer, "findings");
	json_array_foreach((json_t *)(uintptr_t)list, i, v)
	{
		printf("%s%s:%s: %s\n", pipe ? "standard input, " : "",
		       ms_fact_text(v, "file", c), ms_fact_text(v, "line", a),
		       ms_fact_text(v, "text", b));
	}
	if (!status)
		printf("%s: rules: %s, nothing to find fault with\n",
		       pipe ? "standard input" : ms_escape_str(file, c, sizeof(c)),
		       ms_fact_text(answer, "rules", a));
	return status;
}

/* As 'modseal sign' takes it in; what comes through a pipe, as it is. */
static int read_module(const char *path, struct ms_buf *out)
{
	_cleanup_packed_ struct ms_packed m = MS_PACKED_INIT;
	struct ms_error err = {0};

	if (strcmp(path, "-") == 0)
		return read_input(path, MS_MODULE_MAX, out);
	if (ms_packed_read(&m, path, &err) < 0)
		return complain(path, &err);
	ms_buf_put(out, m.data, m.len);
	if (ms_buf_error(out) == 0)
		return MS_EXIT_OK;
	ms_error_set(&err, -EFBIG, NULL, "is over %u bytes", MS_MODULE_MAX);
	return complain(path, &err);
}

static void print_explanation(const json_t *answer)
{
	const json_t *list = json_object_get(answer, "rules"), *v;
	bool allowed = json_is_true(json_object_get(answer, "allowed"));
	char a[MS_FACT_TEXT], b[MS_FACT_TEXT];
	size_t i;

	printf("%s: %s%s%s\n", ms_fact_text(answer, "identity", a),
	       allowed ? "allowed by rule " : "refused: ",
	       allowed ? ms_fact_text(answer, "rule", b)
		       : ms_fact_text(answer, "reason", b),
	       json_is_true(json_object_get(answer, "module"))
		       ? ""
		       : " (whatever the module is)");
	json_array_foreach((json_t *)(uintptr_t)list, i, v)
	{
		bool fits = json_is_true(json_object_get(v, "fits"));

		printf("  %-20s %s\n", ms_fact_text(v, "rule", a),
		       fits ? "fits" : ms_fact_text(v, "reason", b));
	}
}

int ms_cmd_policy_explain(const struct ms_cli *cli)
{
	_cleanup_buf_ struct ms_buf target = MS_BUF_INIT(4096);
	_cleanup_buf_ struct ms_buf body = MS_BUF_INIT(MS_MODULE_MAX);
	_cleanup_json_ json_t *answer = NULL;
	const char *module = ms_cli_opt(cli, "module"), *key = ms_cli_opt(cli, "key");
	static const char *const optional[] = {"as", "hash", "build", "type", "file"};
	struct ms_client_config config;
	int status = ms_talk_config(cli, &config);

	if (!status && module)
		status = read_module(module, &body);
	if (status)
		return status;
	key = key ? key : config.key;
	if (!key[0])
		return ms_cli_usage(cli, "--key NAME is missing");
	ms_buf_printf(&target, "/v1/policy/explain?key=");
	ms_http_encode(&target, key);
	for (size_t i = 0; i < ARRAY_SIZE(optional); i++) {
		if (!ms_cli_opt(cli, optional[i]))
			continue;
		ms_buf_printf(&target, "&%s=", optional[i]);
		ms_http_encode(&target, ms_cli_opt(cli, optional[i]));
	}
	if (!ms_buf_cstr(&target))
		return ms_cli_usage(cli, "the arguments are too long");
	status = post(cli, ms_buf_cstr(&target), "application/octet-stream", &body,
		      &answer);
	if (status)
		return status;
	if (cli->json)
		ms_fact_json(answer);
	else
		print_explanation(answer);
	return json_is_true(json_object_get(answer, "allowed")) ? MS_EXIT_OK
								: MS_EXIT_FAILED;
}

int ms_cmd_reload(const struct ms_cli *cli)
{
	_cleanup_buf_ struct ms_buf nothing = MS_BUF_INIT(1);
	_cleanup_json_ json_t *answer = NULL;
	char text[MS_FACT_TEXT];
	int status = post(cli, "/v1/reload", "application/json", &nothing, &answer);

	if (status)
		return status;
	if (cli->json)
		ms_fact_json(answer);
	else
		printf("reloaded: %s rules\n", ms_fact_text(answer, "rules", text));
	return MS_EXIT_OK;
}
