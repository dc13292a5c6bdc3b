/* SPDX-License-Identifier: GPL-2.0-or-later */
/* modseal revoke add, withdraw, list, export */
#include <ctype.h>
#include <errno.h>

#include "lib/base64.h"
#include "lib/escape.h"
#include "lib/file.h"
#include "lib/hash.h"
#include "lib/pkcs7.h"
#include "signer/client/cmd_key.h"
#include "signer/client/facts.h"

#define TARGET "/v1/revocations"
#define TARGET_SIZE 256
#define SUFFIX ".p7s"

/* The one certificate of a file. */
static int read_cert(const struct ms_cli *cli, const char *path, struct ms_cert_list *ret)
{
	char shown[256];
	int status = ms_key_read_cert_file(cli, path, ret);

	if (status || ret->n == 1)
		return status;
	fprintf(stderr,
		"modseal: %s: %s has %zu certificates: leave only the one that is "
		"meant\n",
		cli->cmd->name, ms_escape_str(path, shown, sizeof(shown)), ret->n);
	return MS_EXIT_FAILED;
}

static json_t *hex(const uint8_t *p, size_t len)
{
	_cleanup_free_ char *text = malloc(2 * len + 1);

	return text ? json_string(ms_hex(p, len, text)) : NULL;
}

/* By its SHA-256; or, of one that is not at hand, by its issuer's certificate and number.
 */
static int put_cert(const struct ms_cli *cli, const char *path, const char *serial,
		    json_t *entry)
{
	_cleanup_(ms_cert_list_clear) struct ms_cert_list certs = {0};
	_cleanup_free_ char *even = NULL;
	uint8_t digest[MS_DIGEST_MAX];
	int status = read_cert(cli, path, &certs);

	if (status)
		return status;
	if (!serial) {
		if (ms_digest(MS_HASH_SHA256, certs.v[0]->der, certs.v[0]->der_len,
			      digest) < 0)
			return MS_EXIT_FAILED;
		json_object_set_new(entry, "certificate", hex(digest, 32));
		return MS_EXIT_OK;
	}
	if (asprintf(&even, "%s%s", strlen(serial) % 2 ? "0" : "", serial) < 0)
		return MS_EXIT_FAILED;
	json_object_set_new(entry, "issuer",
			    hex(certs.v[0]->subject, certs.v[0]->subject_len));
	json_object_set_new(entry, "serial", json_string(even));
	return MS_EXIT_OK;
}

/* What the options name, if they do. */
static int put_named(const struct ms_cli *cli, json_t *entries)
{
	const char *certificate = ms_cli_opt(cli, "certificate"),
		   *issuer = ms_cli_opt(cli, "issuer"),
		   *serial = ms_cli_opt(cli, "serial"), *name = ms_cli_opt(cli, "name"),
		   *below = ms_cli_opt(cli, "below"),
		   *srcversion = ms_cli_opt(cli, "srcversion");
	json_t *entry;
	int status = MS_EXIT_OK;

	if (!issuer != !serial)
		return ms_cli_usage(cli, "--issuer and --serial need each other");
	if (!name && (below || srcversion))
		return ms_cli_usage(cli, "--below and --srcversion need --name");
	if (!!certificate + !!issuer + !!name + (cli->n_operands > 0) != 1)
		return ms_cli_usage(cli, "name one thing: DIGEST..., --certificate, "
					 "--issuer with --serial, or --name");
	if (cli->n_operands)
		return MS_EXIT_OK;
	entry = json_object();
	if (certificate)
		status = put_cert(cli, certificate, NULL, entry);
	else if (issuer)
		status = put_cert(cli, issuer, serial, entry);
	else
		json_object_update_new(entry, json_pack("{s:s, s:s*, s:s*}", "name", name,
							"below", below, "srcversion",
							srcversion));
	json_array_append_new(entries, entry);
	return status;
}

/* "sha256:HEX"; the name may be left out where the length tells. */
static int put_digest(const struct ms_cli *cli, const char *text, json_t *entries)
{
	const char *colon = strchr(text, ':'), *digits = colon ? colon + 1 : text;
	size_t n = strlen(digits);
	_cleanup_free_ char *name = colon ? strndup(text, (size_t)(colon - text))
					  : strdup(n == 64   ? "sha256"
						   : n == 96 ? "sha384"
							     : "sha512");
	uint8_t digest[MS_DIGEST_MAX];
	char shown[300];
	enum ms_hash hash;

	if (!name || ms_hash_from_name(name, &hash) < 0 || n != 2 * ms_hash_size(hash) ||
	    ms_unhex(digits, digest, n / 2) < 0)
		return ms_cli_usage(cli,
				    "%s is not a digest: write sha256:HEX, or another "
				    "hash's name and hex",
				    ms_escape_str(text, shown, sizeof(shown)));
	json_array_append_new(entries, json_pack("{s:o}", "digest",
						 json_sprintf("%s:%s", name, digits)));
	return MS_EXIT_OK;
}

