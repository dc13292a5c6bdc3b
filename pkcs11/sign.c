/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Signing. Whatever the mechanism, the agent gets a digest and the name of its hash.
 */
#include <errno.h>
#include "lib/cert.h"
#include "pkcs11/objects.h"
#include "pkcs11/session.h"

void ms_p11_sign_clear(struct ms_p11_sign *s)
{
	EVP_MD_CTX_free(s->md);
	*s = (struct ms_p11_sign){0};
}

static ck_rv_t check_mechanism(const struct ms_p11_mechanism *m,
			       const struct ck_mechanism *asked,
			       const struct ms_p11_key *key)
{
	if (!m)
		return CKR_MECHANISM_INVALID;
	if (asked->parameter_len)
		return CKR_MECHANISM_PARAM_INVALID;
	if (!key)
		return CKR_KEY_HANDLE_INVALID;
	return m->key_type == ms_p11_key_type(key) ? CKR_OK : CKR_KEY_TYPE_INCONSISTENT;
}

static ck_rv_t sign_init(struct ms_p11_sign *s, const struct ck_mechanism *asked,
			 ck_object_handle_t handle)
{
	const struct ms_p11_mechanism *m;
	const struct ms_p11_key *key = ms_p11_objects_private(handle);
	ck_rv_t rv;

	if (s->key)
		return CKR_OPERATION_ACTIVE;
	if (!asked)
		return CKR_ARGUMENTS_BAD;
	m = ms_p11_mechanism(asked->mechanism);
	rv = check_mechanism(m, asked, key);
	if (rv != CKR_OK)
		return rv;
	if (m->hash) {
		s->md = EVP_MD_CTX_new();
		if (!s->md || EVP_DigestInit_ex2(s->md, ms_hash_md(m->hash), NULL) != 1) {
			ms_p11_sign_clear(s);
			return CKR_HOST_MEMORY;
		}
	}
	s->mechanism = m;
	s->key = key;
	return CKR_OK;
}

ck_rv_t C_SignInit(ck_session_handle_t session, struct ck_mechanism *mechanism,
		   ck_object_handle_t key)
{
	struct ms_p11_session *s;
	ck_rv_t rv = ms_p11_session_get(session, &s);

	if (rv != CKR_OK)
		return rv;
	rv = sign_init(&s->sign, mechanism, key);
	ms_p11_session_put(s);
	return rv;
}

static ck_rv_t add(struct ms_p11_sign *s, const unsigned char *p, unsigned long len)
{
	if (s->md)
		return EVP_DigestUpdate(s->md, p, len) == 1 ? CKR_OK : CKR_GENERAL_ERROR;
	if (len > sizeof(s->data) - s->len) {
		const struct ms_error err = {
			.msg = "more was to be signed than a digest: hash it first, or "
			       "use a mechanism that does"};

		ms_p11_complain(&err);
		return CKR_DATA_LEN_RANGE;
	}
	if (len)
		memcpy(s->data + s->len, p, len);
	s->len += len;
	return CKR_OK;
}

/* ---------------------------------------------------------------- what is signed */

static ck_rv_t bad_data(ck_rv_t rv, const char *why)
{
	struct ms_error err;

	(void)ms_error_set(&err, 0, NULL, "nothing was signed: %s", why);
	ms_p11_complain(&err);
	return rv;
}

static ck_rv_t digest_of(struct ms_p11_sign *s, enum ms_hash *ret_hash, uint8_t *ret)
{
	const uint8_t *digest = s->data;
	int r = 0;

	if (s->md) {
		*ret_hash = s->mechanism->hash;
		return EVP_DigestFinal_ex(s->md, ret, NULL) == 1 ? CKR_OK
								 : CKR_GENERAL_ERROR;
	}
	if (s->mechanism->key_type == CKK_RSA)
		r = ms_p11_digest_info(s->data, s->len, ret_hash, &digest);
	else if (ms_p11_digest_of_size(s->len, ret_hash) < 0)
		return bad_data(CKR_DATA_LEN_RANGE,
				"the digest is none of SHA-256, SHA-384 or SHA-512");
	if (r == -ENOPKG)
		return bad_data(CKR_DATA_INVALID, "its digest is of a hash that modseal "
						  "does not sign: use SHA-256, SHA-384 "
						  "or SHA-512");
	if (r < 0)
		return bad_data(CKR_DATA_INVALID,
				"the data is no DigestInfo (RFC 8017, 9.2)");
	memcpy(ret, digest, ms_hash_size(*ret_hash));
	return CKR_OK;
}

/* ------------------------------------------------------------------ the signature */

/*
 * Handing on what nobody can verify would be found out much later. The certificate is
 * read again, as this is the way to a key that works with and without an engine: with
 * one, EVP_PKEY_fromdata() makes none.
 */
