/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Signing a digest with a key of the table: in memory, in the TPM, or with a leaf. */
#include "signer/agent/keys_table.h"

#include <errno.h>
#include <time.h>

#include "signer/agent/stats.h"

static int explain(int r, const char *name, enum ms_hash hash, struct ms_error *err)
{
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

static int locked(const struct key *key, struct ms_error *err)
{
	return ms_error_set(err, -EAGAIN, "key-locked", "key %s is locked: %s", key->name,
			    key->err.msg[0] ? key->err.msg
					    : "it is being unsealed, try again");
}

/* The key that signs in this process's memory, with a reference. */
static int take_key(struct ms_keys *k, const char *name, const char *build,
		    EVP_PKEY **ret, struct ms_error *err)
{
	struct key *key = ms_keys_get(k, name);
	int r;

	if (!key)
		return ms_no_such_key(name, err);
	r = ms_key_may_sign(key, time(NULL), err);
	if (r < 0)
		return r;
	if (key->custody == MS_CUSTODY_LEAF && !build[0])
		return ms_error_set(
			err, -EINVAL, "build-needed",
			"key %s signs through builds only: 'modseal build open "
			"--kernel RELEASE --key %s' opens one",
			name, name);
	if (key->custody == MS_CUSTODY_LEAF)
		return ms_leaves_use(k->leaves, name, build, time(NULL), ret, err);
	if (!key->pkey)
		return locked(key, err);
	EVP_PKEY_up_ref(key->pkey);
	*ret = key->pkey;
	return 0;
}

int ms_keys_sign(struct ms_keys *k, const char *name, const char *build,
		 enum ms_hash hash, const uint8_t *digest, uint8_t *ret_sig,
		 size_t *ret_len, struct ms_error *err)
{
	EVP_PKEY *pkey = NULL;
	int r;

	pthread_rwlock_rdlock(&k->lock);
	r = take_key(k, name, build, &pkey, err);
	pthread_rwlock_unlock(&k->lock);
	if (r < 0)
		return r;
	r = ms_key_sign_digest(pkey, hash, digest, ret_sig, ret_len);
	EVP_PKEY_free(pkey);
	if (r == -EIO)
		ms_stats()->bad_signatures++;
	return explain(r, name, hash, err);
}

bool ms_keys_in_tpm(struct ms_keys *k, const char *name)
{
	struct key *key;
	bool yes;

	pthread_rwlock_rdlock(&k->lock);
	key = ms_keys_get(k, name);
	yes = key && key->custody == MS_CUSTODY_RESIDENT;
	pthread_rwlock_unlock(&k->lock);
	return yes;
}

int ms_keys_sign_in_tpm(struct ms_keys *k, struct ms_tpmw *w, const char *name,
			enum ms_hash hash, const uint8_t *digest, uint8_t *ret_sig,
			size_t *ret_len, struct ms_error *err)
{
	struct key *key = ms_keys_get(k, name);
	int r;

	if (!key)
		return ms_no_such_key(name, err);
	r = ms_key_may_sign(key, time(NULL), err);
	if (r < 0)
		return r;
	if (!key->in_tpm)
		return locked(key, err);
	return ms_tpmw_sign(w, &key->file->blob, key->pin, hash, digest, ret_sig, ret_len,
			    err);
}
