/* SPDX-License-Identifier: GPL-2.0-or-later */
/* modseal key create, list, show, cert, unlock */
#include <errno.h>
#include "signer/client/cmd_key.h"
#include "signer/client/facts.h"
#include "signer/client/pin.h"
#include "signer/client/talk.h"

#define TARGET_MAX 256
#define DAYS_MAX 36500
#define PCR_MAX 23
#define DEFAULT_ALG "rsa4096"
#define DEFAULT_DAYS "3650"
#define DEFAULT_PCRS "7"

/* Every TPM has RSA-2048, hardly one has more. */
static const char *default_alg(const char *custody)
{
	return !custody || strcmp(custody, "sealed") == 0 ? DEFAULT_ALG : "rsa2048";
}

int ms_key_print(const struct ms_cli *cli, const json_t *key)
{
	if (cli->json)
		ms_fact_json(key);
	else
		ms_fact_key(key);
	return MS_EXIT_OK;
}

json_t *ms_pcrs_parse(const char *text)
{
	_cleanup_json_ json_t *list = json_array();
	bool seen[PCR_MAX + 1] = {false};

	if (!strcmp(text, "none"))
		return TAKE_PTR(list);
	while (list) {
		size_t n = strcspn(text, ",");
		char word[4];
		long pcr;

		if (n >= sizeof(word))
			return NULL;
		snprintf(word, sizeof(word), "%.*s", (int)n, text);
		if (ms_cli_number(word, 0, PCR_MAX, &pcr) || seen[pcr])
			return NULL;
		seen[pcr] = true;
		json_array_append_new(list, json_integer(pcr));
		if (!text[n])
			break;
		text += n + 1;
	}
	return TAKE_PTR(list);
}

int ms_key_pin_get(const struct ms_cli *cli, bool credential, bool prompt, bool twice,
		   struct ms_pin *ret)
{
	const char *fd_text = ms_cli_opt(cli, "pin-fd");
	struct ms_error err = {0};
	char what[MS_KEY_NAME_MAX + 16];
	long fd;
	int rc;

	if (fd_text) {
		if (ms_cli_number(fd_text, 0, 65535, &fd))
			return ms_cli_usage(cli,
					    "--pin-fd needs the number of an open file");
		rc = ms_pin_from_fd((int)fd, ret, &err);
	} else {
		rc = credential ? ms_pin_from_credential(cli->operands[0], ret, &err)
				: -ENOENT;
		if (rc == -ENOENT && !prompt)
			return MS_EXIT_OK;
		snprintf(what, sizeof(what), "PIN of key %s", cli->operands[0]);
		if (rc == -ENOENT)
			rc = ms_pin_from_terminal(what, twice, ret, &err);
	}
	if (!rc)
		return MS_EXIT_OK;
	ms_error_prefix(&err, "%s", cli->cmd->name);
	ms_cli_complain(&err);
	return rc == -ENOTTY ? MS_EXIT_USAGE : MS_EXIT_FAILED;
}

