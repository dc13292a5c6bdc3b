/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the TPM can prove about itself and its keys, and keys that move to another TPM:
 * docs/ATTESTATION.md.
 */
#include "signer/agent/keys_table.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <time.h>

#include "lib/attest_check.h"
#include "lib/file.h"
#include "lib/secmem.h"
#include "lib/signed.h"
#include "lib/tpm_public.h"
#include "tpm/attest.h"
#include "tpm/provision_file.h"

#define AK_FILE "attestation-key.crt" /* DER, in the keys' directory */
#define GCM_NONCE 12u
#define GCM_TAG 16u

static int too_large(struct ms_error *err)
{
	return ms_error_set(err, -EFBIG, "too-large",
			    "what the TPM has to say is larger than modseal expects");
}

/* ----------------------------------------------------- the AK's certificate */

/* @ret: the AK's public key, out of evidence */
static int ak_key(const uint8_t *p, size_t len, EVP_PKEY **ret)
{
	struct ms_tpm_public pub;
	struct ms_tpm_evidence e;
	int r = ms_tpm_evidence_parse(p, len, &e);

	if (r == 0)
		r = ms_tpm_public_parse(e.f[MS_EV_AK_PUBLIC].p, e.f[MS_EV_AK_PUBLIC].len,
					&pub);
	return r == 0 ? ms_tpm_public_key(&pub, ret) : r;
}

static bool cert_is_of(const uint8_t *der, size_t len, EVP_PKEY *key)
{
	_cleanup_cert_ struct ms_cert *c = NULL;

	return ms_cert_parse(der, len, &c) == 0 && c->pkey &&
	       EVP_PKEY_eq(c->pkey, key) == 1;
}

/* Left out where there is none, or where it is of a TPM that is not there any more. */
static void put_ak_cert(struct ms_keys *k, struct ms_buf *out)
{
	_cleanup_file_ struct ms_file f = {0};
	EVP_PKEY *ak = NULL;
	char path[MS_PATH_MAX];

	snprintf(path, sizeof(path), "%s/" AK_FILE, k->dir);
	if (ms_file_read(AT_FDCWD, path, MS_CERT_MAX, 0, &f, NULL) < 0 ||
	    ak_key(out->data, out->len, &ak) < 0)
		return;
	if (cert_is_of(f.data, f.len, ak))
		ms_tpm_evidence_put(out, MS_EV_AK_CERT, f.data, f.len);
	EVP_PKEY_free(ak);
}

/* nonce, tag, AES-256-GCM */
static int decrypt(const uint8_t *secret, const uint8_t *p, size_t len, uint8_t *ret)
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	int n = 0, tail = 0, r = -EBADMSG;
	uint8_t tag[GCM_TAG];

	if (!c)
		return -ENOMEM;
	memcpy(tag, p + GCM_NONCE, sizeof(tag));
	ERR_set_mark();
	if (EVP_DecryptInit_ex(c, EVP_aes_256_gcm(), NULL, secret, p) == 1 &&
	    EVP_DecryptUpdate(c, ret, &n, p + GCM_NONCE + GCM_TAG,
			      (int)(len - GCM_NONCE - GCM_TAG)) == 1 &&
	    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_SET_TAG, sizeof(tag), tag) == 1 &&
	    EVP_DecryptFinal_ex(c, ret + n, &tail) == 1)
		r = 0;
	ERR_pop_to_mark();
	EVP_CIPHER_CTX_free(c);
	return r;
}

static int open_cert(struct ms_tpmw *w, const struct ms_ipc_change *req,
		     const struct ms_tpm_evidence *e, uint8_t *ret, size_t *ret_len,
		     struct ms_error *err)
{
	const uint8_t *sealed = e->f[MS_EV_SEALED_CERT].p;
	size_t len = e->f[MS_EV_SEALED_CERT].len;
	uint8_t *secret = ms_secmem_alloc(MS_TPM_SECRET_LEN);
	_cleanup_buf_ struct ms_buf data = MS_BUF_INIT(2048);
	int r;

