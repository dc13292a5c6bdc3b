/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Encrypting to a TPM's decryption key from outside: a seed by RSA-OAEP or ECDH, keys
 * from the seed by KDFa, then AES-CFB and HMAC (part 1, 11.4.10, 23, 24, annexes B and
 * C).
 */
#include "lib/tpm_public.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

#include "lib/hash.h"
#include "lib/secmem.h"

/* What is known about the key that is encrypted to */
struct target {
	EVP_PKEY *key;
	const char *label;
	const EVP_MD *md;
	enum ms_hash hash;
	size_t sym_bytes;
};

/* Secrets of one wrapping, in locked memory */
struct secrets {
	uint8_t seed[MS_DIGEST_MAX], shared[66], sym[32], mac[MS_DIGEST_MAX];
};

/* Part 1, 11.4.10.2; the contexts that are used here have one part. */
static int kdfa(const struct target *t, const uint8_t *key, const char *label,
		const uint8_t *context, size_t context_len, uint8_t *ret, size_t len)
{
	_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(512);
	uint8_t out[MS_DIGEST_MAX];
	unsigned int n = 0;

	/* One round is enough for a key that is no longer than the hash. */
	if (len > ms_hash_size(t->hash))
		return -ENOPKG;
	ms_buf_put_u32(&b, 1);
	ms_buf_put(&b, label, strlen(label) + 1);
	ms_buf_put(&b, context, context_len);
	ms_buf_put_u32(&b, (uint32_t)len * 8);
	if (ms_buf_error(&b) < 0)
		return ms_buf_error(&b);
	if (!HMAC(t->md, key, (int)ms_hash_size(t->hash), b.data, b.len, out, &n))
		return -EIO;
	memcpy(ret, out, len);
	ms_wipe(out, sizeof(out));
	return 0;
}

/* ------------------------------------------------------------------------- seed */

static int seed_rsa(const struct target *t, struct secrets *s, struct ms_buf *out)
{
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_pkey(NULL, t->key, NULL);
	size_t label_len = strlen(t->label) + 1, len = 0;
	char *label = OPENSSL_memdup(t->label, label_len);
	uint8_t bytes[512];
	int r = -EIO;

	len = sizeof(bytes);
	if (c && label && RAND_priv_bytes(s->seed, (int)ms_hash_size(t->hash)) == 1 &&
	    EVP_PKEY_encrypt_init(c) == 1 &&
	    EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_OAEP_PADDING) == 1 &&
	    EVP_PKEY_CTX_set_rsa_oaep_md(c, t->md) == 1 &&
	    EVP_PKEY_CTX_set_rsa_mgf1_md(c, t->md) == 1 &&
	    EVP_PKEY_CTX_set0_rsa_oaep_label(c, label, (int)label_len) == 1) {
		label = NULL;
		if (EVP_PKEY_encrypt(c, bytes, &len, s->seed, ms_hash_size(t->hash)) == 1)
			r = 0;
	}
	OPENSSL_free(label);
	EVP_PKEY_CTX_free(c);
	if (r < 0)
		return r;
	ms_buf_put_u16(out, (uint16_t)len);
	ms_buf_put(out, bytes, len);
	return ms_buf_error(out);
}

/* The point of an EC key, without its leading 04. Return: bytes of a coordinate, or 0 */
static size_t point_of(const EVP_PKEY *key, uint8_t *x, uint8_t *y)
{
	uint8_t point[1 + 2 * 66];
	size_t n = 0;

	if (EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY,
					    point, sizeof(point), &n) != 1 ||
	    n < 3 || point[0] != 4)
		return 0;
	n = (n - 1) / 2;
	memcpy(x, point + 1, n);
	memcpy(y, point + 1 + n, n);
	return n;
}

static int agree(EVP_PKEY *mine, EVP_PKEY *theirs, uint8_t *ret, size_t len)
{
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_pkey(NULL, mine, NULL);
	int r = -EIO;

	if (c && EVP_PKEY_derive_init(c) == 1 &&
	    EVP_PKEY_derive_set_peer(c, theirs) == 1 &&
	    EVP_PKEY_derive(c, ret, &len) == 1)
		r = 0;
	EVP_PKEY_CTX_free(c);
	return r;
}

/* KDFe (part 1, 11.4.10.3): H(1 || Z || label || x of ours || x of theirs) */
static int kdfe(const struct target *t, struct secrets *s, const uint8_t *ours,
		const uint8_t *theirs, size_t n)
{
	_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(1024);

	ms_buf_put_u32(&b, 1);
	ms_buf_put(&b, s->shared, n);
	ms_buf_put(&b, t->label, strlen(t->label) + 1);
	ms_buf_put(&b, ours, n);
	ms_buf_put(&b, theirs, n);
	if (ms_buf_error(&b) < 0)
		return ms_buf_error(&b);
	return ms_digest(t->hash, b.data, b.len, s->seed);
}

static EVP_PKEY *fresh_like(EVP_PKEY *key)
{
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	EVP_PKEY *fresh = NULL;

	if (c && EVP_PKEY_keygen_init(c) == 1)
		(void)EVP_PKEY_keygen(c, &fresh);
	EVP_PKEY_CTX_free(c);
	return fresh;
}

