// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The private key under the key-encryption key: AES-256-GCM (NIST SP 800-38D).
 */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include "lib/hash.h"
#include "lib/secmem.h"
#include "tpm/keyfile.h"

/* A PKCS#8 key in locked memory; as large as a key file may hold. */
struct plain {
	uint8_t der[sizeof(((struct ms_keyfile *)0)->sealed)];
	int len;
};

static void plain_freep(struct plain **p)
{
	if (*p)
		ms_secmem_free(*p, sizeof(**p));
}
#define _cleanup_plain_ _cleanup_(plain_freep)

static void pkey_freep(EVP_PKEY **p)
{
	EVP_PKEY_free(*p);
}
#define _cleanup_pkey_ _cleanup_(pkey_freep)

static void ctx_freep(EVP_CIPHER_CTX **c)
{
	EVP_CIPHER_CTX_free(*c);
}
#define _cleanup_ctx_ _cleanup_(ctx_freep)

static int no_memory(struct ms_error *err)
{
	return ms_error_set(err, -ENOMEM, "no-memory",
			    "out of locked memory: raise RLIMIT_MEMLOCK (LimitMEMLOCK=)");
}

static int openssl_failed(struct ms_error *err, const char *what)
{
	const char *why = ERR_reason_error_string(ERR_get_error());

	ERR_clear_error();
	return ms_error_set(err, -EIO, "openssl", "cannot %s: OpenSSL says \"%s\"", what,
			    why ? why : "failed");
}

/* u32 format version, SHA-256 of the SubjectPublicKeyInfo, Name of the sealed object */
static int aad(const struct ms_keyfile *k, struct ms_buf *out)
{
	ms_buf_put_u32(out, MS_KEYFILE_VERSION);
	ms_buf_put(out, k->spki_sha256, sizeof(k->spki_sha256));
	ms_buf_put(out, k->blob.name, k->blob.name_len);
	return ms_buf_error(out);
}

static int spki_sha256(EVP_PKEY *key, uint8_t ret[32])
{
	uint8_t *der = NULL;
	int len = i2d_PUBKEY(key, &der), r;

	if (len <= 0)
		return -EIO;
	r = ms_digest(MS_HASH_SHA256, der, (size_t)len, ret);
	OPENSSL_free(der);
	return r;
}

static int to_pkcs8(EVP_PKEY *key, struct plain *p, struct ms_error *err)
{
	PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
	uint8_t *at = p->der;
	int len = info ? i2d_PKCS8_PRIV_KEY_INFO(info, NULL) : -1;

	if (len > 0 && (size_t)len <= sizeof(p->der))
		p->len = i2d_PKCS8_PRIV_KEY_INFO(info, &at);
	PKCS8_PRIV_KEY_INFO_free(info);
	if (len > 0 && (size_t)len > sizeof(p->der))
		return ms_error_set(
			err, -EFBIG, "key-too-large",
			"the private key is too large: choose at most RSA-4096");
	return p->len > 0 ? 0 : openssl_failed(err, "encode the private key");
}

static int encrypt(struct ms_keyfile *k, const uint8_t *kek, const struct plain *p,
		   struct ms_error *err)
{
	_cleanup_ctx_ EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	_cleanup_buf_ struct ms_buf a = MS_BUF_INIT(256);
	int n = 0, tail = 0;

	if (!c || aad(k, &a) < 0)
		return no_memory(err);
	if (RAND_bytes(k->nonce, sizeof(k->nonce)) != 1 ||
	    EVP_EncryptInit_ex(c, EVP_aes_256_gcm(), NULL, kek, k->nonce) != 1 ||
	    EVP_EncryptUpdate(c, NULL, &n, a.data, (int)a.len) != 1 ||
	    EVP_EncryptUpdate(c, k->sealed, &n, p->der, p->len) != 1 ||
	    EVP_EncryptFinal_ex(c, k->sealed + n, &tail) != 1 ||
	    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, sizeof(k->tag), k->tag) != 1)
		return openssl_failed(err, "encrypt the private key");
	k->sealed_len = (size_t)n + (size_t)tail;
	return 0;
}

int ms_keyfile_seal(struct ms_keyfile *k, const uint8_t kek[MS_TPM_SECRET_LEN],
		    EVP_PKEY *key, struct ms_error *err)
{
	_cleanup_plain_ struct plain *p = ms_secmem_alloc(sizeof(*p));
	int r;

	if (!p)
		return no_memory(err);
	if (spki_sha256(key, k->spki_sha256) < 0)
		return openssl_failed(err, "encode the public key");
	r = to_pkcs8(key, p, err);
	return r < 0 ? r : encrypt(k, kek, p, err);
}

