/* SPDX-License-Identifier: GPL-2.0-or-later */
/* modseal sign --format, and --detached of what is no module */
#include <errno.h>

#include "lib/escape.h"
#include "signer/client/cmd_sign_file.h"
#include "signer/client/facts.h"
#include "signer/client/file_sign.h"
#include "signer/client/talk.h"

int ms_sign_is_of_files(const struct ms_cli *cli, bool *ret)
{
	int modules = 0;

	*ret = ms_cli_opt(cli, "format") != NULL;
	if (*ret || !ms_cli_opt(cli, "detached") || ms_cli_opt(cli, "recursive"))
		return MS_EXIT_OK;
	for (int i = 0; i < cli->n_operands; i++)
		modules += ms_is_module(cli->operands[i]);
	if (modules > 0 && modules < cli->n_operands)
		return ms_cli_usage(cli, "some of these are modules and some are not: "
					 "sign them in two calls");
	*ret = modules == 0 && cli->n_operands > 0;
	return MS_EXIT_OK;
}

/* Options that mean something for modules alone, or for another format. */
static int check_options(const struct ms_cli *cli, const struct ms_file_sign *o)
{
	static const char *const of_modules[] = {"recursive", "build",	 "keep-detached",
						 "by-digest", "request", "resume",
						 "signed",    "to"};
	bool cms = o->format != MS_FORMAT_IMA;

	for (size_t i = 0; i < ARRAY_SIZE(of_modules); i++) {
		if (ms_cli_opt(cli, of_modules[i]))
			return ms_cli_usage(cli, "--%s is for modules, not for files",
					    of_modules[i]);
	}
	if (ms_cli_opt(cli, "detached") && o->format != MS_FORMAT_DETACHED)
		return ms_cli_usage(cli, "--detached does not go with --format %s",
				    ms_file_format_name(o->format));
	if (o->xattr && (cms || o->dest))
		return ms_cli_usage(cli, "--xattr is for --format ima without --dest");
	if (o->keyid && !cms)
		return ms_cli_usage(cli, "--keyid is not for --format ima, whose "
					 "signatures name the key by its id anyway");
	if (o->by_content && o->format == MS_FORMAT_FSVERITY)
		return ms_cli_usage(cli, "--by-content is not for --format fsverity: the "
					 "digest is what is signed");
	if (o->format == MS_FORMAT_FSVERITY && o->hash != MS_HASH_SHA256 &&
	    o->hash != MS_HASH_SHA512)
		return ms_cli_usage(cli, "fs-verity knows sha256 and sha512 alone");
	if (o->dest && cli->n_operands != 1)
		return ms_cli_usage(cli, "--dest is for one file");
	return MS_EXIT_OK;
}

static int read_options(const struct ms_cli *cli, const struct ms_client_config *config,
			struct ms_file_sign *ret)
{
	const char *key = ms_cli_opt(cli, "key"), *hash = ms_cli_opt(cli, "hash");
	const char *format = ms_cli_opt(cli, "format");
	struct ms_file_sign o = {.key = key ? key : config->key,
				 .dest = ms_cli_opt(cli, "dest"),
				 .by_content = ms_cli_opt(cli, "by-content"),
				 .xattr = ms_cli_opt(cli, "xattr"),
				 .keyid = ms_cli_opt(cli, "keyid")};
	char shown[256];
	int status;

	if (format && ms_file_format_from_name(format, &o.format) < 0)
		return ms_cli_usage(cli, "--format is one of " MS_FILE_FORMATS);
	if (ms_hash_from_name(hash ? hash : "sha256", &o.hash) < 0 ||
	    !ms_hash_may_sign(o.hash))
		return ms_cli_usage(cli, "\"%s\" is no hash to sign with: use sha256",
				    ms_escape_str(hash, shown, sizeof(shown)));
	if (!o.key[0])
		return ms_cli_usage(cli,
				    "no key: use --key NAME, MODSEAL_KEY, or key = NAME "
				    "in %s",
				    ms_client_config_path(shown, sizeof(shown)));
	if (!ms_key_name_valid(o.key))
		return ms_cli_usage(cli, "\"%s\" cannot be the name of a key",
				    ms_escape_str(o.key, shown, sizeof(shown)));
	status = check_options(cli, &o);
	if (!status)
		*ret = o;
	return status;
}

