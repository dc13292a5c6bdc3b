/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is asked of one key beside signing modules: see enum ms_ipc_change_what. */
#include "signer/agent/keys_table.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>

#include "lib/file.h"
#include "lib/signed.h"

/* A key and the TPM that it may be in, as ms_cert_sign_fn needs them. */
struct signer {
	struct ms_tpmw *w;
	const struct key *key;
	struct ms_error *err;
};

static int sign_with(void *arg, const uint8_t *digest, uint8_t *ret, size_t *ret_len)
{
	struct signer *s = arg;

	if (s->key->pkey)
		return ms_key_sign_digest(s->key->pkey, MS_HASH_SHA256, digest, ret,
					  ret_len);
	return ms_tpmw_sign(s->w, &s->key->file->blob, s->key->pin, MS_HASH_SHA256,
			    digest, ret, ret_len, s->err);
}

static void day_of(time_t t, char *dst, size_t size)
{
	struct tm tm;

	if (!gmtime_r(&t, &tm) || !strftime(dst, size, "%F %H:%M UTC", &tm))
		dst[0] = '\0';
}

int ms_key_may_sign(const struct key *key, time_t now, struct ms_error *err)
{
	enum ms_life life;
	char why[400], day[40];

	life = ms_key_life_at(&key->life, now);
	if (life == MS_LIFE_PENDING)
		return ms_error_set(
			err, -EACCES, "key-pending", "key %s does not sign yet: %s",
			key->name,
			ms_key_life_sentence(&key->life, now, why, sizeof(why)));
	if (life != MS_LIFE_ACTIVE)
		return ms_error_set(
			err, -EACCES,
			life == MS_LIFE_RETIRED ? "key-retired" : "key-revoked",
			"key %s: %s%s", key->name,
			ms_key_life_sentence(&key->life, now, why, sizeof(why)),
			key->life.successor[0] ? "" : ": use its successor");
	if (!key->not_after)
		return 0;
	if (now > key->not_after) {
		day_of(key->not_after, day, sizeof(day));
		return ms_error_set(err, -EACCES, "key-expired",
				    "the certificate of key %s expired on %s: get a new "
				    "one and 'modseal key install-cert' it, or use "
				    "another key",
				    key->name, day);
	}
	if (now < key->not_before) {
		day_of(key->not_before, day, sizeof(day));
		return ms_error_set(err, -EACCES, "key-not-yet-valid",
				    "the certificate of key %s is not valid before %s: "
				    "wait, or check the clock",
				    key->name, day);
	}
	return 0;
}

/* Not retired or revoked, and it can be used now; its certificate may have expired. */
static int check_usable(const struct key *key, struct ms_error *err)
{
	int64_t now = time(NULL);
	char why[400];

	if (ms_key_is_over(key, now))
		return ms_error_set(
			err, -EACCES, "key-retired", "key %s: %s", key->name,
			ms_key_life_sentence(&key->life, now, why, sizeof(why)));
	if (!ms_key_is_open(key))
		return ms_error_set(err, -EAGAIN, "key-locked", "key %s is locked: %s",
				    key->name, key->err.msg);
	return 0;
}

static int put_result(const struct ms_buf *b, uint8_t *ret, size_t *ret_len)
{
	if (b->len > MS_CERT_MAX)
		return -EFBIG;
	memcpy(ret, b->data, b->len);
	*ret_len = b->len;
	return 0;
}

static int make_csr(struct signer *s, uint8_t *ret, size_t *ret_len)
{
	_cleanup_buf_ struct ms_buf out = MS_BUF_INIT(MS_CERT_MAX);
	_cleanup_cert_ struct ms_cert *cert = NULL;
	int r = check_usable(s->key, s->err);

	if (r < 0)
		return r;
	r = ms_cert_parse(s->key->file->cert, s->key->file->cert_len, &cert);
	if (r == 0)
		r = ms_csr_make(cert, sign_with, s, &out);
	if (r == 0)
		r = put_result(&out, ret, ret_len);
	if (r < 0 && !s->err->msg[0])
		ms_error_set(s->err, r, "csr", "cannot make a request for key %s: %s",
			     s->key->name, ms_strerror(r));
	return r;
}

/* --------------------------------------------------------------- certificate */

/* An issuing key needs a CA's certificate, and a key that signs modules must not have
 * one: the custody of a key in the TPM is told by it. */
static int check_profile(const struct key *key, const struct ms_cert *cert,
			 struct ms_error *err)
{
	if (key->custody == MS_CUSTODY_LEAF && (!cert->is_ca || !cert->ski))
		return ms_error_set(err, -EINVAL, "certificate-profile",
				    "key %s issues leaf certificates, so its own has to "
				    "be a CA's with a key identifier",
				    key->name);
	if (key->custody == MS_CUSTODY_RESIDENT && cert->is_ca)
		return ms_error_set(
			err, -EINVAL, "certificate-profile",
			"key %s signs modules, so its certificate must not be "
			"a CA's",
			key->name);
	if (cert->has_eku && !cert->eku_code_signing)
		return ms_error_set(err, -EINVAL, "certificate-profile",
				    "the certificate is not for code signing: ask the CA "
				    "for the extended key usage codeSigning");
	return 0;
}