static int check(const struct ms_p11_key *key, enum ms_hash hash, const uint8_t *digest,
		 const struct ms_buf *sig, struct ms_error *err)
{
	_cleanup_cert_ struct ms_cert *cert = NULL;
	int r = ms_cert_parse(key->cert->der, key->cert->der_len, &cert);

	if (r == 0)
		r = cert->pkey ? ms_key_verify_digest(cert->pkey, hash, digest, sig->data,
						      sig->len)
			       : -ENOPKG;
	if (r == -EKEYREJECTED)
		return ms_error_set(err, -EBADMSG, "bad-signature",
				    "the agent's signature is not one of key %s: it has "
				    "been thrown away; see the agent's log",
				    key->name);
	return r < 0 ? ms_error_set(err, r, NULL,
				    "the agent's signature could not be checked: %s",
				    ms_strerror(r))
		     : 0;
}

static int to_plain(const struct ms_p11_key *key, const struct ms_buf *sig,
		    unsigned char *out, struct ms_error *err)
{
	int r = 0;

	if (ms_p11_key_type(key) == CKK_EC)
		r = ms_p11_ecdsa_plain(sig->data, sig->len, key->public.sig_len / 2, out);
	else if (sig->len == key->public.sig_len)
		memcpy(out, sig->data, sig->len);
	else
		r = -EBADMSG;
	return r < 0 ? ms_error_set(err, r, "bad-answer",
				    "the agent's signature has not the form that it "
				    "should have")
		     : 0;
}

static ck_rv_t ask(struct ms_p11_session *s, enum ms_hash hash, const uint8_t *digest,
		   unsigned char *out)
{
	_cleanup_buf_ struct ms_buf sig = MS_BUF_INIT(2 * MS_SIG_MAX);
	const struct ms_p11_key *key = s->sign.key;
	struct ms_error err = {0};
	int r = ms_p11_agent_open(&s->agent, &err);

	if (r == 0)
		r = ms_p11_agent_sign(&s->agent, key->name, hash, digest, &sig, &err);
	if (r == 0)
		r = check(key, hash, digest, &sig, &err);
	if (r == 0)
		r = to_plain(key, &sig, out, &err);
	if (r < 0) {
		ms_error_prefix(&err, "key %s did not sign", key->name);
		ms_p11_complain(&err);
	}
	return ms_p11_rv(r);
}

/* The operation goes on only if this was about the length. */
static ck_rv_t finish(struct ms_p11_session *s, const unsigned char *data,
		      unsigned long len, unsigned char *out, unsigned long *out_len)
{
	unsigned long want = s->sign.key->public.sig_len;
	uint8_t digest[MS_DIGEST_MAX];
	enum ms_hash hash;
	ck_rv_t rv = CKR_OK;

	if (!out) {
		*out_len = want;
		return CKR_OK;
	}
	if (*out_len < want) {
		*out_len = want;
		return CKR_BUFFER_TOO_SMALL;
	}
	if (data)
		rv = add(&s->sign, data, len);
	if (rv == CKR_OK)
		rv = digest_of(&s->sign, &hash, digest);
	if (rv == CKR_OK)
		rv = ask(s, hash, digest, out);
	if (rv == CKR_OK)
		*out_len = want;
	ms_p11_sign_clear(&s->sign);
	return rv;
}

ck_rv_t C_Sign(ck_session_handle_t session, unsigned char *data, unsigned long data_len,
	       unsigned char *signature, unsigned long *signature_len)
{
	struct ms_p11_session *s;
	ck_rv_t rv = ms_p11_session_get(session, &s);

	if (rv != CKR_OK)
		return rv;
	if (!s->sign.key)
		rv = CKR_OPERATION_NOT_INITIALIZED;
	else if (s->sign.parts)
		rv = CKR_OPERATION_ACTIVE;
	else if (!signature_len || (!data && data_len))
		rv = CKR_ARGUMENTS_BAD;
	else
		rv = finish(s, data, data_len, signature, signature_len);
	ms_p11_session_put(s);
	return rv;
}

ck_rv_t C_SignUpdate(ck_session_handle_t session, unsigned char *part,
		     unsigned long part_len)
{
	struct ms_p11_session *s;
	ck_rv_t rv = ms_p11_session_get(session, &s);

	if (rv != CKR_OK)
		return rv;
	if (!s->sign.key) {
		rv = CKR_OPERATION_NOT_INITIALIZED;
	} else if (!part && part_len) {
		rv = CKR_ARGUMENTS_BAD;
	} else {
		s->sign.parts = true;
		rv = add(&s->sign, part, part_len);
		if (rv != CKR_OK)
			ms_p11_sign_clear(&s->sign);
	}
	ms_p11_session_put(s);
	return rv;
}

ck_rv_t C_SignFinal(ck_session_handle_t session, unsigned char *signature,
		    unsigned long *signature_len)
{
	struct ms_p11_session *s;
	ck_rv_t rv = ms_p11_session_get(session, &s);

	if (rv != CKR_OK)
		return rv;
	if (!s->sign.key)
		rv = CKR_OPERATION_NOT_INITIALIZED;
	else if (!signature_len)
		rv = CKR_ARGUMENTS_BAD;
	else
		rv = finish(s, NULL, 0, signature, signature_len);
	ms_p11_session_put(s);
	return rv;
}
