/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Evidence as a file: one flat JSON object of strings and one number, in base64 where it
 * is not text. docs/ATTESTATION.md.
 */
#ifndef MS_BUNDLE_H
#define MS_BUNDLE_H

#include "lib/error.h"
#include "lib/tpm_evidence.h"

#define MS_BUNDLE_MAX (4u << 20) /* bytes of such a file */
#define MS_BUNDLE_KEY "modseal-attestation"
#define MS_BUNDLE_IDENTITY "modseal-tpm-identity"
#define MS_BUNDLE_ENROLMENT "modseal-tpm-enrolment"

/**
 * ms_bundle_parse() - read a file's text
 * @type: MS_BUNDLE_*, which it has to be
 * @out: a message for ms_tpm_evidence_parse() is appended
 *
 * A strict reader of a part of JSON (RFC 8259): no escapes, no nesting, no key twice.
 *
 * Return: 0, -EBADMSG (malformed, or no such file at all), -ENOPKG (a later version),
 * -EINVAL (of another type), -EFBIG, -ENOMEM; the sentence is in @err.
 */
int ms_bundle_parse(const char *text, size_t len, const char *type, struct ms_buf *out,
		    struct ms_error *err) _must_check_;

/** ms_bundle_write() - the reverse. @event_log_missing: why there is none, or NULL */
int ms_bundle_write(const char *type, const struct ms_tpm_evidence *e,
		    const char *event_log_missing, struct ms_buf *out) _must_check_;

#endif
