/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of keys, shared by keys*.c and by nobody else.
 */
#ifndef MS_AGENT_KEYS_TABLE_H
#define MS_AGENT_KEYS_TABLE_H

#include <openssl/evp.h>
#include <pthread.h>
#include "signer/agent/keys.h"
#include "signer/agent/leaves.h"
#include "tpm/keyfile.h"

#define MS_KEYS_MAX 1024u

/**
 * struct key - one key
 * @file: as on disk; NULL when it could not be parsed
 * @pkey: private key of custody sealed; NULL while locked
 * @in_tpm: custody resident or leaf: the TPM has been seen to sign with it
 * @pin: of a key in the TPM, once unlocked; MS_PIN_MAX + 1 bytes of locked memory, or
 * NULL
 * @rc, @err: why it is locked or broken; @rc 0 when it is active or was not tried yet
 * @tried: the TPM has given its answer, so that no further automatic try may follow
 */
struct key {
	char name[MS_KEY_NAME_MAX + 1];
	struct ms_keyfile *file;
	EVP_PKEY *pkey;
	bool in_tpm;
	char *pin;
	enum ms_custody custody;
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
	struct ms_leaves *leaves;
};

static inline bool ms_key_is_open(const struct key *k)
{
	return k->pkey || k->in_tpm;
}

/** ms_key_free() - and whatever it holds */
void ms_key_free(struct key *k);
/** ms_keys_get() - a key by its name, or NULL; under the lock, or on the TPM's thread */
struct key *ms_keys_get(struct ms_keys *k, const char *name);
/** ms_keys_add() - take a key over. Return: 0 or -ENOMEM (then it is still the caller's)
 */
int ms_keys_add(struct ms_keys *k, struct key *key) _must_check_;
/** ms_no_such_key() - -ENOENT and its sentence */
int ms_no_such_key(const char *name, struct ms_error *err);

#endif
