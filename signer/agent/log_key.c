/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/log_key.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <time.h>

#include "lib/file.h"
#include "lib/secmem.h"
#include "tpm/keyfile.h"

#define FILE_NAME "audit-log.logkey"
#define PCRS (1u << 7)
#define ORIGIN_LEN 64u /* of a common name */
#define VALID_S (100L * 365 * 24 * 3600)

struct ms_log_key {
	char path[MS_PATH_MAX], wanted[MS_ORIGIN_MAX];
	uint32_t nv_index;
	EVP_PKEY *pkey;
	bool fresh;
	char origin[MS_ORIGIN_MAX], vkey[MS_VKEY_MAX];
	uint64_t signed_size;
	uint8_t signed_root[MS_MERKLE_HASH];
};

static void keyfile_freep(struct ms_keyfile **k)
{
	free(*k);
}
#define _cleanup_keyfile_ _cleanup_(keyfile_freep)

int ms_log_key_new(const char *dir, const char *origin, uint32_t nv_index,
		   struct ms_log_key **ret)
{
	struct ms_log_key *k = calloc(1, sizeof(*k));
	char host[ORIGIN_LEN - sizeof("/modseal-log") + 1] = "";

	if (!k)
		return -ENOMEM;
	/* A name that does not fit is cut, and one with odd letters loses them. */
	(void)gethostname(host, sizeof(host) - 1);
	for (char *p = host; *p; p++)
		if (!isalnum((unsigned char)*p) && *p != '.' && *p != '-')
			*p = '-';
	if (*origin)
		snprintf(k->wanted, sizeof(k->wanted), "%s", origin);
	else
		snprintf(k->wanted, sizeof(k->wanted), "%s/modseal-log",
			 *host ? host : "localhost");
	snprintf(k->path, sizeof(k->path), "%s/" FILE_NAME, dir);
	k->nv_index = nv_index;
	*ret = k;
	return 0;
}

void ms_log_key_free(struct ms_log_key *k)
{
	if (!k)
		return;
	EVP_PKEY_free(k->pkey);
	free(k);
}

/* --------------------------------------------------------------------- the file */

static int use(struct ms_log_key *k, const struct ms_keyfile *file, EVP_PKEY *pkey,
	       struct ms_error *err)
{
	_cleanup_buf_ struct ms_buf vkey = MS_BUF_INIT(MS_VKEY_MAX - 1);
	_cleanup_cert_ struct ms_cert *cert = NULL;
	const char *text;

	if (EVP_PKEY_get_id(pkey) != EVP_PKEY_ED25519 ||
	    ms_cert_parse(file->cert, file->cert_len, &cert) < 0)
		return ms_error_set(err, -EBADMSG, "log-key",
				    "%s holds no log key: restore it from its backup",
				    k->path);
	if (ms_note_vkey(cert->subject_cn, pkey, &vkey) < 0 ||
	    !(text = ms_buf_cstr(&vkey)))
		return ms_error_set(err, -EBADMSG, "log-key",
				    "the name of the log in %s cannot be used", k->path);
	memcpy(k->vkey, text, vkey.len + 1);
	memcpy(k->origin, cert->subject_cn, sizeof(k->origin));
	k->pkey = pkey;
	EVP_PKEY_up_ref(pkey);
	return 0;
}

static int load(struct ms_log_key *k, struct ms_tpmw *w, struct ms_error *err)
{
	_cleanup_keyfile_ struct ms_keyfile *file = calloc(1, sizeof(*file));
	_cleanup_file_ struct ms_file f = {0};
	EVP_PKEY *pkey = NULL;
	uint8_t *kek;
	int r;

	if (!file)
		return ms_error_set(err, -ENOMEM, NULL, "out of memory");
	r = ms_file_read(AT_FDCWD, k->path, MS_KEY_FILE_MAX, 0, &f, err);
	if (r == 0)
		r = ms_keyfile_parse((const char *)f.data, f.len, file, err);
	if (r < 0)
		return r;
	kek = ms_secmem_alloc(MS_TPM_SECRET_LEN);
	if (!kek)
		return ms_error_set(err, -ENOMEM, NULL, "no locked memory");
	r = ms_tpmw_unseal(w, &file->blob, NULL, kek, err);
	if (r == 0)
		r = ms_keyfile_unseal(file, kek, &pkey, err);
	ms_secmem_free(kek, MS_TPM_SECRET_LEN);
	if (r == 0)
		r = use(k, file, pkey, err);
	EVP_PKEY_free(pkey);
	return r;
}

/* The key file wants a certificate: it carries the log's name, and nothing trusts it. */
static X509 *name_card(EVP_PKEY *pkey, const char *origin)
{
	X509 *x = X509_new();
	X509_NAME *name = x ? X509_get_subject_name(x) : NULL;

	if (name && X509_set_version(x, X509_VERSION_3) == 1 &&
	    ASN1_INTEGER_set(X509_get_serialNumber(x), 1) == 1 &&
	    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
				       (const unsigned char *)origin, -1, -1, 0) == 1 &&
	    X509_set_issuer_name(x, name) == 1 &&
	    X509_gmtime_adj(X509_getm_notBefore(x), 0) &&
	    X509_gmtime_adj(X509_getm_notAfter(x), VALID_S) &&
	    X509_set_pubkey(x, pkey) == 1 && X509_sign(x, pkey, NULL) > 0)
		return x;
	X509_free(x);
	ERR_clear_error();
	return NULL;
}

static int certify(struct ms_keyfile *file, EVP_PKEY *pkey, const char *origin,
		   struct ms_error *err)
{
	X509 *x = name_card(pkey, origin);
	uint8_t *p = file->cert;
	int n = x ? i2d_X509(x, NULL) : -1;

