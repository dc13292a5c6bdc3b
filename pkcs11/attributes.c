/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pkcs11/attributes.h"
#include <errno.h>
#include "lib/der.h"
#include "pkcs11/public_key.h"

enum { NO = 0, YES = 1 };

void ms_p11_attributes_clear(struct ms_p11_attributes *a)
{
	ms_buf_clear(&a->bytes);
	a->n = 0;
}

static void put(struct ms_p11_attributes *a, ck_attribute_type_t type, const void *p,
		size_t len)
{
	if (a->n == ARRAY_SIZE(a->v)) {
		a->bytes.err = -EFBIG;
		return;
	}
	a->v[a->n].type = type;
	a->v[a->n].at = a->bytes.len;
	a->v[a->n].len = len;
	a->n++;
	ms_buf_put(&a->bytes, p, len);
}

static void put_number(struct ms_p11_attributes *a, ck_attribute_type_t type,
		       unsigned long value)
{
	put(a, type, &value, sizeof(value));
}

static void put_flags(struct ms_p11_attributes *a, const ck_attribute_type_t *types,
		      size_t n, unsigned char value)
{
	for (size_t i = 0; i < n; i++)
		put(a, types[i], &value, 1);
}
#define put_all(a, value, ...)                                   \
	put_flags(a, (const ck_attribute_type_t[]){__VA_ARGS__}, \
		  ARRAY_SIZE(((const ck_attribute_type_t[]){__VA_ARGS__})), value)

/* ------------------------------------------------------------- the public key */

static void put_rsa(struct ms_p11_attributes *a, ck_object_class_t class,
		    const struct ms_p11_public *key)
{
	put_number(a, CKA_KEY_TYPE, CKK_RSA);
	put(a, CKA_MODULUS, key->n, key->n_len);
	put(a, CKA_PUBLIC_EXPONENT, key->e, key->e_len);
	if (class == CKO_PUBLIC_KEY)
		put_number(a, CKA_MODULUS_BITS, 8 * key->n_len);
}

/* CKA_EC_POINT is the DER of an OCTET STRING with the point (2.40, 2.3.3). */
static void put_ec(struct ms_p11_attributes *a, const struct ms_p11_public *key)
{
	_cleanup_buf_ struct ms_buf der = MS_BUF_INIT(256);

	ms_der_put(&der, MS_DER_OCTETS, key->point, key->point_len);
	if (ms_buf_error(&der) < 0)
		a->bytes.err = ms_buf_error(&der);
	put_number(a, CKA_KEY_TYPE, CKK_EC);
	put(a, CKA_EC_PARAMS, key->curve, key->curve_len);
	put(a, CKA_EC_POINT, der.data, der.len);
}

static void put_public(struct ms_p11_attributes *a, ck_object_class_t class,
		       const struct ms_cert *cert, const struct ms_p11_public *key)
{
	put(a, CKA_SUBJECT, cert->subject, cert->subject_len);
	put_all(a, NO, CKA_DERIVE);
	if (ms_alg_is_rsa(key->alg))
		put_rsa(a, class, key);
	else
		put_ec(a, key);
}

/* ---------------------------------------------------------------- each object */

static int put_id(struct ms_p11_attributes *a, const struct ms_cert *cert,
		  const struct ms_p11_public *key)
{
	uint8_t digest[MS_DIGEST_MAX];
	int r = 0;

	if (cert->ski) {
		put(a, CKA_ID, cert->ski, cert->ski_len);
		return 0;
	}
	r = ms_digest(MS_HASH_SHA256, key->info, key->info_len, digest);
	if (r == 0)
		put(a, CKA_ID, digest, ms_hash_size(MS_HASH_SHA256));
	return r;
}

static void put_certificate(struct ms_p11_attributes *a, const struct ms_cert *cert)
{
	put_number(a, CKA_CERTIFICATE_TYPE, CKC_X_509);
	put_number(a, CKA_CERTIFICATE_CATEGORY, 0);
	put_all(a, NO, CKA_TRUSTED);
	put(a, CKA_SUBJECT, cert->subject, cert->subject_len);
	put(a, CKA_ISSUER, cert->issuer, cert->issuer_len);
	put(a, CKA_SERIAL_NUMBER, cert->serial, cert->serial_len);
	put(a, CKA_VALUE, cert->der, cert->der_len);
}

