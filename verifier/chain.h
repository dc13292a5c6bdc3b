/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Certificates that a message embeds, and how they lead to an anchor.
 */
#ifndef MS_CHAIN_H
#define MS_CHAIN_H

#include "lib/pkcs7.h"
#include "verifier/anchors.h"
#include "verifier/intern.h"

/**
 * struct ms_chain_cert - an embedded certificate
 * @cert: owned; NULL where it could not be parsed
 * @issuer: index of the certificate in the same message that its AKID names; its own for
 * a self-signed one; -1 for none
 * @issuer_rc: signature by @issuer: 0, -EKEYREJECTED, -ENOPKG
 * @same: the anchor with the same issuer, serial and key id, or NULL
 * @authority: the anchor that its AKID names, or NULL
 * @authority_rc: signature by @authority: 0, -EKEYREJECTED, -ENOPKG
 * @revoked: it is among the revoked
 * @ski: hex or NULL; owned
 */
struct ms_chain_cert {
	struct ms_cert *cert;
	int issuer, issuer_rc;
	const struct ms_anchor *same, *authority;
	int authority_rc;
	bool revoked;
	char *ski;
};

/**
 * struct ms_chain - all of a message's certificates, in its order
 */
struct ms_chain {
	size_t n;
	struct ms_chain_cert v[MS_PKCS7_CERTS_MAX];
};

void ms_chain_free(void *chain);

/**
 * ms_chain_get() - parse and check a message's certificates, once for all modules
 * @t: initialised with ms_chain_free()
 * @msg: has at least one certificate
 *
 * Return: 0 or -ENOMEM.
 */
int ms_chain_get(struct ms_intern *t, const struct ms_anchors *anchors,
		 const struct ms_pkcs7 *msg, const struct ms_chain **ret) _must_check_;

/** ms_chain_find() - index of the certificate that a signer names by issuer and serial,
 * or -1. Not by key id: the kernel does not look there either. */
int ms_chain_find(const struct ms_chain *c, const struct ms_pkcs7_signer *si);

#endif