	if (!secret)
		return ms_error_set(err, -ENOMEM, NULL,
				    "no locked memory: raise LimitMEMLOCK");
	ms_tpm_evidence_put(&data, MS_EV_CREDENTIAL, e->f[MS_EV_CREDENTIAL].p,
			    e->f[MS_EV_CREDENTIAL].len);
	ms_tpm_evidence_put(&data, MS_EV_SECRET, e->f[MS_EV_SECRET].p,
			    e->f[MS_EV_SECRET].len);
	r = ms_buf_error(&data) < 0 || len <= GCM_NONCE + GCM_TAG || len > MS_CERT_MAX
		    ? ms_error_set(err, -EBADMSG, "bad-request",
				   "the enrolment CA's answer is damaged")
		    : ms_tpmw_activate(w, data.data, data.len, secret, err);
	if (r == 0 && decrypt(secret, sealed, len, ret) < 0)
		r = ms_error_set(
			err, -EBADMSG, "bad-request",
			"the certificate in the enrolment CA's answer is damaged");
	ms_secmem_free(secret, MS_TPM_SECRET_LEN);
	if (r == 0)
		*ret_len = len - GCM_NONCE - GCM_TAG;
	return r;
}

static int install_ak(struct ms_keys *k, struct ms_tpmw *w,
		      const struct ms_ipc_change *req, struct ms_error *err)
{
	uint8_t der[MS_CERT_MAX], identity[MS_TPM_EVIDENCE_MAX];
	size_t len = 0, identity_len = 0;
	char path[MS_PATH_MAX];
	struct ms_tpm_evidence e;
	EVP_PKEY *ak = NULL;
	struct iovec iov;
	int r = ms_tpm_evidence_parse(req->data, req->data_len, &e);

	if (r < 0)
		return ms_error_set(err, -EBADMSG, "bad-request",
				    "the enrolment CA's answer is damaged");
	r = open_cert(w, req, &e, der, &len, err);
	if (r == 0)
		r = ms_tpmw_identity(w, identity, &identity_len, err);
	if (r < 0)
		return r;
	if (ak_key(identity, identity_len, &ak) < 0 || !cert_is_of(der, len, ak))
		r = ms_error_set(err, -EINVAL, "certificate-mismatch",
				 "the certificate is not that of this TPM's attestation "
				 "key");
	EVP_PKEY_free(ak);
	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "%s/" AK_FILE, k->dir);
	iov = (struct iovec){.iov_base = der, .iov_len = len};
	return ms_file_replace(path, -1, 0644, &iov, 1, true, err);
}

static int identity(struct ms_keys *k, struct ms_tpmw *w, struct ms_buf *out,
		    struct ms_error *err)
{
	uint8_t bytes[MS_TPM_EVIDENCE_MAX];
	size_t len = 0;
	int r = ms_tpmw_identity(w, bytes, &len, err);

	if (r < 0)
		return r;
	ms_buf_put(out, bytes, len);
	put_ak_cert(k, out);
	return ms_buf_error(out) < 0 ? too_large(err) : 0;
}

/* ---------------------------------------------------------------------- a key */

/* A key in the TPM, as ms_cert_sign_fn needs it. */
struct signer {
	struct ms_tpmw *w;
	const struct key *key;
	struct ms_error *err;
};

static int sign_in_tpm(void *arg, const uint8_t *digest, uint8_t *ret, size_t *ret_len)
{
	struct signer *s = arg;

	return ms_tpmw_sign(s->w, &s->key->file->blob, s->key->pin, MS_HASH_SHA256,
			    digest, ret, ret_len, s->err);
}

