/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Other PCR values for a key that exists: approved by its policy key, or sealed anew. */
#include "signer/agent/keys_table.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "lib/file.h"
#include "lib/secmem.h"

int ms_key_policy(const struct ms_ipc_create *req, struct ms_tpm_blob *ret,
		  struct ms_error *err)
{
	struct ms_tpm_blob b = {.pcrs = req->pcrs};
	int r;

	memcpy(b.pcr_digest, req->pcr_digest, sizeof(b.pcr_digest));
	if (req->approval_len) {
		b.pcrs = 0;
		b.n_approvals = 1;
		r = ms_pcr_approval_parse(req->approval, req->approval_len,
					  &b.approvals[0], &b.policy_key, err);
		if (r < 0)
			return r;
		if (ms_pcr_approval_check(&b.approvals[0], &b.policy_key) < 0)
			return ms_error_set(err, -EINVAL, "approval-forged",
					    "the approval is not signed by the policy "
					    "key that it names: make it again with "
					    "modseal key approve-pcrs");
	}
	*ret = b;
	return 0;
}

static void path_of(const struct ms_keys *k, const char *name, const char *end,
		    char ret[MS_PATH_MAX])
{
	snprintf(ret, MS_PATH_MAX, "%s/%s.key%s", k->dir, name, end);
}

/* -------------------------------------------------------------- approvals */

static bool has_approval(const struct ms_tpm_blob *b, const struct ms_pcr_approval *a)
{
	for (size_t i = 0; i < b->n_approvals; i++)
		if (b->approvals[i].sig_len == a->sig_len &&
		    memcmp(b->approvals[i].sig, a->sig, a->sig_len) == 0)
			return true;
	return false;
}

/* Where there is no room the oldest goes: it can be added again, even while locked. */
static void put_approval(struct ms_tpm_blob *b, const struct ms_pcr_approval *a)
{
	if (b->n_approvals == MS_PCR_APPROVALS_MAX) {
		memmove(b->approvals, b->approvals + 1,
			(MS_PCR_APPROVALS_MAX - 1) * sizeof(*b->approvals));
		b->n_approvals--;
	}
	b->approvals[b->n_approvals++] = *a;
}

static int check_approval(const struct key *key, const struct ms_ipc_create *req,
			  struct ms_pcr_approval *ret, struct ms_error *err)
{
	struct ms_policy_key by;
	int r = ms_pcr_approval_parse(req->approval, req->approval_len, ret, &by, err);

	if (r < 0)
		return r;
	if (!key->file->blob.policy_key.len)
		return ms_error_set(err, -EINVAL, "no-policy-key",
				    "key %s was made without a policy key: seal it anew "
				    "with 'modseal key reseal %s' while it is active",
				    key->name, key->name);
	if (!ms_policy_key_same(&by, &key->file->blob.policy_key))
		return ms_error_set(err, -EINVAL, "wrong-policy-key",
				    "the approval is by another policy key than that of "
				    "key %s: sign it with the right one",
				    key->name);
	if (ms_pcr_approval_check(ret, &by) < 0)
		return ms_error_set(err, -EINVAL, "approval-forged",
				    "the approval was not signed by the policy key of "
				    "key %s: it is forged or damaged: make it again with "
				    "modseal key approve-pcrs",
				    key->name);
	return 0;
}

static int add_approval(struct ms_keys *k, struct ms_tpmw *w, struct key *key,
			const struct ms_ipc_create *req, struct ms_error *err)
{
	_cleanup_free_ struct ms_keyfile *file = malloc(sizeof(*file));
	struct ms_error still = {0};
	struct ms_pcr_approval a;
	char path[MS_PATH_MAX];
	int r;

	if (!file)
		return ms_error_set(err, -ENOMEM, NULL, "out of memory");
	r = check_approval(key, req, &a, err);
	if (r < 0)
		return r;
	*file = *key->file;
	if (!has_approval(&file->blob, &a)) {
		put_approval(&file->blob, &a);
		path_of(k, key->name, "", path);
		r = ms_key_write(path, file, err);
		if (r < 0)
			return r;
		pthread_rwlock_wrlock(&k->lock);
		*key->file = *file;
		pthread_rwlock_unlock(&k->lock);
	}
	/* It may be about the next boot: then the key stays locked, and says why. */
	if (!ms_key_is_open(key) && !key->file->blob.has_pin &&
	    key->life.life == MS_LIFE_ACTIVE)
		(void)!ms_keys_unlock(k, w, key->name, NULL, &still);
	return 0;
}

/* ----------------------------------------------------------------- sealing */

static int check_reseal(const struct key *key, const struct ms_ipc_create *req,
			struct ms_error *err)
{
	const struct ms_tpm_blob *b = &key->file->blob;

