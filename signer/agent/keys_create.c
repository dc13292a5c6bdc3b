/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A new key: generated, certified, protected by the TPM, written to its file. */
#include "signer/agent/keys_table.h"

#include <errno.h>
#include <openssl/rand.h>
#include <time.h>

#include "lib/agent_client.h"
#include "lib/file.h"
#include "lib/secmem.h"
#include "tpm/sign.h"

/**
 * struct making - a key that is being made
 * @key: @file is filled in step by step; @pkey with custody sealed
 * @given: what came from outside, or NULL: all of it is made here
 */
struct making {
	struct ms_key_given *given;
	const struct ms_ipc_create *req;
	struct ms_tpmw *w;
	struct key *key;
	struct ms_error *err;
};

static const char *pin_of(const struct ms_ipc_create *req)
{
	return req->pin[0] ? req->pin : NULL;
}

/* ---------------------------------------------------------------- certificate */

static int sign_here(void *arg, const uint8_t *digest, uint8_t *ret, size_t *ret_len)
{
	struct making *m = arg;

	return ms_key_sign_digest(m->key->pkey, MS_HASH_SHA256, digest, ret, ret_len);
}

static int sign_in_tpm(void *arg, const uint8_t *digest, uint8_t *ret, size_t *ret_len)
{
	struct making *m = arg;

	return ms_tpmw_sign(m->w, &m->key->file->blob, pin_of(m->req), MS_HASH_SHA256,
			    digest, ret, ret_len, m->err);
}

static int certify(struct making *m, EVP_PKEY *pkey, ms_cert_sign_fn *sign)
{
	struct ms_cert_request cr = {.common_name = m->req->common_name,
				     .days = m->req->days,
				     .profile = m->req->custody == MS_CUSTODY_LEAF
							? MS_CERT_ISSUER
							: MS_CERT_SIGNER,
				     .module_only = m->req->module_only};
	struct ms_keyfile *file = m->key->file;
	_cleanup_free_ uint8_t *der = NULL;
	size_t len = 0;
	int r;

	r = ms_cert_issue(pkey, &cr, NULL, sign, m, &der, &len);
	if (r == 0 && len > sizeof(file->cert))
		r = -EFBIG;
	if (r < 0 && !m->err->msg[0])
		return ms_error_set(m->err, r, "certificate",
				    "cannot make a certificate for %s: %s", m->req->name,
				    ms_strerror(r));
	if (r < 0)
		return r;
	memcpy(file->cert, der, len);
	file->cert_len = len;
	return 0;
}

/* -------------------------------------------------------------------- sealed */

