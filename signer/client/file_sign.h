/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Signing files that are no modules: one file's way from its digest to its signature's
 * place.
 */
#ifndef MS_CLI_FILE_SIGN_H
#define MS_CLI_FILE_SIGN_H

#include "lib/agent_client.h"
#include "lib/cert.h"
#include "lib/hash.h"
#include "lib/sign_type.h"

enum ms_file_format {
	MS_FORMAT_DETACHED,	/* CMS, in FILE.p7s */
	MS_FORMAT_FSVERITY,	/* CMS over the fs-verity digest, in FILE.sig */
	MS_FORMAT_IMA,		/* signature_v2_hdr, in FILE.sig or security.ima */
	MS_FORMAT_IMA_APPENDED, /* CMS at the file's end, as at a module's */
};
#define MS_FILE_FORMATS "detached|fsverity|ima|ima-appended"

/** ms_file_format_from_name() - Return: 0 or -EINVAL */
int ms_file_format_from_name(const char *name, enum ms_file_format *ret) _must_check_;
/** ms_file_format_name() */
const char *ms_file_format_name(enum ms_file_format f);
/** ms_file_format_type() - what the agent is asked for */
enum ms_sign_type ms_file_format_type(enum ms_file_format f);

/**
 * struct ms_file_sign - how to sign files
 * @cert: of the key; for MS_FORMAT_IMA, whose signatures name it
 * @dest: where the signature, or the signed file, goes; NULL: its usual place
 * @by_content: the file goes to the agent, whose rule asks for that
 * @xattr: the signature goes to security.ima, not to a file
 */
struct ms_file_sign {
	enum ms_file_format format;
	enum ms_hash hash;
	const char *key, *dest;
	const struct ms_cert *cert;
	bool by_content, xattr, keyid;
};

/**
 * struct ms_file_signed - one file, and what became of it
 * @path: set by the caller
 * @signature: the path of the signature or the signed file; "" for security.ima
 * @digest: of what was signed, hex
 * @rc, @err: 0, or a negative errno with a sentence that starts with the path
 */
struct ms_file_signed {
	const char *path;
	char signature[MS_PATH_MAX];
	char digest[2 * MS_DIGEST_MAX + 1];
	int rc;
	struct ms_error err;
};
#define MS_FILE_SIGN_MAX 32u /* files whose digests go in one request */

/**
 * ms_is_module() - does @path begin like a kernel module, or is it called like one that
 * is compressed? A file that cannot be read is none.
 */
bool ms_is_module(const char *path);

/**
 * ms_file_sign() - sign up to MS_FILE_SIGN_MAX files
 * @h: open connection
 * @f: with the paths; the rest is filled in
 *
 * Files are read piece by piece, whatever their size, but by content and for
 * MS_FORMAT_IMA_APPENDED, which take MS_MODULE_MAX bytes of memory for a file, and go one
 * by one. A file that changes meanwhile is an error, and where there is an error nothing
 * is written.
 */
void ms_file_sign(struct ms_http *h, const struct ms_file_sign *opt,
		  struct ms_file_signed *f, size_t n);

#endif