/* The body of POST /v1/keys; the PIN is written last and nowhere else. */
static int create_body(const struct ms_cli *cli, const struct ms_pin *pin,
		       json_t *approval, struct ms_buf *out)
{
	const char *alg = ms_cli_opt(cli, "alg"), *custody = ms_cli_opt(cli, "custody");
	const char *days_text = ms_cli_opt(cli, "days"),
		   *pcrs_text = ms_cli_opt(cli, "pcrs");
	_cleanup_json_ json_t *body = NULL, *pcrs = NULL;
	_cleanup_free_ char *text = NULL;
	long days;

	if (ms_cli_number(days_text ? days_text : DEFAULT_DAYS, 1, DAYS_MAX, &days))
		return ms_cli_usage(cli, "--days needs a number from 1 to %d", DAYS_MAX);
	pcrs = ms_pcrs_parse(pcrs_text ? pcrs_text : DEFAULT_PCRS);
	if (!pcrs)
		return ms_cli_usage(cli,
				    "--pcrs needs different numbers from 0 to %d with "
				    "commas between them, or none",
				    PCR_MAX);
	body = json_pack("{s:s, s:s, s:s, s:s?, s:I, s:O, s:s?, s:O?}", "name",
			 cli->operands[0], "algorithm", alg ? alg : default_alg(custody),
			 "custody", custody ? custody : "sealed", "subject",
			 ms_cli_opt(cli, "subject"), "days", (json_int_t)days, "pcrs",
			 pcrs, "scheme", ms_cli_opt(cli, "scheme"), "approval", approval);
	if (ms_cli_opt(cli, "pending"))
		json_object_set_new(body, "pending", json_true());
	if (ms_cli_opt(cli, "module-only"))
		json_object_set_new(body, "module_only", json_true());
	text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	if (!text)
		return ms_cli_usage(cli, "--subject has to be UTF-8 text");
	/* Room for all of it at once: growing would leave copies of the PIN behind. */
	if (ms_buf_reserve(out, strlen(text) + 2 * MS_PIN_MAX + 16))
		return MS_EXIT_FAILED;
	ms_buf_put(out, text, strlen(text) - 1);
	if (pin->text) {
		ms_buf_printf(out, ",\"pin\":");
		ms_json_put_string(out, pin->text);
	}
	ms_buf_put_u8(out, '}');
	return ms_buf_error(out) ? MS_EXIT_FAILED : MS_EXIT_OK;
}

int ms_cmd_key_create(const struct ms_cli *cli)
{
	_cleanup_buf_ struct ms_buf body = MS_BUF_INIT(MS_CONFIG_MAX);
	_cleanup_talk_ struct ms_talk talk = {0};
	_cleanup_pin_ struct ms_pin pin = {0};
	_cleanup_json_ json_t *key = NULL, *approval = NULL;
	char target[TARGET_MAX];
	int status;

	/* All that can be wrong with the command line before anyone types a PIN. */
	status = ms_talk_key_target(cli, cli->operands[0], "", target, sizeof(target));
	if (!status)
		status = ms_key_approval_json(cli, &approval);
	if (!status)
		status = create_body(cli, &pin, approval, &body);
	ms_buf_clear(&body);
	if (!status)
		status = ms_talk_open(cli, &talk);
	if (!status)
		status = ms_key_pin_get(cli, false, ms_cli_opt(cli, "pin"), true, &pin);
	if (!status)
		status = create_body(cli, &pin, approval, &body);
	if (!status)
		status = ms_talk_ask(&talk, "POST", "/v1/keys", "application/json", &body,
				     &key);
	return status ? status : ms_key_print(cli, key);
}

/* The table, and below it on standard error what to do something about. */
static void print_list(const json_t *keys, const json_t *summary)
{
	char name[MS_FACT_TEXT], warning[MS_FACT_TEXT];
	const json_t *key;
	size_t i;

	ms_fact_keys(keys);
	ms_fact_summary(summary);
	json_array_foreach(keys, i, key)
	{
		const char *w = json_string_value(json_object_get(key, "warning"));

		if (w && *w)
			fprintf(stderr, "modseal: key %s: %s\n",
				ms_fact_text(key, "name", name),
				ms_fact_text(key, "warning", warning));
	}
}

static int say_none(struct ms_talk *talk)
{
	char id[300];
	bool admin;
	int status = ms_talk_admin(talk, &admin, id, sizeof(id));

	if (!status && admin)
		fprintf(stderr,
			"There are no keys yet: modseal key create NAME makes one.\n");
	else if (!status)
		fprintf(stderr,
			"There is no key that %s may use: an administrator of the agent "
			"can add a [rule NAME] to its configuration.\n",
			id);
	return status;
}

