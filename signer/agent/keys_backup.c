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
#include <openssl/x509v3.h>

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

/*
 * Whom a backup is for: a certificate, or a public key alone, around which a certificate
 * is put, as CMS_add1_recipient_cert() takes nothing else. Nobody sees it: the message
 * names the recipient by the hash of the key (SubjectKeyIdentifier).
 */
struct recipient {
	X509 *cert;
	EVP_PKEY *pkey;
	bool bare;
};

static void recipient_clear(struct recipient *r)
{
	X509_free(r->cert);
	EVP_PKEY_free(r->pkey);
}

static bool set_ski(X509 *x)
{
	X509_EXTENSION *ski;
	X509V3_CTX ctx;
	bool good;

	X509V3_set_ctx(&ctx, NULL, x, NULL, NULL, 0);
	ski = X509V3_EXT_conf_nid(NULL, &ctx, NID_subject_key_identifier, "hash");
	good = ski && X509_add_ext(x, ski, -1) == 1;
	X509_EXTENSION_free(ski);
	return good;
}

/* Signed with a key that is forgotten at once: OpenSSL reads no unsigned one. */
static X509 *cert_around(EVP_PKEY *to)
{
	EVP_PKEY *once = NULL;
	X509 *x = X509_new();
	X509_NAME *name = x ? X509_get_subject_name(x) : NULL;
	bool good = name && ms_key_generate(MS_ALG_P256, &once) == 0 &&
		    X509_set_version(x, X509_VERSION_3) == 1 &&
		    ASN1_INTEGER_set(X509_get_serialNumber(x), 1) == 1 &&
		    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
					       (const unsigned char *)"recipient", -1, -1,
					       0) == 1 &&
		    X509_set_issuer_name(x, name) == 1 &&
		    X509_gmtime_adj(X509_getm_notBefore(x), 0) &&
		    X509_gmtime_adj(X509_getm_notAfter(x), 3600) &&
		    X509_set_pubkey(x, to) == 1 && set_ski(x) &&
		    X509_sign(x, once, EVP_sha256()) > 0;

	EVP_PKEY_free(once);
	if (!good) {
		X509_free(x);
		x = NULL;
	}
	return x;
}

/* Return: 0, -EBADMSG (neither), -ENOMEM */
static int read_recipient(const uint8_t *der, size_t len, struct recipient *ret)
{
	_cleanup_cert_ struct ms_cert *c = NULL;
	const uint8_t *p = der;

	if (ms_cert_parse(der, len, &c) == 0) {
		ret->cert = d2i_X509(NULL, &p, (long)len);
		ret->pkey = ret->cert ? X509_get_pubkey(ret->cert) : NULL;
		/* Of a kind that OpenSSL does not know: refused by its algorithm. */
		return ret->cert ? 0 : -EBADMSG;
	}
	ret->pkey = d2i_PUBKEY(NULL, &p, (long)len);
	if (!ret->pkey || p != der + len)
		return -EBADMSG;
	ret->bare = true;
	return 0;
}

static int encrypt(const struct ms_buf *plain, const struct recipient *to, BIO *out)
{
	bool rsa = ms_alg_is_rsa(ms_key_alg(to->pkey));
	BIO *in = BIO_new_mem_buf(plain->data, (int)plain->len);
	CMS_ContentInfo *cms =
		CMS_encrypt(NULL, NULL, EVP_aes_256_gcm(), CMS_BINARY | CMS_PARTIAL);
	CMS_RecipientInfo *ri = NULL;
	int r = -EIO;

	if (in && cms)
		ri = CMS_add1_recipient_cert(
			cms, to->cert, CMS_KEY_PARAM | (to->bare ? CMS_USE_KEYID : 0));
	if (ri && set_parameters(ri, rsa) && CMS_final(cms, in, NULL, CMS_BINARY) == 1 &&
	    i2d_CMS_bio(out, cms) == 1)
		r = 0;
	CMS_ContentInfo_free(cms);
	BIO_free(in);
	return r;
}

static int wrap(const struct key *key, const struct recipient *to, uint8_t *ret,
		size_t *ret_len)
{
	_cleanup_buf_ struct ms_buf plain = MS_BUF_INIT(2 * PLAIN_MAX);
	BIO *out = BIO_new(BIO_s_mem());
	int r = out ? put_plain(key, &plain) : -ENOMEM;
	char *data;
	long n;

	if (r == 0)
		r = encrypt(&plain, to, out);
	if (r == 0) {
		n = BIO_get_mem_data(out, &data);
		if (n > 0 && n <= (long)MS_CERT_MAX) {
			memcpy(ret, data, (size_t)n);
			*ret_len = (size_t)n;
		} else {
			r = -EFBIG;
		}
	}
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
			   const struct recipient *to, struct ms_error *err)
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
	_cleanup_(recipient_clear) struct recipient to = {0};
	enum ms_alg alg;
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
	ERR_set_mark();
	r = read_recipient(cert, cert_len, &to);
	ERR_pop_to_mark();
	if (r < 0)
		return ms_error_set(err, -EBADMSG, "bad-certificate",
				    "the recipient is neither a certificate nor a public "
				    "key that can be read");
	alg = to.pkey ? ms_key_alg(to.pkey) : MS_ALG_NONE;
	if (alg == MS_ALG_OTHER || alg == MS_ALG_NONE)
		return ms_error_set(err, -ENOPKG, "unsupported",
				    "the recipient's key is of no kind to encrypt to: it "
				    "has to be RSA with 2048, 3072 or 4096 bits, P-256, "
				    "P-384 or P-521");
	r = check_recipient(k, key, &to, err);
	if (r < 0)
		return r;
	ERR_set_mark();
	if (to.bare)
		to.cert = cert_around(to.pkey);
	r = to.cert ? wrap(key, &to, ret, ret_len) : -EIO;
	ERR_pop_to_mark();
	return r < 0 ? ms_error_set(err, r, "backup",
				    "cannot encrypt key %s to the recipient: does the "
				    "certificate's key usage forbid it?",
				    key->name)
		     : 0;
}
