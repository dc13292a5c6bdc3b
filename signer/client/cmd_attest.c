/* SPDX-License-Identifier: GPL-2.0-or-later */
/* modseal key attest; and what the commands about evidence share */
#include "signer/client/cmd_attest.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "lib/escape.h"
#include "lib/file.h"
#include "lib/hash.h"

#define TARGET_MAX 1024
#define EVENT_LOG "/sys/kernel/security/tpm0/binary_bios_measurements"
#define EVIDENCE_TYPE "application/vnd.modseal.evidence"

int ms_cli_post(struct ms_talk *t, const char *target, const char *accept,
		const uint8_t *body, size_t len, struct ms_buf *out)
{
	struct iovec iov = {.iov_base = (void *)(uintptr_t)body, .iov_len = len};
	struct ms_error err = {0};

	if (ms_agent_call(&t->http, "POST", target, accept, "application/octet-stream",
			  &iov, 1, out, &err) == 0)
		return MS_EXIT_OK;
	ms_cli_complain(&err);
	return ms_talk_lost(&err) ? MS_EXIT_AGENT : MS_EXIT_FAILED;
}

static int complain_of(const struct ms_cli *cli, const char *path, struct ms_error *err)
{
	char shown[256];

	ms_error_prefix(err, "%s: %s", cli->cmd->name,
			ms_escape_str(path, shown, sizeof(shown)));
	ms_cli_complain(err);
	return MS_EXIT_FAILED;
}

int ms_cli_write_new(const struct ms_cli *cli, const char *path,
		     const struct ms_buf *data, mode_t mode)
{
	struct iovec iov = {.iov_base = data->data, .iov_len = data->len};
	struct ms_error err = {0};
	int r;

	if (!path) {
		fwrite(data->data, 1, data->len, stdout);
		return fflush(stdout) == 0 ? MS_EXIT_OK : MS_EXIT_FAILED;
	}
	if (access(path, F_OK) == 0)
		r = ms_error_set(&err, -EEXIST, NULL,
				 "it exists already: choose another name");
	else
		r = ms_file_replace(path, -1, mode, &iov, 1, true, &err);
	return r == 0 ? MS_EXIT_OK : complain_of(cli, path, &err);
}

int ms_cli_read_bundle(const struct ms_cli *cli, const char *path, const char *type,
		       struct ms_buf *msg, struct ms_tpm_evidence *ret)
{
	_cleanup_file_ struct ms_file f = {0};
	struct ms_error err = {0};
	int r = ms_file_read(AT_FDCWD, path, MS_BUNDLE_MAX, 0, &f, &err);

	if (r == 0)
		r = ms_bundle_parse((const char *)f.data, f.len, type, msg, &err);
	if (r == 0)
		r = ms_tpm_evidence_parse(msg->data, msg->len, ret);
	return r < 0 ? complain_of(cli, path, &err) : MS_EXIT_OK;
}

/* A field of a message, which may move. */
static int add_field(struct ms_buf *msg, enum ms_tpm_ev f, const uint8_t *p, size_t len,
		     struct ms_tpm_evidence *e)
{
	ms_tpm_evidence_put(msg, f, p, len);
	if (ms_buf_error(msg) < 0 || ms_tpm_evidence_parse(msg->data, msg->len, e) < 0)
		return MS_EXIT_FAILED;
	return MS_EXIT_OK;
}

/* The TPM's own certificates go before those of the file, and all into a fresh message.
 */
int ms_cli_add_chain(const struct ms_cli *cli, struct ms_buf *msg,
		     struct ms_tpm_evidence *e)
{
	_cleanup_(ms_cert_list_clear) struct ms_cert_list certs = {0};
	_cleanup_buf_ struct ms_buf fresh = MS_BUF_INIT(MS_EV_MAX),
				    chain = MS_BUF_INIT(MS_CERT_FILE_MAX);
	const char *path = ms_cli_opt(cli, "chain");
	int status;

	if (!path)
		return MS_EXIT_OK;
	status = ms_key_read_cert_file(cli, path, &certs);
	if (status)
		return status;
	ms_buf_put(&chain, e->f[MS_EV_EK_CHAIN].p, e->f[MS_EV_EK_CHAIN].len);
	for (size_t i = 0; i < certs.n; i++)
		ms_buf_put(&chain, certs.v[i]->der, certs.v[i]->der_len);
	for (size_t i = 1; i < MS_EV_N; i++)
		if (i != MS_EV_EK_CHAIN)
			ms_tpm_evidence_put(&fresh, (enum ms_tpm_ev)i, e->f[i].p,
					    e->f[i].len);
	if (ms_buf_error(&chain) < 0 || ms_buf_error(&fresh) < 0)
		return MS_EXIT_FAILED;
	ms_buf_clear(msg);
	*msg = fresh;
	fresh = MS_BUF_INIT(0);
	return add_field(msg, MS_EV_EK_CHAIN, chain.data, chain.len, e);
}

