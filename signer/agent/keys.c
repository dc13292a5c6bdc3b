/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/keys.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <sys/stat.h>
#include <time.h>

#include "lib/agent_client.h"
#include "lib/file.h"
#include "lib/secmem.h"
#include "tpm/keyfile.h"

#define KEYS_MAX 1024u

/**
 * struct key - one key
 * @file: as on disk; NULL when it could not be parsed
 * @pkey: private key; NULL while locked
 * @rc, @err: why it is locked or broken; @rc 0 when it is active or was not tried yet
 * @tried: the TPM has given its answer, so that no further automatic try may follow
 */
struct key {
	char name[MS_KEY_NAME_MAX + 1];
	struct ms_keyfile *file;
	EVP_PKEY *pkey;
	enum ms_alg alg;
	int rc;
	struct ms_error err;
	bool tried;
};

/* The lock guards the table and each key's pkey, rc and err against the signing threads.
 */
struct ms_keys {
	const char *dir;
	pthread_rwlock_t lock;
	struct key **v;
	size_t n;
};

static void key_free(struct key *k)
{
	if (!k)
		return;
	EVP_PKEY_free(k->pkey);
	free(k->file);
	free(k);
}

static struct key *find(struct ms_keys *k, const char *name)
{
	for (size_t i = 0; i < k->n; i++)
		if (strcmp(k->v[i]->name, name) == 0)
			return k->v[i];
	return NULL;
}

static int no_such_key(const char *name, struct ms_error *err)
{
	return ms_error_set(err, -ENOENT, "no-such-key",
			    "no key %s: 'modseal key list' shows the keys", name);
}

