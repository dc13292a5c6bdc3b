/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of keys, shared by keys*.c and by nobody else.
 */
#ifndef MS_AGENT_KEYS_TABLE_H
#define MS_AGENT_KEYS_TABLE_H

#include <openssl/evp.h>
#include <pthread.h>
#include "signer/agent/key_life.h"
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
	time_t not_before, not_after;
	struct ms_key_life life;
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
	const struct ms_strv *backup_to, *provision_to;
};

static inline bool ms_key_is_open(const struct key *k)
{
	return k->pkey || k->in_tpm;
}

/** ms_key_is_over() - retired or revoked: it is not even unsealed */
static inline bool ms_key_is_over(const struct key *k, int64_t now)
{
	enum ms_life life = ms_key_life_at(&k->life, now);

	return life == MS_LIFE_RETIRED || life == MS_LIFE_REVOKED;
}

/** ms_key_free() - and whatever it holds */
void ms_key_free(struct key *k);
/** ms_keys_get() - a key by its name, or NULL; under the lock, or on the TPM's thread */
struct key *ms_keys_get(struct ms_keys *k, const char *name);
/** ms_keys_add() - take a key over. Return: 0 or -ENOMEM (then it is still the caller's)
 */
int ms_keys_add(struct ms_keys *k, struct key *key) _must_check_;
/**
 * ms_keys_refuse_twins() - of keys with the same public key only one stays usable
 * That is one that is over at @now, so that no copy of it signs; else the oldest. The
 * others become broken, say why, and are in the log. When the table is loaded.
 * Return: 0 or -ENOMEM.
 */
int ms_keys_refuse_twins(struct ms_keys *k, int64_t now) _must_check_;
/** ms_key_read_cert() - what the certificate tells: algorithm, validity, custody */
void ms_key_read_cert(struct key *key);
/** ms_key_write() - the key's file, replaced whole */
int ms_key_write(const char *path, const struct ms_keyfile *file,
		 struct ms_error *err) _must_check_;

/**
 * struct ms_key_given - what of a key comes from outside
 * @pkey: taken; or @blob: a key of this TPM, and @pkey its public half
 * @cert: DER, of this key; @cert_len 0: one is made
 */
struct ms_key_given {
	EVP_PKEY *pkey;
	const struct ms_tpm_blob *blob;
	const uint8_t *cert;
	size_t cert_len;
};
/** ms_key_check_cert() - this key's, not expired? Return: 0, -EBADMSG, -EINVAL */
int ms_key_check_cert(EVP_PKEY *key, const uint8_t *der, size_t len,
		      struct ms_error *err) _must_check_;
/** ms_keys_import_tss2() - a key of this TPM that another program made */
int ms_keys_import_tss2(struct ms_keys *k, struct ms_tpmw *w,
			const struct ms_ipc_import *req,
			struct ms_error *err) _must_check_;
/** ms_keys_make() - ms_keys_create(), with @given or NULL */
int ms_keys_make(struct ms_keys *k, struct ms_tpmw *w, const struct ms_ipc_create *req,
		 struct ms_key_given *given, struct ms_error *err) _must_check_;

/** ms_key_policy() - what protects a new key, as @req says, as a blob without object */
int ms_key_policy(const struct ms_ipc_create *req, struct ms_tpm_blob *ret,
		  struct ms_error *err) _must_check_;
/**
 * ms_key_seal() - seal @pkey under a fresh key-encryption key, and prove that it opens
 * @file: @cert is set; the sealed parts are filled in
 */
int ms_key_seal(struct ms_tpmw *w, const struct ms_ipc_create *req,
		struct ms_keyfile *file, EVP_PKEY *pkey,
		struct ms_error *err) _must_check_;
/**
 * ms_key_try_next() - the PCRs are not the file's: are they those that NAME.key-next
 * foretells? Then that is the key's file from now on.
 * @ret: the private key
 * Return: 0; -ENOENT there is no such file, or it is not this key's; or as unsealing.
 */
int ms_key_try_next(struct ms_keys *k, struct ms_tpmw *w, struct key *key,
		    const char *pin, EVP_PKEY **ret, struct ms_error *err) _must_check_;

/** ms_key_may_sign() - not retired, not revoked, and its certificate is valid now */
int ms_key_may_sign(const struct key *key, time_t now, struct ms_error *err) _must_check_;
/** ms_key_may_leave_to() - is @id among what the configuration names
 * Return: 0, -EACCES "not-a-recipient" with a sentence that names @setting and @id. */
int ms_key_may_leave_to(const struct key *key, const struct ms_strv *list,
			const char *setting, const char *id,
			struct ms_error *err) _must_check_;
/** ms_key_backup() - DER CMS to a recipient; only to one that @k allows.
 * @cert: its certificate, or its public key alone (SubjectPublicKeyInfo); DER
 * @ret: MS_CERT_MAX bytes */
int ms_key_backup(const struct ms_keys *k, const struct key *key, const uint8_t *cert,
		  size_t cert_len, uint8_t *ret, size_t *ret_len,
		  struct ms_error *err) _must_check_;

/** ms_key_let_go() - forget the private key: it signs no more */
void ms_key_let_go(struct ms_keys *k, struct key *key, const struct ms_key_life *life);
/** ms_key_rotate() - name a key's successor, and when it retires by itself */
int ms_key_rotate(struct ms_keys *k, struct key *key, const struct ms_ipc_change *req,
		  struct ms_error *err) _must_check_;

/** ms_no_such_key() - -ENOENT and its sentence */
int ms_no_such_key(const char *name, struct ms_error *err);

#endif
