/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signer/agent/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include "lib/hash.h"
#include "lib/file.h"
#include "lib/secmem.h"

#define FILE_MAX (16u << 20) /* a CRL may be long */
#define DEPTH 5

enum { CERT, KEY, CA, CRL, N_FILES };

static const char *const what_is[N_FILES] = {"cert", "key", "ca", "crl"};

/** struct version - of a file, as far as stat(2) can tell */
struct version {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec mtime;
};

struct ms_tls {
	char *path[N_FILES];
	struct version version[N_FILES];
	SSL_CTX *ctx;
};

/* ----------------------------------------------------------------------- files */

static void version_of(const struct stat *st, struct version *ret)
{
	*ret = (struct version){st->st_dev, st->st_ino, st->st_size, st->st_mtim};
}

static int check_owner(size_t i, const char *path, const struct stat *st,
		       struct ms_error *err)
{
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return ms_error_set(err, -EPERM, "tls",
				    "[tls] %s %s belongs to uid %u: chown root %s",
				    what_is[i], path, (unsigned int)st->st_uid, path);
	if (st->st_mode & (S_IWGRP | S_IWOTH))
		return ms_error_set(err, -EPERM, "tls",
				    "[tls] %s %s can be written by others: chmod go-w %s",
				    what_is[i], path, path);
	if (i == KEY && st->st_mode & S_IRWXO)
		return ms_error_set(err, -EPERM, "tls",
				    "[tls] key %s can be read by everyone: chmod o= %s, "
				    "and make a new key",
				    path, path);
	return 0;
}

static int read_file(struct ms_tls *t, size_t i, struct ms_file *f, struct ms_error *err)
{
	int r = ms_file_read(AT_FDCWD, t->path[i], FILE_MAX, 0, f, err);

	if (r < 0) {
		ms_error_prefix(err, "cannot read [tls] %s %s", what_is[i], t->path[i]);
		return r;
	}
	version_of(&f->st, &t->version[i]);
	return check_owner(i, t->path[i], &f->st, err);
}

static BIO *bio_of(const struct ms_file *f)
{
	return BIO_new_mem_buf(f->data, (int)f->len);
}

static int bad_file(const struct ms_tls *t, size_t i, const char *why,
		    struct ms_error *err)
{
	ERR_clear_error();
	return ms_error_set(err, -EINVAL, "tls", "[tls] %s %s: %s", what_is[i],
			    t->path[i], why);
}

/* No terminal to ask on. */
static int no_password(char *buf, int size, int writing, void *arg)
{
	return -1;
}

/* The server's certificate, and those between it and a root. */
static int load_cert(struct ms_tls *t, SSL_CTX *ctx, struct ms_error *err)
{
	_cleanup_file_ struct ms_file f = {0};
	X509 *x;
	BIO *b;
	int r = read_file(t, CERT, &f, err), n = 0;

	if (r < 0)
		return r;
	b = bio_of(&f);
	while (b && (x = PEM_read_bio_X509(b, NULL, no_password, NULL))) {
		bool good = n++ == 0 ? SSL_CTX_use_certificate(ctx, x) == 1
				     : SSL_CTX_add1_chain_cert(ctx, x) == 1;

		X509_free(x);
		if (!good) {
			n = 0;
			break;
		}
	}
	BIO_free(b);
	ERR_clear_error();
	return n ? 0
		 : bad_file(t, CERT,
			    "no certificate in PEM that could be used: RSA of "
			    "at least 2048 bits, or ECDSA",
			    err);
}

static int load_key(struct ms_tls *t, SSL_CTX *ctx, struct ms_error *err)
{
	_cleanup_file_ struct ms_file f = {0};
	EVP_PKEY *key = NULL;
	BIO *b = NULL;
	int r = read_file(t, KEY, &f, err);

	if (r == 0) {
		b = bio_of(&f);
		key = b ? PEM_read_bio_PrivateKey(b, NULL, no_password, NULL) : NULL;
		if (!key)
			r = bad_file(t, KEY, "no private key in PEM without a password",
				     err);
		else if (SSL_CTX_use_PrivateKey(ctx, key) != 1 ||
			 SSL_CTX_check_private_key(ctx) != 1)
			r = bad_file(t, KEY, "is not the key of the certificate", err);
	}
	EVP_PKEY_free(key);
	BIO_free(b);
	if (f.data)
		ms_wipe(f.data, f.len);
	return r;
}