/* The token itself verifies nothing; that CKA_VERIFY is true is about the key's use. */
static void put_public_key(struct ms_p11_attributes *a, const struct ms_cert *cert,
			   const struct ms_p11_public *key)
{
	put_all(a, YES, CKA_VERIFY);
	put_all(a, NO, CKA_ENCRYPT, CKA_VERIFY_RECOVER, CKA_WRAP, CKA_TRUSTED, CKA_LOCAL);
	put_public(a, CKO_PUBLIC_KEY, cert, key);
}

/*
 * The agent gives no key away, whatever its custody. Whether one has been imported is its
 * owner's to know, so that nothing is claimed of how it has been in the past.
 */
static void put_private_key(struct ms_p11_attributes *a, const struct ms_cert *cert,
			    const struct ms_p11_public *key)
{
	put_all(a, YES, CKA_SIGN, CKA_SENSITIVE);
	put_all(a, NO, CKA_EXTRACTABLE, CKA_ALWAYS_SENSITIVE, CKA_NEVER_EXTRACTABLE,
		CKA_DECRYPT, CKA_SIGN_RECOVER, CKA_UNWRAP, CKA_WRAP_WITH_TRUSTED,
		CKA_ALWAYS_AUTHENTICATE, CKA_LOCAL);
	put_public(a, CKO_PRIVATE_KEY, cert, key);
}

int ms_p11_attributes_make(ck_object_class_t class, const char *label,
			   const struct ms_cert *cert, struct ms_p11_attributes *ret)
{
	struct ms_p11_attributes a = {.bytes = MS_BUF_INIT(4 * MS_CERT_MAX)};
	struct ms_p11_public key;
	int r = ms_p11_public_read(cert, &key);

	if (r < 0)
		return r;
	put_number(&a, CKA_CLASS, class);
	put_all(&a, YES, CKA_TOKEN);
	put_all(&a, NO, CKA_PRIVATE, CKA_MODIFIABLE, CKA_COPYABLE, CKA_DESTROYABLE);
	put(&a, CKA_LABEL, label, strlen(label));
	put(&a, CKA_PUBLIC_KEY_INFO, key.info, key.info_len);
	r = put_id(&a, cert, &key);
	if (class == CKO_CERTIFICATE)
		put_certificate(&a, cert);
	else if (class == CKO_PUBLIC_KEY)
		put_public_key(&a, cert, &key);
	else
		put_private_key(&a, cert, &key);
	if (r == 0)
		r = ms_buf_error(&a.bytes);
	if (r < 0) {
		ms_p11_attributes_clear(&a);
		return r;
	}
	*ret = a;
	return 0;
}

/* --------------------------------------------------------------------- reading */

/* What a private key has and nobody gets. */
static bool is_secret(ck_attribute_type_t type)
{
	static const ck_attribute_type_t types[] = {
		CKA_VALUE,	CKA_PRIVATE_EXPONENT, CKA_PRIME_1,     CKA_PRIME_2,
		CKA_EXPONENT_1, CKA_EXPONENT_2,	      CKA_COEFFICIENT,
	};

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (types[i] == type)
			return true;
	return false;
}

static bool find(const struct ms_p11_attributes *a, ck_attribute_type_t type, size_t *ret)
{
	for (size_t i = 0; i < a->n; i++) {
		if (a->v[i].type == type) {
			*ret = i;
			return true;
		}
	}
	return false;
}

ck_rv_t ms_p11_attributes_get(const struct ms_p11_attributes *a,
			      struct ck_attribute *attribute)
{
	unsigned long room = attribute->value_len;
	size_t i;

	attribute->value_len = CK_UNAVAILABLE_INFORMATION;
	if (!find(a, attribute->type, &i)) {
		/* Only a private key has CKA_SENSITIVE. */
		return is_secret(attribute->type) && find(a, CKA_SENSITIVE, &i)
			       ? CKR_ATTRIBUTE_SENSITIVE
			       : CKR_ATTRIBUTE_TYPE_INVALID;
	}
	if (attribute->value && room < a->v[i].len)
		return CKR_BUFFER_TOO_SMALL;
	if (attribute->value && a->v[i].len)
		memcpy(attribute->value, a->bytes.data + a->v[i].at, a->v[i].len);
	attribute->value_len = a->v[i].len;
	return CKR_OK;
}

bool ms_p11_attributes_match(const struct ms_p11_attributes *a,
			     const struct ck_attribute *templ, size_t n)
{
	for (size_t k = 0; k < n; k++) {
		size_t i;

		if (!find(a, templ[k].type, &i) || a->v[i].len != templ[k].value_len)
			return false;
		if (a->v[i].len &&
		    memcmp(a->bytes.data + a->v[i].at, templ[k].value, a->v[i].len) != 0)
			return false;
	}
	return true;
}
