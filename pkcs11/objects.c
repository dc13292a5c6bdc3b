/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pkcs11/objects.h"
#include <errno.h>
#include "lib/escape.h"
#include "pkcs11/session.h"

static const ck_object_class_t classes[] = {CKO_CERTIFICATE, CKO_PUBLIC_KEY,
					    CKO_PRIVATE_KEY};
#define N_CLASSES ARRAY_SIZE(classes)
#define PRIVATE 2u

/* A key's objects have three handles in a row, from 1. */
static struct ms_p11_key **keys;
static size_t n_keys;

ck_key_type_t ms_p11_key_type(const struct ms_p11_key *k)
{
	return ms_alg_is_rsa(k->public.alg) ? CKK_RSA : CKK_EC;
}

static void key_free(struct ms_p11_key *k)
{
	if (!k)
		return;
	for (size_t i = 0; i < N_CLASSES; i++)
		ms_p11_attributes_clear(&k->objects[i]);
	ms_cert_free(k->cert);
	free(k);
}

static void key_freep(struct ms_p11_key **k)
{
	key_free(*k);
}

void ms_p11_objects_clear(void)
{
	ms_p11_lock();
	for (size_t i = 0; i < n_keys; i++)
		key_free(keys[i]);
	free(keys);
	keys = NULL;
	n_keys = 0;
	ms_p11_unlock();
}

void ms_p11_objects_abandon(void)
{
	keys = NULL;
	n_keys = 0;
}

/* --------------------------------------------------------------------- loading */

/* Takes @cert over if it can. */
static int key_make(const char *name, struct ms_cert **cert, struct ms_p11_key **ret)
{
	_cleanup_(key_freep) struct ms_p11_key *k = calloc(1, sizeof(*k));
	int r;

	if (!k)
		return -ENOMEM;
	memcpy(k->name, name, strlen(name) + 1);
	r = ms_p11_public_read(*cert, &k->public);
	for (size_t i = 0; i < N_CLASSES && r == 0; i++)
		r = ms_p11_attributes_make(classes[i], name, *cert, &k->objects[i]);
	if (r < 0)
		return r;
	k->cert = TAKE_PTR(*cert);
	/* It would be OpenSSL's to free, which may have ended before C_Finalize(). */
	EVP_PKEY_free(TAKE_PTR(k->cert->pkey));
	*ret = TAKE_PTR(k);
	return 0;
}

/* Takes @k over; one that is known already keeps its place. */
static int add(struct ms_p11_key *k)
{
	struct ms_p11_key **more;

	for (size_t i = 0; i < n_keys; i++) {
		if (strcmp(keys[i]->name, k->name) == 0 &&
		    keys[i]->cert->der_len == k->cert->der_len &&
		    memcmp(keys[i]->cert->der, k->cert->der, k->cert->der_len) == 0) {
			keys[i]->there = true;
			key_free(k);
			return 0;
		}
	}
	more = realloc(keys, (n_keys + 1) * sizeof(*keys));
	if (!more) {
		key_free(k);
		return -ENOMEM;
	}
	keys = more;
	k->there = true;
	keys[n_keys++] = k;
	return 0;
}

static int load_key(struct ms_p11_agent *a, const char *name, struct ms_p11_key **ret,
		    struct ms_error *err)
{
	_cleanup_buf_ struct ms_buf der = MS_BUF_INIT(MS_HTTP_ANSWER_MAX);
	_cleanup_cert_ struct ms_cert *cert = NULL;
	int r = ms_p11_agent_certificate(a, name, &der, err);

	if (r < 0)
		return r;
	r = ms_cert_parse(der.data, der.len, &cert);
	if (r == 0)
		r = key_make(name, &cert, ret);
	return r < 0 ? ms_error_set(err, r, "bad-certificate",
				    "the certificate of key %s cannot be used: %s", name,
				    ms_strerror(r))
		     : 0;
}

static int take(struct ms_p11_key **v, size_t n)
{
	int r = 0;

	ms_p11_lock();
	for (size_t i = 0; i < n_keys; i++)
		keys[i]->there = false;
	for (size_t i = 0; i < n; i++)
		if (add(TAKE_PTR(v[i])) < 0)
			r = -ENOMEM;
	ms_p11_unlock();
	return r;
}

