/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Signing a digest with a key of the table. */
#include "signer/agent/keys_table.h"

#include <errno.h>

int ms_keys_sign(struct ms_keys *k, const char *name, enum ms_hash hash,
		 const uint8_t *digest, uint8_t *ret_sig, size_t *ret_len,
		 struct ms_error *err)
{
	EVP_PKEY *pkey = NULL;
	struct key *key;
	int r = 0;

	pthread_rwlock_rdlock(&k->lock);
	key = ms_keys_get(k, name);
	if (!key) {
		r = ms_no_such_key(name, err);
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
