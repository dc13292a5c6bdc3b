/* SPDX-License-Identifier: GPL-2.0-or-later */
/* modseal key csr, install-cert, export-backup, retire, revoke */
#include <errno.h>
#include <fcntl.h>
#include <openssl/x509.h>
#include <time.h>

#include "lib/escape.h"
#include "lib/file.h"
#include "lib/pem.h"
#include "signer/client/cmd_key.h"
#include "signer/client/enroll.h"
#include "signer/client/facts.h"

#define TARGET_MAX 1024

int ms_key_post(struct ms_talk *t, const char *target, const char *accept,
		const uint8_t *body, size_t len, struct ms_buf *out)
{
	struct iovec iov = {.iov_base = (void *)(uintptr_t)body, .iov_len = len};
	struct ms_error err = {0};

	if (ms_agent_call(&t->http, "POST", target, accept,
			  len ? "application/pkix-cert" : "text/plain", &iov, 1, out,
			  &err) == 0)
		return MS_EXIT_OK;
	ms_cli_complain(&err);
	return ms_talk_lost(&err) ? MS_EXIT_AGENT : MS_EXIT_FAILED;
}

/* Something new: an existing file is not replaced. */
int ms_key_write_new(const struct ms_cli *cli, const char *path,
		     const struct ms_buf *data)
{
	struct iovec iov = {.iov_base = data->data, .iov_len = data->len};
	struct ms_error err = {0};
	char shown[256];
	int r;

	ms_escape_str(path, shown, sizeof(shown));
	if (access(path, F_OK) == 0)
		r = ms_error_set(&err, -EEXIST, NULL,
				 "%s exists already: choose another name", shown);
	else
		r = ms_file_replace(path, -1, 0600, &iov, 1, true, &err);
	if (r == 0)
		return MS_EXIT_OK;
	ms_error_prefix(&err, "%s", cli->cmd->name);
	ms_cli_complain(&err);
	return MS_EXIT_FAILED;
}

/* The file's one certificate. */
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

int ms_cmd_key_csr(const struct ms_cli *cli)
{
	_cleanup_buf_ struct ms_buf der = MS_BUF_INIT(MS_CERT_MAX),
				    pem = MS_BUF_INIT(2 * MS_CERT_MAX);
	_cleanup_talk_ struct ms_talk talk = {0};
	char target[TARGET_MAX];
	int status =
		ms_talk_key_target(cli, cli->operands[0], "/csr", target, sizeof(target));

	if (!status)
		status = ms_talk_open(cli, &talk);
	if (!status)
		status = ms_key_post(&talk, target, "application/pkcs10", NULL, 0, &der);
	if (status)
		return status;
	ms_pem_put(&pem, "CERTIFICATE REQUEST", der.data, der.len);
	if (ms_buf_error(&pem))
		return MS_EXIT_FAILED;
	fwrite(pem.data, 1, pem.len, stdout);
	return MS_EXIT_OK;
}

int ms_cmd_key_install_cert(const struct ms_cli *cli)
{
	_cleanup_(ms_cert_list_clear) struct ms_cert_list certs = {0};
	_cleanup_buf_ struct ms_buf body = MS_BUF_INIT(MS_CERT_MAX);
	_cleanup_talk_ struct ms_talk talk = {0};
	_cleanup_json_ json_t *key = NULL;
	char target[TARGET_MAX];
	int status = ms_talk_key_target(cli, cli->operands[0], "/install-certificate",
					target, sizeof(target));

	if (!status)
		status = read_cert(cli, cli->operands[1], &certs);
	if (!status)
		status = ms_talk_open(cli, &talk);
	if (status)
		return status;
	ms_buf_put(&body, certs.v[0]->der, certs.v[0]->der_len);
	if (ms_buf_error(&body))
		return MS_EXIT_FAILED;
	status = ms_talk_ask(&talk, "POST", target, "application/pkix-cert", &body, &key);
	return status ? status : ms_key_print(cli, key);
}

