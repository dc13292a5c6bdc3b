/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include "lib/escape.h"
#include "lib/file.h"
#include "verifier/efi_siglist.h"
#include "verifier/efi_vars.h"

#define DB_GUID "d719b2cb-3d3a-4596-a3bc-dad00e67656f"
#define SHIM_GUID "605dab50-e046-4300-abb6-3dd810dd8b23"
#define ATTRIBUTES 4u
#define PARTS_MAX 64u /* MokListRT, MokListRT1, ... */

struct load {
	const char *dir;
	struct ms_anchors *anchors;
	struct ms_revocations *revocations;
	size_t *variables;
	struct ms_error *err;
};

static int take_cert(const struct load *l, const struct ms_efi_signature *s,
		     const char *source, enum ms_anchor_origin origin, size_t *n)
{
	struct ms_cert *c;
	int rc = ms_cert_parse(s->data, s->len, &c);

	if (rc)
		return rc == -ENOMEM ? rc : 0;
	++*n;
	return ms_anchors_add_from(l->anchors, c, source, origin);
}

/* What the kernel makes of an entry: facts of the files that keyring_handler.c and
 * blacklist.c are. */
static enum ms_heeded heeded(const struct ms_efi_signature *s)
{
	switch (s->kind) {
	case MS_EFI_CERT:
		return MS_HEEDED_IF_CONFIGURED;
	case MS_EFI_TBS:
		if (s->hash != MS_HASH_SHA256)
			return MS_HEEDED_NEVER;
		return s->has_time ? MS_HEEDED_NEVER : MS_HEEDED_IF_EMBEDDED;
	case MS_EFI_FILE:
		return s->hash == MS_HASH_SHA256 ? MS_HEEDED_BEFORE_7 : MS_HEEDED_NEVER;
	case MS_EFI_OTHER:
		break;
	}
	return MS_HEEDED_NEVER;
}

static int take_revocation(const struct load *l, const struct ms_efi_signature *s,
			   const char *source)
{
	struct ms_revocation e = {.hash = s->hash, .since = s->since};
	uint8_t digest[MS_DIGEST_MAX];
	const uint8_t *key = s->data;
	size_t len = s->len;

	e.heeded = heeded(s);
	switch (s->kind) {
	case MS_EFI_CERT:
		e.kind = MS_REVOKES_CERT;
		if (ms_digest(MS_HASH_SHA256, s->data, s->len, digest))
			return -ENOPKG;
		key = digest;
		len = ms_hash_size(MS_HASH_SHA256);
		break;
	case MS_EFI_TBS:
		e.kind = MS_REVOKES_TBS;
		break;
	case MS_EFI_FILE:
		e.kind = MS_REVOKES_DIGEST;
		break;
	case MS_EFI_OTHER:
		return 0;
	}
	e.source = strdup(source);
	e.key = malloc(len);
	if (e.key)
		memcpy(e.key, key, len);
	e.key_len = len;
	return ms_revocations_add(l->revocations, &e);
}

static int read_variable(const struct load *l, const char *name, const char *guid,
			 char **ret_path, struct ms_file *f)
{
	char shown[512];
	int rc;

	if (asprintf(ret_path, "%s/%s-%s", l->dir, name, guid) < 0) {
		*ret_path = NULL;
		return -ENOMEM;
	}
	rc = ms_file_read(AT_FDCWD, *ret_path, MS_EFI_VARIABLE_MAX, 0, f, l->err);
	if (!rc && f->len < ATTRIBUTES)
		rc = ms_error_set(l->err, -EBADMSG, "bad-variable", "too short");
	*l->variables += !rc;
	if (rc && rc != -ENOENT)
		ms_error_prefix(l->err, "EFI variable %s",
				ms_escape_str(*ret_path, shown, sizeof(shown)));
	return rc;
}

/* All entries of a variable; -ENOENT where there is none of that name. */
static int load_variable(const struct load *l, const char *name, const char *guid,
			 enum ms_anchor_origin origin, size_t *n)
{
	_cleanup_file_ struct ms_file f = {0};
	_cleanup_free_ char *path = NULL;
	struct ms_efi_signature s;
	struct ms_efi_siglist list;
	char shown[512];
	int rc = read_variable(l, name, guid, &path, &f);

	if (rc)
		return rc;
	ms_efi_siglist_parse(f.data + ATTRIBUTES, f.len - ATTRIBUTES, &list);
	while (!(rc = ms_efi_siglist_next(&list, &s))) {
		if (!n)
			rc = take_revocation(l, &s, path);
		else if (s.kind == MS_EFI_CERT)
			rc = take_cert(l, &s, path, origin, n);
		if (rc)
			break;
	}
	if (rc == -ENODATA)
		return 0;
	return ms_error_set(l->err, rc, "bad-variable", "EFI variable %s: %s",
			    ms_escape_str(path, shown, sizeof(shown)),
			    rc == -EBADMSG ? "the signature list is damaged"
					   : ms_strerror(rc));
}

/* A list of shim's, which may go on in numbered variables. */
static int load_parts(const struct load *l, const char *name,
		      enum ms_anchor_origin origin, size_t *n)
{
	int rc = load_variable(l, name, SHIM_GUID, origin, n);

	for (unsigned int i = 1; i < PARTS_MAX && !rc; i++) {
		char part[64];

		snprintf(part, sizeof(part), "%s%u", name, i);
		rc = load_variable(l, part, SHIM_GUID, origin, n);
	}
	return rc == -ENOENT ? 0 : rc;
}

static int is_trusted(const struct load *l, bool *ret)
{
	_cleanup_file_ struct ms_file f = {0};
	_cleanup_free_ char *path = NULL;
	int rc = read_variable(l, "MokListTrustedRT", SHIM_GUID, &path, &f);

	if (!rc)
		*ret = f.len == ATTRIBUTES + 1 && f.data[ATTRIBUTES] == 1;
	return rc == -ENOENT ? 0 : rc;
}

int ms_efi_vars_load(const char *dir, struct ms_anchors *a, bool mok_only,
		     struct ms_revocations *r, struct ms_efi_vars *ret,
		     struct ms_error *err)
{
	struct ms_efi_vars v = {0};
	const struct load l = {.dir = dir,
			       .anchors = a,
			       .revocations = r,
			       .variables = &v.variables,
			       .err = err};
	char shown[512];
	int rc = 0;

	if (access(dir, F_OK))
		return ms_error_set(
			err, -errno, "no-efivars",
			"EFI variables in %s: %s: name efivarfs or a copy of it",
			ms_escape_str(dir, shown, sizeof(shown)), ms_strerror(errno));
	if (a && !mok_only)
		rc = load_variable(&l, "db", DB_GUID, MS_ANCHOR_DB, &v.db);
	if (a && (!rc || rc == -ENOENT))
		rc = load_parts(&l, "MokListRT", MS_ANCHOR_MOK, &v.mok);
	if (!rc || rc == -ENOENT)
		rc = is_trusted(&l, &v.mok_trusted);
	if (!rc)
		rc = load_variable(&l, "dbx", DB_GUID, MS_ANCHOR_FILE, NULL);
	if (!rc || rc == -ENOENT)
		rc = load_parts(&l, "MokListXRT", MS_ANCHOR_FILE, NULL);
	if (rc)
		return rc;
	*ret = v;
	return 0;
}
