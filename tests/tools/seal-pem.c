// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Test only: seals a private key that somebody else made, so that modseal's signatures
 * can be held against those of other tools with the very same key.
 *
 *   seal-pem TCTI KEY.pem CERT.pem OUT.key [PIN]
 */
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <sys/stat.h>
#include "tpm/keyfile.h"

static int fail(const char *what, const struct ms_error *err)
{
	fprintf(stderr, "seal-pem: %s: %s\n", what,
		err && *err->msg ? err->msg : "failed");
	return 1;
}

static EVP_PKEY *read_key(const char *path)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");

	return f ? PEM_read_PrivateKey(f, NULL, NULL, NULL) : NULL;
}

static int read_cert(const char *path, struct ms_keyfile *k)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	X509 *x = f ? PEM_read_X509(f, NULL, NULL, NULL) : NULL;
	uint8_t *at = k->cert;
	int len = x ? i2d_X509(x, NULL) : -1;

	if (len > 0 && (size_t)len <= sizeof(k->cert))
		k->cert_len = (size_t)i2d_X509(x, &at);
	X509_free(x);
	return k->cert_len > 0 ? 0 : -1;
}

static int write_text(const char *path, const struct ms_buf *b)
{
	_cleanup_fclose_ FILE *f = NULL;

	umask(077);
	f = fopen(path, "we");
	return f && fwrite(b->data, 1, b->len, f) == b->len && fflush(f) == 0 ? 0 : -1;
}

int main(int argc, char **argv)
{
	static struct ms_keyfile k;
	_cleanup_buf_ struct ms_buf out = MS_BUF_INIT(MS_KEY_FILE_MAX);
	uint8_t kek[MS_TPM_SECRET_LEN];
	struct ms_error err = {0};
	struct ms_tpm *t = NULL;
	static EVP_PKEY *key; /* static: no leak when main() ends early */

	if (argc < 5 || argc > 6) {
		fprintf(stderr, "usage: seal-pem TCTI KEY.pem CERT.pem OUT.key [PIN]\n");
		return 2;
	}
	key = read_key(argv[2]);
	if (!key)
		return fail(argv[2], NULL);
	if (read_cert(argv[3], &k) < 0)
		return fail(argv[3], NULL);
	if (RAND_bytes(kek, sizeof(kek)) != 1)
		return fail("random numbers", NULL);
	if (ms_tpm_open(argv[1], &t, &err) < 0)
		return fail(argv[1], &err);
	if (ms_tpm_seal(t, kek, 1u << 7, argv[5], &k.blob, &err) < 0)
		return fail("seal", &err);
	ms_tpm_close(t);
	k.created = time(NULL);
	if (ms_keyfile_seal(&k, kek, key, &err) < 0)
		return fail("encrypt", &err);
	EVP_PKEY_free(key);
	if (ms_keyfile_write(&k, &out) < 0 || write_text(argv[4], &out) < 0)
		return fail(argv[4], NULL);
	return 0;
}
