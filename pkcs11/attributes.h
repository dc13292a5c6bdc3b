/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is known of a key, as the attributes of PKCS#11's objects. All of it is public. */
#ifndef MS_PKCS11_ATTRIBUTES_H
#define MS_PKCS11_ATTRIBUTES_H

#include "lib/buf.h"
#include "lib/cert.h"
#include "pkcs11/module.h"

#define MS_P11_ATTRIBUTES_MAX 40u

/**
 * struct ms_p11_attributes - of one object
 * @v: their values are @bytes from @at on
 */
struct ms_p11_attributes {
	struct ms_buf bytes;
	struct {
		ck_attribute_type_t type;
		size_t at, len;
	} v[MS_P11_ATTRIBUTES_MAX];
	size_t n;
};
void ms_p11_attributes_clear(struct ms_p11_attributes *a);

/**
 * ms_p11_attributes_make() - one of a key's three objects
 * @class: CKO_CERTIFICATE, CKO_PUBLIC_KEY or CKO_PRIVATE_KEY
 * @label: the key's name
 *
 * CKA_ID, by which the three find each other, is the certificate's subject key
 * identifier, or the SHA-256 of its public key where it has none.
 *
 * Return: as ms_p11_public_read(), or -ENOMEM.
 */
int ms_p11_attributes_make(ck_object_class_t class, const char *label,
			   const struct ms_cert *cert,
			   struct ms_p11_attributes *ret) _must_check_;

/**
 * ms_p11_attributes_get() - fill in one attribute of a template
 * Return: CKR_OK, CKR_ATTRIBUTE_TYPE_INVALID, CKR_ATTRIBUTE_SENSITIVE or
 * CKR_BUFFER_TOO_SMALL; but for CKR_OK its length says that there is none (2.40, 5.7).
 */
ck_rv_t ms_p11_attributes_get(const struct ms_p11_attributes *a,
			      struct ck_attribute *attribute);

/** ms_p11_attributes_match() - has it every attribute of a template, with that value? */
bool ms_p11_attributes_match(const struct ms_p11_attributes *a,
			     const struct ck_attribute *templ, size_t n);

#endif
