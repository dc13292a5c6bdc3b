/* SPDX-License-Identifier: GPL-2.0-or-later */
/* modseal status, whoami */
#include "signer/client/facts.h"
#include "signer/client/talk.h"

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
	ms_fact_line("Audit records", s, "store.entries");
	ms_fact_line("  store", s, "store.state");
	ms_fact_line("  reason", s, "store.reason");
	ms_fact_line("Checkpoint at", s, "log.size");
	ms_fact_line("  behind it", s, "log.uncovered");
	ms_fact_line("  TPM counter", s, "log.counter");
	ms_fact_line("  state", s, "log.state");
	ms_fact_line("  reason", s, "log.reason");
	ms_fact_line("Configuration", s, "config");
	ms_fact_line("Requests", s, "requests");
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