static int add(struct ms_keys *k, struct key *key)
{
	struct key **v;
	size_t i;

	v = reallocarray(k->v, k->n + 1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	k->v = v;
	for (i = k->n; i > 0 && strcmp(v[i - 1]->name, key->name) > 0; i--)
		v[i] = v[i - 1];
	v[i] = key;
	k->n++;
	return 0;
}

/* ------------------------------------------------------------------ loading */

static enum ms_alg cert_alg(const uint8_t *der, size_t len)
{
	_cleanup_cert_ struct ms_cert *cert = NULL;

	return ms_cert_parse(der, len, &cert) < 0 ? MS_ALG_NONE : cert->alg;
}

static void read_key_file(const char *path, struct key *key)
{
	_cleanup_file_ struct ms_file f = {0};
	struct ms_keyfile *file;

	key->rc = ms_file_read(AT_FDCWD, path, MS_KEY_FILE_MAX, 0, &f, &key->err);
	if (key->rc < 0)
		return;
	file = calloc(1, sizeof(*file));
	if (!file) {
		key->rc = ms_error_set(&key->err, -ENOMEM, NULL, "out of memory");
		return;
	}
	key->rc = ms_keyfile_parse((const char *)f.data, f.len, file, &key->err);
	if (key->rc < 0) {
		free(file);
		return;
	}
	key->file = file;
	key->alg = cert_alg(file->cert, file->cert_len);
}

static int load_one(struct ms_keys *k, const char *file_name)
{
	size_t len = strlen(file_name);
	char path[MS_PATH_MAX];
	struct key *key;
	int r;

	if (len < 5 || len - 4 > MS_KEY_NAME_MAX ||
	    strcmp(file_name + len - 4, ".key") != 0)
		return 0;
	key = calloc(1, sizeof(*key));
	if (!key)
		return -ENOMEM;
	memcpy(key->name, file_name, len - 4);
	if (!ms_key_name_valid(key->name)) {
		key_free(key);
		return 0;
	}
	snprintf(path, sizeof(path), "%s/%s", k->dir, file_name);
	read_key_file(path, key);
	r = add(k, key);
	if (r < 0)
		key_free(key);
	return r;
}

int ms_keys_load(const char *dir, struct ms_keys **ret, struct ms_error *err)
{
	struct ms_keys *k = calloc(1, sizeof(*k));
	struct dirent *e;
	DIR *d;
	int r = 0;

	if (!k)
		return ms_error_set(err, -ENOMEM, NULL, "out of memory");
	k->dir = dir;
	pthread_rwlock_init(&k->lock, NULL);
	d = opendir(dir);
	if (!d) {
		r = ms_error_set(err, -errno, "state", "cannot read the keys in %s: %s",
				 dir, ms_strerror(errno));
		ms_keys_free(k);
		return r;
	}
	while (r == 0 && k->n < KEYS_MAX && (e = readdir(d)))
		r = load_one(k, e->d_name);
	closedir(d);
	if (r < 0) {
		ms_keys_free(k);
		return ms_error_set(err, r, NULL, "cannot load the keys: %s",
				    ms_strerror(r));
	}
	*ret = k;
	return 0;
}

void ms_keys_free(struct ms_keys *k)
{
	if (!k)
		return;
	for (size_t i = 0; i < k->n; i++)
		key_free(k->v[i]);
	free(k->v);
	pthread_rwlock_destroy(&k->lock);
	free(k);
}

/* ------------------------------------------------------------------ signing */

int ms_keys_sign(struct ms_keys *k, const char *name, enum ms_hash hash,
		 const uint8_t *digest, uint8_t *ret_sig, size_t *ret_len,
		 struct ms_error *err)
{
	EVP_PKEY *pkey = NULL;
	struct key *key;
	int r = 0;

	pthread_rwlock_rdlock(&k->lock);
	key = find(k, name);
	if (!key) {
		r = no_such_key(name, err);
	} else if (!key->pkey) {
		r = ms_error_set(err, -EAGAIN, "key-locked", "key %s is locked: %s", name,
				 key->err.msg[0] ? key->err.msg
						 : "it is being unsealed, try again");
	} else {
		pkey = key->pkey;
		EVP_PKEY_up_ref(pkey);
	}
	pthread_rwlock_unlock(&k->lock);
	if (r < 0)
		return r;
	r = ms_key_sign_digest(pkey, hash, digest, ret_sig, ret_len);
	EVP_PKEY_free(pkey);
	if (r == -ENOPKG)
		return ms_error_set(err, r, "hash-unsupported",
				    "key %s cannot sign a %s digest: choose another hash",
				    name, ms_hash_name(hash));
	if (r < 0)
		return ms_error_set(err, r, "sign-failed",
				    "signing with %s failed: %s: nothing was released",
				    name, ms_strerror(r));
	return 0;
}

/* ---------------------------------------------------------------- unsealing */

static void set_result(struct ms_keys *k, struct key *key, EVP_PKEY *pkey, int rc,
		       const struct ms_error *err)
{
	pthread_rwlock_wrlock(&k->lock);
	if (pkey) {
		EVP_PKEY_free(key->pkey);
		key->pkey = pkey;
		key->rc = 0;
		memset(&key->err, 0, sizeof(key->err));
	} else if (!key->pkey) {
		key->rc = rc;
		key->err = *err;
	}
	pthread_rwlock_unlock(&k->lock);
}

static int unseal(struct ms_keys *k, struct ms_tpmw *w, struct key *key, const char *pin,
		  struct ms_error *err)
{
	uint8_t *kek = ms_secmem_alloc(MS_TPM_SECRET_LEN);
	EVP_PKEY *pkey = NULL;
	int r;

	if (!kek)
		return ms_error_set(err, -ENOMEM, NULL,
				    "no locked memory: raise LimitMEMLOCK");
	r = ms_tpmw_unseal(w, &key->file->blob, pin, kek, err);
	if (r == 0)
		r = ms_keyfile_unseal(key->file, kek, &pkey, err);
	ms_secmem_free(kek, MS_TPM_SECRET_LEN);
	set_result(k, key, pkey, r, err);
	return r;
}

/* The PIN that the service manager hands over: systemd's LoadCredential=NAME.pin:... */
static int pin_from_credentials(const char *name, char ret[MS_PIN_MAX + 1])
{
	const char *dir = secure_getenv("CREDENTIALS_DIRECTORY");
	_cleanup_close_ int fd = -1;
	char path[MS_PATH_MAX];
	ssize_t n;

	if (!dir)
		return -ENOENT;
	snprintf(path, sizeof(path), "%s/%s.pin", dir, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read(fd, ret, MS_PIN_MAX + 1);
	while (n > 0 && (ret[n - 1] == '\n' || ret[n - 1] == '\r'))
		n--;
	if (n <= 0 || n > (ssize_t)MS_PIN_MAX)
		return -EINVAL;
	ret[n] = '\0';
	return 0;
}

static bool worth_retrying(int rc)
{
	return rc == -ENODEV || rc == -ETIMEDOUT || rc == -EAGAIN;
}

static void unseal_unattended(struct ms_keys *k, struct ms_tpmw *w, struct key *key)
{
	char pin[MS_PIN_MAX + 1];
	struct ms_error err = {0};
	int r;

	if (!key->file->blob.has_pin) {
		r = unseal(k, w, key, NULL, &err);
		key->tried = !worth_retrying(r);
		return;
	}
	key->tried = true;
	if (pin_from_credentials(key->name, pin) < 0) {
		ms_error_set(&err, -EACCES, "pin-needed",
			     "it needs its PIN: 'modseal key unlock %s'", key->name);
		set_result(k, key, NULL, -EACCES, &err);
		return;
	}
	(void)!unseal(k, w, key, pin, &err);
	ms_wipe(pin, sizeof(pin));
}

/* The TPM is gone: what has not been tried says so and waits for the next round. */
static size_t put_off_rest(struct ms_keys *k, size_t from, const struct key *why)
{
	size_t n = 0;

	for (size_t i = from; i < k->n; i++) {
		struct key *key = k->v[i];

		if (!key->file || key->pkey || key->tried)
			continue;
		set_result(k, key, NULL, why->rc, &why->err);
		n++;
	}
	return n;
}

int ms_keys_unseal_pending(struct ms_keys *k, struct ms_tpmw *w, size_t *ret_again)
{
	size_t again = 0;
	int r = 0;

	for (size_t i = 0; i < k->n; i++) {
		struct key *key = k->v[i];

		if (!key->file || key->pkey || key->tried)
			continue;
		unseal_unattended(k, w, key);
		if (key->pkey || key->tried)
			continue;
		again++;
		r = key->rc;
		if (r == -ENODEV || r == -ETIMEDOUT) {
			again += put_off_rest(k, i + 1, key);
			break;
		}
	}
	*ret_again = again;
	return r;
}

int ms_keys_unlock(struct ms_keys *k, struct ms_tpmw *w, const char *name,
		   const char *pin, struct ms_error *err)
{
	struct key *key = find(k, name);

	if (!key)
		return no_such_key(name, err);
	if (!key->file)
		return ms_error_set(err, -EBADMSG, "key-broken",
				    "key %s cannot be used: %s", name, key->err.msg);
	if (key->pkey)
		return 0;
	if (key->file->blob.has_pin && (!pin || !*pin))
		return ms_error_set(err, -EINVAL, "pin-needed", "key %s needs its PIN",
				    name);
	return unseal(k, w, key, key->file->blob.has_pin ? pin : NULL, err);
}

/* ----------------------------------------------------------------- creation */

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
	if (find(k, req->name) || access(path, F_OK) == 0)
		return ms_error_set(err, -EEXIST, "key-exists",
				    "key %s exists already: choose another name",
				    req->name);
	if (req->custody != MS_CUSTODY_SEALED || req->alg < MS_ALG_RSA2048 ||
	    req->alg > MS_ALG_P384)
		return ms_error_set(
			err, -EINVAL, "unsupported",
			"custody sealed with rsa2048, rsa3072, rsa4096, p256 or p384 "
			"is what this version can make");
	if (k->n >= KEYS_MAX)
		return ms_error_set(err, -ENOSPC, "too-many-keys",
				    "there are %u keys already", KEYS_MAX);
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
		key_free(key);
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
		r = add(k, key);
		pthread_rwlock_unlock(&k->lock);
	}
	if (r < 0)
		key_free(key);
	return r;
}

