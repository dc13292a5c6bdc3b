/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verifier/revocation_list.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/x509.h>

#include "lib/file.h"
#include "lib/pem.h"
#include "lib/pkcs7.h"
#include "verifier/manifest.h"

/* -------------------------------------------------------------------- keys */

void ms_publisher_keys_clear(struct ms_publisher_keys *k)
{
	for (size_t i = 0; i < k->n; i++)
		EVP_PKEY_free(k->v[i]);
	*k = (struct ms_publisher_keys){.n = 0};
}

/* Weak ones, and those whose signatures are not known here, are refused when named. */
static bool usable(EVP_PKEY *key)
{
	return key && (ms_key_alg(key) != MS_ALG_OTHER ||
		       EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519);
}

static int add_key(struct ms_publisher_keys *k, EVP_PKEY *key, struct ms_error *err)
{
	if (usable(key) && k->n < MS_PUBLISHER_KEYS_MAX) {
		k->v[k->n++] = key;
		return 0;
	}
	EVP_PKEY_free(key);
	if (k->n == MS_PUBLISHER_KEYS_MAX)
		return ms_error_set(err, -EBADMSG, "bad-key", "more than %u keys",
				    MS_PUBLISHER_KEYS_MAX);
	return ms_error_set(err, -EBADMSG, "bad-key",
			    "a key that is none, or not RSA-2048, 3072, 4096, P-256, "
			    "P-384, P-521 or Ed25519");
}

static int add_certificate(struct ms_publisher_keys *k, const struct ms_buf *der,
			   struct ms_error *err)
{
	_cleanup_cert_ struct ms_cert *c = NULL;

	if (ms_cert_parse(der->data, der->len, &c) || !c->pkey)
		return ms_error_set(err, -EBADMSG, "bad-key",
				    "a certificate that cannot be read");
	EVP_PKEY_up_ref(c->pkey);
	return add_key(k, c->pkey, err);
}

static int add_public_key(struct ms_publisher_keys *k, const struct ms_buf *der,
			  struct ms_error *err)
{
	const unsigned char *p = der->data;
	EVP_PKEY *key = d2i_PUBKEY(NULL, &p, (long)der->len);

	ERR_clear_error();
	if (key && p != der->data + der->len) {
		EVP_PKEY_free(key);
		key = NULL;
	}
	return add_key(k, key, err);
}

static int add_blocks(struct ms_publisher_keys *k, const char *text, size_t len,
		      const char *label,
		      int (*add)(struct ms_publisher_keys *k, const struct ms_buf *der,
				 struct ms_error *err),
		      struct ms_error *err)
{
	int rc = 0;

	while (!rc) {
		_cleanup_buf_ struct ms_buf der = MS_BUF_INIT(MS_CERT_MAX);
		size_t used;

		rc = ms_pem_find(text, len, label, &der, &used);
		if (rc == -ENODATA)
			return 0;
		if (rc)
			return ms_error_set(err, rc, "bad-key", "a damaged PEM block");
		text += used;
		len -= used;
		rc = add(k, &der, err);
	}
	return rc;
}

int ms_publisher_keys_parse(struct ms_publisher_keys *k, const char *text, size_t len,
			    struct ms_error *err)
{
	size_t had = k->n;
	int rc = add_blocks(k, text, len, "PUBLIC KEY", add_public_key, err);

	if (!rc)
		rc = add_blocks(k, text, len, "CERTIFICATE", add_certificate, err);
	if (!rc && k->n == had)
		rc = ms_error_set(err, -EBADMSG, "bad-key",
				  "no public key in it: PEM is needed, with a PUBLIC KEY "
				  "or a CERTIFICATE");
	return rc;
}

int ms_publisher_keys_load(struct ms_publisher_keys *k, const char *path,
			   struct ms_error *err)
{
	_cleanup_file_ struct ms_file f = {0};
	int rc = ms_file_read(AT_FDCWD, path, MS_CERT_FILE_MAX, 0, &f, err);

