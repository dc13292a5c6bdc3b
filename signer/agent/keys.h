/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The keys of the key process: their files, their states, and signing with them. Private
 * keys exist in this process alone, in OpenSSL's locked heap.
 */
#ifndef MS_AGENT_KEYS_H
#define MS_AGENT_KEYS_H

#include "signer/agent/ipc.h"
#include "signer/agent/strv.h"
#include "tpm/worker.h"

struct ms_keys;

/**
 * ms_keys_share_spent() - let all key processes know which PINs were given in vain
 * Call it once, before the first key process is forked. Return: 0 or a negative errno.
 */
int ms_keys_share_spent(void) _must_check_;

/**
 * ms_keys_load() - read every NAME.key in a directory
 * @dir: kept by reference
 * No TPM yet: all keys are locked. A file that cannot be used becomes a broken key with
 * its reason; it is never changed.
 * Return: 0, or a negative errno when the directory cannot be read.
 */
int ms_keys_load(const char *dir, struct ms_keys **ret,
		 struct ms_error *err) _must_check_;
void ms_keys_free(struct ms_keys *k);
/** ms_keys_allow() - where sealed keys may leave to; without it, nowhere
 * @backup_to, @provision_to: as in struct ms_config; kept by reference */
void ms_keys_allow(struct ms_keys *k, const struct ms_strv *backup_to,
		   const struct ms_strv *provision_to);

/**
 * ms_keys_sign() - sign a digest; may be called from several threads
 * @build: id of the build whose leaf key signs, for a key of custody leaf
 * Return: 0; -ENOENT no such key; -EAGAIN locked (the sentence says why); -EIO, ...
 */
int ms_keys_sign(struct ms_keys *k, const char *name, const char *build,
		 enum ms_hash hash, const uint8_t *digest, uint8_t *ret_sig,
		 size_t *ret_len, struct ms_error *err) _must_check_;
/** ms_keys_in_tpm() - does this key sign in the TPM, so by ms_keys_sign_in_tpm() */
bool ms_keys_in_tpm(struct ms_keys *k, const char *name);

/*
 * The rest is for the one thread that talks to the TPM worker. A function that changed a
 * key returns with the change visible to ms_keys_sign().
 */

/**
 * ms_keys_unseal_pending() - unseal what is locked and needs no person
 * Keys without a PIN; keys with one, once, if $CREDENTIALS_DIRECTORY holds "NAME.pin".
 * @ret_again: number of keys worth another try later (the TPM was absent or busy)
 * Return: 0, or the errno with which the last of these tries failed.
 */
int ms_keys_unseal_pending(struct ms_keys *k, struct ms_tpmw *w, size_t *ret_again);

/** ms_keys_unlock() - unseal one key with a PIN (or NULL); tried once, never repeated */
int ms_keys_unlock(struct ms_keys *k, struct ms_tpmw *w, const char *name,
		   const char *pin, struct ms_error *err) _must_check_;

/**
 * ms_keys_create() - generate, certify, seal, prove that it unseals, write the file
 * An existing key or key file of that name is never touched: -EEXIST.
 */
int ms_keys_create(struct ms_keys *k, struct ms_tpmw *w, const struct ms_ipc_create *req,
		   struct ms_error *err) _must_check_;

/**
 * ms_keys_import() - seal a private key from outside, as ms_keys_create() does its own
 * Return: 0; -EBADMSG it cannot be read; -ENOPKG not a kind of key that signs modules
 * here; -EINVAL the certificate is another key's; -EEXIST, ...
 */
int ms_keys_import(struct ms_keys *k, struct ms_tpmw *w, const struct ms_ipc_import *req,
		   struct ms_error *err) _must_check_;

/**
 * ms_keys_change() - as enum ms_ipc_change_what has it
 * @ret: MS_CERT_MAX bytes; @ret_len: 0 where there is nothing to hand out
 */
int ms_keys_change(struct ms_keys *k, struct ms_tpmw *w, const struct ms_ipc_change *req,
		   uint8_t *ret, size_t *ret_len, struct ms_error *err) _must_check_;

/**
 * ms_keys_reseal() - have the TPM give a key out under other PCR values
 * @req: @approval adds what the key's policy key has approved. Without it the private
 * key, which has to be unsealed now, is sealed anew to @pcrs, with @pin as its PIN; with
 * @foretold into NAME.key-next, which takes the key file's place when it opens and the
 * old one does not.
 *
 * The old file stays until the new one is proven.
 */
int ms_keys_reseal(struct ms_keys *k, struct ms_tpmw *w, const struct ms_ipc_create *req,
		   struct ms_error *err) _must_check_;

/**
 * ms_keys_tell() - ms_keys_change() of what the TPM says, and of keys that leave:
 * MS_CHANGE_ATTEST, PROVISION, IDENTITY, ENROLL_AK
 */
int ms_keys_tell(struct ms_keys *k, struct ms_tpmw *w, const struct ms_ipc_change *req,
		 uint8_t *ret, size_t *ret_len, struct ms_error *err) _must_check_;
/** ms_keys_take_provisioned() - as ms_keys_import(), of a key wrapped to this TPM */
int ms_keys_take_provisioned(struct ms_keys *k, struct ms_tpmw *w,
			     const struct ms_ipc_provision *req,
			     struct ms_error *err) _must_check_;

/** ms_keys_sign_in_tpm() - sign a digest with a key of custody resident */
int ms_keys_sign_in_tpm(struct ms_keys *k, struct ms_tpmw *w, const char *name,
			enum ms_hash hash, const uint8_t *digest, uint8_t *ret_sig,
			size_t *ret_len, struct ms_error *err) _must_check_;

/**
 * ms_keys_open_leaf() - make a leaf key for a build, certified by the issuing key
 * @ret_cert: DER, MS_CERT_MAX bytes
 * One signature in the TPM, however many modules the build has.
 */
int ms_keys_open_leaf(struct ms_keys *k, struct ms_tpmw *w, const struct ms_ipc_open *req,
		      uint8_t *ret_cert, size_t *ret_len,
		      struct ms_error *err) _must_check_;
/** ms_keys_close_leaf() - destroy it. Return: 0 or -ENOENT */
int ms_keys_close_leaf(struct ms_keys *k, const char *build);
/** ms_keys_expire_leaves() - as ms_leaves_expire() */
int64_t ms_keys_expire_leaves(struct ms_keys *k, int64_t now);

/**
 * ms_keys_retire_due() - let go of keys whose overlap with their successor is over
 * @ret_next: seconds until the next one, or -1
 * Return: were there any
 */
bool ms_keys_retire_due(struct ms_keys *k, int64_t now, int64_t *ret_next);

/** ms_keys_describe() - the @i-th key; -ENOENT past the last */
int ms_keys_describe(struct ms_keys *k, size_t i, struct ms_ipc_key *ret) _must_check_;
/** ms_keys_find() - index of a key; -ENOENT */
int ms_keys_find(struct ms_keys *k, const char *name, size_t *ret) _must_check_;

#endif
