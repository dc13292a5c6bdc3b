/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Signatures beside their modules: what is behind a module's payload, as a file of DER
 * messages (one after the other where a module was signed more than once), and back.
 */
#ifndef MS_CLI_DETACHED_H
#define MS_CLI_DETACHED_H

#include "lib/buf.h"
#include "lib/error.h"

/**
 * ms_detached_split() - the messages without their trailers
 * @tail, @len: what follows a module's payload
 * @out: the messages are appended, the innermost first
 *
 * Whatever it takes, ms_detached_join() makes the same bytes of it.
 *
 * Return: 0, -ENODATA (nothing there), -EBADMSG or -ENOPKG (not messages that are
 * understood, or something between them), -EFBIG, -ENOMEM. No I/O.
 */
int ms_detached_split(const uint8_t *tail, size_t len, struct ms_buf *out) _must_check_;

/**
 * ms_detached_join() - messages, each with a trailer
 * @msgs, @len: one or more; each must be SignedData without content, and have a signer
 * @out: what has to follow the payload is appended
 *
 * Return: as ms_detached_split(). No I/O.
 */
int ms_detached_join(const uint8_t *msgs, size_t len, struct ms_buf *out) _must_check_;

/**
 * ms_detached_path() - where a module's signature is: MODULE.p7s
 * @path: of the module
 * @roots, @n: what was named on the command line
 * @dir: the folder for all signatures, in which they are where their modules are below
 *	the root; NULL: beside each module
 * @make: make the folders that it is in
 *
 * Return: 0; -ENAMETOOLONG; with @make as mkdir(). With a sentence.
 */
int ms_detached_path(const char *path, char *const *roots, size_t n, const char *dir,
		     bool make, char *ret, size_t size,
		     struct ms_error *err) _must_check_;

/**
 * ms_detached_distinct() - has each module a signature of its own in @dir?
 * @paths, @n_paths: of the modules; the rest as with ms_detached_path()
 *
 * Of two modules of the same name that were named one by one, or are in two trees, the
 * signature of one would be written over the other's.
 *
 * Return: 0 (also without @dir), -EEXIST, -ENAMETOOLONG or -ENOMEM, with a sentence.
 */
int ms_detached_distinct(char *const *paths, size_t n_paths, char *const *roots, size_t n,
			 const char *dir, struct ms_error *err) _must_check_;

#endif