static int change(const struct ms_cli *cli, bool withdraw)
{
	_cleanup_json_ json_t *body = NULL, *answer = NULL;
	_cleanup_buf_ struct ms_buf buf = MS_BUF_INIT(4u << 20);
	_cleanup_talk_ struct ms_talk talk = {0};
	const char *from = withdraw ? NULL : ms_cli_opt(cli, "from"),
		   *reason = withdraw ? NULL : ms_cli_opt(cli, "reason");
	json_t *entries = json_array();
	_cleanup_free_ char *text = NULL;
	time_t t;
	int status;

	body = json_pack("{s:o, s:s*, s:s*, s:b}", "entries", entries, "reason", reason,
			 "since", from, "withdraw", withdraw);
	if (!body)
		return ms_cli_usage(cli, "--reason is no UTF-8 text");
	if (from && ms_key_read_time(from, &t) < 0)
		return ms_cli_usage(cli, "--from is a time in UTC: YYYY-MM-DD or "
					 "YYYY-MM-DDTHH:MM:SSZ");
	status = put_named(cli, entries);
	for (int i = 0; i < cli->n_operands && !status; i++)
		status = put_digest(cli, cli->operands[i], entries);
	if (!status)
		status = ms_talk_open(cli, &talk);
	if (status)
		return status;
	text = json_dumps(body, JSON_COMPACT);
	ms_buf_put(&buf, text ? text : "", text ? strlen(text) : 0);
	status = ms_talk_ask(&talk, "POST", TARGET, "application/json", &buf, &answer);
	if (!status && cli->json)
		ms_fact_json(answer);
	return status;
}

int ms_cmd_revoke_add(const struct ms_cli *cli)
{
	return change(cli, false);
}

int ms_cmd_revoke_withdraw(const struct ms_cli *cli)
{
	return change(cli, true);
}

static void print_entry(const json_t *j)
{
	static const char *const kinds[] = {"digest", "certificate", "issuer", "key",
					    "name"};
	char what[MS_FACT_TEXT], more[MS_FACT_TEXT];

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (!json_object_get(j, kinds[i]))
			continue;
		printf("%-11s %s\n", kinds[i], ms_fact_text(j, kinds[i], what));
		break;
	}
	ms_fact_line("  serial", j, "serial");
	ms_fact_line("  below", j, "below");
	ms_fact_line("  srcversion", j, "srcversion");
	ms_fact_line("  since", j, "since");
	ms_fact_line("  because", j, "reason");
	printf("  by %s\n", ms_fact_text(j, "by", more));
}

int ms_cmd_revoke_list(const struct ms_cli *cli)
{
	_cleanup_talk_ struct ms_talk talk = {0};
	_cleanup_json_ json_t *list = NULL;
	size_t i;
	json_t *j;
	int status = ms_talk_open(cli, &talk);

	if (!status)
		status = ms_talk_ask(&talk, "GET", TARGET, NULL, NULL, &list);
	if (status)
		return status;
	if (cli->json) {
		ms_fact_json(list);
		return MS_EXIT_OK;
	}
	json_array_foreach(json_object_get(list, "digests"), i, j) print_entry(j);
	json_array_foreach(json_object_get(list, "entries"), i, j) print_entry(j);
	if (json_integer_value(json_object_get(list, "from_file")))
		printf("%lld more digests in the agent's file\n",
		       json_integer_value(json_object_get(list, "from_file")));
	return MS_EXIT_OK;
}

/* A newer list takes the older one's place; the signature is there before it. */
static int write_file(const struct ms_cli *cli, const char *path, const void *p, size_t n)
{
	struct iovec iov = {.iov_base = (void *)(uintptr_t)p, .iov_len = n};
	struct ms_error err = {0};

	if (ms_file_replace(path, -1, 0644, &iov, 1, true, &err) == 0)
		return MS_EXIT_OK;
	ms_error_prefix(&err, "%s", cli->cmd->name);
	ms_cli_complain(&err);
	return MS_EXIT_FAILED;
}

static int write_list(const struct ms_cli *cli, const char *output, const json_t *j)
{
	const char *list = json_string_value(json_object_get(j, "list")),
		   *signature = json_string_value(json_object_get(j, "signature"));
	_cleanup_buf_ struct ms_buf der = MS_BUF_INIT(2 * MS_MESSAGE_MAX);
	_cleanup_free_ char *path = NULL;
	int status = MS_EXIT_OK;

	if (!list || (signature &&
		      ms_base64_decode(signature, strlen(signature), false, &der) < 0)) {
		fprintf(stderr, "modseal: %s: the agent's answer is no list\n",
			cli->cmd->name);
		return MS_EXIT_FAILED;
	}
	if (!output) {
		fwrite(list, 1, strlen(list), stdout);
		return MS_EXIT_OK;
	}
	if (asprintf(&path, "%s" SUFFIX, output) < 0)
		return MS_EXIT_FAILED;
	if (signature)
		status = write_file(cli, path, der.data, der.len);
	if (!status)
		status = write_file(cli, output, list, strlen(list));
	if (!status)
		fprintf(stderr, "modseal: %s: list %lld, %lld entries\n", cli->cmd->name,
			json_integer_value(json_object_get(j, "number")),
			json_integer_value(json_object_get(j, "entries")));
	return status;
}

int ms_cmd_revoke_export(const struct ms_cli *cli)
{
	const char *key = ms_cli_opt(cli, "key"), *days = ms_cli_opt(cli, "days"),
		   *output = ms_cli_opt(cli, "output");
	_cleanup_buf_ struct ms_buf body = MS_BUF_INIT(16);
	_cleanup_talk_ struct ms_talk talk = {0};
	_cleanup_json_ json_t *answer = NULL;
	char target[TARGET_SIZE] = TARGET "/list";
	long n;
	int status;

	if (days && ms_cli_number(days, 1, 3650, &n) < 0)
		return ms_cli_usage(cli, "--days needs a number from 1 to 3650");
	if (key && !output)
		return ms_cli_usage(cli, "-o FILE is needed: the signature goes to "
					 "FILE" SUFFIX);
	if (key)
		ms_key_add_param(target, sizeof(target), "key", key);
	if (days)
		ms_key_add_param(target, sizeof(target), "days", days);
	status = ms_talk_open(cli, &talk);
	if (!status)
		status = ms_talk_ask(&talk, "POST", target, "text/plain", &body, &answer);
	return status ? status : write_list(cli, output, answer);
}
