/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Anchors that are built into a kernel. */
#include <errno.h>
#include <fcntl.h>
#include "lib/escape.h"
#include "lib/file.h"
#include "verifier/anchors.h"
#include "verifier/archive.h"
#include "verifier/builtin_certs.h"
#include "verifier/kernel_image.h"

static int add_all(struct ms_anchors *a, const struct ms_builtin_certs *certs,
		   const char *path)
{
	for (size_t i = 0; i < certs->n; i++) {
		const struct ms_builtin_cert *b = &certs->v[i];
		struct ms_cert *c;
		int rc;

		rc = ms_cert_parse(b->der, b->len, &c);
		/* The kernel cannot parse it either and goes on with the next. */
		if (rc == -EBADMSG)
			continue;
		if (!rc)
			rc = b->revoked
				     ? ms_anchors_revoke(a, c, path)
				     : ms_anchors_add_from(a, c, path, MS_ANCHOR_KERNEL);
		if (rc)
			return rc;
	}
	return 0;
}

static const char *unpack_problem(int rc)
{
	switch (rc) {
	case -ENOPKG:
		return "compressed in a way that is not known";
	case -EFBIG:
		return "larger than any kernel";
	case -ENOMEM:
		return "out of memory";
	default:
		return "not a kernel image, or a damaged one";
	}
}

static int load_image(struct ms_anchors *a, const uint8_t *image, size_t image_len,
		      const char *path, char *ret_release, size_t release_size,
		      struct ms_error *err)
{
	_cleanup_free_ uint8_t *vmlinux = NULL;
	struct ms_builtin_certs certs;
	char shown[512];
	size_t len, before = a->n;
	int rc;

	ms_escape_str(path, shown, sizeof(shown));
	rc = ms_kernel_unpack(image, image_len, &vmlinux, &len);
	if (rc)
		return ms_error_set(err, rc, "bad-kernel",
				    "kernel %s: %s: name a vmlinuz", shown,
				    unpack_problem(rc));
	rc = ms_builtin_certs_find(vmlinux, len, &certs);
	if (rc)
		return ms_error_set(
			err, rc, "no-builtin-keys",
			"kernel %s: %s: name the certificates with --anchor", shown,
			rc == -ENODATA ? "no list of trusted certificates in it"
				       : "cannot tell which of its certificates "
					 "are trusted");
	rc = add_all(a, &certs, path);
	if (rc)
		return ms_error_set(err, rc, NULL, "kernel %s: out of memory", shown);
	if (a->n == before && !a->n)
		return ms_error_set(err, -ENODATA, "no-builtin-keys",
				    "kernel %s: none of its certificates can be read",
				    shown);
	if (ms_kernel_release(vmlinux, len, ret_release, release_size))
		*ret_release = 0;
	return 0;
}

static bool is_kernel(const char *path)
{
	const char *base = strrchr(path, '/') + 1;

	return !strncmp(base, "vmlinuz", 7) &&
	       (!strncmp(path, "/boot/", 6) || strstr(path, "lib/modules/"));
}

/* The one kernel image of a package. Return: -ENOMSG: it is no package */
static int load_package(struct ms_anchors *a, const char *path, const char *shown,
			char *ret_release, size_t release_size, struct ms_error *err)
{
	_cleanup_archive_ struct ms_archive *package = NULL;
	_cleanup_free_ char *source = NULL;
	struct ms_member m;
	int rc = ms_archive_open(path, is_kernel, MS_KERNEL_FILE_MAX, &package, err);

	if (rc == -ENOMSG)
		return rc;
	while (!rc) {
		rc = ms_archive_next(package, &m, err);
		if (!rc && m.data)
			break;
	}
	if (rc == -ENODATA)
		return ms_error_set(err, rc, "no-kernel",
				    "package %s: no kernel is in it", shown);
	if (rc) {
		ms_error_prefix(err, "package %s", shown);
		return rc;
	}
	if (asprintf(&source, "%s:%s", path, m.path) < 0)
		return ms_error_set(err, -ENOMEM, NULL, "package %s: out of memory",
				    shown);
	return load_image(a, m.data, m.len, source, ret_release, release_size, err);
}

int ms_anchors_load_kernel(struct ms_anchors *a, const char *path, char *ret_release,
			   size_t release_size, struct ms_error *err)
{
	_cleanup_file_ struct ms_file f = {0};
	char shown[512];
	int rc;

	ms_escape_str(path, shown, sizeof(shown));
	rc = load_package(a, path, shown, ret_release, release_size, err);
	if (rc != -ENOMSG)
		return rc;
	rc = ms_file_read(AT_FDCWD, path, MS_KERNEL_FILE_MAX, 0, &f, err);
	if (rc) {
		ms_error_prefix(err, "kernel %s", shown);
		return rc;
	}
	return load_image(a, f.data, f.len, path, ret_release, release_size, err);
}
