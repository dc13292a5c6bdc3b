/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A file that is no module, and the signatures of it that are there.
 */
#ifndef MS_FILE_CHECK_H
#define MS_FILE_CHECK_H

#include "verifier/check.h"

enum ms_file_sig {
	MS_FILE_SIG_NONE = 0,
	MS_FILE_SIG_DETACHED, /* CMS in FILE.p7s */
	MS_FILE_SIG_FSVERITY, /* CMS of the fs-verity digest, in FILE.sig */
	MS_FILE_SIG_IMA,      /* signature_v2_hdr, in FILE.sig */
	MS_FILE_SIG_XATTR,    /* the same in security.ima */
	MS_FILE_SIG_APPENDED, /* CMS and a module's trailer at the file's end */
	MS_FILE_SIGS,
};
/** ms_file_sig_name() - "detached", "fsverity", "ima", "ima-xattr", "ima-appended", or
 * NULL for none */
const char *ms_file_sig_name(enum ms_file_sig s);

/**
 * struct ms_file_result - one signature
 * @source: where it is, raw; NULL: in the file or its attributes; owned
 * @r: @r.digest is of what the format signs; the kernel is not asked
 */
struct ms_file_result {
	enum ms_file_sig sig;
	char *source;
	struct ms_result r;
};

/** struct ms_file_results - of one file; at least one, which may say "unsigned" */
struct ms_file_results {
	struct ms_file_result v[MS_FILE_SIGS];
	size_t n;
};
void ms_file_results_clear(struct ms_file_results *r);

/**
 * ms_file_check() - check all signatures that a file has
 * @signature: where the one is that counts; NULL: FILE.p7s, FILE.sig, security.ima, and
 *	the end of the file
 * @ret: to be cleared, also after a failure
 *
 * The file is read piece by piece, whatever its size, and must not change meanwhile. As
 * strict as for modules: every signer must be good, and nothing may be left over.
 *
 * Return: 0 or -ENOMEM; what cannot be read is a result that is "unchecked".
 */
int ms_file_check(const struct ms_question *q, struct ms_caches *caches, const char *path,
		  const char *signature, struct ms_file_results *ret) _must_check_;

#endif
