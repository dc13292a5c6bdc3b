/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A private key for an offline recipient: CMS (RFC 5652, AES-256-GCM as RFC 5084 has it)
 * around the PEM of the key and its certificate; the content key goes by RSA-OAEP with
 * SHA-256, or by ECDH with SHA-256 (RFC 5753).
 */
#include "signer/agent/keys_table.h"

#include <errno.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "lib/pem.h"
#include "lib/secmem.h"

#define PLAIN_MAX (MS_PKCS8_MAX + MS_CERT_MAX)

/* The PEM text; what it takes is wiped when it grows and when it is cleared. */
static int put_plain(const struct key *key, struct ms_buf *out)
{
	PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key->pkey);
	int len = info ? i2d_PKCS8_PRIV_KEY_INFO(info, NULL) : -1;
	uint8_t *der = NULL, *at;
	int r = -EIO;

	if (len > 0 && (size_t)len <= MS_PKCS8_MAX)
		der = ms_secmem_alloc(MS_PKCS8_MAX);
	at = der;
	if (der && i2d_PKCS8_PRIV_KEY_INFO(info, &at) == len) {
		ms_pem_put(out, "PRIVATE KEY", der, (size_t)len);
		ms_pem_put(out, "CERTIFICATE", key->file->cert, key->file->cert_len);
		r = ms_buf_error(out);
	}
	ms_secmem_free(der, MS_PKCS8_MAX);
	PKCS8_PRIV_KEY_INFO_free(info);
	return r;
}

static bool set_parameters(CMS_RecipientInfo *ri, bool rsa)
{
	EVP_PKEY_CTX *ctx = CMS_RecipientInfo_get0_pkey_ctx(ri);

	if (rsa)
		return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) > 0 &&
		       EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha256()) > 0 &&
		       EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_sha256()) > 0;
	return EVP_PKEY_CTX_set_ecdh_kdf_md(ctx, EVP_sha256()) > 0;
}

static int encrypt(const struct ms_buf *plain, X509 *to, bool rsa, BIO *out)
{
	BIO *in = BIO_new_mem_buf(plain->data, (int)plain->len);
	CMS_ContentInfo *cms =
		CMS_encrypt(NULL, NULL, EVP_aes_256_gcm(), CMS_BINARY | CMS_PARTIAL);
	CMS_RecipientInfo *ri = NULL;
	int r = -EIO;

	if (in && cms)
		ri = CMS_add1_recipient_cert(cms, to, CMS_KEY_PARAM);
	if (ri && set_parameters(ri, rsa) && CMS_final(cms, in, NULL, CMS_BINARY) == 1 &&
	    i2d_CMS_bio(out, cms) == 1)
		r = 0;
	CMS_ContentInfo_free(cms);
	BIO_free(in);
	return r;
}

static int wrap(const struct key *key, const struct ms_cert *to, uint8_t *ret,
		size_t *ret_len)
{
	_cleanup_buf_ struct ms_buf plain = MS_BUF_INIT(2 * PLAIN_MAX);
	BIO *out = BIO_new(BIO_s_mem());
	const uint8_t *p = to->der;
	X509 *x = d2i_X509(NULL, &p, (long)to->der_len);
	int r = out && x ? put_plain(key, &plain) : -ENOMEM;
	char *data;
	long n;

	if (r == 0)
		r = encrypt(&plain, x, ms_alg_is_rsa(to->alg), out);
	if (r == 0) {
		n = BIO_get_mem_data(out, &data);
		if (n > 0 && n <= (long)MS_CERT_MAX) {
			memcpy(ret, data, (size_t)n);
			*ret_len = (size_t)n;
		} else {
			r = -EFBIG;
		}
	}
	X509_free(x);
	BIO_free(out);
	return r;
}

int ms_key_may_leave_to(const struct key *key, const struct ms_strv *list,
			const char *setting, const char *id, struct ms_error *err)
{
	if (list && ms_strv_has(list, id))
		return 0;
	return ms_error_set(err, -EACCES, "not-a-recipient",
			    "key %s leaves to nobody whom the configuration does not "
			    "name: if this is whom it is meant for, put '%s = %s' under "
			    "[agent] and restart the agent",
			    key->name, setting, id);
}

/* The front may be in other hands: whom a key is encrypted to is not for it to say. */
static int check_recipient(const struct ms_keys *k, const struct key *key,
			   const struct ms_cert *to, struct ms_error *err)
{
	uint8_t *spki = NULL, digest[MS_DIGEST_MAX];
	int len = to->pkey ? i2d_PUBKEY(to->pkey, &spki) : -1;
	char hex[65];
	int r = len > 0 ? ms_digest(MS_HASH_SHA256, spki, (size_t)len, digest) : -EIO;

	OPENSSL_free(spki);
	if (r < 0)
		return ms_error_set(err, r, "backup",
				    "the recipient's public key cannot be read");
	return ms_key_may_leave_to(key, k->backup_to, "backup-recipients",
				   ms_hex(digest, 32, hex), err);
}

int ms_key_backup(const struct ms_keys *k, const struct key *key, const uint8_t *cert,
		  size_t cert_len, uint8_t *ret, size_t *ret_len, struct ms_error *err)
{
	_cleanup_cert_ struct ms_cert *to = NULL;
	int r;

	if (key->custody != MS_CUSTODY_SEALED)
		return ms_error_set(err, -EINVAL, "not-exportable",
				    "key %s has custody %s: it never leaves its TPM, so "
				    "there is no backup of it; make a second key, and "
				    "enroll both",
				    key->name, ms_custody_name(key->custody));
	if (!key->pkey)
		return ms_error_set(err, -EAGAIN, "key-locked",
				    "key %s is locked and cannot be backed up: %s",
				    key->name, key->err.msg);
	if (ms_cert_parse(cert, cert_len, &to) < 0)
		return ms_error_set(err, -EBADMSG, "bad-certificate",
				    "the recipient's certificate cannot be read");
	if (to->alg == MS_ALG_OTHER || to->alg == MS_ALG_NONE)
		return ms_error_set(err, -ENOPKG, "unsupported",
				    "the recipient's key is of no kind to encrypt to: it "
				    "has to be RSA with 2048, 3072 or 4096 bits, P-256, "
				    "P-384 or P-521");
	r = check_recipient(k, key, to, err);
	if (r < 0)
		return r;
	ERR_set_mark();
	r = wrap(key, to, ret, ret_len);
	ERR_pop_to_mark();
	return r < 0 ? ms_error_set(err, r, "backup",
				    "cannot encrypt key %s to the recipient: does the "
				    "certificate's key usage forbid it?",
				    key->name)
		     : 0;
}