static int fetch_cert(const struct ms_cli *cli, struct ms_talk *talk, const char *key,
		      struct ms_cert **ret)
{
	_cleanup_buf_ struct ms_buf der = MS_BUF_INIT(MS_CERT_MAX);
	char target[MS_KEY_NAME_MAX + 64];
	int status = ms_talk_key_target(cli, key, "/certificate?format=der", target,
					sizeof(target));

	if (!status)
		status = ms_talk_fetch(talk, target, "application/pkix-cert", &der);
	if (status)
		return status;
	if (ms_cert_parse(der.data, der.len, ret) == 0 && (*ret)->pkey)
		return MS_EXIT_OK;
	fprintf(stderr, "modseal: sign: the certificate of key %s cannot be read\n", key);
	return MS_EXIT_FAILED;
}

/* Paths are bytes; JSON is text. */
static void add(json_t *list, const char *path, const char *name, const char *value,
		const char *name2, const char *value2)
{
	_cleanup_free_ char *shown = malloc(4 * strlen(path) + 4);
	_cleanup_free_ char *text = malloc(4 * strlen(value) + 4);

	if (!list || !shown || !text)
		return;
	json_array_append_new(
		list, json_pack("{s:s, s:s, s:s}", "path",
				ms_escape_str(path, shown, 4 * strlen(path) + 4), name,
				ms_escape_str(value, text, 4 * strlen(value) + 4), name2,
				value2));
}

static int sign_all(const struct ms_cli *cli, struct ms_talk *talk,
		    const struct ms_file_sign *o)
{
	_cleanup_json_ json_t *done = json_array();
	_cleanup_json_ json_t *failures = json_array();
	struct ms_file_signed *f = calloc(MS_FILE_SIGN_MAX, sizeof(*f));
	int n = 0, failed = 0;
	bool lost = false;
	size_t k;

	if (!f) {
		fprintf(stderr, "modseal: sign: out of memory\n");
		return MS_EXIT_FAILED;
	}

	for (int at = 0; at < cli->n_operands && !lost; at += (int)k) {
		k = MS_MIN((size_t)(cli->n_operands - at), (size_t)MS_FILE_SIGN_MAX);
		for (size_t i = 0; i < k; i++)
			f[i].path = cli->operands[(size_t)at + i];
		ms_file_sign(&talk->http, o, f, k);
		for (size_t i = 0; i < k; i++) {
			if (f[i].rc == 0) {
				n++;
				add(done, f[i].path, "signature", f[i].signature,
				    "digest", f[i].digest);
				continue;
			}
			failed++;
			ms_cli_complain(&f[i].err);
			add(failures, f[i].path, "error", f[i].err.msg, "code",
			    f[i].err.code);
			lost = lost || ms_talk_lost(&f[i].err);
		}
	}
	free(f);
	if (cli->json) {
		_cleanup_json_ json_t *j =
			json_pack("{s:s, s:s, s:s, s:i, s:i, s:i, s:O, s:O}", "key",
				  o->key, "hash", ms_hash_name(o->hash), "format",
				  ms_file_format_name(o->format), "signed", n, "failed",
				  failed, "not_tried", cli->n_operands - n - failed,
				  "files", done, "failures", failures);

		ms_fact_json(j);
	} else if (!ms_cli_opt(cli, "quiet")) {
		printf("%d signed with %s (%s)", n, o->key,
		       ms_file_format_name(o->format));
		if (failed)
			printf(", %d failed", failed);
		if (n + failed < cli->n_operands)
			printf(", %d not tried", cli->n_operands - n - failed);
		printf("\n");
	}
	return lost ? MS_EXIT_AGENT : failed ? MS_EXIT_FAILED : MS_EXIT_OK;
}

int ms_cmd_sign_files(const struct ms_cli *cli)
{
	_cleanup_talk_ struct ms_talk talk = {0};
	_cleanup_cert_ struct ms_cert *cert = NULL;
	struct ms_file_sign o;
	int status;

	if (cli->n_operands == 0)
		return ms_cli_usage(cli, "PATH... is missing");
	status = ms_talk_config(cli, &talk.config);
	if (!status)
		status = read_options(cli, &talk.config, &o);
	if (!status)
		status = ms_talk_open(cli, &talk);
	if (!status && o.format == MS_FORMAT_IMA) {
		status = fetch_cert(cli, &talk, o.key, &cert);
		o.cert = cert;
	}
	return status ? status : sign_all(cli, &talk, &o);
}
