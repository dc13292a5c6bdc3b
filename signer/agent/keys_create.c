/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A new key: generated, certified, protected by the TPM, written to its file. */
#include "signer/agent/keys_table.h"

#include <errno.h>
#include <openssl/rand.h>
#include <time.h>

#include "lib/agent_client.h"
#include "lib/file.h"
#include "lib/secmem.h"

static int certify(const struct ms_ipc_create *req, struct ms_keyfile *file,
		   EVP_PKEY *pkey, struct ms_error *err)
{
	struct ms_cert_request cr = {.common_name = req->common_name, .days = req->days};
	_cleanup_free_ uint8_t *der = NULL;
	size_t len;
	int r;

	r = ms_cert_self_sign(pkey, &cr, &der, &len);
	if (r < 0 || len > sizeof(file->cert))
		return ms_error_set(err, r < 0 ? r : -EFBIG, "certificate",
				    "cannot make a certificate for %s: %s", req->name,
				    ms_strerror(r < 0 ? r : -EFBIG));
	memcpy(file->cert, der, len);
	file->cert_len = len;
	return 0;
}

/* Seals a fresh key-encryption key, and proves that the TPM gives it back. */
static int seal_kek(struct ms_tpmw *w, const struct ms_ipc_create *req, uint8_t *kek,
		    uint8_t *back, struct ms_tpm_blob *ret, struct ms_error *err)
{
	const char *pin = req->pin[0] ? req->pin : NULL;
	int r;

	if (RAND_priv_bytes(kek, MS_TPM_SECRET_LEN) != 1)
		return ms_error_set(err, -EIO, NULL, "OpenSSL has no random numbers");
	r = ms_tpmw_seal(w, kek, req->pcrs, pin, ret, err);
	if (r < 0)
		return r;
	r = ms_tpmw_unseal(w, ret, pin, back, err);
	if (r < 0)
		return r;
	if (!ms_equal(kek, back, MS_TPM_SECRET_LEN))
		return ms_error_set(
			err, -EIO, "tpm-lied",
			"the TPM did not give back what it sealed: do not use it");
	return 0;
}

static int seal_key(struct ms_tpmw *w, const struct ms_ipc_create *req,
		    struct ms_keyfile *file, EVP_PKEY *pkey, struct ms_error *err)
{
	uint8_t *kek = ms_secmem_alloc(2 * MS_TPM_SECRET_LEN);
	int r;

	if (!kek)
		return ms_error_set(err, -ENOMEM, NULL,
				    "no locked memory: raise LimitMEMLOCK");
	r = seal_kek(w, req, kek, kek + MS_TPM_SECRET_LEN, &file->blob, err);
	if (r == 0)
		r = ms_keyfile_seal(file, kek, pkey, err);
	ms_secmem_free(kek, 2 * MS_TPM_SECRET_LEN);
	return r;
}

static int write_key_file(const char *path, const struct ms_keyfile *file,
			  struct ms_error *err)
{
	_cleanup_buf_ struct ms_buf text = MS_BUF_INIT(MS_KEY_FILE_MAX);
	struct iovec iov;
	int r;

	r = ms_keyfile_write(file, &text);
	if (r < 0)
		return ms_error_set(err, r, NULL, "cannot write a key file: %s",
				    ms_strerror(r));
	iov = (struct iovec){.iov_base = text.data, .iov_len = text.len};
	return ms_file_replace(path, -1, 0600, &iov, 1, true, err);
}

static int check_request(struct ms_keys *k, const struct ms_ipc_create *req,
			 const char *path, struct ms_error *err)
{
	if (!ms_key_name_valid(req->name))
		return ms_error_set(
			err, -EINVAL, "bad-name",
			"a key's name is 1 to 64 of A-Z a-z 0-9 . _ - and starts "
			"with a letter or digit");
	if (ms_keys_get(k, req->name) || access(path, F_OK) == 0)
		return ms_error_set(err, -EEXIST, "key-exists",
				    "key %s exists already: choose another name",
				    req->name);
	if (req->custody != MS_CUSTODY_SEALED || req->alg < MS_ALG_RSA2048 ||
	    req->alg > MS_ALG_P384)
		return ms_error_set(
			err, -EINVAL, "unsupported",
			"custody sealed with rsa2048, rsa3072, rsa4096, p256 or p384 "
			"is what this version can make");
	if (k->n >= MS_KEYS_MAX)
		return ms_error_set(err, -ENOSPC, "too-many-keys",
				    "there are %u keys already", MS_KEYS_MAX);
	return 0;
}

int ms_keys_create(struct ms_keys *k, struct ms_tpmw *w, const struct ms_ipc_create *req,
		   struct ms_error *err)
{
	struct key *key;
	char path[MS_PATH_MAX];
	int r;

	snprintf(path, sizeof(path), "%s/%s.key", k->dir, req->name);
	r = check_request(k, req, path, err);
	if (r < 0)
		return r;
	key = calloc(1, sizeof(*key));
	if (key)
		key->file = calloc(1, sizeof(*key->file));
	if (!key || !key->file) {
		ms_key_free(key);
		return ms_error_set(err, -ENOMEM, NULL, "out of memory");
	}
	memcpy(key->name, req->name, sizeof(key->name));
	key->alg = req->alg;
	key->file->created = time(NULL);
	r = ms_key_generate(req->alg, &key->pkey);
	if (r < 0)
		ms_error_set(err, r, "generate", "cannot generate a key: %s",
			     ms_strerror(r));
	if (r == 0)
		r = certify(req, key->file, key->pkey, err);
	if (r == 0)
		r = seal_key(w, req, key->file, key->pkey, err);
	if (r == 0)
		r = write_key_file(path, key->file, err);
	if (r == 0) {
		pthread_rwlock_wrlock(&k->lock);
		r = ms_keys_add(k, key);
		pthread_rwlock_unlock(&k->lock);
	}
	if (r < 0)
		ms_key_free(key);
	return r;
}