static int install_cert(struct ms_keys *k, struct key *key,
			const struct ms_ipc_change *req, struct ms_error *err)
{
	_cleanup_free_ struct ms_keyfile *file = NULL;
	_cleanup_cert_ struct ms_cert *cert = NULL, *old = NULL;
	char path[MS_PATH_MAX];
	int r;

	if (ms_cert_parse(key->file->cert, key->file->cert_len, &old) < 0 || !old->pkey)
		return ms_error_set(err, -EBADMSG, "key-broken",
				    "the certificate that key %s has cannot be read",
				    key->name);
	r = ms_key_check_cert(old->pkey, req->data, req->data_len, err);
	if (r == 0)
		r = ms_cert_parse(req->data, req->data_len, &cert);
	if (r == 0)
		r = check_profile(key, cert, err);
	if (r < 0)
		return r;
	file = malloc(sizeof(*file));
	if (!file)
		return ms_error_set(err, -ENOMEM, NULL, "out of memory");
	*file = *key->file;
	memcpy(file->cert, req->data, req->data_len);
	file->cert_len = req->data_len;
	snprintf(path, sizeof(path), "%s/%s.key", k->dir, key->name);
	r = ms_key_write(path, file, err);
	/* In this order: what is half done is pending still, and can be done again. */
	if (r == 0 && key->life.life == MS_LIFE_PENDING)
		r = ms_key_life_remove(k->dir, key->name, err);
	if (r < 0)
		return r;
	pthread_rwlock_wrlock(&k->lock);
	if (key->life.life == MS_LIFE_PENDING)
		key->life = (struct ms_key_life){0};
	*key->file = *file;
	ms_key_read_cert(key);
	pthread_rwlock_unlock(&k->lock);
	return 0;
}

/* ------------------------------------------------------------ retire, revoke */

/* The list goes out before the key is let go, as nothing can sign it after that. */
static int make_crl(struct signer *s, const struct ms_ipc_change *req, time_t now,
		    uint8_t *ret, size_t *ret_len)
{
	_cleanup_buf_ struct ms_buf out = MS_BUF_INIT(MS_CERT_MAX);
	_cleanup_cert_ struct ms_cert *cert = NULL;
	int r;

	if (s->key->custody != MS_CUSTODY_LEAF || !ms_key_is_open(s->key))
		return 0;
	r = ms_cert_parse(s->key->file->cert, s->key->file->cert_len, &cert);
	if (r == 0)
		r = ms_crl_make(cert, cert->serial, cert->serial_len, (time_t)req->from,
				ms_crl_reason(req->reason), now, sign_with, s, &out);
	return r < 0 ? r : put_result(&out, ret, ret_len);
}

void ms_key_let_go(struct ms_keys *k, struct key *key, const struct ms_key_life *life)
{
	pthread_rwlock_wrlock(&k->lock);
	key->life = *life;
	EVP_PKEY_free(key->pkey);
	key->pkey = NULL;
	key->in_tpm = false;
	key->tried = true;
	pthread_rwlock_unlock(&k->lock);
}

/* The list cannot be made again, so it is kept: who asked may not have got it. */
static int keep_crl(struct ms_keys *k, const struct key *key, uint8_t *crl, size_t len,
		    struct ms_error *err)
{
	struct iovec iov = {.iov_base = crl, .iov_len = len};
	char path[MS_PATH_MAX];

	if (!len)
		return 0;
	snprintf(path, sizeof(path), "%s/%s.crl", k->dir, key->name);
	return ms_file_replace(path, -1, 0600, &iov, 1, true, err);
}

