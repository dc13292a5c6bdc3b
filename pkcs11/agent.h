/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the token asks the agent: its keys, their certificates, signatures of digests. */
#ifndef MS_PKCS11_AGENT_H
#define MS_PKCS11_AGENT_H

#include "lib/agent_client.h"
#include "lib/hash.h"

#define MS_P11_KEYS_MAX 1024u

/**
 * struct ms_p11_agent - a connection to the agent; zeroed it is closed
 * @build: MODSEAL_BUILD, or ""
 */
struct ms_p11_agent {
	struct ms_http http;
	bool open;
	char build[MS_KEY_NAME_MAX + 1];
};

/** ms_p11_agent_timeout_ms - how long each wait for the agent may be; tests are shorter
 */
extern unsigned int ms_p11_agent_timeout_ms;

/**
 * ms_p11_agent_open() - as modseal.conf and the environment say; does nothing if it is
 * Return: 0 or negative errno with a sentence.
 */
int ms_p11_agent_open(struct ms_p11_agent *a, struct ms_error *err) _must_check_;
void ms_p11_agent_close(struct ms_p11_agent *a);

/** struct ms_p11_key_names - of the keys that can sign now and that we may see */
struct ms_p11_key_names {
	char (*v)[MS_KEY_NAME_MAX + 1];
	size_t n;
};

/** ms_p11_agent_keys() - @ret->v is the caller's, from malloc() */
int ms_p11_agent_keys(struct ms_p11_agent *a, struct ms_p11_key_names *ret,
		      struct ms_error *err) _must_check_;

/** ms_p11_agent_certificate() - DER of a key's certificate, not parsed yet, into @out */
int ms_p11_agent_certificate(struct ms_p11_agent *a, const char *key, struct ms_buf *out,
			     struct ms_error *err) _must_check_;

/**
 * ms_p11_agent_sign() - have a digest signed
 * @out: RSA: the PKCS#1 v1.5 signature; EC: ECDSA-Sig-Value. Not checked yet.
 *
 * For the log it is named MODSEAL_PKCS11_NAME or "pkcs11:" and the program's name.
 *
 * Return: 0, -EACCES (the agent refuses), -EBADMSG (its answer is not about this digest),
 * or another negative errno; always with a sentence.
 */
int ms_p11_agent_sign(struct ms_p11_agent *a, const char *key, enum ms_hash hash,
		      const uint8_t *digest, struct ms_buf *out,
		      struct ms_error *err) _must_check_;

#endif
