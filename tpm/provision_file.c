/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tpm/provision_file.h"

#include <errno.h>
#include <openssl/rand.h>

#include "lib/hash.h"
#include "lib/pem.h"
#include "lib/secmem.h"
#include "lib/tpm_public.h"

#define CERT_LABEL "CERTIFICATE"
#define SENSITIVE_LEN (2 + 2 + 2 + 2 + 32 + 2 + MS_TPM_SECRET_LEN)

static int damaged(struct ms_error *err)
{
	return ms_error_set(err, -EBADMSG, "provision-damaged",
			    "the provisioned key is damaged, or was not made by modseal "
			    "key provision: have it made again");
}

/* ------------------------------------------------------------------------- file */

static int block(const char *text, size_t len, const char *label, struct ms_buf *out)
{
	_cleanup_buf_ struct ms_buf second = MS_BUF_INIT(MS_KEY_FILE_MAX);
	size_t used = 0, more = 0;
	int r = ms_pem_find(text, len, label, out, &used);

	if (r < 0)
		return r == -ENOMEM ? r : -EBADMSG;
	r = ms_pem_find(text + used, len - used, label, &second, &more);
	return r == -ENODATA ? 0 : r == -ENOMEM ? r : -EBADMSG;
}

static size_t get(struct ms_reader *r, uint8_t *dst, size_t max)
{
	size_t n = 0;
	const uint8_t *p = ms_reader_bytes(r, max, &n);

	if (!p || !n || ms_reader_error(r) < 0) {
		r->err = -EBADMSG;
		return 0;
	}
	memcpy(dst, p, n);
	return n;
}

static void get_fixed(struct ms_reader *r, uint8_t *dst, size_t n)
{
	const uint8_t *p = ms_reader_get(r, n);

	if (p)
		memcpy(dst, p, n);
}

static int read_block(const struct ms_buf *b, struct ms_provision *p,
		      struct ms_error *err)
{
	struct ms_reader r = MS_READER(b->data, b->len);
	uint32_t version = ms_reader_u32(&r);
	struct ms_keyfile *k = &p->key;
	struct ms_tpm_public pub;

	if (ms_reader_error(&r) == 0 && version > MS_PROVISION_VERSION)
		return ms_error_set(err, -ENOPKG, "provision-version",
				    "the provisioned key has format version %u, this "
				    "modseal reads up to %u: install a newer modseal",
				    version, MS_PROVISION_VERSION);
	k->created = (time_t)(ms_reader_u64(&r) & INT64_MAX);
	k->blob.srk_name_len = get(&r, k->blob.srk_name, sizeof(k->blob.srk_name));
	k->blob.pub_len = get(&r, k->blob.pub, sizeof(k->blob.pub));
	k->blob.priv_len = get(&r, k->blob.priv, sizeof(k->blob.priv));
	p->seed_len = get(&r, p->seed, sizeof(p->seed));
	get_fixed(&r, k->spki_sha256, sizeof(k->spki_sha256));
	get_fixed(&r, k->nonce, sizeof(k->nonce));
	get_fixed(&r, k->tag, sizeof(k->tag));
	k->sealed_len = get(&r, k->sealed, sizeof(k->sealed));
	if (ms_reader_end(&r) < 0 || version == 0 ||
	    ms_tpm_public_parse(k->blob.pub, k->blob.pub_len, &pub) < 0 ||
	    pub.type != MS_TPM_KEYEDHASH || pub.name_alg != MS_TPM_SHA256 ||
	    ms_tpm_public_name(&pub, k->blob.name, &k->blob.name_len) < 0)
		return damaged(err);
	return 0;
}

static int parse(const char *text, size_t len, struct ms_provision *p,
		 struct ms_error *err)
{
	_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(MS_KEY_FILE_MAX),
				    cert = MS_BUF_INIT(MS_KEY_FILE_MAX);
	int r = block(text, len, MS_PROVISION_LABEL, &b);