/* Seals a fresh key-encryption key, and proves that the TPM gives it back. */
static int seal_kek(struct ms_tpmw *w, const struct ms_ipc_create *req, uint8_t *kek,
		    uint8_t *back, struct ms_tpm_blob *ret, struct ms_error *err)
{
	const char *pin = pin_of(req);
	struct ms_tpm_blob want;
	int r;

	if (RAND_priv_bytes(kek, MS_TPM_SECRET_LEN) != 1)
		return ms_error_set(err, -EIO, NULL, "OpenSSL has no random numbers");
	r = ms_key_policy(req, &want, err);
	if (r == 0)
		r = ms_tpmw_seal_for(w, kek, &want, req->foretold, pin, ret, err);
	if (r < 0 || req->foretold)
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

int ms_key_seal(struct ms_tpmw *w, const struct ms_ipc_create *req,
		struct ms_keyfile *file, EVP_PKEY *pkey, struct ms_error *err)
{
	uint8_t *kek = ms_secmem_alloc(2 * MS_TPM_SECRET_LEN);
	EVP_PKEY *again = NULL;
	int r;

	if (!kek)
		return ms_error_set(err, -ENOMEM, NULL,
				    "no locked memory: raise LimitMEMLOCK");
	r = seal_kek(w, req, kek, kek + MS_TPM_SECRET_LEN, &file->blob, err);
	if (r == 0)
		r = ms_keyfile_seal(file, kek, pkey, err);
	/* The next start does the same; what it would refuse is not written. */
	if (r == 0)
		r = ms_keyfile_unseal(file, kek, &again, err);
	EVP_PKEY_free(again);
	ms_secmem_free(kek, 2 * MS_TPM_SECRET_LEN);
	return r;
}

static int take_given(struct making *m)
{
	struct ms_keyfile *file = m->key->file;

	m->key->pkey = TAKE_PTR(m->given->pkey);
	if (!m->given->cert_len)
		return certify(m, m->key->pkey, sign_here);
	memcpy(file->cert, m->given->cert, m->given->cert_len);
	file->cert_len = m->given->cert_len;
	return 0;
}

static int make_sealed(struct making *m)
{
	int r;

	if (m->given) {
		r = take_given(m);
	} else {
		r = ms_key_generate(m->req->alg, &m->key->pkey);
		if (r < 0)
			return ms_error_set(m->err, r, "generate",
					    "cannot generate a key: %s", ms_strerror(r));
		r = certify(m, m->key->pkey, sign_here);
	}
	if (r < 0)
		return r;
	return ms_key_seal(m->w, m->req, m->key->file, m->key->pkey, m->err);
}

/* ---------------------------------------------------------- resident and leaf */

static int keep_pin(struct making *m)
{
	if (!m->req->pin[0])
		return 0;
	m->key->pin = ms_secmem_alloc(MS_PIN_MAX + 1);
	if (!m->key->pin)
		return ms_error_set(m->err, -ENOMEM, NULL,
				    "no locked memory: raise LimitMEMLOCK");
	memcpy(m->key->pin, m->req->pin, sizeof(m->req->pin));
	return 0;
}

/* The certificate that came along says nothing of whether the TPM signs with the key. */
static int take_given_cert(struct making *m, EVP_PKEY *pkey)
{
	struct ms_keyfile *file = m->key->file;
	const uint8_t digest[32] = {1};
	uint8_t sig[MS_SIG_MAX];
	size_t len;
	int r;

	if (!m->given || !m->given->cert_len)
		return certify(m, pkey, sign_in_tpm);
	r = sign_in_tpm(m, digest, sig, &len);
	if (r < 0)
		return r;
	memcpy(file->cert, m->given->cert, m->given->cert_len);
	file->cert_len = m->given->cert_len;
	return 0;
}

static int make_in_tpm(struct making *m)
{
	struct ms_keyfile *file = m->key->file;
	struct ms_tpm_blob want;
	EVP_PKEY *pkey;
	int r;

	r = keep_pin(m);
	if (r == 0)
		r = ms_key_policy(m->req, &want, m->err);
	if (r == 0 && m->given)
		file->blob = *m->given->blob;
	else if (r == 0)
		r = ms_tpmw_create_for(m->w, m->req->alg, m->req->raw, &want,
				       pin_of(m->req), &file->blob, m->err);
	if (r == 0)
		r = ms_tpm_key_public(&file->blob, &pkey, m->err);
	if (r < 0)
		return r;
	file->resident = true;
	r = take_given_cert(m, pkey);
	EVP_PKEY_free(pkey);
	m->key->in_tpm = r == 0;
	return r;
}

/* ------------------------------------------------------------------------ file */

int ms_key_write(const char *path, const struct ms_keyfile *file, struct ms_error *err)
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
	struct ms_key_life left;

	if (!ms_key_name_valid(req->name))
		return ms_error_set(
			err, -EINVAL, "bad-name",
			"a key's name is 1 to 64 of A-Z a-z 0-9 . _ - and starts "
			"with a letter or digit");
	if (ms_keys_get(k, req->name) || access(path, F_OK) == 0)
		return ms_error_set(err, -EEXIST, "key-exists",
				    "key %s exists already: choose another name",
				    req->name);
	/* It would speak of the new key after the next start. That of a pending key is
	 * what an interrupted creation has left: there never was such a key. */
	ms_key_life_load(k->dir, req->name, &left);
	if (left.life != MS_LIFE_PENDING &&
	    (left.life != MS_LIFE_ACTIVE || left.until || left.successor[0]))
		return ms_error_set(err, -EEXIST, "key-exists",
				    "there was a key %s, whose state is still there: "
				    "choose another name",
				    req->name);
	if (req->alg < MS_ALG_RSA2048 || req->alg > MS_ALG_P384)
		return ms_error_set(err, -EINVAL, "unsupported",
				    "a key is rsa2048, rsa3072, rsa4096, p256 or p384");
	if (k->n >= MS_KEYS_MAX)
		return ms_error_set(err, -ENOSPC, "too-many-keys",
				    "there are %u keys already", MS_KEYS_MAX);
	return 0;
}

