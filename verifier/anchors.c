/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include "lib/escape.h"
#include "lib/file.h"
#include "lib/limits.h"
#include "verifier/anchors.h"

static void clear_list(struct ms_anchor *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		ms_cert_free(v[i].cert);
		free(v[i].source);
	}
	free(v);
}

void ms_anchors_clear(struct ms_anchors *a)
{
	clear_list(a->v, a->n);
	clear_list(a->revoked, a->n_revoked);
	*a = (struct ms_anchors){0};
}

static const struct ms_anchor *find_same(const struct ms_anchor *v, size_t n,
					 const struct ms_cert *cert)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].cert->der_len == cert->der_len &&
		    !memcmp(v[i].cert->der, cert->der, cert->der_len))
			return &v[i];
	return NULL;
}

static int add_to(struct ms_anchor **v, size_t *n, struct ms_cert *cert,
		  const char *source, enum ms_anchor_origin origin)
{
	_cleanup_cert_ struct ms_cert *mine = cert;
	_cleanup_free_ char *src = NULL;
	struct ms_anchor *more;

	if (find_same(*v, *n, cert))
		return 0;
	src = strdup(source);
	if (!src)
		return -ENOMEM;
	more = realloc(*v, (*n + 1) * sizeof(*more));
	if (!more)
		return -ENOMEM;
	*v = more;
	more[(*n)++] = (struct ms_anchor){
		.cert = TAKE_PTR(mine), .source = TAKE_PTR(src), .origin = origin};
	return 0;
}

int ms_anchors_add(struct ms_anchors *a, struct ms_cert *cert, const char *source)
{
	return add_to(&a->v, &a->n, cert, source, MS_ANCHOR_FILE);
}

int ms_anchors_add_from(struct ms_anchors *a, struct ms_cert *cert, const char *source,
			enum ms_anchor_origin origin)
{
	return add_to(&a->v, &a->n, cert, source, origin);
}

const char *ms_anchor_origin_name(enum ms_anchor_origin o)
{
	static const char *const names[] = {"file", "kernel", "db", "mok"};

	return (unsigned int)o < ARRAY_SIZE(names) ? names[o] : "file";
}

int ms_anchors_revoke(struct ms_anchors *a, struct ms_cert *cert, const char *source)
{
	return add_to(&a->revoked, &a->n_revoked, cert, source, MS_ANCHOR_KERNEL);
}

const struct ms_anchor *ms_anchors_revoked(const struct ms_anchors *a,
					   const struct ms_cert *cert)
{
	return find_same(a->revoked, a->n_revoked, cert);
}

static int load_file(struct ms_anchors *a, const char *path, struct ms_error *err)
{
	_cleanup_file_ struct ms_file f = {0};
	struct ms_cert_list list = {0};
	char shown[256];
	int rc;

	ms_escape_str(path, shown, sizeof(shown));
	rc = ms_file_read(AT_FDCWD, path, MS_CERT_FILE_MAX, 0, &f, err);
	if (rc) {
		ms_error_prefix(err, "anchor %s", shown);
		return rc;
	}
	rc = ms_cert_list_parse(f.data, f.len, &list);
	if (rc)
		return ms_error_set(
			err, rc, "bad-anchor",
			"anchor %s: not a certificate: name a PEM or DER file", shown);
	for (size_t i = 0; i < list.n && !rc; i++)
		rc = ms_anchors_add(a, TAKE_PTR(list.v[i]), path);
	ms_cert_list_clear(&list);
	return rc ? ms_error_set(err, rc, NULL, "anchor %s: out of memory", shown) : 0;
}

static int is_certificate_name(const struct dirent *de)
{
	static const char *const suffixes[] = {".pem",	".crt", ".cer",
					       ".cert", ".der", ".x509"};
	const char *dot = strrchr(de->d_name, '.');

	for (size_t i = 0; dot && dot != de->d_name && i < ARRAY_SIZE(suffixes); i++)
		if (!strcasecmp(dot, suffixes[i]))
			return 1;
	return 0;
}

static int by_name(const struct dirent **x, const struct dirent **y)
{
	return strcmp((*x)->d_name, (*y)->d_name);
}

static int load_dir(struct ms_anchors *a, const char *path, struct ms_error *err)
{
	struct dirent **names = NULL;
	char shown[256];
	int n, rc = 0;

	ms_escape_str(path, shown, sizeof(shown));
	n = scandir(path, &names, is_certificate_name, by_name);
	if (n < 0)
		return ms_error_set(err, -errno, "bad-anchor", "anchors in %s: %s", shown,
				    ms_strerror(errno));
	for (int i = 0; i < n && !rc; i++) {
		_cleanup_free_ char *file = NULL;

		if (asprintf(&file, "%s/%s", path, names[i]->d_name) < 0)
			rc = ms_error_set(err, -ENOMEM, NULL,
					  "anchors in %s: out of memory", shown);
		else
			rc = load_file(a, file, err);
	}
	for (int i = 0; i < n; i++)
		free(names[i]);
	free(names);
	if (!rc && !n)
		return ms_error_set(
			err, -ENODATA, "bad-anchor",
			"anchors in %s: no certificate there: put *.pem, *.crt or "
			"*.der files into it",
			shown);
	return rc;
}

int ms_anchors_load(struct ms_anchors *a, const char *path, struct ms_error *err)
{
	struct stat st;

	if (!stat(path, &st) && S_ISDIR(st.st_mode))
		return load_dir(a, path, err);
	return load_file(a, path, err);
}

static size_t start_after(const struct ms_anchors *a, const struct ms_anchor *after)
{
	return after ? (size_t)(after - a->v) + 1 : 0;
}

static bool same(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	return a && b && a_len == b_len && !memcmp(a, b, a_len);
}

const struct ms_anchor *ms_anchors_by_serial(const struct ms_anchors *a,
					     const uint8_t *issuer, size_t issuer_len,
					     const uint8_t *serial, size_t serial_len,
					     const struct ms_anchor *after)
{
	for (size_t i = start_after(a, after); i < a->n; i++) {
		const struct ms_cert *c = a->v[i].cert;

		if (same(c->serial, c->serial_len, serial, serial_len) &&
		    same(c->issuer, c->issuer_len, issuer, issuer_len))
			return &a->v[i];
	}
	return NULL;
}

const struct ms_anchor *ms_anchors_by_ski(const struct ms_anchors *a, const uint8_t *ski,
					  size_t len, const struct ms_anchor *after)
{
	for (size_t i = start_after(a, after); i < a->n; i++)
		if (same(a->v[i].cert->ski, a->v[i].cert->ski_len, ski, len))
			return &a->v[i];
	return NULL;
}
