/* SPDX-License-Identifier: GPL-2.0-or-later */
/* modseal key provision: a key for a second machine, wrapped to that machine's TPM */
#include <errno.h>
#include <fcntl.h>

#include "lib/escape.h"
#include "lib/file.h"
#include "lib/pem.h"
#include "lib/secmem.h"
#include "lib/tpm_public.h"
#include "signer/client/cmd_attest.h"

#define TARGET_MAX 1024

/* Whose storage root key is it? One who knows its Name, or a chain of certificates, says
 * so: a key made in software would hand the signing key to its owner. */
static int check_node(const struct ms_cli *cli, const struct ms_tpm_evidence *e)
{
	const char *name = ms_cli_opt(cli, "srk-name"), *root = ms_cli_opt(cli, "root"),
		   *ak_ca = ms_cli_opt(cli, "ak-ca");
	_cleanup_(ms_cert_list_clear) struct ms_cert_list roots = {0};
	_cleanup_(ms_cert_list_clear) struct ms_cert_list cas = {0};
	struct ms_attest_question q = {
		.roots = &roots, .ak_cas = &cas, .now = time(NULL)};
	struct ms_attest_result judged;
	int status;

	ms_attest_check_srk(e, &q, &judged);
	if (name && (!*judged.key_name || strcmp(name, judged.key_name) != 0)) {
		fprintf(stderr,
			"modseal: %s: the identity has a storage root key with another "
			"Name than --srk-name: it is not that machine's\n",
			cli->cmd->name);
		return MS_EXIT_FAILED;
	}
	if (name && !root)
		return MS_EXIT_OK;
	status = ms_key_read_cert_file(cli, root, &roots);
	if (!status)
		status = ms_key_read_cert_file(cli, ak_ca, &cas);
	if (status)
		return status;
	ms_attest_check_srk(e, &q, &judged);
	return ms_cli_judge(cli, &judged);
}

static int provision_to(const struct ms_cli *cli, const char *to)
{
	_cleanup_buf_ struct ms_buf msg = MS_BUF_INIT(MS_EV_MAX),
				    out = MS_BUF_INIT(MS_CERT_MAX);
	_cleanup_talk_ struct ms_talk talk = {0};
	char target[TARGET_MAX];
	struct ms_tpm_evidence e;
	int status = ms_talk_key_target(cli, cli->operands[0], "/provision", target,
					sizeof(target));

	if (!status)
		status = ms_cli_read_bundle(cli, to, MS_BUNDLE_IDENTITY, &msg, &e);
	if (!status)
		status = check_node(cli, &e);
	if (!status && !e.f[MS_EV_SRK_PUBLIC].p) {
		fprintf(stderr, "modseal: %s: there is no storage root key in it\n",
			cli->cmd->name);
		status = MS_EXIT_FAILED;
	}
	if (!status)
		status = ms_talk_open(cli, &talk);
	if (!status)
		status = ms_cli_post(&talk, target, "application/x-pem-file",
				     e.f[MS_EV_SRK_PUBLIC].p, e.f[MS_EV_SRK_PUBLIC].len,
				     &out);
	return status ? status
		      : ms_cli_write_new(cli, ms_cli_opt(cli, "output"), &out, 0600);
}

static int read_file(const struct ms_cli *cli, const char *path, struct ms_buf *out)
{
	_cleanup_file_ struct ms_file f = {0};
	struct ms_error err = {0};
	char shown[256];

	if (ms_file_read(AT_FDCWD, path, MS_CERT_MAX, 0, &f, &err) == 0) {
		ms_buf_put(out, f.data, f.len);
		return ms_buf_error(out) < 0 ? MS_EXIT_FAILED : MS_EXIT_OK;
	}
	ms_error_prefix(&err, "%s: %s", cli->cmd->name,
			ms_escape_str(path, shown, sizeof(shown)));
	ms_cli_complain(&err);
	return MS_EXIT_FAILED;
}

static int import(const struct ms_cli *cli, const char *path)
{
	_cleanup_buf_ struct ms_buf body = MS_BUF_INIT(MS_CERT_MAX);
	const char *pcrs = ms_cli_opt(cli, "pcrs");
	_cleanup_json_ json_t *list = ms_pcrs_parse(pcrs ? pcrs : "7"), *key = NULL;
	_cleanup_talk_ struct ms_talk talk = {0};
	_cleanup_pin_ struct ms_pin pin = {0};
	char target[TARGET_MAX];
	size_t at;
	int status = ms_talk_key_target(cli, cli->operands[0], "/take-provisioned",
					target, sizeof(target));

	if (status)
		return status;
	if (!list)
		return ms_cli_usage(cli, "--pcrs needs different numbers from 0 to 23 "
					 "with commas between them, or none");
	at = strlen(target);
	snprintf(target + at, sizeof(target) - at, "?pcrs=%s", pcrs ? pcrs : "7");
	status = read_file(cli, path, &body);
	if (!status)
		status = ms_key_pin_get(cli, false, ms_cli_opt(cli, "pin") != NULL, true,
					&pin);
	if (!status)
		status = ms_talk_open(cli, &talk);
	if (status)
		return status;
	if (pin.text)
		ms_pem_put(&body, "MODSEAL PIN", (const uint8_t *)pin.text,
			   strlen(pin.text));
	if (ms_buf_error(&body) < 0)
		return MS_EXIT_FAILED;
	status =
		ms_talk_ask(&talk, "POST", target, "application/x-pem-file", &body, &key);
	return status ? status : ms_key_print(cli, key);
}

int ms_cmd_key_provision(const struct ms_cli *cli)
{
	const char *to = ms_cli_opt(cli, "to"), *from = ms_cli_opt(cli, "import");

	if (!to == !from)
		return ms_cli_usage(cli, "either --to IDENTITY, on the machine that has "
					 "the key, or --import FILE, on the other one");
	if (from)
		return import(cli, from);
	if (!ms_cli_opt(cli, "output"))
		return ms_cli_usage(cli, "-o FILE is needed: where the wrapped key goes");
	if (!ms_cli_opt(cli, "root") != !ms_cli_opt(cli, "ak-ca"))
		return ms_cli_usage(cli, "--root and --ak-ca go together");
	if (!ms_cli_opt(cli, "srk-name") && !ms_cli_opt(cli, "root"))
		return ms_cli_usage(
			cli, "who says that this is the other machine's TPM? Compare the "
			     "Name that modseal tpm identity showed there, and give it "
			     "with --srk-name; or give --root and --ak-ca");
	return provision_to(cli, to);
}