static int may_attest(const struct key *key, struct ms_error *err)
{
	if (!key->file->resident)
		return ms_error_set(
			err, -EINVAL, "not-in-tpm",
			"key %s has custody sealed: its private key was made in memory "
			"and not by the TPM, which can prove nothing about it: create a "
			"key with --custody resident or leaf",
			key->name);
	if (!key->in_tpm)
		return ms_error_set(err, -EAGAIN, "key-locked", "key %s is locked: %s",
				    key->name, key->err.msg);
	return 0;
}

static int put_csr(struct ms_tpmw *w, const struct key *key, struct ms_buf *csr,
		   struct ms_error *err)
{
	struct signer s = {.w = w, .key = key, .err = err};
	_cleanup_cert_ struct ms_cert *cert = NULL;
	int r = ms_cert_parse(key->file->cert, key->file->cert_len, &cert);

	if (r == 0)
		r = ms_csr_make(cert, sign_in_tpm, &s, csr);
	if (r < 0 && !err->msg[0])
		ms_error_set(err, r, "csr", "cannot make a request for key %s: %s",
			     key->name, ms_strerror(r));
	return r;
}

static int attest(struct ms_keys *k, struct ms_tpmw *w, const struct key *key,
		  const struct ms_ipc_change *req, struct ms_buf *out,
		  struct ms_error *err)
{
	_cleanup_buf_ struct ms_buf csr = MS_BUF_INIT(MS_CERT_MAX);
	const struct ms_tpm_blob *blob = &key->file->blob;
	uint8_t extra[32], bytes[MS_TPM_EVIDENCE_MAX];
	struct ms_tpm_public pub;
	size_t len = 0;
	int r = may_attest(key, err);

	if (r == 0)
		r = put_csr(w, key, &csr, err);
	if (r < 0)
		return r;
	if (req->data_len > MS_NONCE_MAX ||
	    ms_tpm_public_parse(blob->pub, blob->pub_len, &pub) < 0 ||
	    ms_attest_extra_data(csr.data, csr.len, pub.policy.p, pub.policy.len,
				 req->data, req->data_len, extra) < 0)
		return ms_error_set(err, -EINVAL, "bad-request",
				    "the nonce is longer than %u bytes, or key %s has a "
				    "public area that modseal does not know",
				    MS_NONCE_MAX, key->name);
	r = ms_tpmw_attest(w, blob, key->pin, extra, bytes, &len, err);
	if (r < 0)
		return r;
	ms_buf_put(out, bytes, len);
	put_ak_cert(k, out);
	ms_tpm_evidence_put(out, MS_EV_CSR, csr.data, csr.len);
	ms_tpm_evidence_put(out, MS_EV_NONCE, req->data, req->data_len);
	return ms_buf_error(out) < 0 ? too_large(err) : 0;
}

/* ------------------------------------------------------------------ provisioning */

/* As with backups: the destination is not for the front to choose. */
static int check_destination(const struct ms_keys *k, const struct key *key,
			     const struct ms_ipc_change *req, struct ms_error *err)
{
	uint8_t name[2 + MS_DIGEST_MAX];
	char hex[2 * sizeof(name) + 1];
	struct ms_tpm_public pub;
	size_t len;

	if (ms_tpm_public_parse(req->data, req->data_len, &pub) < 0 ||
	    ms_tpm_public_name(&pub, name, &len) < 0)
		return ms_error_set(err, -EBADMSG, "bad-request",
				    "the other TPM's storage key cannot be read");
	return ms_key_may_leave_to(key, k->provision_to, "provision-to",
				   ms_hex(name, len, hex), err);
}

static int provision(const struct ms_keys *k, const struct key *key,
		     const struct ms_ipc_change *req, struct ms_buf *out,
		     struct ms_error *err)
{
	_cleanup_free_ struct ms_provision *p = NULL;
	int r;

