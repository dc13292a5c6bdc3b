/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One document from elsewhere: over https, or a file of offline media.
 */
#ifndef MS_FETCH_H
#define MS_FETCH_H

#include "lib/buf.h"
#include "lib/error.h"

#define MS_FETCH_URL_MAX 2048u /* bytes, with NUL */

/** ms_fetch_check() - may this be fetched: https://HOST/..., or file:///PATH; no user
 * names or passwords, no blanks or control characters. Return: 0 or -EINVAL */
int ms_fetch_check(const char *url, struct ms_error *err) _must_check_;

/**
 * ms_fetch() - get a document
 * @url: as ms_fetch_check() takes it
 * @cacert: certificates of the server's issuers, PEM; NULL: those that the system trusts
 * @out: the document is appended; more than its ceiling is refused while it comes in
 *
 * TLS 1.2 or later, the server's certificate must name the host. Redirects (at most
 * five) lead to https only. An answer other than 200 is a failure. Ends after two
 * minutes.
 *
 * Return: 0; -EINVAL (URL, @cacert); -ENOPKG (no libcurl); -ENETUNREACH (no connection);
 * -ETIMEDOUT; -EACCES (TLS: not who it should be); -ENOENT (another status than 200);
 * -EFBIG; -EIO; -ENOMEM; of a file what ms_file_read() returns. With a sentence.
 */
int ms_fetch(const char *url, const char *cacert, struct ms_buf *out,
	     struct ms_error *err) _must_check_;

#endif
