/* SPDX-License-Identifier: GPL-2.0-or-later */
/* modseal key import, restore */
#include <errno.h>
#include <fcntl.h>
#include <openssl/x509.h>

#include "lib/escape.h"
#include "lib/file.h"
#include "lib/pem.h"
#include "lib/secmem.h"
#include "signer/client/cmd_key.h"
#include "signer/client/key_source.h"

#define TARGET_MAX 1024
#define DAYS_MAX 36500
#define BODY_MAX (2 * (MS_PKCS8_MAX + MS_CERT_MAX))
#define SOURCE_MAX (256u << 10)
#define PASSPHRASE_MAX 1024u

/* ------------------------------------------------------------------ passphrase */

/* Where a passphrase comes from; @text is in locked memory. */
struct passphrase {
	const struct ms_cli *cli;
	char *text;
	struct ms_pin typed;
};

static void passphrase_clear(struct passphrase *p)
{
	ms_secmem_free(p->text, PASSPHRASE_MAX + 1);
	ms_pin_clear(&p->typed);
}

/* The first line. Unlike a PIN it may be long, and of any characters. */
static int read_line(int fd, char *dst, struct ms_error *err)
{
	size_t len = 0;

	for (;;) {
		char c;
		ssize_t n = read(fd, &c, 1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return ms_error_set(err, -errno, NULL,
					    "cannot read the passphrase from file "
					    "descriptor %d: %s",
					    fd, ms_strerror(errno));
		if (!n || c == '\n')
			return 0;
		if (len == PASSPHRASE_MAX)
			return ms_error_set(err, -E2BIG, NULL,
					    "the passphrase is longer than %u bytes",
					    PASSPHRASE_MAX);
		dst[len++] = c;
	}
}

static int on_passphrase(void *arg, const char **ret, struct ms_error *err)
{
	struct passphrase *p = arg;
	const char *fd = ms_cli_opt(p->cli, "passphrase-fd");
	long n;
	int r;

	if (!fd) {
		_cleanup_close_ int tty = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);

		if (tty < 0)
			return ms_error_set(err, -ENOTTY, NULL,
					    "it is encrypted and there is no terminal to "
					    "ask for the passphrase: use --passphrase-fd "
					    "N");
		r = ms_pin_from_terminal("Passphrase of the file", false, &p->typed, err);
		*ret = p->typed.text;
		return r;
	}
	if (ms_cli_number(fd, 0, 65535, &n))
		return ms_error_set(err, -EINVAL, NULL,
				    "--passphrase-fd needs the number of an open file");
	p->text = ms_secmem_alloc(PASSPHRASE_MAX + 1);
	if (!p->text)
		return ms_error_set(err, -ENOMEM, NULL,
				    "no locked memory: raise ulimit -l");
	r = read_line((int)n, p->text, err);
	*ret = p->text;
	return r;
}

/* ----------------------------------------------------------------------- files */

static int complain_of(const struct ms_cli *cli, const char *path, struct ms_error *err)
{
	char shown[256];

	ms_error_prefix(err, "%s: %s", cli->cmd->name,
			ms_escape_str(path, shown, sizeof(shown)));
	ms_cli_complain(err);
	return MS_EXIT_FAILED;
}

int ms_key_read_cert_file(const struct ms_cli *cli, const char *path,
			  struct ms_cert_list *ret)
{
	_cleanup_file_ struct ms_file f = {0};
	struct ms_error err = {0};
	int r = ms_file_read(AT_FDCWD, path, MS_CERT_FILE_MAX, 0, &f, &err);

	if (r == 0) {
		r = ms_cert_list_parse(f.data, f.len, ret);
		if (r < 0)
			ms_error_set(&err, r, NULL,
				     r == -ENODATA ? "there is no certificate in it"
						   : "the certificate in it is damaged");
	}
	return r < 0 ? complain_of(cli, path, &err) : MS_EXIT_OK;
}

int ms_key_read_source(const struct ms_cli *cli, const char *path,
		       struct ms_key_source *ret)
{
	_cleanup_(passphrase_clear) struct passphrase p = {.cli = cli};
	_cleanup_file_ struct ms_file f = {0};
	struct ms_error err = {0};
	int r = ms_file_read(AT_FDCWD, path, SOURCE_MAX, 0, &f, &err);

	if (r == 0)
		r = ms_key_source_parse(f.data, f.len, on_passphrase, &p, ret, &err);
	if (f.data)
		ms_wipe(f.data, f.len);
	return r < 0 ? complain_of(cli, path, &err) : MS_EXIT_OK;
}

/* -------------------------------------------------------------------- request */

static int put_key(const struct ms_cli *cli, EVP_PKEY *key, struct ms_buf *out)
{
	PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
	int len = info ? i2d_PKCS8_PRIV_KEY_INFO(info, NULL) : -1;
	uint8_t *der = NULL, *at;
	int status = MS_EXIT_FAILED;

	if (len > 0 && (size_t)len <= MS_PKCS8_MAX)
		der = ms_secmem_alloc(MS_PKCS8_MAX);
	at = der;
	if (der && i2d_PKCS8_PRIV_KEY_INFO(info, &at) == len) {
		ms_pem_put(out, "PRIVATE KEY", der, (size_t)len);
		status = MS_EXIT_OK;
	} else {
		fprintf(stderr,
			"modseal: %s: the private key is too large, or of a kind that "
			"signs no modules: RSA with 2048, 3072 or 4096 bits, P-256 and "
			"P-384 can be imported\n",
			cli->cmd->name);
	}
	ms_secmem_free(der, MS_PKCS8_MAX);
	PKCS8_PRIV_KEY_INFO_free(info);
	return status;
}

