/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A build's signed manifest (modseal build manifest), and a tree against it.
 */
#ifndef MS_VERIFIER_MANIFEST_H
#define MS_VERIFIER_MANIFEST_H

#include <time.h>
#include "lib/buf.h"
#include "lib/error.h"
#include "verifier/run.h"

#define MS_MANIFEST_MAX (256u << 20) /* bytes of a manifest */
#define MS_MANIFEST_MODULES 1000000u /* modules of one */

/**
 * struct ms_listed - a module of a manifest; strings are raw
 * @path: in the tree; a file's bare name where the client did not say more
 * @digest: "sha256:<hex>"
 * @seen: the tree has it
 */
struct ms_listed {
	char *path, *digest;
	bool seen;
};

/**
 * struct ms_manifest_file - what a manifest says
 * @build: id; @kernel: release
 * @ended: when the build did
 * @v, @n: by path; @by_digest: the same, by digest
 */
struct ms_manifest_file {
	char *build, *kernel;
	time_t ended;
	struct ms_listed *v, **by_digest;
	size_t n;
};
void ms_manifest_file_clear(struct ms_manifest_file *m);
#define _cleanup_manifest_file_ _cleanup_(ms_manifest_file_clear)

/**
 * ms_manifest_split() - the text that was signed, and its signature
 * @data: two lines: the text, and {"signature": BASE64}; or the first alone
 * @ret_len: bytes of the text, without its line break
 * @ret_sig: the DER message is appended; nothing where there is none
 *
 * Return: 0; -EBADMSG with a sentence; -EFBIG, -ENOMEM.
 */
int ms_manifest_split(const uint8_t *data, size_t len, size_t *ret_len,
		      struct ms_buf *ret_sig, struct ms_error *err) _must_check_;

/** ms_manifest_parse() - read the text; its signature has to be checked as well
 * Return: 0; -EBADMSG with a sentence; -ENOMEM. */
int ms_manifest_parse(const uint8_t *text, size_t len, struct ms_manifest_file *ret,
		      struct ms_error *err) _must_check_;

/**
 * ms_manifest_compare() - add what a tree has other than its manifest
 * @r: of the tree's modules, with their digests; results of missing modules are added
 * @tree: the folder, as it was named
 *
 * A compressed module is compared with the module inside.
 *
 * Return: 0 or -ENOMEM.
 */
int ms_manifest_compare(struct ms_manifest_file *m, struct ms_results *r,
			char *tree) _must_check_;

#endif
