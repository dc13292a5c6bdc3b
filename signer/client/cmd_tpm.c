/* SPDX-License-Identifier: GPL-2.0-or-later */
/* modseal tpm identity, enroll, install */
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>

#include "lib/escape.h"
#include "lib/file.h"
#include "lib/secmem.h"
#include "lib/tpm_public.h"
#include "signer/client/cmd_attest.h"
#include "signer/client/key_source.h"

#define EVIDENCE_TYPE "application/vnd.modseal.evidence"
#define CA_KEY_MAX 65536u
#define DAYS_DEFAULT 3650
#define DAYS_MAX 36500
#define GCM_NONCE 12
#define GCM_TAG 16
#define SECRET_LEN 32u

static void pkey_freep(EVP_PKEY **p)
{
	EVP_PKEY_free(*p);
}
#define _cleanup_pkey_ _cleanup_(pkey_freep)

static int failed(const struct ms_cli *cli, const char *why)
{
	fprintf(stderr, "modseal: %s: %s\n", cli->cmd->name, why);
	return MS_EXIT_FAILED;
}

static int write_bundle(const struct ms_cli *cli, const char *type,
			const struct ms_tpm_evidence *e)
{
	_cleanup_buf_ struct ms_buf text = MS_BUF_INIT(MS_BUNDLE_MAX);

	if (ms_bundle_write(type, e, NULL, &text) < 0)
		return failed(cli, "out of memory");
	return ms_cli_write_new(cli, ms_cli_opt(cli, "output"), &text, 0644);
}

/* Said on standard error, where it is compared with what the other side reads. */
static void tell_srk(const struct ms_tpm_evidence *e)
{
	uint8_t name[2 + MS_DIGEST_MAX];
	char hex[2 * sizeof(name) + 1];
	struct ms_tpm_public pub;
	size_t len;

	if (e->f[MS_EV_SRK_PUBLIC].p &&
	    ms_tpm_public_parse(e->f[MS_EV_SRK_PUBLIC].p, e->f[MS_EV_SRK_PUBLIC].len,
				&pub) == 0 &&
	    ms_tpm_public_name(&pub, name, &len) == 0)
		fprintf(stderr,
			"modseal: the Name of this TPM's storage root key is\n"
			"%s\n",
			ms_hex(name, len, hex));
}

int ms_cmd_tpm_identity(const struct ms_cli *cli)
{
	_cleanup_buf_ struct ms_buf msg = MS_BUF_INIT(MS_EV_MAX);
	_cleanup_talk_ struct ms_talk talk = {0};
	struct ms_tpm_evidence e = {0};
	int status = ms_talk_open(cli, &talk);

	if (!status)
		status = ms_cli_post(&talk, "/v1/tpm/identity", EVIDENCE_TYPE, NULL, 0,
				     &msg);
	if (!status && ms_tpm_evidence_parse(msg.data, msg.len, &e) < 0)
		status = failed(cli, "the agent's answer makes no sense");
	if (!status)
		status = ms_cli_add_chain(cli, &msg, &e);
	if (status)
		return status;
	tell_srk(&e);
	if (!e.f[MS_EV_EK_CERT].p)
		fprintf(stderr,
			"modseal: %s: this TPM has no certificate of its "
			"endorsement key: nobody can vouch for it\n",
			cli->cmd->name);
	return write_bundle(cli, MS_BUNDLE_IDENTITY, &e);
}

/* ---------------------------------------------------------------------- enroll */

/* Never a prompt: an encrypted key is opened by openssl first. */
static int no_passphrase(void *arg, const char **ret, struct ms_error *err)
{
	return ms_error_set(err, -EINVAL, NULL,
			    "it is encrypted: decrypt it with openssl pkey into memory "
			    "(/dev/shm) first");
}