static int put_source(const struct ms_cli *cli, const struct ms_key_source *s,
		      struct ms_buf *out)
{
	if (s->key)
		return put_key(cli, s->key, out);
	ms_pem_put(out, "TSS2 PRIVATE KEY", s->tss2.data, s->tss2.len);
	return MS_EXIT_OK;
}

/* --cert goes before what is in the key's file. */
static int put_cert(const struct ms_cli *cli, const struct ms_key_source *s,
		    struct ms_buf *out)
{
	const char *path = ms_cli_opt(cli, "cert");
	struct ms_cert_list own = {0};
	const struct ms_cert_list *l = path ? &own : &s->certs;
	const struct ms_cert *cert;
	char shown[256];
	int status;

	/* Which certificate is that of a TPM's key the agent finds out. */
	if (!s->key && !path)
		return MS_EXIT_OK;
	status = path ? ms_key_read_cert_file(cli, path, &own) : MS_EXIT_OK;

	if (status)
		return status;
	cert = s->key ? ms_key_source_cert(s->key, l) : l->v[0];
	if (cert) {
		ms_pem_put(out, "CERTIFICATE", cert->der, cert->der_len);
	} else if (l->n) {
		fprintf(stderr,
			"modseal: %s: %s: no certificate in it is this key's: give the "
			"right one with --cert\n",
			cli->cmd->name,
			ms_escape_str(path ? path : cli->operands[1], shown,
				      sizeof(shown)));
		status = MS_EXIT_FAILED;
	}
	ms_cert_list_clear(&own);
	return status;
}

static size_t put_encoded(char *dst, size_t size, const char *text)
{
	static const char hex[] = "0123456789ABCDEF";
	size_t n = 0;

	for (; *text && n + 4 < size; text++) {
		uint8_t c = (uint8_t)*text;

		if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
		    (c >= 'A' && c <= 'Z')) {
			dst[n++] = (char)c;
		} else {
			dst[n++] = '%';
			dst[n++] = hex[c >> 4];
			dst[n++] = hex[c & 15];
		}
	}
	dst[n] = '\0';
	return n;
}

static int make_target(const struct ms_cli *cli, char *dst, size_t size)
{
	const char *subject = ms_cli_opt(cli, "subject"), *days = ms_cli_opt(cli, "days"),
		   *pcrs = ms_cli_opt(cli, "pcrs");
	_cleanup_json_ json_t *list = ms_pcrs_parse(pcrs ? pcrs : "7");
	long n = 3650;
	size_t at;
	int status = ms_talk_key_target(cli, cli->operands[0], "/import", dst, size);

	if (status)
		return status;
	if (days && ms_cli_number(days, 1, DAYS_MAX, &n))
		return ms_cli_usage(cli, "--days needs a number from 1 to %d", DAYS_MAX);
	if (!list)
		return ms_cli_usage(cli, "--pcrs needs different numbers from 0 to 23 "
					 "with commas between them, or none");
	if (subject && (!*subject || strlen(subject) > 64))
		return ms_cli_usage(cli, "--subject has 1 to 64 bytes");
	at = strlen(dst);
	at += (size_t)snprintf(dst + at, size - at, "?days=%ld&pcrs=%s", n,
			       pcrs ? pcrs : "7");
	if (subject) {
		at += (size_t)snprintf(dst + at, size - at, "&subject=");
		put_encoded(dst + at, size - at, subject);
	}
	return MS_EXIT_OK;
}

/* Nothing is deleted behind anybody's back, and nothing left without a word. */
static void tell_what_is_left(const struct ms_cli *cli, const struct ms_key_source *s)
{
	char shown[512];

	ms_escape_str(cli->operands[1], shown, sizeof(shown));
	if (!s->key) {
		fprintf(stderr,
			"modseal: %s: %s is still there, and whoever may use the TPM can "
			"sign with it past the agent: remove it\n",
			cli->cmd->name, shown);
		return;
	}
	fprintf(stderr,
		"modseal: %s: %s is still on disk with the private key in it: when the "
		"key is backed up offline, remove it with 'shred -u %s', and copies of "
		"it in backups and snapshots too\n",
		cli->cmd->name, shown, shown);
}

int ms_cmd_key_import(const struct ms_cli *cli)
{
	_cleanup_key_source_ struct ms_key_source source = {0};
	_cleanup_buf_ struct ms_buf body = MS_BUF_INIT(BODY_MAX);
	_cleanup_talk_ struct ms_talk talk = {0};
	_cleanup_pin_ struct ms_pin pin = {0};
	_cleanup_json_ json_t *key = NULL;
	char target[TARGET_MAX];
	bool locked;
	int status = make_target(cli, target, sizeof(target));

	if (status)
		return status;
	/* Where it cannot be locked it is wiped all the same. */
	(void)!ms_secmem_process(&locked);
	status = ms_key_read_source(cli, cli->operands[1], &source);
	if (!status)
		status = put_source(cli, &source, &body);
	if (!status)
		status = put_cert(cli, &source, &body);
	if (!status)
		status = ms_talk_open(cli, &talk);
	if (!status)
		status = ms_key_pin_get(cli, false, ms_cli_opt(cli, "pin"), true, &pin);
	if (!status && pin.text)
		ms_pem_put(&body, "MODSEAL PIN", (const uint8_t *)pin.text,
			   strlen(pin.text));
	if (!status && ms_buf_error(&body))
		status = MS_EXIT_FAILED;
	if (!status)
		status = ms_talk_ask(&talk, "POST", target, "application/x-pem-file",
				     &body, &key);
	if (status)
		return status;
	ms_key_print(cli, key);
	tell_what_is_left(cli, &source);
	return MS_EXIT_OK;
}
