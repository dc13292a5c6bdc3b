/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A key that another program has made in this TPM: taken over where it is. */
#include "signer/agent/keys_table.h"

#include <errno.h>
#include <openssl/rand.h>

#include "lib/secmem.h"
#include "tpm/sign.h"
#include "tpm/tss2key.h"

/* Which SRK this TPM has: what a fresh sealed object of ours has for a parent. */
static int find_parent(struct ms_tpmw *w, struct ms_tpm_blob *blob, struct ms_error *err)
{
	uint8_t nothing[MS_TPM_SECRET_LEN] = {0};
	struct ms_tpm_blob probe = {0};
	int r = ms_tpmw_seal(w, nothing, 0, NULL, &probe, err);

	if (r < 0)
		return r;
	if (blob->parent == MS_TPM_PARENT_SRK && probe.parent != MS_TPM_PARENT_SRK)
		return ms_error_set(err, -ESTALE, "tpm-other",
				    "the key's parent is 0x81000001, and this TPM has no "
				    "key there: was it made by another TPM, or was this "
				    "one cleared?");
	memcpy(blob->srk_name, probe.srk_name, sizeof(blob->srk_name));
	blob->srk_name_len = probe.srk_name_len;
	blob->birth = probe.birth;
	return 0;
}

static int read_key(const struct ms_ipc_import *req, struct ms_tpm_blob *ret,
		    EVP_PKEY **ret_pkey, struct ms_error *err)
{
	EVP_PKEY *pkey = NULL;
	enum ms_alg alg;
	int r;

	r = ms_tss2key_parse(req->pkcs8, req->pkcs8_len, MS_TSS2KEY_LOADABLE, ret, err);
	if (r < 0)
		return r;
	if (ret->pin_alone)
		ret->has_pin = req->create.pin[0];
	ret->pin_alone = ret->pin_alone && ret->has_pin;
	if (ret->has_pin != !!req->create.pin[0])
		return ms_error_set(err, -EINVAL, "bad-request",
				    ret->has_pin ? "the key has a PIN: give it (--pin)"
						 : "the key has no PIN: leave it out");
	r = ms_tpm_key_check(ret, err);
	if (r == 0)
		r = ms_tpm_key_public(ret, &pkey, err);
	if (r < 0)
		return r;
	alg = ms_key_alg(pkey);
	if (alg < MS_ALG_RSA2048 || alg > MS_ALG_P384) {
		EVP_PKEY_free(pkey);
		return ms_error_set(err, -ENOPKG, "unsupported",
				    "it is neither RSA with 2048, 3072 or 4096 bits nor "
				    "P-256 or P-384");
	}
	*ret_pkey = pkey;
	return 0;
}

/* A CA's certificate makes it an issuing key, as everywhere. */
static enum ms_custody custody_of(const struct ms_ipc_import *req)
{
	_cleanup_cert_ struct ms_cert *cert = NULL;

	if (req->cert_len && ms_cert_parse(req->cert, req->cert_len, &cert) == 0 &&
	    cert->is_ca)
		return MS_CUSTODY_LEAF;
	return MS_CUSTODY_RESIDENT;
}

int ms_keys_import_tss2(struct ms_keys *k, struct ms_tpmw *w,
			const struct ms_ipc_import *req, struct ms_error *err)
{
	struct ms_key_given given = {.cert = req->cert, .cert_len = req->cert_len};
	struct ms_ipc_create create = req->create;
	struct ms_tpm_blob blob = {0};
	EVP_PKEY *pkey = NULL;
	int r;

	r = read_key(req, &blob, &pkey, err);
	if (r == 0 && req->cert_len)
		r = ms_key_check_cert(pkey, req->cert, req->cert_len, err);
	if (r == 0)
		r = find_parent(w, &blob, err);
	if (r == 0) {
		given.blob = &blob;
		create.alg = ms_key_alg(pkey);
		create.custody = custody_of(req);
		r = ms_keys_make(k, w, &create, &given, err);
	}
	EVP_PKEY_free(pkey);
	ms_wipe(&create, sizeof(create));
	return r;
}