	if (key->custody != MS_CUSTODY_SEALED)
		return ms_error_set(err, -EINVAL, "not-exportable",
				    "key %s has custody %s: it never leaves its TPM: "
				    "create one on the other machine, and enroll both",
				    key->name, ms_custody_name(key->custody));
	r = ms_key_may_sign(key, time(NULL), err);
	if (r < 0)
		return r;
	if (!key->pkey)
		return ms_error_set(err, -EAGAIN, "key-locked", "key %s is locked: %s",
				    key->name, key->err.msg);
	r = check_destination(k, key, req, err);
	if (r < 0)
		return r;
	p = calloc(1, sizeof(*p));
	if (!p)
		return ms_error_set(err, -ENOMEM, NULL, "out of memory");
	p->key.created = key->file->created;
	memcpy(p->key.cert, key->file->cert, key->file->cert_len);
	p->key.cert_len = key->file->cert_len;
	r = ms_provision_wrap(req->data, req->data_len, key->pkey, p, err);
	if (r == 0 && ms_provision_write(p, out) < 0)
		r = too_large(err);
	return r;
}

/* Out of its wrapping, and into one of ours: the same as an import from then on. */
static int unwrap(struct ms_tpmw *w, const struct ms_provision *p, EVP_PKEY **ret,
		  struct ms_error *err)
{
	uint8_t *kek = ms_secmem_alloc(MS_TPM_SECRET_LEN);
	int r;

	if (!kek)
		return ms_error_set(err, -ENOMEM, NULL,
				    "no locked memory: raise LimitMEMLOCK");
	r = ms_tpmw_import(w, &p->key.blob, p->seed, p->seed_len, kek, err);
	if (r == 0)
		r = ms_keyfile_unseal(&p->key, kek, ret, err);
	ms_secmem_free(kek, MS_TPM_SECRET_LEN);
	return r;
}

int ms_keys_take_provisioned(struct ms_keys *k, struct ms_tpmw *w,
			     const struct ms_ipc_provision *req, struct ms_error *err)
{
	_cleanup_free_ struct ms_provision *p = calloc(1, sizeof(*p));
	struct ms_ipc_create create = req->create;
	struct ms_key_given given = {0};
	int r;

	if (!p)
		return ms_error_set(err, -ENOMEM, NULL, "out of memory");
	create.custody = MS_CUSTODY_SEALED;
	r = ms_provision_parse((const char *)req->file, req->file_len, p, err);
	if (r == 0)
		r = unwrap(w, p, &given.pkey, err);
	if (r == 0) {
		given.cert = p->key.cert;
		given.cert_len = p->key.cert_len;
		create.alg = ms_key_alg(given.pkey);
		r = ms_key_check_cert(given.pkey, given.cert, given.cert_len, err);
	}
	if (r == 0)
		r = ms_keys_make(k, w, &create, &given, err);
	EVP_PKEY_free(given.pkey);
	ms_wipe(&create, sizeof(create));
	return r;
}

int ms_keys_tell(struct ms_keys *k, struct ms_tpmw *w, const struct ms_ipc_change *req,
		 uint8_t *ret, size_t *ret_len, struct ms_error *err)
{
	_cleanup_buf_ struct ms_buf out = MS_BUF_INIT(MS_CERT_MAX);
	struct key *key = ms_keys_get(k, req->key);
	int r;

	*ret_len = 0;
	if (req->what == MS_CHANGE_ENROLL_AK)
		return install_ak(k, w, req, err);
	if (req->what == MS_CHANGE_IDENTITY)
		r = identity(k, w, &out, err);
	else if (!key)
		return ms_no_such_key(req->key, err);
	else if (!key->file)
		return ms_error_set(err, -EBADMSG, "key-broken",
				    "key %s cannot be used: %s", key->name, key->err.msg);
	else if (req->what == MS_CHANGE_ATTEST)
		r = attest(k, w, key, req, &out, err);
	else
		r = provision(k, key, req, &out, err);
	if (r < 0)
		return r;
	memcpy(ret, out.data, out.len);
	*ret_len = out.len;
	return 0;
}