	return rc ? rc : ms_publisher_keys_parse(k, (char *)f.data, f.len, err);
}

/* --------------------------------------------------------------- two lines */

void ms_revocation_list_clear(struct ms_revocation_list *l)
{
	ms_buf_clear(&l->sig);
}

int ms_revocation_list_split(const char *data, size_t len, struct ms_revocation_list *ret)
{
	static const char begin[] = "\n{\"signature\":";
	struct ms_revocation_list l = {.text = data, .sig = MS_BUF_INIT(MS_MESSAGE_MAX)};
	const char *eol = len ? memchr(data, '\n', len) : NULL;
	size_t left = eol ? len - (size_t)(eol - data) : 0;
	int rc;

	if (left < sizeof(begin) || memcmp(eol, begin, sizeof(begin) - 1) != 0)
		return -ENODATA;
	rc = ms_manifest_split((const uint8_t *)data, len, &l.text_len, &l.sig, NULL);
	if (!rc && !l.sig.len)
		rc = -EBADMSG;
	if (rc)
		ms_buf_clear(&l.sig);
	else
		*ret = l;
	return rc;
}

/* --------------------------------------------------------------- signature */

static int verify_digest(const struct ms_revocation_list *l, EVP_PKEY *key,
			 enum ms_hash hash, const uint8_t *sig, size_t sig_len)
{
	uint8_t digest[MS_DIGEST_MAX];
	int rc = ms_digest(hash, l->text, l->text_len, digest);

	return rc ? rc : ms_key_verify_digest(key, hash, digest, sig, sig_len);
}

static int verify_ed25519(const struct ms_revocation_list *l, EVP_PKEY *key)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int good;

	good = ctx && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key) == 1 &&
	       EVP_DigestVerify(ctx, l->sig.data, l->sig.len, (const uint8_t *)l->text,
				l->text_len) == 1;
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return good ? 0 : -EKEYREJECTED;
}

static int verify_message(const struct ms_revocation_list *l, EVP_PKEY *key,
			  const struct ms_pkcs7 *m)
{
	const struct ms_pkcs7_signer *s = &m->signers[0];

	if (m->n_signers != 1 || !m->detached || m->trailing || s->signed_attrs ||
	    !ms_hash_may_sign(s->hash))
		return -EKEYREJECTED;
	return verify_digest(l, key, s->hash, s->sig, s->sig_len);
}

static int verify(const struct ms_revocation_list *l, EVP_PKEY *key,
		  const struct ms_pkcs7 *m)
{
	bool ed25519 = EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519;

	if (m)
		return ed25519 ? -EKEYREJECTED : verify_message(l, key, m);
	if (ed25519)
		return verify_ed25519(l, key);
	return verify_digest(l, key, MS_HASH_SHA256, l->sig.data, l->sig.len);
}

int ms_revocation_list_verify(const struct ms_revocation_list *l,
			      const struct ms_publisher_keys *k, struct ms_error *err)
{
	struct ms_pkcs7 m;
	bool message = !ms_pkcs7_parse(l->sig.data, l->sig.len, &m);

	for (size_t i = 0; i < k->n; i++)
		if (!verify(l, k->v[i], message ? &m : NULL))
			return 0;
	return ms_error_set(
		err, -EKEYREJECTED, "bad-signature",
		"its signature is by none of the keys that may sign it: it is "
		"not used");
}

int ms_revocation_list_head(const char *text, size_t len, struct ms_revocation_head *ret,
			    struct ms_error *err)
{
	struct ms_revocations r = {0};
	struct ms_revocation_head h = {0};
	int rc = ms_revocations_parse_list(&r, text, len, "", 0, &h, err);

	ms_revocations_clear(&r);
	if (rc)
		return rc;
	if (!h.number || !h.expires)
		return ms_error_set(err, -EBADMSG, "bad-revocations",
				    "a published list must have number and expires");
	*ret = h;
	return 0;
}
