/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/client/key_source.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>

#include "lib/limits.h"
#include "lib/pem.h"

/* The passphrase, asked for when OpenSSL first wants it. */
struct asking {
	ms_passphrase_fn *ask;
	void *arg;
	struct ms_error *err;
	const char *text;
	int rc;
	bool asked;
};

void ms_key_source_clear(struct ms_key_source *s)
{
	EVP_PKEY_free(s->key);
	ms_buf_clear(&s->tss2);
	ms_cert_list_clear(&s->certs);
	s->key = NULL;
}

const struct ms_cert *ms_key_source_cert(EVP_PKEY *key, const struct ms_cert_list *l)
{
	for (size_t i = 0; key && i < l->n; i++)
		if (l->v[i]->pkey && EVP_PKEY_eq(l->v[i]->pkey, key) == 1)
			return l->v[i];
	return NULL;
}

static const char *passphrase(struct asking *a)
{
	if (!a->asked)
		a->rc = a->ask(a->arg, &a->text, a->err);
	a->asked = true;
	return a->rc < 0 ? NULL : a->text;
}

static int on_passphrase(char *buf, int size, int writing, void *arg)
{
	const char *text = passphrase(arg);
	size_t n = text ? strlen(text) : 0;

	if (!text || n > (size_t)size)
		return -1;
	memcpy(buf, text, n);
	return (int)n;
}

static int damaged(struct ms_error *err)
{
	return ms_error_set(err, -EBADMSG, "bad-key",
			    "the private key in it is damaged or cut short");
}

/*
 * Whether OpenSSL lacks the cipher. A wrong passphrase may open to bytes whose padding
 * looks good (one in 256); then it is the decoder that finds what they are unsupported.
 */
static bool no_cipher(void)
{
	unsigned long e;
	bool found = false;

	while ((e = ERR_get_error()))
		if (ERR_GET_REASON(e) == ERR_R_UNSUPPORTED &&
		    ERR_GET_LIB(e) != ERR_LIB_OSSL_DECODER)
			found = true;
	return found;
}

/* OpenSSL's reasons are about the padding; what a person did is another thing. */
static int wrong(const struct asking *a)
{
	if (a->rc < 0)
		return a->rc;
	if (no_cipher())
		return ms_error_set(a->err, -ENOPKG, "unsupported",
				    "it is encrypted in a way that this OpenSSL does not "
				    "do: write it anew with 'openssl pkcs8 -topk8'");
	return ms_error_set(a->err, -EKEYREJECTED, "wrong-passphrase",
			    "wrong passphrase, or the file is damaged");
}

/* ------------------------------------------------------------------------ PEM */

static bool has(const uint8_t *data, size_t len, const char *text)
{
	return memmem(data, len, text, strlen(text));
}

static int parse_pem(const uint8_t *data, size_t len, struct asking *a, EVP_PKEY **ret)
{
	BIO *bio = BIO_new_mem_buf(data, (int)len);
	EVP_PKEY *key;

	if (!bio)
		return ms_error_set(a->err, -ENOMEM, NULL, "out of memory");
	key = PEM_read_bio_PrivateKey(bio, NULL, on_passphrase, a);
	BIO_free(bio);
	if (key) {
		*ret = key;
		return 0;
	}
	if (a->asked)
		return wrong(a);
	if (has(data, len, "MODSEAL "))
		return ms_error_set(
			a->err, -ENOPKG, "tpm-key",
			"it is a key file of modseal, for one TPM alone: back "
			"the key up with 'modseal key export-backup'");
	if (!has(data, len, "PRIVATE KEY-----"))
		return ms_error_set(a->err, -ENODATA, "no-key",
				    "there is no private key in it");
	return damaged(a->err);
}

/* The key of a TPM, made by another program. Return: 0, -ENODATA it is none, -EBADMSG */
static int parse_tss2(const uint8_t *data, size_t len, struct ms_buf *ret,
		      struct ms_error *err)
{
	size_t used;
	int r;

	if (has(data, len, "MODSEAL ") || !has(data, len, "BEGIN TSS2 PRIVATE KEY-----"))
		return -ENODATA;
	*ret = MS_BUF_INIT(MS_PKCS8_MAX);
	r = ms_pem_find((const char *)data, len, "TSS2 PRIVATE KEY", ret, &used);
	if (r < 0)
		ms_buf_clear(ret);
	return r < 0 ? damaged(err) : 0;
}