	if (n > 0 && (size_t)n <= sizeof(file->cert))
		file->cert_len = (size_t)i2d_X509(x, &p);
	X509_free(x);
	return file->cert_len ? 0
			      : ms_error_set(err, -EIO, "log-key",
					     "cannot make the log's key: OpenSSL failed");
}

static int seal(struct ms_tpmw *w, struct ms_keyfile *file, EVP_PKEY *pkey,
		struct ms_error *err)
{
	uint8_t *kek = ms_secmem_alloc(MS_TPM_SECRET_LEN);
	int r = 0;

	if (!kek)
		return ms_error_set(err, -ENOMEM, NULL, "no locked memory");
	if (RAND_priv_bytes(kek, MS_TPM_SECRET_LEN) != 1)
		r = ms_error_set(err, -EIO, NULL, "OpenSSL has no random numbers");
	if (r == 0)
		r = ms_tpmw_seal(w, kek, PCRS, NULL, &file->blob, err);
	if (r == 0)
		r = ms_keyfile_seal(file, kek, pkey, err);
	ms_secmem_free(kek, MS_TPM_SECRET_LEN);
	return r;
}

static int write_file(struct ms_log_key *k, const struct ms_keyfile *file,
		      struct ms_error *err)
{
	_cleanup_buf_ struct ms_buf text = MS_BUF_INIT(MS_KEY_FILE_MAX);
	struct iovec iov;
	int r;

	r = ms_keyfile_write(file, &text);
	if (r < 0)
		return ms_error_set(err, r, NULL, "cannot write the log's key: %s",
				    ms_strerror(r));
	iov = (struct iovec){.iov_base = text.data, .iov_len = text.len};
	return ms_file_replace(k->path, -1, 0600, &iov, 1, true, err);
}

static int make(struct ms_log_key *k, struct ms_tpmw *w, struct ms_error *err)
{
	_cleanup_keyfile_ struct ms_keyfile *file = calloc(1, sizeof(*file));
	EVP_PKEY *pkey;
	int r;

	if (!file)
		return ms_error_set(err, -ENOMEM, NULL, "out of memory");
	pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	if (!pkey)
		return ms_error_set(err, -EIO, "log-key",
				    "cannot make the log's key: OpenSSL failed");
	file->created = time(NULL);
	r = certify(file, pkey, k->wanted, err);
	if (r == 0)
		r = seal(w, file, pkey, err);
	if (r == 0)
		r = write_file(k, file, err);
	if (r == 0)
		r = use(k, file, pkey, err);
	if (r == 0)
		k->fresh = true;
	EVP_PKEY_free(pkey);
	return r;
}

/* ------------------------------------------------------------------- the answer */

static int have_key(struct ms_log_key *k, struct ms_tpmw *w, struct ms_error *err)
{
	int r;

	if (k->pkey)
		return 0;
	if (access(k->path, F_OK) < 0 && errno == ENOENT)
		r = make(k, w, err);
	else
		r = load(k, w, err);
	if (r < 0)
		ms_error_prefix(err, "the audit log's key");
	return r;
}

static int is_growth(const struct ms_log_key *k, uint64_t size, const uint8_t *root,
		     struct ms_error *err)
{
	if (size > k->signed_size || k->signed_size == 0)
		return 0;
	if (size == k->signed_size && ms_equal(root, k->signed_root, MS_MERKLE_HASH))
		return 0;
	return ms_error_set(err, -EPERM, "log-fork",
			    "the key process has signed a later or another head of the "
			    "log already: find out who changed the log, then restart "
			    "the agent");
}

static int sign(struct ms_log_key *k, struct ms_tpmw *w, const struct ms_ipc_msg *q,
		struct ms_ipc_note *n)
{
	struct ms_checkpoint c = {.size = q->checkpoint.size, .has_counter = true};
	_cleanup_buf_ struct ms_buf note = MS_BUF_INIT(MS_CHECKPOINT_MAX);
	int r;

	r = is_growth(k, c.size, q->checkpoint.root, &n->err);
	if (r == 0)
		r = ms_tpmw_counter(w, k->nv_index, true, &c.counter, &n->err);
	if (r < 0)
		return r;
	memcpy(c.origin, k->origin, sizeof(c.origin));
	memcpy(c.root, q->checkpoint.root, sizeof(c.root));
	r = ms_checkpoint_sign(&c, k->pkey, &note);
	if (r < 0)
		return ms_error_set(&n->err, r, "log-key", "cannot sign a checkpoint: %s",
				    ms_strerror(r));
	memcpy(n->note, note.data, note.len);
	n->counter = c.counter;
	k->signed_size = c.size;
	memcpy(k->signed_root, c.root, sizeof(c.root));
	return 0;
}

int ms_log_key_answer(struct ms_log_key *k, struct ms_tpmw *w,
		      const struct ms_ipc_msg *question, struct ms_ipc_msg *ret)
{
	struct ms_ipc_note *n = &ret->note;

	*ret = (struct ms_ipc_msg){.op = MS_IPC_NOTE, .id = question->id};
	n->rc = have_key(k, w, &n->err);
	if (n->rc == 0 && question->op == MS_IPC_CHECKPOINT)
		n->rc = sign(k, w, question, n);
	else if (n->rc == 0)
		n->rc = ms_tpmw_counter(w, k->nv_index, false, &n->counter, &n->err);
	n->fresh = k->fresh;
	memcpy(n->vkey, k->vkey, sizeof(n->vkey));
	return n->rc;
}
