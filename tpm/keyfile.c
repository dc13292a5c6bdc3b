// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The key file's text: docs/KEY-FILE.md.
 */
#include <errno.h>
#include "lib/pem.h"
#include "tpm/keyfile.h"
#include "tpm/sign.h"
#include "tpm/tss2key.h"

#define SEALED_LABEL "MODSEAL SEALED KEY"
#define RESIDENT_LABEL "MODSEAL RESIDENT KEY"
#define CREATION_LABEL "MODSEAL TPM CREATION"
#define CERT_LABEL "CERTIFICATE"
#define BIRTH_LABEL                                                         \
	"MODSEAL TPM" /* may be missing: no signature or secret hangs on it \
		       */

static int damaged(struct ms_error *err, const char *what)
{
	return ms_error_set(err, -EBADMSG, "key-file-damaged",
			    "the key file is damaged: %s: restore it from its backup",
			    what);
}

/* The one block of a label; a second one would be a question which of them counts. */
static int block(const char *text, size_t len, const char *label, struct ms_buf *out)
{
	_cleanup_buf_ struct ms_buf second = MS_BUF_INIT(MS_KEY_FILE_MAX);
	size_t used = 0, more = 0;
	int r;

	r = ms_pem_find(text, len, label, out, &used);
	if (r < 0)
		return r;
	r = ms_pem_find(text + used, len - used, label, &second, &more);
	if (r == -ENODATA)
		return 0;
	return r < 0 ? r : -EBADMSG;
}

static int find(const char *text, size_t len, const char *label, struct ms_buf *out,
		struct ms_error *err)
{
	int r = block(text, len, label, out);

	if (r == -ENOMEM)
		return ms_error_set(err, r, "no-memory",
				    "out of memory: close other programs");
	if (r == -ENODATA)
		return ms_error_set(err, -EBADMSG, "key-file-damaged",
				    "there is no %s in the key file, it is damaged or "
				    "was not made by modseal: restore it from its backup",
				    label);
	if (r < 0)
		return ms_error_set(err, -EBADMSG, "key-file-damaged",
				    "the key file's %s is damaged, or there are two: "
				    "restore the file from its backup",
				    label);
	return 0;
}

/* A TPM key that other programs made has no part of ours, but can say what it is. */
static int find_sealed(const char *text, size_t len, const struct ms_buf *tss2,
		       struct ms_buf *out, struct ms_error *err)
{
	struct ms_error other = {0};
	struct ms_tpm_blob blob;
	int r = find(text, len, SEALED_LABEL, out, err);

	if (r == -EBADMSG && out->len == 0 &&
	    ms_tss2key_parse(tss2->data, tss2->len, MS_TSS2KEY_SEALED, &blob, &other) ==
		    -ENOPKG) {
		if (err)
			*err = other;
		return -ENOPKG;
	}
	return r;
}

static int read_sealed(const struct ms_buf *b, struct ms_keyfile *k, struct ms_error *err)
{
	struct ms_reader r = MS_READER(b->data, b->len);
	const uint8_t *spki, *nonce, *tag, *sealed, *srk;
	uint32_t version = ms_reader_u32(&r);

	if (!ms_reader_error(&r) && version > MS_KEYFILE_VERSION)
		return ms_error_set(err, -ENOPKG, "key-file-version",
				    "the key file has format version %u, this modseal "
				    "reads up to %u: install a newer modseal",
				    version, MS_KEYFILE_VERSION);
	k->created = (time_t)(ms_reader_u64(&r) & INT64_MAX);
	srk = ms_reader_bytes(&r, sizeof(k->blob.srk_name), &k->blob.srk_name_len);
	spki = ms_reader_get(&r, sizeof(k->spki_sha256));
	nonce = ms_reader_get(&r, sizeof(k->nonce));
	tag = ms_reader_get(&r, sizeof(k->tag));
	sealed = ms_reader_bytes(&r, sizeof(k->sealed), &k->sealed_len);
	if (ms_reader_end(&r) < 0 || version == 0 || k->blob.srk_name_len < 34 ||
	    k->sealed_len == 0)
		return damaged(err, "the " SEALED_LABEL " is cut short or malformed");
	memcpy(k->blob.srk_name, srk, k->blob.srk_name_len);
	memcpy(k->spki_sha256, spki, sizeof(k->spki_sha256));
	memcpy(k->nonce, nonce, sizeof(k->nonce));
	memcpy(k->tag, tag, sizeof(k->tag));
	memcpy(k->sealed, sealed, k->sealed_len);
	return 0;
}

static int read_resident(const struct ms_buf *b, struct ms_keyfile *k,
			 struct ms_error *err)
{
	struct ms_reader r = MS_READER(b->data, b->len);
	uint32_t version = ms_reader_u32(&r);
	const uint8_t *srk;