static int read_ca_key(const struct ms_cli *cli, EVP_PKEY **ret)
{
	const char *path = ms_cli_opt(cli, "ca-key");
	struct ms_key_source source = {0};
	_cleanup_file_ struct ms_file f = {0};
	struct ms_error err = {0};
	char shown[256];
	int r = ms_file_read(AT_FDCWD, path, CA_KEY_MAX, 0, &f, &err);

	if (r == 0)
		r = ms_key_source_parse(f.data, f.len, no_passphrase, NULL, &source,
					&err);
	if (f.data)
		ms_wipe(f.data, f.len);
	if (r < 0) {
		ms_error_prefix(&err, "%s: %s", cli->cmd->name,
				ms_escape_str(path, shown, sizeof(shown)));
		ms_cli_complain(&err);
		return MS_EXIT_FAILED;
	}
	*ret = TAKE_PTR(source.key);
	ms_key_source_clear(&source);
	return MS_EXIT_OK;
}

/* nonce, tag, AES-256-GCM of the certificate: worth nothing without that very TPM */
static int encrypt_cert(const uint8_t *secret, const uint8_t *der, size_t len,
			struct ms_buf *out)
{
	uint8_t nonce[GCM_NONCE], tag[GCM_TAG], cipher[MS_CERT_MAX];
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	int n = 0, tail = 0, r = -EIO;

	if (c && len <= sizeof(cipher) && RAND_bytes(nonce, sizeof(nonce)) == 1 &&
	    EVP_EncryptInit_ex(c, EVP_aes_256_gcm(), NULL, secret, nonce) == 1 &&
	    EVP_EncryptUpdate(c, cipher, &n, der, (int)len) == 1 &&
	    EVP_EncryptFinal_ex(c, cipher + n, &tail) == 1 &&
	    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, sizeof(tag), tag) == 1)
		r = 0;
	EVP_CIPHER_CTX_free(c);
	if (r < 0)
		return r;
	ms_buf_put(out, nonce, sizeof(nonce));
	ms_buf_put(out, tag, sizeof(tag));
	ms_buf_put(out, cipher, len);
	return ms_buf_error(out);
}

/* TPM2_MakeCredential, and the certificate under its secret */
static int seal_cert(EVP_PKEY *ek, const uint8_t *name, size_t name_len,
		     const uint8_t *der, size_t len, struct ms_buf *out)
{
	_cleanup_buf_ struct ms_buf id = MS_BUF_INIT(1024), seed = MS_BUF_INIT(1024),
				    cert = MS_BUF_INIT(MS_CERT_MAX + 64);
	uint8_t *secret = ms_secmem_alloc(SECRET_LEN);
	int r = secret ? 0 : -ENOMEM;

	if (r == 0 && RAND_priv_bytes(secret, SECRET_LEN) != 1)
		r = -EIO;
	if (r == 0)
		r = ms_tpm_credential(ek, name, name_len, secret, SECRET_LEN, &id, &seed);
	if (r == 0)
		r = encrypt_cert(secret, der, len, &cert);
	ms_secmem_free(secret, SECRET_LEN);
	if (r < 0)
		return r;
	ms_tpm_evidence_put(out, MS_EV_CREDENTIAL, id.data, id.len);
	ms_tpm_evidence_put(out, MS_EV_SECRET, seed.data, seed.len);
	ms_tpm_evidence_put(out, MS_EV_SEALED_CERT, cert.data, cert.len);
	return ms_buf_error(out);
}

static int issue(const struct ms_tpm_evidence *e, const struct ms_attest_result *judged,
		 const struct ms_cert *ca, EVP_PKEY *ca_key, unsigned int days,
		 struct ms_buf *out)
{
	_cleanup_cert_ struct ms_cert *ek = NULL;
	_cleanup_pkey_ EVP_PKEY *ak = NULL;
	_cleanup_free_ uint8_t *der = NULL;
	uint8_t name[2 + MS_DIGEST_MAX];
	char hex[2 * sizeof(name) + 1];
	size_t name_len = 0, len = 0;
	struct ms_tpm_public pub;
	int r;