static int load_ca(struct ms_tls *t, SSL_CTX *ctx, struct ms_error *err)
{
	_cleanup_file_ struct ms_file f = {0};
	X509 *x;
	BIO *b;
	int r = read_file(t, CA, &f, err), n = 0;

	if (r < 0)
		return r;
	b = bio_of(&f);
	while (b && (x = PEM_read_bio_X509(b, NULL, no_password, NULL))) {
		if (X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), x) == 1 &&
		    SSL_CTX_add_client_CA(ctx, x) == 1)
			n++;
		X509_free(x);
	}
	BIO_free(b);
	ERR_clear_error();
	return n ? 0 : bad_file(t, CA, "no certificate in PEM", err);
}

static int load_crl(struct ms_tls *t, SSL_CTX *ctx, struct ms_error *err)
{
	X509_STORE *store = SSL_CTX_get_cert_store(ctx);
	_cleanup_file_ struct ms_file f = {0};
	X509_CRL *crl;
	unsigned long e;
	BIO *b;
	int r = read_file(t, CRL, &f, err), n = 0;

	if (r < 0)
		return r;
	b = bio_of(&f);
	while (b && (crl = PEM_read_bio_X509_CRL(b, NULL, no_password, NULL))) {
		n += X509_STORE_add_crl(store, crl) == 1;
		X509_CRL_free(crl);
	}
	BIO_free(b);
	/* Half a list would let in whom the other half names. */
	e = ERR_peek_last_error();
	if (n == 0 || ERR_GET_REASON(e) != PEM_R_NO_START_LINE)
		return bad_file(t, CRL, "no certificate revocation lists in PEM", err);
	ERR_clear_error();
	X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
	return 0;
}

/* --------------------------------------------------------------------- context */

static bool for_clients(X509 *x)
{
	return X509_get_extension_flags(x) & EXFLAG_XKUSAGE &&
	       X509_get_extended_key_usage(x) & XKU_SSL_CLIENT;
}

/* OpenSSL lets a certificate without extended key usage pass for anything. */
static int on_verify(int good, X509_STORE_CTX *ctx)
{
	struct ms_identity who;
	X509 *x = X509_STORE_CTX_get_current_cert(ctx);

	if (!good || X509_STORE_CTX_get_error_depth(ctx) != 0)
		return good;
	if (!for_clients(x)) {
		X509_STORE_CTX_set_error(ctx, X509_V_ERR_INVALID_PURPOSE);
		return 0;
	}
	if (ms_tls_names(x, &who) < 0) {
		X509_STORE_CTX_set_error(ctx, X509_V_ERR_APPLICATION_VERIFICATION);
		return 0;
	}
	return 1;
}

static int on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
		   const unsigned char *in, unsigned int in_len, void *arg)
{
	static const unsigned char ours[] = "\x08http/1.1";
	unsigned char *chosen = NULL;

	if (SSL_select_next_proto(&chosen, out_len, ours, sizeof(ours) - 1, in, in_len) !=
	    OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

static bool set_up(SSL_CTX *ctx)
{
	SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
				      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_security_level(ctx, 2);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
			   on_verify);
	SSL_CTX_set_verify_depth(ctx, DEPTH);
	SSL_CTX_set_alpn_select_cb(ctx, on_alpn, NULL);
	return SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) == 1 &&
	       SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION) == 1 &&
	       SSL_CTX_set_num_tickets(ctx, 0) == 1 &&
	       SSL_CTX_set_max_early_data(ctx, 0) == 1;
}

static int load(struct ms_tls *t, SSL_CTX **ret, struct ms_error *err)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	int r = ctx && set_up(ctx)
			? 0
			: ms_error_set(err, -ENOMEM, "tls", "cannot set up TLS 1.3");

	if (r == 0)
		r = load_cert(t, ctx, err);
	if (r == 0)
		r = load_key(t, ctx, err);
	if (r == 0)
		r = load_ca(t, ctx, err);
	if (r == 0 && t->path[CRL])
		r = load_crl(t, ctx, err);
	ERR_clear_error();
	if (r < 0) {
		SSL_CTX_free(ctx);
		return r;
	}
	*ret = ctx;
	return 0;
}

