/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A leaf key for a build: generated here, certified by the issuing key in the TPM. */
#include "signer/agent/keys_table.h"

#include <errno.h>
#include <time.h>

/* The issuing key, as ms_cert_issue() needs it. */
struct issuer {
	struct ms_tpmw *w;
	const struct key *key;
	struct ms_error *err;
};

static int sign_in_tpm(void *arg, const uint8_t *digest, uint8_t *ret, size_t *ret_len)
{
	struct issuer *i = arg;

	return ms_tpmw_sign(i->w, &i->key->file->blob, i->key->pin, MS_HASH_SHA256,
			    digest, ret, ret_len, i->err);
}

static int certify(struct issuer *i, const struct ms_ipc_open *req, EVP_PKEY *pkey,
		   uint8_t *ret_cert, size_t *ret_len)
{
	const struct ms_keyfile *file = i->key->file;
	const struct ms_cert_request cr = {.common_name = req->common_name,
					   .not_after = req->not_after};
	_cleanup_cert_ struct ms_cert *cert = NULL;
	_cleanup_free_ uint8_t *der = NULL;
	size_t len = 0;
	int r;

	r = ms_cert_parse(file->cert, file->cert_len, &cert);
	if (r == 0)
		r = ms_cert_issue(pkey, &cr, cert, sign_in_tpm, i, &der, &len);
	if (r == 0 && len > MS_CERT_MAX)
		r = -EFBIG;
	if (r < 0 && !i->err->msg[0])
		return ms_error_set(i->err, r, "certificate",
				    "cannot certify a leaf key under %s: %s",
				    i->key->name, ms_strerror(r));
	if (r < 0)
		return r;
	memcpy(ret_cert, der, len);
	*ret_len = len;
	return 0;
}

static int check(const struct key *key, const struct ms_ipc_open *req,
		 struct ms_error *err)
{
	int r;

	if (key->custody != MS_CUSTODY_LEAF)
		return ms_error_set(err, -EINVAL, "not-an-issuer",
				    "key %s has custody %s and makes no leaf keys",
				    key->name, ms_custody_name(key->custody));
	r = ms_key_may_sign(key, time(NULL), err);
	if (r < 0)
		return r;
	if (!key->in_tpm)
		return ms_error_set(err, -EAGAIN, "key-locked", "key %s is locked: %s",
				    key->name, key->err.msg);
	if (req->alg < MS_ALG_RSA2048 || req->alg > MS_ALG_P384)
		return ms_error_set(
			err, -EINVAL, "unsupported",
			"a leaf key is rsa2048, rsa3072, rsa4096, p256 or p384");
	if (!req->build[0] || !req->max || req->not_after <= time(NULL))
		return ms_error_set(err, -EINVAL, "bad-request",
				    "a leaf key needs a build, an end and a limit");
	return 0;
}

int ms_keys_open_leaf(struct ms_keys *k, struct ms_tpmw *w, const struct ms_ipc_open *req,
		      uint8_t *ret_cert, size_t *ret_len, struct ms_error *err)
{
	struct issuer i = {.w = w, .key = ms_keys_get(k, req->key), .err = err};
	EVP_PKEY *pkey;
	int r;

	if (!i.key)
		return ms_no_such_key(req->key, err);
	r = check(i.key, req, err);
	if (r < 0)
		return r;
	r = ms_key_generate(req->alg, &pkey);
	if (r < 0)
		return ms_error_set(err, r, "generate", "cannot generate a leaf key: %s",
				    ms_strerror(r));
	r = certify(&i, req, pkey, ret_cert, ret_len);
	if (r < 0) {
		EVP_PKEY_free(pkey);
		return r;
	}
	return ms_leaves_add(k->leaves, req->key, req->build, pkey, req->not_after,
			     req->max, err);
}

int ms_keys_close_leaf(struct ms_keys *k, const char *build)
{
	return ms_leaves_close(k->leaves, build);
}

int64_t ms_keys_expire_leaves(struct ms_keys *k, int64_t now)
{
	return ms_leaves_expire(k->leaves, now);
}