/* A certificate, or a public key alone, PEM or DER: what the agent takes, as DER. */
static int read_recipient(const struct ms_cli *cli, const char *path, struct ms_buf *out)
{
	_cleanup_(ms_cert_list_clear) struct ms_cert_list certs = {0};
	_cleanup_file_ struct ms_file f = {0};
	_cleanup_buf_ struct ms_buf spki = MS_BUF_INIT(MS_CERT_MAX);
	struct ms_error err = {0};
	EVP_PKEY *key = NULL;
	const uint8_t *der;
	size_t len, used;
	int status;

	if (ms_file_read(AT_FDCWD, path, MS_CERT_MAX, 0, &f, &err) == 0) {
		der = f.data;
		len = f.len;
		if (ms_pem_find((char *)f.data, f.len, "PUBLIC KEY", &spki, &used) == 0) {
			der = spki.data;
			len = spki.len;
		}
		key = d2i_PUBKEY(NULL, &der, (long)len);
		if (key) {
			EVP_PKEY_free(key);
			ms_buf_put(out, spki.len ? spki.data : f.data, len);
			return ms_buf_error(out) ? MS_EXIT_FAILED : MS_EXIT_OK;
		}
	}
	status = read_cert(cli, path, &certs);
	if (!status)
		ms_buf_put(out, certs.v[0]->der, certs.v[0]->der_len);
	return !status && ms_buf_error(out) ? MS_EXIT_FAILED : status;
}

int ms_cmd_key_export_backup(const struct ms_cli *cli)
{
	_cleanup_buf_ struct ms_buf recipient = MS_BUF_INIT(MS_CERT_MAX);
	_cleanup_buf_ struct ms_buf der = MS_BUF_INIT(MS_CERT_MAX),
				    pem = MS_BUF_INIT(2 * MS_CERT_MAX);
	const char *to = ms_cli_opt(cli, "to"), *output = ms_cli_opt(cli, "output");
	_cleanup_talk_ struct ms_talk talk = {0};
	char target[TARGET_MAX];
	int status = ms_talk_key_target(cli, cli->operands[0], "/backup", target,
					sizeof(target));

	if (!status && (!to || !output))
		return ms_cli_usage(cli, "--to CERT and -o FILE are needed: the "
					 "recipient's certificate or public key, and "
					 "where it goes");
	if (!status)
		status = read_recipient(cli, to, &recipient);
	if (!status)
		status = ms_talk_open(cli, &talk);
	if (!status)
		status = ms_key_post(&talk, target, "application/cms", recipient.data,
				     recipient.len, &der);
	if (status)
		return status;
	ms_pem_put(&pem, "CMS", der.data, der.len);
	return ms_buf_error(&pem) ? MS_EXIT_FAILED : ms_key_write_new(cli, output, &pem);
}

/* ------------------------------------------------------------ retire, revoke */

void ms_key_add_param(char *target, size_t size, const char *name, const char *value)
{
	size_t at = strlen(target);

	at += (size_t)snprintf(target + at, size - at,
			       "%c%s=", strchr(target, '?') ? '&' : '?', name);
	for (; *value && at + 4 < size; value++)
		at += (size_t)snprintf(target + at, size - at, "%%%02X",
				       (unsigned int)(uint8_t)*value);
}

int ms_cmd_key_retire(const struct ms_cli *cli)
{
	_cleanup_buf_ struct ms_buf body = MS_BUF_INIT(16);
	const char *reason = ms_cli_opt(cli, "reason");
	_cleanup_talk_ struct ms_talk talk = {0};
	_cleanup_json_ json_t *key = NULL;
	char target[TARGET_MAX];
	int status = ms_talk_key_target(cli, cli->operands[0], "/retire", target,
					sizeof(target));

	if (!status && reason && strlen(reason) > 128)
		return ms_cli_usage(cli, "--reason has at most 128 characters");
	if (!status && reason)
		ms_key_add_param(target, sizeof(target), "reason", reason);
	if (!status)
		status = ms_talk_open(cli, &talk);
	if (!status)
		status = ms_talk_ask(&talk, "POST", target, "text/plain", &body, &key);
	return status ? status : ms_key_print(cli, key);
}

int ms_key_read_time(const char *text, time_t *ret)
{
	struct tm tm = {0};
	const char *end = strptime(text, "%Y-%m-%d", &tm);
	long long t;

	if (end && *end == 'T')
		end = strptime(end, "T%H:%M:%SZ", &tm);
	t = end && !*end ? (long long)timegm(&tm) : -1;
	if (t < 0)
		return -EINVAL;
	*ret = (time_t)t;
	return 0;
}

/* Before anything is revoked: a folder that can be written to. */
static int check_folder(const struct ms_cli *cli, const char *dir)
{
	char shown[256];
	int status = ms_enroll_dir(cli, dir);

	if (status || access(dir, W_OK | X_OK) == 0)
		return status;
	fprintf(stderr,
		"modseal: %s: --artefacts %s: %s: give a folder that can be written to\n",
		cli->cmd->name, ms_escape_str(dir, shown, sizeof(shown)),
		ms_strerror(errno));
	return MS_EXIT_FAILED;
}