	if (!ms_reader_error(&r) && version > MS_KEYFILE_VERSION)
		return ms_error_set(err, -ENOPKG, "key-file-version",
				    "the key file has format version %u, this modseal "
				    "reads up to %u: install a newer modseal",
				    version, MS_KEYFILE_VERSION);
	k->resident = true;
	k->created = (time_t)(ms_reader_u64(&r) & INT64_MAX);
	srk = ms_reader_bytes(&r, sizeof(k->blob.srk_name), &k->blob.srk_name_len);
	if (ms_reader_end(&r) < 0 || version == 0 || k->blob.srk_name_len < 34)
		return damaged(err, "the " RESIDENT_LABEL " is cut short or malformed");
	memcpy(k->blob.srk_name, srk, k->blob.srk_name_len);
	return 0;
}

/* The certificate of a key in the TPM must be that key's: nothing else ties them. */
static int check_resident(struct ms_keyfile *k, struct ms_error *err)
{
	_cleanup_cert_ struct ms_cert *cert = NULL;
	EVP_PKEY *key = NULL;
	int r;

	r = ms_tpm_key_check(&k->blob, err);
	if (r == 0)
		r = ms_tpm_key_public(&k->blob, &key, err);
	if (r < 0)
		return r;
	if (ms_cert_parse(k->cert, k->cert_len, &cert) < 0 || !cert->pkey ||
	    EVP_PKEY_eq(cert->pkey, key) != 1)
		r = ms_error_set(err, -EBADMSG, "key-file-damaged",
				 "the certificate is not that of the key in the file: "
				 "restore the file from its backup");
	EVP_PKEY_free(key);
	return r;
}

static int parse_tss2(const struct ms_buf *der, struct ms_keyfile *k,
		      struct ms_error *err)
{
	struct ms_tpm_blob blob;
	int r = ms_tss2key_parse(der->data, der->len,
				 k->resident ? MS_TSS2KEY_LOADABLE : MS_TSS2KEY_SEALED,
				 &blob, err);

	if (r < 0)
		return r;
	/* Of a key file of ours emptyAuth is true. */
	if (blob.pin_alone)
		blob.has_pin = true;
	memcpy(blob.srk_name, k->blob.srk_name, sizeof(blob.srk_name));
	blob.srk_name_len = k->blob.srk_name_len;
	blob.birth = k->blob.birth;
	k->blob = blob;
	return 0;
}

/* A later version says nothing to us, and nothing is lost. */
static int read_birth(const char *text, size_t len, struct ms_keyfile *k,
		      struct ms_error *err)
{
	_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(MS_KEY_FILE_MAX);
	struct ms_tpm_birth birth = {.known = true};
	const uint8_t *chip, *owner;
	struct ms_reader r;
	int e = block(text, len, BIRTH_LABEL, &b);

	if (e == -ENODATA)
		return 0;
	r = MS_READER(b.data, b.len);
	if (e == 0 && ms_reader_u32(&r) > MS_KEYFILE_VERSION)
		return 0;
	chip = ms_reader_get(&r, sizeof(birth.chip));
	owner = ms_reader_get(&r, sizeof(birth.owner));
	if (e < 0 || ms_reader_end(&r) < 0)
		return damaged(err, "the " BIRTH_LABEL " is malformed, or there are two");
	memcpy(birth.chip, chip, sizeof(birth.chip));
	memcpy(birth.owner, owner, sizeof(birth.owner));
	k->blob.birth = birth;
	return 0;
}

static void put_birth(const struct ms_tpm_birth *birth, struct ms_buf *out)
{
	_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(256);

	if (!birth->known)
		return;
	ms_buf_put_u32(&b, MS_KEYFILE_VERSION);
	ms_buf_put(&b, birth->chip, sizeof(birth->chip));
	ms_buf_put(&b, birth->owner, sizeof(birth->owner));
	if (ms_buf_error(&b) < 0)
		out->err = ms_buf_error(&b);
	else
		ms_pem_put(out, BIRTH_LABEL, b.data, b.len);
}