/* ------------------------------------------------------------------------ DER */

static int add_cert(struct ms_cert_list *l, X509 *x)
{
	struct ms_cert **v = reallocarray(l->v, l->n + 1, sizeof(*v));
	uint8_t *der = NULL;
	int len, r = -ENOMEM;

	if (!v)
		return -ENOMEM;
	l->v = v;
	len = i2d_X509(x, &der);
	if (len > 0)
		r = ms_cert_parse(der, (size_t)len, &v[l->n]);
	OPENSSL_free(der);
	l->n += r == 0;
	return r;
}

static int parse_pkcs12(PKCS12 *p12, struct asking *a, struct ms_key_source *ret)
{
	STACK_OF(X509) *others = NULL;
	const char *text = "";
	X509 *x = NULL;
	int r = 0;

	/* "" and no passphrase at all are two ways to say the same. */
	if (!PKCS12_verify_mac(p12, "", 0) && !PKCS12_verify_mac(p12, NULL, 0)) {
		text = passphrase(a);
		if (!text || !PKCS12_verify_mac(p12, text, -1))
			return wrong(a);
	}
	if (!PKCS12_parse(p12, text, &ret->key, &x, &others))
		return wrong(a);
	if (!ret->key)
		r = ms_error_set(a->err, -ENODATA, "no-key",
				 "there is no private key in it");
	if (r == 0 && x)
		r = add_cert(&ret->certs, x);
	for (int i = 0; r == 0 && i < sk_X509_num(others); i++)
		r = add_cert(&ret->certs, sk_X509_value(others, i));
	X509_free(x);
	sk_X509_pop_free(others, X509_free);
	return r;
}

static int parse_encrypted(X509_SIG *sig, struct asking *a, EVP_PKEY **ret)
{
	const char *text = passphrase(a);
	PKCS8_PRIV_KEY_INFO *info = text ? PKCS8_decrypt(sig, text, -1) : NULL;

	*ret = info ? EVP_PKCS82PKEY(info) : NULL;
	PKCS8_PRIV_KEY_INFO_free(info);
	return *ret ? 0 : wrong(a);
}

/* A file that is none of these is not worth a passphrase. */
static int parse_der(const uint8_t *data, size_t len, struct asking *a,
		     struct ms_key_source *ret)
{
	const uint8_t *end = data + len, *p = data;
	PKCS12 *p12 = d2i_PKCS12(NULL, &p, (long)len);
	X509_SIG *sig = NULL;
	int r;

	if (p12 && p == end) {
		r = parse_pkcs12(p12, a, ret);
		PKCS12_free(p12);
		return r;
	}
	PKCS12_free(p12);
	p = data;
	ret->key = d2i_AutoPrivateKey(NULL, &p, (long)len);
	if (ret->key)
		return p == end ? 0 : damaged(a->err);
	p = data;
	sig = d2i_X509_SIG(NULL, &p, (long)len);
	if (sig && p == end) {
		r = parse_encrypted(sig, a, &ret->key);
	} else {
		r = ms_error_set(a->err, -ENODATA, "no-key",
				 "there is no private key in it, or it is damaged: PEM, "
				 "PKCS#8 and PKCS#12 can be read");
	}
	X509_SIG_free(sig);
	return r;
}

int ms_key_source_parse(const uint8_t *data, size_t len, ms_passphrase_fn *ask, void *arg,
			struct ms_key_source *ret, struct ms_error *err)
{
	_cleanup_key_source_ struct ms_key_source s = {0};
	struct asking a = {.ask = ask, .arg = arg, .err = err};
	int r;

	ERR_clear_error();
	if (has(data, len, "-----BEGIN ")) {
		r = parse_tss2(data, len, &s.tss2, err);
		if (r == -ENODATA)
			r = parse_pem(data, len, &a, &s.key);
		if (r == 0 && has(data, len, "-----BEGIN CERTIFICATE-----") &&
		    ms_cert_list_parse(data, len, &s.certs) < 0)
			r = ms_error_set(err, -EBADMSG, "bad-certificate",
					 "a certificate in it is damaged");
	} else {
		r = parse_der(data, len, &a, &s);
	}
	ERR_clear_error();
	if (r < 0)
		return r;
	*ret = s;
	s = (struct ms_key_source){0};
	return 0;
}