/* What kernels and firmware read, in @dir; @from: 0 if nobody said since when. */
static int write_artefacts(const struct ms_cli *cli, struct ms_talk *talk,
			   const char *dir, const struct ms_cert *cert, time_t from)
{
	_cleanup_(ms_enroll_clear) struct ms_enroll e = {.cli = cli,
							 .issues = cert->is_ca,
							 .talk = talk,
							 .cert = cert,
							 .name = cli->operands[0],
							 .dir = dir,
							 .from = from};
	_cleanup_json_ json_t *all = NULL;
	const json_t *j;
	size_t i;
	int status;

	if (ms_guid_parse(MS_EFI_OWNER, &e.owner) < 0)
		return MS_EXIT_FAILED;
	status = ms_enroll_distrust(&e, &all);
	if (status)
		return status;
	if (cli->json) {
		ms_fact_json(all);
		return MS_EXIT_OK;
	}
	json_array_foreach(all, i, j)
	{
		printf("%s%s\n", i ? "\n" : "",
		       json_string_value(json_object_get(j, "target")));
		ms_enroll_show(j);
	}
	return MS_EXIT_OK;
}

/* With a folder for artefacts the CRL goes there, if nothing else is said. */
static int put_crl(const struct ms_cli *cli, const struct ms_buf *der, const char *output,
		   const char *dir)
{
	_cleanup_buf_ struct ms_buf pem = MS_BUF_INIT(2 * MS_CERT_MAX);
	struct ms_enroll e = {.cli = cli, .name = cli->operands[0], .dir = dir};
	int status = MS_EXIT_FAILED;

	ms_pem_put(&pem, "X509 CRL", der->data, der->len);
	if (ms_buf_error(&pem))
		return status;
	if (output)
		return ms_key_write_new(cli, output, &pem);
	if (dir) {
		e.files = json_array();
		status = ms_enroll_file(&e, "crl.pem", pem.data, pem.len, NULL);
		ms_enroll_clear(&e);
		return status;
	}
	fwrite(pem.data, 1, pem.len, stdout);
	return MS_EXIT_OK;
}

int ms_cmd_key_revoke(const struct ms_cli *cli)
{
	const char *reason = ms_cli_opt(cli, "reason"), *from = ms_cli_opt(cli, "from"),
		   *output = ms_cli_opt(cli, "output"),
		   *dir = ms_cli_opt(cli, "artefacts");
	_cleanup_buf_ struct ms_buf der = MS_BUF_INIT(MS_CERT_MAX);
	_cleanup_cert_ struct ms_cert *cert = NULL;
	_cleanup_talk_ struct ms_talk talk = {0};
	char target[TARGET_MAX], seconds[24];
	time_t t = 0;
	int status = ms_talk_key_target(cli, cli->operands[0], "/revoke", target,
					sizeof(target));

	if (!status && !reason)
		return ms_cli_usage(cli, "--reason is needed");
	if (!status && from && ms_key_read_time(from, &t) < 0)
		return ms_cli_usage(cli, "--from is a time in UTC: YYYY-MM-DD or "
					 "YYYY-MM-DDTHH:MM:SSZ");
	if (!status && output && access(output, F_OK) == 0)
		return ms_cli_usage(cli, "the file of -o exists already");
	if (!status)
		ms_key_add_param(target, sizeof(target), "reason", reason);
	snprintf(seconds, sizeof(seconds), "%lld", (long long)t);
	if (!status && from)
		ms_key_add_param(target, sizeof(target), "from", seconds);
	if (!status && dir)
		status = check_folder(cli, dir);
	if (!status)
		status = ms_talk_open(cli, &talk);
	/* First: without its certificate nothing could be written, but it were revoked.
	 */
	if (!status && dir)
		status = ms_talk_key_cert(cli, &talk, cli->operands[0], &cert);
	if (!status)
		status =
			ms_key_post(&talk, target, "application/pkix-crl", NULL, 0, &der);
	if (status)
		return status;
	fprintf(stderr, "modseal: key revoke: %s signs no more%s\n", cli->operands[0],
		der.len ? ""
			: "; no CRL was made: only an issuing key (custody leaf) that is "
			  "not locked signs one");
	if (der.len)
		status = put_crl(cli, &der, output, dir);
	if (!status && dir)
		status = write_artefacts(cli, &talk, dir, cert, t);
	return status;
}
