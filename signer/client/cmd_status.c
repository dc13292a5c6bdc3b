/* SPDX-License-Identifier: GPL-2.0-or-later */
/* modseal status, metrics, whoami */
#include <time.h>

#include "signer/client/facts.h"
#include "signer/client/talk.h"

static void print_time(const char *label, const json_t *s, const char *name)
{
	time_t t = (time_t)json_integer_value(json_object_get(s, name));
	char text[32];
	struct tm tm;

	if (t && gmtime_r(&t, &tm) && strftime(text, sizeof(text), "%F %T UTC", &tm))
		printf("%-14s %s\n", label, text);
}

/* "front, tpm": those for which @member is false or 0. */
static void print_without(const char *label, const json_t *sandbox, const char *member,
			  bool supervisor)
{
	char text[MS_FACT_TEXT];
	size_t i, n = 0;
	const json_t *p;

	json_array_foreach(sandbox, i, p)
	{
		const json_t *v = json_object_get(p, member);

		ms_fact_text(p, "process", text);
		if (json_is_true(v) || json_integer_value(v) > 0 ||
		    (!supervisor && strcmp(text, "supervisor") == 0))
			continue;
		if (n++ == 0)
			printf("%-14s ", label);
		printf("%s%s", n > 1 ? ", " : "", text);
	}
	if (n)
		printf("\n");
}

static void print_warnings(const json_t *warnings)
{
	char key[MS_FACT_TEXT], text[MS_FACT_TEXT];
	const json_t *w;
	size_t i;

	json_array_foreach(warnings, i, w)
		printf("%-14s key %s: %s\n", "Warning", ms_fact_text(w, "key", key),
		       ms_fact_text(w, "warning", text));
}

static void print_status(const struct ms_talk *talk, const json_t *s)
{
	char text[MS_FACT_TEXT];
	const json_t *uptime = json_object_get(s, "uptime");

	printf("%-14s %s\n", "Agent", talk->config.agent);
	ms_fact_line("Version", s, "version");
	if (json_is_number(uptime))
		printf("%-14s %s\n", "Up",
		       ms_fact_duration(json_number_value(uptime), text));
	ms_fact_line("TPM", s, "tpm.state");
	ms_fact_line("  reason", s, "tpm.reason");
	ms_fact_line("  manufacturer", s, "tpm.manufacturer");
	ms_fact_line("  firmware", s, "tpm.firmware");
	ms_fact_line("Keys", s, "keys");
	ms_fact_line("Store", s, "store.state");
	ms_fact_line("  reason", s, "store.reason");
	ms_fact_line("Audit records", s, "store.entries");
	ms_fact_line("Log", s, "log.state");
	ms_fact_line("  reason", s, "log.reason");
	ms_fact_line("  checkpoint at", s, "log.size");
	ms_fact_line("  behind it", s, "log.uncovered");
	ms_fact_line("  TPM counter", s, "log.counter");
	print_time("  made", json_object_get(s, "log"), "checkpoint");
	print_time("  checked", json_object_get(s, "log"), "checked");
	ms_fact_line("Configuration", s, "config");
	print_without("No Landlock", json_object_get(s, "sandbox"), "landlock", false);
	print_without("No seccomp", json_object_get(s, "sandbox"), "seccomp", true);
	ms_fact_line("Requests", s, "requests");
	print_warnings(json_object_get(s, "warnings"));
}

int ms_cmd_status(const struct ms_cli *cli)
{
	_cleanup_buf_ struct ms_buf out = MS_BUF_INIT(MS_HTTP_ANSWER_MAX);
	_cleanup_talk_ struct ms_talk talk = {0};
	_cleanup_json_ json_t *answer = NULL;
	int status = ms_talk_open(cli, &talk);

	if (!status)
		status = ms_talk_ask(&talk, "GET", "/v1/status", NULL, NULL, &answer);
	if (status)
		return status;
	if (cli->json)
		ms_fact_json(answer);
	else
		print_status(&talk, answer);
	/* Not ready: the agent's sentence says why. */
	return ms_talk_fetch(&talk, "/readyz", "text/plain", &out);
}

int ms_cmd_metrics(const struct ms_cli *cli)
{
	_cleanup_buf_ struct ms_buf out = MS_BUF_INIT(MS_HTTP_ANSWER_MAX);
	_cleanup_talk_ struct ms_talk talk = {0};
	int status = ms_talk_open(cli, &talk);

	if (!status)
		status = ms_talk_fetch(&talk, "/metrics", "text/plain", &out);
	if (status)
		return status;
	if (fwrite(out.data, 1, out.len, stdout) != out.len || fflush(stdout) != 0)
		return MS_EXIT_FAILED;
	return MS_EXIT_OK;
}

int ms_cmd_whoami(const struct ms_cli *cli)
{
	_cleanup_talk_ struct ms_talk talk = {0};
	_cleanup_json_ json_t *answer = NULL;
	int status = ms_talk_open(cli, &talk);

	if (!status)
		status = ms_talk_ask(&talk, "GET", "/v1/whoami", NULL, NULL, &answer);
	if (status)
		return status;
	if (cli->json) {
		ms_fact_json(answer);
		return MS_EXIT_OK;
	}
	ms_fact_line("Identity", answer, "identity");
	ms_fact_line("User", answer, "user");
	ms_fact_line("Groups", answer, "groups");
	ms_fact_line("Administrator", answer, "admin");
	return MS_EXIT_OK;
}
