/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sessions: each with its own search, its own signature and its own way to the agent. */
#ifndef MS_PKCS11_SESSION_H
#define MS_PKCS11_SESSION_H

#include <openssl/evp.h>
#include <pthread.h>
#include "pkcs11/agent.h"
#include "pkcs11/mechanism.h"

#define MS_P11_SESSIONS_MAX 1024u

struct ms_p11_key;

/**
 * struct ms_p11_find - a search under way
 * @v, @n: handles of what was found; @at: the next one to be handed out
 */
struct ms_p11_find {
	bool active;
	ck_object_handle_t *v;
	size_t n, at;
};
void ms_p11_find_clear(struct ms_p11_find *f);

/**
 * struct ms_p11_sign - a signature under way
 * @parts: C_SignUpdate() has been called
 * @md: hashes the data; NULL where the caller has done it: then it is in @data
 */
struct ms_p11_sign {
	const struct ms_p11_mechanism *mechanism;
	const struct ms_p11_key *key;
	bool parts;
	EVP_MD_CTX *md;
	uint8_t data[MS_P11_DIGEST_INFO_MAX];
	size_t len;
};
void ms_p11_sign_clear(struct ms_p11_sign *s);

/**
 * struct ms_p11_session - one session; a call holds @lock
 * @loaded: the agent's keys have been looked at since it was opened
 */
struct ms_p11_session {
	struct ms_p11_session *next;
	ck_session_handle_t handle;
	ck_flags_t flags;
	unsigned int refs;
	pthread_mutex_t lock;
	struct ossl_lib_ctx_st *was;
	struct ms_p11_agent agent;
	bool loaded;
	struct ms_p11_find find;
	struct ms_p11_sign sign;
};

/**
 * ms_p11_session_get() - a session for this call alone, and OpenSSL as it is ours
 * Return: CKR_OK, CKR_CRYPTOKI_NOT_INITIALIZED, CKR_SESSION_HANDLE_INVALID or
 * CKR_GENERAL_ERROR (no OpenSSL). If CKR_OK, ms_p11_session_put() is to follow.
 */
ck_rv_t ms_p11_session_get(ck_session_handle_t handle,
			   struct ms_p11_session **ret) _must_check_;
void ms_p11_session_put(struct ms_p11_session *s);

/** ms_p11_sessions() - how many there are */
unsigned long ms_p11_sessions(void);
/** ms_p11_sessions_close() - all of them */
void ms_p11_sessions_close(void);
/** ms_p11_sessions_abandon() - in a child: the parent's are no business of ours */
void ms_p11_sessions_abandon(void);

#endif