	if (b->policy_key.len)
		return ms_error_set(err, -EINVAL, "approval-needed",
				    "key %s has a policy key, which has to approve PCR "
				    "values: 'modseal key approve-pcrs', then 'modseal "
				    "key reseal %s --approval FILE'",
				    key->name, key->name);
	if (key->file->resident)
		return ms_error_set(err, -EINVAL, "not-sealed",
				    "key %s lives in the TPM, which lets nobody change "
				    "its PCRs: make its successor with --policy-key",
				    key->name);
	if (key->life.life != MS_LIFE_ACTIVE)
		return ms_key_may_sign(key, time(NULL), err);
	if (!key->pkey)
		return ms_error_set(err, -EAGAIN, "key-locked",
				    "key %s is locked, and only an unlocked key can be "
				    "sealed anew: %s",
				    key->name, key->err.msg);
	if (b->has_pin && !req->pin[0])
		return ms_error_set(err, -EINVAL, "pin-needed",
				    "key %s has a PIN: give it, or a new one, with --pin",
				    key->name);
	return 0;
}

static int seal_anew(struct ms_keys *k, struct ms_tpmw *w, struct key *key,
		     const struct ms_ipc_create *req, struct ms_error *err)
{
	_cleanup_free_ struct ms_keyfile *file = malloc(sizeof(*file));
	char path[MS_PATH_MAX], next[MS_PATH_MAX];
	int r;

	if (!file)
		return ms_error_set(err, -ENOMEM, NULL, "out of memory");
	r = check_reseal(key, req, err);
	if (r < 0)
		return r;
	*file = *key->file;
	path_of(k, key->name, "", path);
	path_of(k, key->name, "-next", next);
	r = ms_key_seal(w, req, file, key->pkey, err);
	if (r == 0)
		r = ms_key_write(req->foretold ? next : path, file, err);
	if (r < 0 || req->foretold)
		return r;
	pthread_rwlock_wrlock(&k->lock);
	*key->file = *file;
	pthread_rwlock_unlock(&k->lock);
	/* What was foretold before is not what was wanted last. */
	(void)!unlink(next);
	return 0;
}

int ms_keys_reseal(struct ms_keys *k, struct ms_tpmw *w, const struct ms_ipc_create *req,
		   struct ms_error *err)
{
	struct key *key = ms_keys_get(k, req->name);

	if (!key)
		return ms_no_such_key(req->name, err);
	if (!key->file)
		return ms_error_set(err, -EBADMSG, "key-broken",
				    "key %s cannot be used: %s", key->name, key->err.msg);
	return req->approval_len ? add_approval(k, w, key, req, err)
				 : seal_anew(k, w, key, req, err);
}

/* -------------------------------------------------------- what was foretold */

static struct ms_keyfile *read_next(const char *path, const struct key *key)
{
	_cleanup_file_ struct ms_file f = {0};
	struct ms_keyfile *file = malloc(sizeof(*file));

	if (file && ms_file_read(AT_FDCWD, path, MS_KEY_FILE_MAX, 0, &f, NULL) == 0 &&
	    ms_keyfile_parse((const char *)f.data, f.len, file, NULL) == 0 &&
	    !file->resident && memcmp(file->spki_sha256, key->file->spki_sha256, 32) == 0)
		return file;
	free(file);
	return NULL;
}

int ms_key_try_next(struct ms_keys *k, struct ms_tpmw *w, struct key *key,
		    const char *pin, EVP_PKEY **ret, struct ms_error *err)
{
	_cleanup_free_ struct ms_keyfile *file = NULL;
	char path[MS_PATH_MAX], next[MS_PATH_MAX];
	EVP_PKEY *pkey = NULL;
	uint8_t *kek;
	int r;

	path_of(k, key->name, "", path);
	path_of(k, key->name, "-next", next);
	file = read_next(next, key);
	if (!file)
		return -ENOENT;
	kek = ms_secmem_alloc(MS_TPM_SECRET_LEN);
	if (!kek)
		return ms_error_set(err, -ENOMEM, NULL,
				    "no locked memory: raise LimitMEMLOCK");
	/* A certificate that was installed in the meantime stays. */
	memcpy(file->cert, key->file->cert, key->file->cert_len);
	file->cert_len = key->file->cert_len;
	r = ms_tpmw_unseal(w, &file->blob, file->blob.has_pin ? pin : NULL, kek, err);
	if (r == 0)
		r = ms_keyfile_unseal(file, kek, &pkey, err);
	ms_secmem_free(kek, MS_TPM_SECRET_LEN);
	if (r == 0)
		r = ms_key_write(path, file, err);
	if (r < 0) {
		EVP_PKEY_free(pkey);
		return r;
	}
	(void)!unlink(next);
	pthread_rwlock_wrlock(&k->lock);
	*key->file = *file;
	pthread_rwlock_unlock(&k->lock);
	*ret = pkey;
	return 0;
}