static bool get_crl(struct ms_keys *k, const struct key *key, uint8_t *ret,
		    size_t *ret_len)
{
	_cleanup_file_ struct ms_file f = {0};
	char path[MS_PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s.crl", k->dir, key->name);
	if (key->custody != MS_CUSTODY_LEAF ||
	    ms_file_read(AT_FDCWD, path, MS_CERT_MAX, 0, &f, NULL) < 0)
		return false;
	memcpy(ret, f.data, f.len);
	*ret_len = f.len;
	return true;
}

static int end_life(struct ms_keys *k, struct signer *s, struct key *key,
		    const struct ms_ipc_change *req, uint8_t *ret, size_t *ret_len)
{
	bool revoke = req->what == MS_CHANGE_REVOKE;
	struct ms_key_life life = {.life = revoke ? MS_LIFE_REVOKED : MS_LIFE_RETIRED,
				   .since = time(NULL)};
	enum ms_life was = ms_key_life_at(&key->life, life.since);
	char why[400];
	int r;

	if (was == MS_LIFE_REVOKED && revoke && !strcmp(key->life.reason, req->reason) &&
	    get_crl(k, key, ret, ret_len))
		return 0;
	if (was == MS_LIFE_REVOKED || (was == MS_LIFE_RETIRED && !revoke))
		return ms_error_set(
			s->err, -EEXIST, "key-state", "key %s: %s already", key->name,
			ms_key_life_sentence(&key->life, life.since, why, sizeof(why)));
	memcpy(life.successor, key->life.successor, sizeof(life.successor));
	if (revoke && ms_crl_reason(req->reason) < 0)
		return ms_error_set(s->err, -EINVAL, "bad-request",
				    "reason is unspecified, keyCompromise, cACompromise, "
				    "affiliationChanged, superseded or "
				    "cessationOfOperation");
	if (revoke && (req->from < 0 || req->from > life.since))
		return ms_error_set(s->err, -EINVAL, "bad-request",
				    "a key is revoked from now or from a time before");
	life.from = revoke ? req->from : 0;
	snprintf(life.reason, sizeof(life.reason), "%s", req->reason);
	if (revoke) {
		r = make_crl(s, req, life.since, ret, ret_len);
		if (r < 0)
			return s->err->msg[0] ? r
					      : ms_error_set(s->err, r, "crl",
							     "cannot make a CRL: %s",
							     ms_strerror(r));
		r = keep_crl(k, key, ret, *ret_len, s->err);
		if (r < 0)
			return r;
	}
	r = ms_key_life_store(k->dir, key->name, &life, s->err);
	if (r < 0)
		return r;
	ms_key_let_go(k, key, &life);
	return 0;
}

/* ------------------------------------------------------------- EFI variables */

/* The front has made the digest from an update's parts: module digests do not come here.
 */
static int sign_efi(struct signer *s, const struct ms_ipc_change *req, uint8_t *ret,
		    size_t *ret_len)
{
	int r;

	if (req->data_len != 32)
		return ms_error_set(s->err, -EINVAL, "bad-request",
				    "what is signed has to be a SHA-256 digest");
	/* What the digest is of cannot be seen here: it could be a certificate. */
	if (s->key->custody == MS_CUSTODY_LEAF)
		return ms_error_set(s->err, -EINVAL, "certificate-profile",
				    "key %s issues certificates and signs nothing else: "
				    "take a key of custody sealed or resident",
				    s->key->name);
	r = ms_key_may_sign(s->key, time(NULL), s->err);
	if (r == 0)
		r = check_usable(s->key, s->err);
	if (r < 0)
		return r;
	r = sign_with(s, req->data, ret, ret_len);
	return r < 0 && !s->err->msg[0] ? ms_error_set(s->err, r, "sign-failed",
						       "signing with %s failed: %s",
						       s->key->name, ms_strerror(r))
					: r;
}

int ms_keys_change(struct ms_keys *k, struct ms_tpmw *w, const struct ms_ipc_change *req,
		   uint8_t *ret, size_t *ret_len, struct ms_error *err)
{
	struct key *key = ms_keys_get(k, req->key);
	struct signer s = {.w = w, .key = key, .err = err};
	int r;

	*ret_len = 0;
	if (req->what >= MS_CHANGE_ATTEST && req->what <= MS_CHANGE_ENROLL_AK)
		return ms_keys_tell(k, w, req, ret, ret_len, err);
	if (!key)
		return ms_no_such_key(req->key, err);
	if (!key->file)
		return ms_error_set(err, -EBADMSG, "key-broken",
				    "key %s cannot be used: %s", key->name, key->err.msg);
	switch (req->what) {
	case MS_CHANGE_CSR:
		return make_csr(&s, ret, ret_len);
	case MS_CHANGE_ATTEST:
	case MS_CHANGE_PROVISION:
	case MS_CHANGE_IDENTITY:
	case MS_CHANGE_ENROLL_AK:
		break;
	case MS_CHANGE_CERT:
		return install_cert(k, key, req, err);
	case MS_CHANGE_BACKUP:
		r = ms_key_is_over(key, time(NULL)) ? check_usable(key, err) : 0;
		return r < 0 ? r
			     : ms_key_backup(k, key, req->data, req->data_len, ret,
					     ret_len, err);
	case MS_CHANGE_RETIRE:
	case MS_CHANGE_REVOKE:
		return end_life(k, &s, key, req, ret, ret_len);
	case MS_CHANGE_ROTATE:
		return ms_key_rotate(k, key, req, err);
	case MS_CHANGE_EFI:
		return sign_efi(&s, req, ret, ret_len);
	}
	return ms_error_set(err, -EINVAL, "bad-request", "no such change");
}
