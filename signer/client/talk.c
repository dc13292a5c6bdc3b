/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/cert.h"
#include "lib/escape.h"
#include "lib/limits.h"
#include "signer/client/facts.h"
#include "signer/client/talk.h"

/* Making an RSA-4096 key takes seconds on a small machine, and the TPM has its own time.
 */
#define ANSWER_TIMEOUT_MS 120000u
#define TARGET_MAX 256

void ms_talk_close(struct ms_talk *t)
{
	if (t->open)
		ms_http_close(&t->http);
	t->open = false;
}

int ms_talk_config(const struct ms_cli *cli, struct ms_client_config *ret)
{
	struct ms_error err = {0};
	size_t len;

	if (ms_client_config_load(ret, &err)) {
		ms_cli_complain(&err);
		return MS_EXIT_USAGE;
	}
	if (!cli->agent)
		return MS_EXIT_OK;
	len = strlen(cli->agent);
	if (len >= sizeof(ret->agent))
		return ms_cli_usage(cli, "--agent is too long for an address");
	memcpy(ret->agent, cli->agent, len + 1);
	return MS_EXIT_OK;
}

int ms_talk_open(const struct ms_cli *cli, struct ms_talk *ret)
{
	struct ms_error err = {0};
	int status = ms_talk_config(cli, &ret->config);

	if (status)
		return status;
	if (ms_agent_open(&ret->http, &ret->config, &err)) {
		ms_cli_complain(&err);
		return ms_talk_lost(&err) ? MS_EXIT_AGENT : MS_EXIT_USAGE;
	}
	ret->open = true;
	return MS_EXIT_OK;
}

bool ms_talk_lost(const struct ms_error *err)
{
	static const char *const codes[] = {"no-agent", "agent-gone", "agent-timeout"};

	for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
		if (!strcmp(err->code, codes[i]))
			return true;
	}
	return false;
}

static int failed(const struct ms_error *err)
{
	ms_cli_complain(err);
	return ms_talk_lost(err) ? MS_EXIT_AGENT : MS_EXIT_FAILED;
}

int ms_talk_ask(struct ms_talk *t, const char *method, const char *target,
		const char *type, const struct ms_buf *body, json_t **ret)
{
	_cleanup_buf_ struct ms_buf out = MS_BUF_INIT(MS_HTTP_ANSWER_MAX);
	_cleanup_json_ json_t *j = NULL;
	struct iovec iov = {0};
	struct ms_error err = {0};
	json_error_t jerr;
	int rc;

	if (body)
		iov = (struct iovec){.iov_base = body->data, .iov_len = body->len};
	rc = ms_agent_call(&t->http, method, target, "application/json", type, &iov,
			   body ? 1 : 0, &out, &err);
	if (rc)
		return failed(&err);
	j = json_loadb((const char *)out.data, out.len, JSON_REJECT_DUPLICATES, &jerr);
	if (!json_is_object(j)) {
		fprintf(stderr,
			"modseal: the agent's answer to %s is not a JSON object: is the "
			"agent "
			"at %s a modseald?\n",
			target, t->config.agent);
		return MS_EXIT_FAILED;
	}
	*ret = TAKE_PTR(j);
	return MS_EXIT_OK;
}

int ms_talk_admin(struct ms_talk *t, bool *ret, char *ret_id, size_t size)
{
	_cleanup_json_ json_t *who = NULL;
	int status = ms_talk_ask(t, "GET", "/v1/whoami", NULL, NULL, &who);
	const char *id = json_string_value(json_object_get(who, "identity"));

	*ret = json_is_true(json_object_get(who, "admin"));
	if (ret_id)
		ms_escape_str(id ? id : "you", ret_id, size);
	return status;
}

int ms_talk_fetch(struct ms_talk *t, const char *target, const char *accept,
		  struct ms_buf *out)
{
	struct ms_error err = {0};
	int rc = ms_agent_call(&t->http, "GET", target, accept, NULL, NULL, 0, out, &err);

	return rc ? failed(&err) : MS_EXIT_OK;
}

int ms_talk_key_target(const struct ms_cli *cli, const char *key, const char *tail,
		       char *ret, size_t size)
{
	char shown[2 * MS_KEY_NAME_MAX];

	if (!ms_key_name_valid(key))
		return ms_cli_usage(cli,
				    "\"%s\" cannot be the name of a key: use 1 to %u of "
				    "A-Z a-z 0-9 . _ -, not starting with . or -",
				    ms_escape_str(key, shown, sizeof(shown)),
				    MS_KEY_NAME_MAX);
	snprintf(ret, size, "/v1/keys/%s%s", key, tail);
	return MS_EXIT_OK;
}

int ms_talk_key_cert(const struct ms_cli *cli, struct ms_talk *t, const char *key,
		     struct ms_cert **ret)
{
	_cleanup_buf_ struct ms_buf der = MS_BUF_INIT(MS_CERT_MAX);
	char target[TARGET_MAX];
	int status = ms_talk_key_target(cli, key, "/certificate?format=der", target,
					sizeof(target));

	if (!status)
		status = ms_talk_fetch(t, target, "application/pkix-cert", &der);
	if (status)
		return status;
	if (ms_cert_parse(der.data, der.len, ret) < 0) {
		fprintf(stderr, "modseal: %s: the agent's certificate cannot be read\n",
			cli->cmd->name);
		return MS_EXIT_FAILED;
	}
	return MS_EXIT_OK;
}

int ms_talk_key_issues(const struct ms_cli *cli, struct ms_talk *t, const char *key,
		       bool *ret)
{
	_cleanup_json_ json_t *j = NULL;
	char target[TARGET_MAX], text[MS_FACT_TEXT];
	int status = ms_talk_key_target(cli, key, "", target, sizeof(target));

	if (!status)
		status = ms_talk_ask(t, "GET", target, NULL, NULL, &j);
	if (!status)
		*ret = !strcmp(ms_fact_text(j, "custody", text), "leaf");
	return status;
}