static int parse(const char *text, size_t len, struct ms_keyfile *k, struct ms_error *err)
{
	_cleanup_buf_ struct ms_buf der = MS_BUF_INIT(MS_KEY_FILE_MAX);
	_cleanup_buf_ struct ms_buf sealed = MS_BUF_INIT(MS_KEY_FILE_MAX);
	_cleanup_buf_ struct ms_buf cert = MS_BUF_INIT(MS_KEY_FILE_MAX);
	_cleanup_buf_ struct ms_buf resident = MS_BUF_INIT(MS_KEY_FILE_MAX);
	int r;

	r = find(text, len, MS_TSS2KEY_LABEL, &der, err);
	if (r < 0)
		return r;
	/* A later format says so here, whatever else it has. */
	if (block(text, len, RESIDENT_LABEL, &resident) == 0) {
		r = read_resident(&resident, k, err);
	} else {
		r = find_sealed(text, len, &der, &sealed, err);
		if (r == 0)
			r = read_sealed(&sealed, k, err);
	}
	if (r == 0)
		r = read_birth(text, len, k, err);
	if (r == 0)
		r = parse_tss2(&der, k, err);
	if (r == 0 && !k->resident)
		r = ms_tpm_blob_check(&k->blob, err);
	if (r == 0)
		r = find(text, len, CERT_LABEL, &cert, err);
	if (r < 0)
		return r;
	if (cert.len == 0 || cert.len > sizeof(k->cert))
		return damaged(err, "the certificate is empty or too large");
	memcpy(k->cert, cert.data, cert.len);
	k->cert_len = cert.len;
	return k->resident ? check_resident(k, err) : 0;
}

/* Kept for attestation alone: a key without it signs as well. */
static int read_creation(const char *text, size_t len, struct ms_keyfile *k,
			 struct ms_error *err)
{
	_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(MS_KEY_FILE_MAX);
	int r = k->resident ? block(text, len, CREATION_LABEL, &b) : -ENODATA;

	if (r == -ENODATA)
		return 0;
	if (r < 0 || b.len == 0 || b.len > sizeof(k->blob.creation))
		return damaged(err,
			       "the " CREATION_LABEL " is malformed, or there are two");
	memcpy(k->blob.creation, b.data, b.len);
	k->blob.creation_len = b.len;
	return 0;
}

int ms_keyfile_parse(const char *text, size_t len, struct ms_keyfile *ret,
		     struct ms_error *err)
{
	_cleanup_free_ struct ms_keyfile *k = NULL;
	int r;

	if (len > MS_KEY_FILE_MAX)
		return damaged(err, "it is too large");
	k = calloc(1, sizeof(*k));
	if (!k)
		return ms_error_set(err, -ENOMEM, "no-memory",
				    "out of memory: close other programs");
	r = parse(text, len, k, err);
	if (r == 0)
		r = read_creation(text, len, k, err);
	if (r == 0)
		*ret = *k;
	return r;
}

static int put_resident(const struct ms_keyfile *k, struct ms_buf *out)
{
	_cleanup_buf_ struct ms_buf b = MS_BUF_INIT(MS_KEY_FILE_MAX);

	ms_buf_put_u32(&b, MS_KEYFILE_VERSION);
	ms_buf_put_u64(&b, (uint64_t)k->created);
	ms_buf_put_bytes(&b, k->blob.srk_name, k->blob.srk_name_len);
	if (ms_buf_error(&b) < 0)
		return ms_buf_error(&b);
	ms_pem_put(out, RESIDENT_LABEL, b.data, b.len);
	if (k->blob.creation_len)
		ms_pem_put(out, CREATION_LABEL, k->blob.creation, k->blob.creation_len);
	return ms_buf_error(out);
}

static int put_sealed(const struct ms_keyfile *k, struct ms_buf *out)
{
	_cleanup_buf_ struct ms_buf sealed = MS_BUF_INIT(MS_KEY_FILE_MAX);

	ms_buf_put_u32(&sealed, MS_KEYFILE_VERSION);
	ms_buf_put_u64(&sealed, (uint64_t)k->created);
	ms_buf_put_bytes(&sealed, k->blob.srk_name, k->blob.srk_name_len);
	ms_buf_put(&sealed, k->spki_sha256, sizeof(k->spki_sha256));
	ms_buf_put(&sealed, k->nonce, sizeof(k->nonce));
	ms_buf_put(&sealed, k->tag, sizeof(k->tag));
	ms_buf_put_bytes(&sealed, k->sealed, k->sealed_len);
	if (ms_buf_error(&sealed) < 0)
		return ms_buf_error(&sealed);
	ms_pem_put(out, SEALED_LABEL, sealed.data, sealed.len);
	return ms_buf_error(out);
}

int ms_keyfile_write(const struct ms_keyfile *k, struct ms_buf *out)
{
	_cleanup_buf_ struct ms_buf der = MS_BUF_INIT(MS_KEY_FILE_MAX);
	int r;

	r = ms_tss2key_write(&k->blob,
			     k->resident ? MS_TSS2KEY_LOADABLE : MS_TSS2KEY_SEALED, &der);
	if (r < 0)
		return r;
	ms_pem_put(out, MS_TSS2KEY_LABEL, der.data, der.len);
	r = k->resident ? put_resident(k, out) : put_sealed(k, out);
	if (r < 0)
		return r;
	put_birth(&k->blob.birth, out);
	ms_pem_put(out, CERT_LABEL, k->cert, k->cert_len);
	return ms_buf_error(out);
}