int ms_cli_judge(const struct ms_cli *cli, const struct ms_attest_result *r)
{
	enum ms_attest_state s = ms_attest_state(r);

	for (size_t i = 0; i < r->n; i++)
		if (r->v[i].state == MS_ATTEST_BAD ||
		    r->v[i].state == MS_ATTEST_UNCHECKED)
			fprintf(stderr, "modseal: %s: %s: %s\n", cli->cmd->name,
				r->v[i].name, r->v[i].why);
	return s == MS_ATTEST_GOOD ? MS_EXIT_OK : MS_EXIT_FAILED;
}

/* ------------------------------------------------------------------ key attest */

static int read_nonce(const struct ms_cli *cli, uint8_t *dst, size_t *ret_len)
{
	static const char digits[] = "0123456789abcdef";
	const char *hex = ms_cli_opt(cli, "nonce");
	size_t n = hex ? strlen(hex) : 0;

	if (hex && (n == 0 || n % 2 || n / 2 > MS_NONCE_MAX))
		return ms_cli_usage(cli, "--nonce has 1 to %u bytes in hex",
				    MS_NONCE_MAX);
	for (size_t i = 0; i < n; i++) {
		const char *at = strchr(digits, hex[i]);

		if (!at)
			return ms_cli_usage(cli, "--nonce is in lower-case hex");
		dst[i / 2] = (uint8_t)(dst[i / 2] << 4 | (at - digits));
	}
	*ret_len = n / 2;
	return MS_EXIT_OK;
}

/* Read here, as only root may; a log that does not belong to the quote is found out. */
static int add_event_log(const struct ms_cli *cli, struct ms_buf *msg,
			 struct ms_tpm_evidence *e, const char **ret_missing)
{
	const char *path = ms_cli_opt(cli, "event-log");
	_cleanup_buf_ struct ms_buf log = MS_BUF_INIT(MS_EVENT_LOG_MAX);
	_cleanup_close_ int fd =
		open(path ? path : EVENT_LOG, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct ms_error err = {0};
	uint8_t chunk[4096];
	ssize_t n = fd < 0 ? -1 : 1;

	/* Files of securityfs do not know their size. */
	while (n > 0) {
		n = read(fd, chunk, sizeof(chunk));
		if (n > 0)
			ms_buf_put(&log, chunk, (size_t)n);
	}
	if (n == 0 && ms_buf_error(&log) == 0 && log.len)
		return add_field(msg, MS_EV_EVENT_LOG, log.data, log.len, e);
	if (path) {
		ms_error_set(&err, -EIO, NULL, "cannot read the event log: %s",
			     n < 0 ? ms_strerror(errno) : "it is empty, or too large");
		return complain_of(cli, path, &err);
	}
	*ret_missing = fd < 0 && errno == ENOENT
			       ? "this machine's firmware or kernel has none"
			       : "it could not be read: only root may";
	fprintf(stderr, "modseal: %s: no event log: %s\n", cli->cmd->name, *ret_missing);
	return MS_EXIT_OK;
}

static int write_bundle(const struct ms_cli *cli, const char *type,
			const struct ms_tpm_evidence *e, const char *missing)
{
	_cleanup_buf_ struct ms_buf text = MS_BUF_INIT(MS_BUNDLE_MAX);

	if (ms_bundle_write(type, e, missing, &text) < 0) {
		fprintf(stderr, "modseal: %s: out of memory\n", cli->cmd->name);
		return MS_EXIT_FAILED;
	}
	return ms_cli_write_new(cli, ms_cli_opt(cli, "output"), &text, 0644);
}

int ms_cmd_key_attest(const struct ms_cli *cli)
{
	_cleanup_buf_ struct ms_buf msg = MS_BUF_INIT(MS_EV_MAX);
	_cleanup_talk_ struct ms_talk talk = {0};
	uint8_t nonce[MS_NONCE_MAX] = {0};
	const char *missing = NULL;
	struct ms_tpm_evidence e = {0};
	char target[TARGET_MAX];
	size_t nonce_len = 0;
	int status = ms_talk_key_target(cli, cli->operands[0], "/attest", target,
					sizeof(target));

	if (!status)
		status = read_nonce(cli, nonce, &nonce_len);
	if (!status)
		status = ms_talk_open(cli, &talk);
	if (!status)
		status =
			ms_cli_post(&talk, target, EVIDENCE_TYPE, nonce, nonce_len, &msg);
	if (!status && ms_tpm_evidence_parse(msg.data, msg.len, &e) < 0) {
		fprintf(stderr, "modseal: %s: the agent's answer makes no sense\n",
			cli->cmd->name);
		status = MS_EXIT_FAILED;
	}
	if (!status)
		status = ms_cli_add_chain(cli, &msg, &e);
	if (!status)
		status = add_event_log(cli, &msg, &e, &missing);
	if (status)
		return status;
	if (!e.f[MS_EV_EK_CERT].p)
		fprintf(stderr,
			"modseal: %s: this TPM has no certificate of its endorsement "
			"key, so the bundle proves nothing to others\n",
			cli->cmd->name);
	else if (!e.f[MS_EV_AK_CERT].p)
		fprintf(stderr,
			"modseal: %s: the attestation key has no certificate yet, so the "
			"bundle proves nothing to others: see modseal tpm enroll\n",
			cli->cmd->name);
	return write_bundle(cli, MS_BUNDLE_KEY, &e, missing);
}