static int seed_ecc(const struct target *t, struct secrets *s, struct ms_buf *out)
{
	EVP_PKEY *mine = fresh_like(t->key);
	uint8_t x[66], y[66], px[66], py[66];
	size_t n = mine ? point_of(mine, x, y) : 0;
	int r = n && point_of(t->key, px, py) == n ? 0 : -EIO;

	if (r == 0)
		r = agree(mine, t->key, s->shared, n);
	if (r == 0)
		r = kdfe(t, s, x, px, n);
	EVP_PKEY_free(mine);
	if (r < 0)
		return r;
	ms_buf_put_u16(out, (uint16_t)(2 * (2 + n)));
	ms_buf_put_u16(out, (uint16_t)n);
	ms_buf_put(out, x, n);
	ms_buf_put_u16(out, (uint16_t)n);
	ms_buf_put(out, y, n);
	return ms_buf_error(out);
}

/* ------------------------------------------------------------------------ wrap */

static int encrypt(const struct target *t, const uint8_t *key, const uint8_t *in,
		   size_t len, uint8_t *out)
{
	const EVP_CIPHER *aes =
		t->sym_bytes == 16 ? EVP_aes_128_cfb128() : EVP_aes_256_cfb128();
	const uint8_t iv[16] = {0};
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	int n = 0, r = -EIO;

	if (c && EVP_EncryptInit_ex(c, aes, NULL, key, iv) == 1 &&
	    EVP_EncryptUpdate(c, out, &n, in, (int)len) == 1 && (size_t)n == len)
		r = 0;
	EVP_CIPHER_CTX_free(c);
	return r;
}

/* TPM2B of { TPM2B HMAC, encrypted bytes }; the HMAC is over these and the Name */
static int protect(const struct target *t, struct secrets *s, const uint8_t *plain,
		   size_t len, const uint8_t *name, size_t name_len, struct ms_buf *out)
{
	_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(1024);
	uint8_t cipher[512], mac[MS_DIGEST_MAX];
	size_t size = ms_hash_size(t->hash);
	unsigned int n = 0;
	int r = len <= sizeof(cipher) ? 0 : -EFBIG;

	if (r == 0)
		r = kdfa(t, s->seed, "STORAGE", name, name_len, s->sym, t->sym_bytes);
	if (r == 0)
		r = kdfa(t, s->seed, "INTEGRITY", NULL, 0, s->mac, size);
	if (r == 0)
		r = encrypt(t, s->sym, plain, len, cipher);
	if (r < 0)
		return r;
	ms_buf_put(&b, cipher, len);
	ms_buf_put(&b, name, name_len);
	if (ms_buf_error(&b) < 0)
		return ms_buf_error(&b);
	if (!HMAC(t->md, s->mac, (int)size, b.data, b.len, mac, &n) || n != size)
		return -EIO;
	ms_buf_put_u16(out, (uint16_t)(2 + size + len));
	ms_buf_put_u16(out, (uint16_t)size);
	ms_buf_put(out, mac, size);
	ms_buf_put(out, cipher, len);
	return ms_buf_error(out);
}

static int wrap(const struct target *t, const uint8_t *plain, size_t len,
		const uint8_t *name, size_t name_len, struct ms_buf *ret,
		struct ms_buf *ret_seed)
{
	struct secrets *s = ms_secmem_alloc(sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	ERR_set_mark();
	r = EVP_PKEY_is_a(t->key, "RSA") ? seed_rsa(t, s, ret_seed)
					 : seed_ecc(t, s, ret_seed);
	if (r == 0)
		r = protect(t, s, plain, len, name, name_len, ret);
	ERR_pop_to_mark();
	ms_secmem_free(s, sizeof(*s));
	return r;
}

int ms_tpm_credential(EVP_PKEY *ek, const uint8_t *name, size_t name_len,
		      const uint8_t *secret, size_t len, struct ms_buf *ret_id,
		      struct ms_buf *ret_seed)
{
	const struct target t = {.key = ek,
				 .label = "IDENTITY",
				 .md = EVP_sha256(),
				 .hash = MS_HASH_SHA256,
				 .sym_bytes = 16};
	_cleanup_buf_ struct ms_buf plain = MS_BUF_INIT(2 + 32);

	if (!EVP_PKEY_is_a(ek, "RSA") && !EVP_PKEY_is_a(ek, "EC"))
		return -ENOPKG;
	ms_buf_put_u16(&plain, (uint16_t)len);
	ms_buf_put(&plain, secret, len);
	if (ms_buf_error(&plain) < 0)
		return ms_buf_error(&plain);
	return wrap(&t, plain.data, plain.len, name, name_len, ret_id, ret_seed);
}

int ms_tpm_duplicate(const struct ms_tpm_public *parent, const uint8_t *sensitive,
		     size_t len, const uint8_t *name, size_t name_len,
		     struct ms_buf *ret_priv, struct ms_buf *ret_seed)
{
	const uint32_t storage = MS_TPMA_RESTRICTED | MS_TPMA_DECRYPT;
	struct target t = {.label = "DUPLICATE",
			   .hash = (enum ms_hash)ms_tpm_hash(parent->name_alg),
			   .sym_bytes = parent->sym_bits / 8};
	int r;

	if ((parent->attrs & (storage | MS_TPMA_SIGN)) != storage ||
	    (t.sym_bytes != 16 && t.sym_bytes != 32))
		return -EINVAL;
	t.md = t.hash ? ms_hash_md(t.hash) : NULL;
	if (!t.md)
		return -ENOPKG;
	r = ms_tpm_public_key(parent, &t.key);
	if (r == 0)
		r = wrap(&t, sensitive, len, name, name_len, ret_priv, ret_seed);
	EVP_PKEY_free(t.key);
	return r;
}