int ms_cmd_key_list(const struct ms_cli *cli)
{
	_cleanup_talk_ struct ms_talk talk = {0};
	_cleanup_json_ json_t *answer = NULL;
	const json_t *keys;
	int status = ms_talk_open(cli, &talk);

	if (!status)
		status = ms_talk_ask(&talk, "GET", "/v1/keys", NULL, NULL, &answer);
	if (status)
		return status;
	keys = json_object_get(answer, "keys");
	if (cli->json)
		ms_fact_json(answer);
	else if (json_array_size(keys))
		print_list(keys, json_object_get(answer, "summary"));
	else
		return say_none(&talk);
	return MS_EXIT_OK;
}

int ms_cmd_key_show(const struct ms_cli *cli)
{
	_cleanup_talk_ struct ms_talk talk = {0};
	_cleanup_json_ json_t *key = NULL;
	char target[TARGET_MAX];
	int status =
		ms_talk_key_target(cli, cli->operands[0], "", target, sizeof(target));

	if (!status)
		status = ms_talk_open(cli, &talk);
	if (!status)
		status = ms_talk_ask(&talk, "GET", target, NULL, NULL, &key);
	return status ? status : ms_key_print(cli, key);
}

int ms_cmd_key_cert(const struct ms_cli *cli)
{
	_cleanup_buf_ struct ms_buf cert = MS_BUF_INIT(MS_CERT_FILE_MAX);
	_cleanup_talk_ struct ms_talk talk = {0};
	bool der = ms_cli_opt(cli, "der");
	char target[TARGET_MAX];
	int status = ms_talk_key_target(cli, cli->operands[0],
					der ? "/certificate?format=der"
					    : "/certificate?format=pem",
					target, sizeof(target));

	if (!status && der && isatty(STDOUT_FILENO))
		return ms_cli_usage(cli,
				    "DER is not for terminals: redirect it into a file");
	if (!status)
		status = ms_talk_open(cli, &talk);
	if (!status)
		status = ms_talk_fetch(
			&talk, target,
			der ? "application/pkix-cert" : "application/x-pem-file", &cert);
	if (!status)
		fwrite(cert.data, 1, cert.len, stdout);
	return status;
}

int ms_cmd_key_unlock(const struct ms_cli *cli)
{
	_cleanup_talk_ struct ms_talk talk = {0};
	_cleanup_buf_ struct ms_buf body = MS_BUF_INIT(MS_PIN_MAX + 1);
	_cleanup_pin_ struct ms_pin pin = {0};
	_cleanup_json_ json_t *before = NULL, *key = NULL;
	char target[TARGET_MAX], show[TARGET_MAX], state[MS_FACT_TEXT];
	int status = ms_talk_key_target(cli, cli->operands[0], "/unlock", target,
					sizeof(target));

	if (!status)
		status =
			ms_talk_key_target(cli, cli->operands[0], "", show, sizeof(show));
	if (!status)
		status = ms_talk_open(cli, &talk);
	if (!status)
		status = ms_talk_ask(&talk, "GET", show, NULL, NULL, &before);
	if (status)
		return status;
	/* What is open has not to be opened: no PIN is asked for, and none is tried. */
	if (!strcmp(ms_fact_text(before, "state", state), "active")) {
		fprintf(stderr,
			"modseal: key unlock: %s is unlocked already: no PIN was tried\n",
			cli->operands[0]);
		return ms_key_print(cli, before);
	}
	if (json_is_true(json_object_get(before, "pin")))
		status = ms_key_pin_get(cli, true, true, false, &pin);
	if (status)
		return status;
	if (ms_buf_reserve(&body, MS_PIN_MAX + 1))
		return MS_EXIT_FAILED;
	if (pin.text)
		ms_buf_put(&body, pin.text, strlen(pin.text));
	status = ms_talk_ask(&talk, "POST", target, "text/plain", &body, &key);
	return status ? status : ms_key_print(cli, key);
}