/* ---------------------------------------------------------------- inventory */

static void describe_protection(const struct ms_tpm_blob *b, char *dst, size_t size)
{
	size_t n = 0;

	dst[0] = '\0';
	for (unsigned int i = 0; i < 24 && n < size; i++)
		if (b->pcrs & (1u << i))
			n += (size_t)snprintf(dst + n, size - n, "%s%u",
					      n ? ", " : "TPM, PCR ", i);
	if (n && n < size)
		n += (size_t)snprintf(dst + n, size - n, " (SHA-256)");
	if (n == 0)
		n = (size_t)snprintf(dst, size, "TPM, no PCR");
	if (b->has_pin && n < size)
		snprintf(dst + n, size - n, " and PIN");
}

int ms_keys_describe(struct ms_keys *k, size_t i, struct ms_ipc_key *ret)
{
	struct key *key;

	if (i >= k->n)
		return -ENOENT;
	key = k->v[i];
	memset(ret, 0, sizeof(*ret));
	memcpy(ret->name, key->name, sizeof(ret->name));
	memcpy(ret->reason, key->err.msg, sizeof(ret->reason));
	ret->custody = MS_CUSTODY_SEALED;
	ret->alg = key->alg;
	ret->state = !key->file	 ? MS_KEY_BROKEN
		     : key->pkey ? MS_KEY_ACTIVE
				 : MS_KEY_LOCKED;
	if (!key->file)
		return 0;
	if (!key->pkey && !ret->reason[0])
		snprintf(ret->reason, sizeof(ret->reason), "it is being unsealed");
	describe_protection(&key->file->blob, ret->protection, sizeof(ret->protection));
	ret->created = key->file->created;
	memcpy(ret->cert, key->file->cert, key->file->cert_len);
	ret->cert_len = key->file->cert_len;
	return 0;
}

int ms_keys_find(struct ms_keys *k, const char *name, size_t *ret)
{
	for (size_t i = 0; i < k->n; i++)
		if (strcmp(k->v[i]->name, name) == 0) {
			*ret = i;
			return 0;
		}
	return -ENOENT;
}
