/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MS_IDENTITY_H
#define MS_IDENTITY_H

#include "lib/pkcs7.h"
#include "verifier/anchors.h"
#include "verifier/intern.h"

/**
 * struct ms_identity - who a signerInfo says it is
 * @issuer: distinguished name as in RFC 4514, raw; NULL when the signer is named by key
 * id
 * @serial: hex; NULL likewise
 * @ski: hex; NULL when the signer is named by issuer and serial and is no anchor
 * @anchor: first anchor with that issuer and serial, or with that key id; NULL if none
 * has
 */
struct ms_identity {
	char *issuer, *serial, *ski;
	const struct ms_anchor *anchor;
};

void ms_identity_free(void *id);

/**
 * ms_identity_get() - the identity of a signer, worked out once for all modules
 * @t: initialised with ms_identity_free()
 *
 * Return: 0 or -ENOMEM.
 */
int ms_identity_get(struct ms_intern *t, const struct ms_anchors *anchors,
		    const struct ms_pkcs7_signer *si,
		    const struct ms_identity **ret) _must_check_;

/** ms_identity_next() - the next anchor after @after that has the signer's name */
const struct ms_anchor *ms_identity_next(const struct ms_anchors *anchors,
					 const struct ms_pkcs7_signer *si,
					 const struct ms_anchor *after);

/** ms_name_text() - DER Name as text (RFC 4514, UTF-8 kept), from malloc(); NULL: no
 * memory */
char *ms_name_text(const uint8_t *der, size_t len);

#endif
