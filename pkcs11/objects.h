/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The objects of the token: certificate, public and private key for each of the agent's.
 */
#ifndef MS_PKCS11_OBJECTS_H
#define MS_PKCS11_OBJECTS_H

#include "pkcs11/agent.h"
#include "pkcs11/attributes.h"
#include "pkcs11/public_key.h"

/**
 * struct ms_p11_key - one key of the agent's; it stays, and does not change, until the
 * end
 * @cert: with its public key
 * @there: the agent has it still; under ms_p11_lock()
 */
struct ms_p11_key {
	char name[MS_KEY_NAME_MAX + 1];
	struct ms_cert *cert;
	struct ms_p11_public public;
	struct ms_p11_attributes objects[3];
	bool there;
};

/** ms_p11_key_type() - CKK_RSA or CKK_EC */
ck_key_type_t ms_p11_key_type(const struct ms_p11_key *k);

/**
 * ms_p11_objects_load() - see which keys the agent has now
 *
 * A key that had been there before keeps its handles; one that has gone, or has got
 * another certificate, is found no more.
 *
 * Return: 0 or negative errno with a sentence.
 */
int ms_p11_objects_load(struct ms_p11_agent *a, struct ms_error *err) _must_check_;

/** ms_p11_objects_find() - handles of what matches; @ret_v from malloc() */
ck_rv_t ms_p11_objects_find(const struct ck_attribute *templ, size_t n,
			    ck_object_handle_t **ret_v, size_t *ret_n) _must_check_;

/** ms_p11_objects_private() - the key of a CKO_PRIVATE_KEY; NULL: no such handle */
const struct ms_p11_key *ms_p11_objects_private(ck_object_handle_t handle);

/** ms_p11_objects_clear() - forget all; handles are void */
void ms_p11_objects_clear(void);
/** ms_p11_objects_abandon() - the same after a fork, when locks may be held by nobody */
void ms_p11_objects_abandon(void);

#endif