static int decrypt(const struct ms_keyfile *k, const uint8_t *kek, struct plain *p,
		   struct ms_error *err)
{
	_cleanup_ctx_ EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	_cleanup_buf_ struct ms_buf a = MS_BUF_INIT(256);
	uint8_t tag[sizeof(k->tag)];
	int n = 0, tail = 0;

	if (k->sealed_len > sizeof(p->der))
		return ms_error_set(
			err, -EBADMSG, "key-file-damaged",
			"the key file is damaged: restore it from its backup");
	if (!c || aad(k, &a) < 0)
		return no_memory(err);
	memcpy(tag, k->tag, sizeof(tag));
	if (EVP_DecryptInit_ex(c, EVP_aes_256_gcm(), NULL, kek, k->nonce) != 1 ||
	    EVP_DecryptUpdate(c, NULL, &n, a.data, (int)a.len) != 1 ||
	    EVP_DecryptUpdate(c, p->der, &n, k->sealed, (int)k->sealed_len) != 1 ||
	    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_SET_TAG, sizeof(tag), tag) != 1)
		return openssl_failed(err, "decrypt the private key");
	if (EVP_DecryptFinal_ex(c, p->der + n, &tail) != 1) {
		ERR_clear_error();
		return ms_error_set(
			err, -EBADMSG, "key-file-damaged",
			"cannot decrypt the private key: the key file is damaged or its "
			"parts come from different files: restore it from its backup");
	}
	p->len = n + tail;
	return 0;
}

/* OpenSSL does not say so, but fails somewhere in the middle of a key. */
static bool heap_is_full(void)
{
	void *p = OPENSSL_secure_malloc(2048);
	bool full = !p;

	OPENSSL_secure_free(p);
	return full;
}

static EVP_PKEY *from_pkcs8(const struct plain *p)
{
	const uint8_t *at = p->der;
	PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &at, p->len);
	EVP_PKEY *key = NULL;

	if (info && at == p->der + p->len)
		key = EVP_PKCS82PKEY(info);
	PKCS8_PRIV_KEY_INFO_free(info);
	return key;
}

/*
 * Signatures name the certificate by issuer and serial: with one bit of these wrong,
 * every kernel would look for another certificate. One's own signature tells; whose it
 * is, both the names and the key identifiers say, so that no single bit can hide it.
 */
static bool is_intact(X509 *x, EVP_PKEY *key)
{
	const ASN1_OCTET_STRING *issuer = X509_get0_authority_key_id(x);
	const ASN1_OCTET_STRING *own = X509_get0_subject_key_id(x);

	if (X509_NAME_cmp(X509_get_subject_name(x), X509_get_issuer_name(x)) != 0 &&
	    !(issuer && own && ASN1_OCTET_STRING_cmp(issuer, own) == 0))
		return true;
	return X509_verify(x, key) == 1;
}

static bool cert_matches(const struct ms_keyfile *k, EVP_PKEY *key)
{
	const uint8_t *at = k->cert;
	X509 *x = d2i_X509(NULL, &at, (long)k->cert_len);
	bool same = x && at == k->cert + k->cert_len && X509_get0_pubkey(x) &&
		    EVP_PKEY_eq(X509_get0_pubkey(x), key) == 1 && is_intact(x, key);

	X509_free(x);
	ERR_clear_error();
	return same;
}

int ms_keyfile_unseal(const struct ms_keyfile *k, const uint8_t kek[MS_TPM_SECRET_LEN],
		      EVP_PKEY **ret, struct ms_error *err)
{
	_cleanup_plain_ struct plain *p = ms_secmem_alloc(sizeof(*p));
	_cleanup_pkey_ EVP_PKEY *key = NULL;
	uint8_t spki[32];
	int r;

	if (!p)
		return no_memory(err);
	r = decrypt(k, kek, p, err);
	if (r < 0)
		return r;
	key = from_pkcs8(p);
	if (!key) {
		ERR_clear_error();
		if (heap_is_full())
			return no_memory(err);
		return ms_error_set(
			err, -EBADMSG, "key-file-damaged",
			"the decrypted private key cannot be read: this OpenSSL does not "
			"know its algorithm, or the key file was made wrongly");
	}
	if (spki_sha256(key, spki) < 0 ||
	    memcmp(spki, k->spki_sha256, sizeof(spki)) != 0 || !cert_matches(k, key))
		return ms_error_set(
			err, -EBADMSG, "key-file-mismatch",
			"the certificate in the key file is damaged or not the "
			"private key's: restore the file from its backup");
	*ret = TAKE_PTR(key);
	return 0;
}