	r = ms_cert_parse(e->f[MS_EV_EK_CERT].p, e->f[MS_EV_EK_CERT].len, &ek);
	if (r == 0)
		r = ms_tpm_public_parse(e->f[MS_EV_AK_PUBLIC].p,
					e->f[MS_EV_AK_PUBLIC].len, &pub);
	if (r == 0)
		r = ms_tpm_public_name(&pub, name, &name_len);
	if (r == 0)
		r = ms_tpm_public_key(&pub, &ak);
	if (r == 0)
		r = ms_attest_issue(ak, ms_hex(name, name_len, hex), judged->ek_sha256,
				    ca, ca_key, days, &der, &len);
	if (r == 0)
		r = ek->pkey ? seal_cert(ek->pkey, name, name_len, der, len, out)
			     : -ENOPKG;
	return r;
}

static int enroll(const struct ms_cli *cli, const struct ms_cert_list *roots,
		  const struct ms_cert *ca, EVP_PKEY *ca_key, unsigned int days)
{
	_cleanup_buf_ struct ms_buf msg = MS_BUF_INIT(MS_EV_MAX),
				    out = MS_BUF_INIT(MS_EV_MAX);
	const struct ms_attest_question q = {.roots = roots, .now = time(NULL)};
	struct ms_attest_result judged;
	struct ms_tpm_evidence e;
	char why[160];
	int status, r;

	status = ms_cli_read_bundle(cli, cli->operands[0], MS_BUNDLE_IDENTITY, &msg, &e);
	if (!status)
		status = ms_cli_add_chain(cli, &msg, &e);
	if (status)
		return status;
	ms_attest_check_ak_request(&e, &q, &judged);
	status = ms_cli_judge(cli, &judged);
	if (status)
		return status;
	ERR_set_mark();
	r = issue(&e, &judged, ca, ca_key, days, &out);
	ERR_pop_to_mark();
	if (r == 0)
		r = ms_tpm_evidence_parse(out.data, out.len, &e);
	if (r == -EINVAL)
		return failed(cli, "--ca has to be the certificate of a CA, with a key "
				   "identifier, and --ca-key its key");
	if (r < 0) {
		snprintf(why, sizeof(why), "cannot issue a certificate: %s",
			 ms_strerror(r));
		return failed(cli, why);
	}
	return write_bundle(cli, MS_BUNDLE_ENROLMENT, &e);
}

int ms_cmd_tpm_enroll(const struct ms_cli *cli)
{
	_cleanup_(ms_cert_list_clear) struct ms_cert_list roots = {0};
	_cleanup_(ms_cert_list_clear) struct ms_cert_list ca = {0};
	_cleanup_pkey_ EVP_PKEY *key = NULL;
	const char *days = ms_cli_opt(cli, "days");
	long n = DAYS_DEFAULT;
	int status;

	if (!ms_cli_opt(cli, "root") || !ms_cli_opt(cli, "ca") ||
	    !ms_cli_opt(cli, "ca-key"))
		return ms_cli_usage(cli, "--root, --ca and --ca-key are needed");
	if (days && ms_cli_number(days, 1, DAYS_MAX, &n))
		return ms_cli_usage(cli, "--days needs a number from 1 to %d", DAYS_MAX);
	status = ms_key_read_cert_file(cli, ms_cli_opt(cli, "root"), &roots);
	if (!status)
		status = ms_key_read_cert_file(cli, ms_cli_opt(cli, "ca"), &ca);
	if (!status)
		status = read_ca_key(cli, &key);
	return status ? status : enroll(cli, &roots, ca.v[0], key, (unsigned int)n);
}

int ms_cmd_tpm_install(const struct ms_cli *cli)
{
	_cleanup_buf_ struct ms_buf msg = MS_BUF_INIT(MS_EV_MAX),
				    out = MS_BUF_INIT(MS_CERT_MAX);
	_cleanup_talk_ struct ms_talk talk = {0};
	struct ms_tpm_evidence e;
	int status =
		ms_cli_read_bundle(cli, cli->operands[0], MS_BUNDLE_ENROLMENT, &msg, &e);

	if (!status)
		status = ms_talk_open(cli, &talk);
	return status ? status
		      : ms_cli_post(&talk, "/v1/tpm/enroll", "application/json", msg.data,
				    msg.len, &out);
}