int ms_tls_new(const struct ms_config *c, struct ms_tls **ret, struct ms_error *err)
{
	const char *const path[N_FILES] = {c->tls_cert, c->tls_key, c->tls_ca,
					   c->tls_crl};
	struct ms_tls *t;
	int r = 0;

	*ret = NULL;
	if (!c->tls_listen)
		return 0;
	t = calloc(1, sizeof(*t));
	if (!t)
		return ms_error_set(err, -ENOMEM, NULL, "out of memory");
	for (size_t i = 0; i < N_FILES && r == 0; i++) {
		t->path[i] = path[i] ? strdup(path[i]) : NULL;
		if (path[i] && !t->path[i])
			r = ms_error_set(err, -ENOMEM, NULL, "out of memory");
	}
	if (r == 0)
		r = load(t, &t->ctx, err);
	if (r < 0) {
		ms_tls_free(t);
		return r;
	}
	*ret = t;
	return 0;
}

void ms_tls_free(struct ms_tls *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < N_FILES; i++)
		free(t->path[i]);
	SSL_CTX_free(t->ctx);
	free(t);
}

int ms_tls_check(const struct ms_config *c, struct ms_error *err)
{
	struct ms_tls *t;
	int r = ms_tls_new(c, &t, err);

	if (r == 0)
		ms_tls_free(t);
	return r;
}

static bool changed(const struct ms_tls *t)
{
	for (size_t i = 0; i < N_FILES; i++) {
		const struct version *v = &t->version[i];
		struct stat st;

		if (!t->path[i])
			continue;
		if (stat(t->path[i], &st) < 0 || st.st_dev != v->dev ||
		    st.st_ino != v->ino || st.st_size != v->size ||
		    st.st_mtim.tv_sec != v->mtime.tv_sec ||
		    st.st_mtim.tv_nsec != v->mtime.tv_nsec)
			return true;
	}
	return false;
}

int ms_tls_refresh(struct ms_tls *t, bool force, bool *ret_changed, struct ms_error *err)
{
	SSL_CTX *ctx;
	int r;

	if (!force && !changed(t)) {
		*ret_changed = false;
		return 0;
	}
	r = load(t, &ctx, err);
	if (r < 0) {
		/* Not taken for known, so that the next time says it again. */
		memset(t->version, 0, sizeof(t->version));
		return r;
	}
	SSL_CTX_free(t->ctx);
	t->ctx = ctx;
	*ret_changed = true;
	return 0;
}

/* ----------------------------------------------------------------- connections */

SSL *ms_tls_accept(struct ms_tls *t)
{
	return SSL_new(t->ctx);
}

int ms_tls_identity(SSL *ssl, struct ms_identity *ret, time_t *ret_until)
{
	X509 *x = SSL_get1_peer_certificate(ssl);
	unsigned char digest[32];
	unsigned int n = sizeof(digest);
	struct tm until;
	int r = -ENOKEY;

	if (x && SSL_get_verify_result(ssl) == X509_V_OK &&
	    X509_digest(x, EVP_sha256(), digest, &n) == 1 &&
	    ASN1_TIME_to_tm(X509_get0_notAfter(x), &until) == 1)
		r = ms_tls_names(x, ret);
	if (r == 0) {
		ms_hex(digest, n, ret->certificate);
		ret->uid = (uid_t)-1;
		ret->gid = (gid_t)-1;
		*ret_until = timegm(&until);
	}
	X509_free(x);
	return r;
}

bool ms_tls_still_good(struct ms_tls *t, SSL *ssl)
{
	X509 *x = SSL_get1_peer_certificate(ssl);
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	bool good = true;

	/* In the middle of its handshake it has none, and must start again. */
	if (!x || !ctx ||
	    X509_STORE_CTX_init(ctx, SSL_CTX_get_cert_store(t->ctx), x,
				SSL_get_peer_cert_chain(ssl)) != 1)
		good = false;
	if (good) {
		X509_STORE_CTX_set_default(ctx, "ssl_client");
		X509_STORE_CTX_set_verify_cb(ctx, on_verify);
		X509_STORE_CTX_set_depth(ctx, DEPTH);
		good = X509_verify_cert(ctx) == 1;
	}
	X509_STORE_CTX_free(ctx);
	X509_free(x);
	ERR_clear_error();
	return good;
}