/* The other keys are good all the same. */
static int skip(const struct ms_error *err)
{
	ms_p11_complain(err);
	return 0;
}

int ms_p11_objects_load(struct ms_p11_agent *a, struct ms_error *err)
{
	_cleanup_free_ struct ms_p11_key **v = NULL;
	struct ms_p11_key_names names = {0};
	size_t n = 0;
	int r = ms_p11_agent_keys(a, &names, err);

	if (r < 0)
		return r;
	v = calloc(names.n + 1, sizeof(struct ms_p11_key *));
	if (!v)
		r = ms_error_set(err, -ENOMEM, NULL, "out of memory");
	for (size_t i = 0; i < names.n && r == 0; i++) {
		r = load_key(a, names.v[i], &v[n], err);
		if (r == 0)
			n++;
		/* Gone since it was listed; or one that this module cannot offer. */
		else if (r == -ENOENT || strcmp(err->code, "bad-certificate") == 0)
			r = r == -ENOENT ? 0 : skip(err);
	}
	if (r == 0 && take(v, n) < 0)
		r = ms_error_set(err, -ENOMEM, NULL, "out of memory");
	for (size_t i = 0; i < n; i++)
		key_free(v[i]);
	free(names.v);
	return r;
}

/* --------------------------------------------------------------------- looking */

/* Under the lock. NULL: no such handle. */
static const struct ms_p11_attributes *object(ck_object_handle_t handle)
{
	size_t i = (handle - 1) / N_CLASSES;

	return handle && i < n_keys ? &keys[i]->objects[(handle - 1) % N_CLASSES] : NULL;
}

const struct ms_p11_key *ms_p11_objects_private(ck_object_handle_t handle)
{
	const struct ms_p11_key *k = NULL;

	ms_p11_lock();
	if (object(handle) && (handle - 1) % N_CLASSES == PRIVATE)
		k = keys[(handle - 1) / N_CLASSES];
	ms_p11_unlock();
	return k;
}

ck_rv_t ms_p11_objects_find(const struct ck_attribute *templ, size_t n,
			    ck_object_handle_t **ret_v, size_t *ret_n)
{
	ck_object_handle_t *v;
	size_t found = 0;

	ms_p11_lock();
	v = calloc(N_CLASSES * n_keys + 1, sizeof(*v));
	for (size_t i = 0; v && i < n_keys; i++)
		for (size_t c = 0; c < N_CLASSES; c++)
			if (keys[i]->there &&
			    ms_p11_attributes_match(&keys[i]->objects[c], templ, n))
				v[found++] = 1 + N_CLASSES * i + c;
	ms_p11_unlock();
	if (!v)
		return CKR_HOST_MEMORY;
	*ret_v = v;
	*ret_n = found;
	return CKR_OK;
}

/* All are looked at, whatever becomes of one; of the failures the first is told. */
static ck_rv_t get_all(const struct ms_p11_attributes *a, struct ck_attribute *templ,
		       unsigned long count)
{
	ck_rv_t rv = CKR_OK;

	for (unsigned long i = 0; i < count; i++) {
		ck_rv_t one = ms_p11_attributes_get(a, &templ[i]);

		if (rv == CKR_OK)
			rv = one;
	}
	return rv;
}

ck_rv_t C_GetAttributeValue(ck_session_handle_t session, ck_object_handle_t handle,
			    struct ck_attribute *templ, unsigned long count)
{
	const struct ms_p11_attributes *a;
	struct ms_p11_session *s;
	ck_rv_t rv = ms_p11_session_get(session, &s);

	if (rv != CKR_OK)
		return rv;
	ms_p11_lock();
	a = object(handle);
	if (!templ && count)
		rv = CKR_ARGUMENTS_BAD;
	else
		rv = a ? get_all(a, templ, count) : CKR_OBJECT_HANDLE_INVALID;
	ms_p11_unlock();
	ms_p11_session_put(s);
	return rv;
}