	if (r == 0)
		r = block(text, len, CERT_LABEL, &cert);
	if (r == -ENOMEM)
		return ms_error_set(err, r, "no-memory",
				    "out of memory: close other programs");
	if (r < 0 || !cert.len || cert.len > sizeof(p->key.cert))
		return damaged(err);
	memcpy(p->key.cert, cert.data, cert.len);
	p->key.cert_len = cert.len;
	return read_block(&b, p, err);
}

int ms_provision_parse(const char *text, size_t len, struct ms_provision *ret,
		       struct ms_error *err)
{
	_cleanup_free_ struct ms_provision *p = NULL;
	int r;

	if (len > MS_KEY_FILE_MAX)
		return damaged(err);
	p = calloc(1, sizeof(*p));
	if (!p)
		return ms_error_set(err, -ENOMEM, "no-memory",
				    "out of memory: close other programs");
	r = parse(text, len, p, err);
	if (r == 0)
		*ret = *p;
	return r;
}

int ms_provision_write(const struct ms_provision *p, struct ms_buf *out)
{
	_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(MS_KEY_FILE_MAX);
	const struct ms_keyfile *k = &p->key;

	ms_buf_put_u32(&b, MS_PROVISION_VERSION);
	ms_buf_put_u64(&b, (uint64_t)k->created);
	ms_buf_put_bytes(&b, k->blob.srk_name, k->blob.srk_name_len);
	ms_buf_put_bytes(&b, k->blob.pub, k->blob.pub_len);
	ms_buf_put_bytes(&b, k->blob.priv, k->blob.priv_len);
	ms_buf_put_bytes(&b, p->seed, p->seed_len);
	ms_buf_put(&b, k->spki_sha256, sizeof(k->spki_sha256));
	ms_buf_put(&b, k->nonce, sizeof(k->nonce));
	ms_buf_put(&b, k->tag, sizeof(k->tag));
	ms_buf_put_bytes(&b, k->sealed, k->sealed_len);
	if (ms_buf_error(&b) < 0)
		return ms_buf_error(&b);
	ms_pem_put(out, MS_PROVISION_LABEL, b.data, b.len);
	ms_pem_put(out, CERT_LABEL, k->cert, k->cert_len);
	return ms_buf_error(out);
}

/* ------------------------------------------------------------------------- wrap */

static void put16(uint8_t **p, uint16_t v)
{
	*(*p)++ = (uint8_t)(v >> 8);
	*(*p)++ = (uint8_t)v;
}

static void put2b(uint8_t **p, const uint8_t *data, uint16_t len)
{
	put16(p, len);
	memcpy(*p, data, len);
	*p += len;
}

/* TPM2B_SENSITIVE of a sealed object: part 2, 12.3.2.4. @obfuscate: 32 random bytes */
static void make_sensitive(uint8_t ret[SENSITIVE_LEN], const uint8_t *obfuscate,
			   const uint8_t *secret)
{
	uint8_t *p = ret;

	put16(&p, SENSITIVE_LEN - 2);
	put16(&p, MS_TPM_KEYEDHASH);
	put16(&p, 0); /* no authorisation */
	put2b(&p, obfuscate, 32);
	put2b(&p, secret, MS_TPM_SECRET_LEN);
}

/* TPM2B_PUBLIC of it: it may be moved, that once, and needs no authorisation. */
static int make_public(const uint8_t unique[32], struct ms_tpm_blob *blob)
{
	uint8_t *p = blob->pub;

	put16(&p, 2 + 2 + 4 + 2 + 2 + 2 + 32);
	put16(&p, MS_TPM_KEYEDHASH);
	put16(&p, MS_TPM_SHA256);
	ms_put_be32(p, MS_TPMA_USER_WITH_AUTH | MS_TPMA_NO_DA);
	p += 4;
	put16(&p, 0); /* no policy */
	put16(&p, MS_TPM_NULL);
	put2b(&p, unique, 32);
	blob->pub_len = (size_t)(p - blob->pub);
	return 0;
}