int ms_keys_create(struct ms_keys *k, struct ms_tpmw *w, const struct ms_ipc_create *req,
		   struct ms_error *err)
{
	return ms_keys_make(k, w, req, NULL, err);
}

/* A pending key is never on disk without saying so. */
static int write_files(struct ms_keys *k, struct key *key, const char *path, bool pending,
		       struct ms_error *err)
{
	struct ms_error ignored = {0};
	int r = 0;

	if (pending) {
		key->life = (struct ms_key_life){.life = MS_LIFE_PENDING,
						 .since = time(NULL)};
		r = ms_key_life_store(k->dir, key->name, &key->life, err);
	} else {
		r = ms_key_life_remove(k->dir, key->name, err);
	}
	if (r < 0)
		return r;
	r = ms_key_write(path, key->file, err);
	if (r < 0 && pending)
		(void)!ms_key_life_remove(k->dir, key->name, &ignored);
	return r;
}

static bool same_key(const struct key *a, const struct ms_cert *b)
{
	_cleanup_cert_ struct ms_cert *cert = NULL;

	return a->file && b->pkey &&
	       ms_cert_parse(a->file->cert, a->file->cert_len, &cert) == 0 &&
	       cert->pkey && EVP_PKEY_eq(cert->pkey, b->pkey) == 1;
}

/* What is retired or revoked does not come back under another name. */
static int check_not_over(struct ms_keys *k, const struct key *key, struct ms_error *err)
{
	_cleanup_cert_ struct ms_cert *cert = NULL;
	int64_t now = time(NULL);
	char why[400];

	if (ms_cert_parse(key->file->cert, key->file->cert_len, &cert) < 0)
		return ms_error_set(err, -EBADMSG, "bad-certificate",
				    "the certificate cannot be read: it is damaged");
	for (size_t i = 0; i < k->n; i++)
		if (ms_key_is_over(k->v[i], now) && same_key(k->v[i], cert))
			return ms_error_set(err, -EEXIST, "key-state",
					    "it is the key %s, and %s", k->v[i]->name,
					    ms_key_life_sentence(&k->v[i]->life, now, why,
								 sizeof(why)));
	return 0;
}

int ms_keys_make(struct ms_keys *k, struct ms_tpmw *w, const struct ms_ipc_create *req,
		 struct ms_key_given *given, struct ms_error *err)
{
	struct making m = {.given = given, .req = req, .w = w, .err = err};
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
	key->custody = req->custody;
	key->file->created = time(NULL);
	m.key = key;
	r = req->custody == MS_CUSTODY_SEALED ? make_sealed(&m) : make_in_tpm(&m);
	if (r == 0)
		ms_key_read_cert(key);
	if (r == 0 && given)
		r = check_not_over(k, key, err);
	if (r == 0)
		r = write_files(k, key, path, req->pending, err);
	if (r == 0) {
		pthread_rwlock_wrlock(&k->lock);
		r = ms_keys_add(k, key);
		pthread_rwlock_unlock(&k->lock);
	}
	if (r < 0)
		ms_key_free(key);
	return r;
}