/* One locked page: the key-encryption key, and what goes around it */
struct journey {
	uint8_t both[32 + MS_TPM_SECRET_LEN]; /* seedValue, then the key */
	uint8_t sensitive[SENSITIVE_LEN];
};

static int wrap_key(const struct ms_tpm_public *srk, struct journey *j,
		    struct ms_provision *p)
{
	_cleanup_buf_ struct ms_buf priv = MS_BUF_INIT(MS_TPM_BLOB_MAX),
				    seed = MS_BUF_INIT(MS_PROVISION_SEED_MAX);
	struct ms_tpm_blob *blob = &p->key.blob;
	struct ms_tpm_public pub;
	uint8_t unique[32];
	int r;

	if (RAND_priv_bytes(j->both, sizeof(j->both)) != 1)
		return -EIO;
	r = ms_digest(MS_HASH_SHA256, j->both, sizeof(j->both), unique);
	if (r == 0)
		r = make_public(unique, blob);
	if (r == 0)
		r = ms_tpm_public_parse(blob->pub, blob->pub_len, &pub);
	if (r == 0)
		r = ms_tpm_public_name(&pub, blob->name, &blob->name_len);
	if (r < 0)
		return r;
	make_sensitive(j->sensitive, j->both, j->both + 32);
	r = ms_tpm_duplicate(srk, j->sensitive, sizeof(j->sensitive), blob->name,
			     blob->name_len, &priv, &seed);
	if (r < 0)
		return r;
	memcpy(blob->priv, priv.data, priv.len);
	blob->priv_len = priv.len;
	memcpy(p->seed, seed.data, seed.len);
	p->seed_len = seed.len;
	return 0;
}

static int check_srk(const uint8_t *p, size_t len, struct ms_tpm_public *ret,
		     struct ms_tpm_blob *blob, struct ms_error *err)
{
	const uint32_t need = MS_TPMA_FIXED_TPM | MS_TPMA_FIXED_PARENT | MS_TPMA_ORIGIN |
			      MS_TPMA_RESTRICTED | MS_TPMA_DECRYPT;

	if (ms_tpm_public_parse(p, len, ret) < 0 ||
	    ms_tpm_public_name(ret, blob->srk_name, &blob->srk_name_len) < 0)
		return ms_error_set(err, -EBADMSG, "bad-identity",
				    "the other machine's identity is damaged: have it "
				    "made again (modseal tpm identity)");
	if ((ret->attrs & (need | MS_TPMA_SIGN)) != need)
		return ms_error_set(err, -EINVAL, "bad-identity",
				    "what the key would be wrapped to is no storage root "
				    "key that stays in its TPM: is the identity forged?");
	return 0;
}

int ms_provision_wrap(const uint8_t *srk, size_t srk_len, EVP_PKEY *key,
		      struct ms_provision *ret, struct ms_error *err)
{
	struct journey *j = ms_secmem_alloc(sizeof(*j));
	struct ms_tpm_public pub;
	int r;

	if (!j)
		return ms_error_set(err, -ENOMEM, NULL,
				    "no locked memory: raise LimitMEMLOCK");
	r = check_srk(srk, srk_len, &pub, &ret->key.blob, err);
	if (r == 0) {
		r = wrap_key(&pub, j, ret);
		if (r < 0)
			ms_error_set(err, r, "provision",
				     "cannot encrypt to the other machine's TPM: %s",
				     r == -ENOPKG ? "its storage root key is of a kind "
						    "that modseal does not know"
						  : ms_strerror(r));
	}
	if (r == 0)
		r = ms_keyfile_seal(&ret->key, j->both + 32, key, err);
	ms_secmem_free(j, sizeof(*j));
	return r;
}
